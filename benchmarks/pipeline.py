"""How much of the network's own frame rate arrives in the file.

    python benchmarks/pipeline.py [CLIP] [--encoder NAME] [--preset NAME] [--rounds N]

Each round restores the same decoded frames through the engine alone and then the clip from file to
file, one after the other in one process, so that both see the same machine. The table shows each
rate's median and their ratio; JSON goes to benchmarks/results/pipeline.json.
"""

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from collections import deque
from pathlib import Path

import torch

from vs_gendrpix.engine import Engine
from vs_gendrpix.processor import output_clip, process
from vs_gendrpix.progress import Progress
from vs_gendrpix.settings import EncodeSettings, ProcessSettings
from vs_gendrpix.source import Source
from vs_gendrpix.staging import SLOTS

HERE = Path(__file__).parent


def engine_seconds(clip: Path, settings: ProcessSettings) -> tuple[float, int]:
    """Seconds that the engine takes for all frames of a clip, decoded before."""
    with Source(clip) as source:
        frames = list(source)
        target = output_clip(source.info, settings).format
        form = source.info.format
    with Engine(settings.restore, form, target) as engine:
        engine.submit(frames[0]).result()  # allocations and kernel choice
        began = time.perf_counter()
        under_way = deque()
        for frame in frames:
            under_way.append(engine.submit(frame))
            if len(under_way) == SLOTS:
                under_way.popleft().result()
        for future in under_way:
            future.result()
        return time.perf_counter() - began, len(frames)


def file_seconds(clip: Path, settings: ProcessSettings) -> float:
    """Seconds from the first frame to the last one of the whole command."""
    moments: list[float] = []

    class Clock(Progress):
        def frame(self, count: int, bound: str) -> None:
            del count
            self.bound = bound
            moments.append(time.perf_counter())

    with tempfile.TemporaryDirectory() as folder:
        process(clip, Path(folder) / "out.mp4", settings, progress=Clock())
    return (moments[-1] - moments[0]) * len(moments) / (len(moments) - 1)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip", nargs="?", type=Path, default=HERE.parent / "samples/telescope.mp4")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    cases = {
        "x264 ultrafast": EncodeSettings(encoder="libx264", preset="ultrafast", pix_fmt="yuv420p"),
        "x265 medium (default)": EncodeSettings(),
    }
    rows = []
    for name, encode in cases.items():
        settings = ProcessSettings(encode=encode)
        rates, ratios = [], []
        for _ in range(options.rounds):
            alone, count = engine_seconds(options.clip, settings)
            whole = file_seconds(options.clip, settings)
            rates.append((count / alone, count / whole))
            ratios.append(alone / whole)
        network, file = (statistics.median(column) for column in zip(*rates, strict=True))
        rows.append(
            {
                "case": name,
                "network_fps": network,
                "file_fps": file,
                "ratio": statistics.median(ratios),
            }
        )
    print(f"{'encoder':24} {'network':>8} {'file':>8} {'ratio':>6}")
    for row in rows:
        print(
            f"{row['case']:24} {row['network_fps']:8.2f} {row['file_fps']:8.2f} {row['ratio']:6.3f}"
        )
    report = {
        "date": time.strftime("%Y-%m-%d"),
        "hardware": f"{os.cpu_count()} cores, {platform.processor() or platform.machine()}",
        "torch": torch.__version__,
        "clip": options.clip.name,
        "rounds": options.rounds,
        "rows": rows,
    }
    (HERE / "results" / "pipeline.json").write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
