"""Measure what it gains on a CPU to keep freed memory for the next frame (`models/heap.py`).

    python benchmarks/heap.py [--models NAME...] [--size 960x540] [--frames N] [--rounds N]

Processes that keep it and processes that leave the C library as it is take turns. Each enlarges
frames of noise by 4 in a thread of its own, as the engine does: the first one untimed. The table
has medians over the rounds. JSON goes to benchmarks/results/heap.json (--out).
"""

import argparse
import json
import multiprocessing
import os
import platform
import resource
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch

from vs_gendrpix.frame.format import FrameFormat, PixelLayout
from vs_gendrpix.models.catalogue import BUILT_IN
from vs_gendrpix.models.heap import keep_freed
from vs_gendrpix.restore.engine import settings_restorer
from vs_gendrpix.restore.way import Way
from vs_gendrpix.settings import RestoreSettings

HERE = Path(__file__).parent
SCALE = 4
Figures = dict[str, float]


def restored(model: str, size: tuple[int, int], frames: int) -> Figures:
    """Measure seconds and page faults per frame, and the peak memory of this process."""
    width, height = size
    source = FrameFormat(width=width, height=height, layout=PixelLayout(family="rgb", bits=16))
    target = FrameFormat(
        width=width * SCALE, height=height * SCALE, layout=PixelLayout(family="rgb", bits=16)
    )
    settings, cpu = RestoreSettings(model=model, device="cpu"), torch.device("cpu")
    way = Way(settings_restorer(settings, cpu), settings, source, target, device=cpu)
    frame = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        way.restore(frame)
        faults, seconds = resource.getrusage(resource.RUSAGE_SELF).ru_minflt, []
        for _ in range(frames):
            began = time.perf_counter()
            way.restore(frame)
            seconds.append(time.perf_counter() - began)
    used = resource.getrusage(resource.RUSAGE_SELF)
    # Not getrusage's: a new process begins with the peak of the one that started it.
    status = Path("/proc/self/status").read_text(encoding="ascii").split()
    return {
        "seconds": statistics.median(seconds),
        "faults": (used.ru_minflt - faults) / frames,
        "peak_mb": int(status[status.index("VmHWM:") + 1]) / 1024,
    }


def in_thread(model: str, size: tuple[int, int], frames: int, *, kept: bool) -> Figures:
    """Measure as `restored` does, in another thread, perhaps with freed memory kept."""
    if kept:
        keep_freed()
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(restored, model, size, frames).result()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", default=list(BUILT_IN), metavar="NAME")
    parser.add_argument("--size", default="960x540", help="of the frames that go in")
    parser.add_argument("--frames", type=int, default=3, help="timed ones a process")
    parser.add_argument("--rounds", type=int, default=3, help="processes of each kind")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "heap.json")
    options = parser.parse_args()
    width, height = map(int, options.size.split("x"))
    found: dict[tuple[str, bool], list[Figures]] = {
        (model, kept): [] for model in options.models for kept in (False, True)
    }
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        for _ in range(options.rounds):
            for (model, kept), figures in found.items():
                arguments = model, (width, height), options.frames
                figures.append(pool.apply(in_thread, arguments, {"kept": kept}))
    rows = [
        {
            "model": model,
            "kept": kept,
            **{key: statistics.median(one[key] for one in figures) for key in figures[0]},
        }
        for (model, kept), figures in found.items()
    ]
    for row in rows:
        heap = "kept" if row["kept"] else "as it is"
        print(
            f"{row['model']:8} {heap:9} {row['seconds']:6.3f} s {row['faults']:10.0f} faults "
            f"{row['peak_mb']:6.0f} MB"
        )
    report = {
        "date": time.strftime("%Y-%m-%d"),
        "hardware": f"{os.cpu_count()} cores, {platform.machine()}",
        "torch": torch.__version__,
        "size": options.size,
        "frames": options.frames,
        "rounds": options.rounds,
        "rows": rows,
    }
    options.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
