"""Compare two workers of one thread with one worker of two threads, on two cores.

    python -m benchmarks.workers CLIP [--frames N] [--rounds N] [--out FILE]

The tiny model enlarges the clip four times, from file to file, as a job of two segments: by this
process alone, which computes with all cores, and by two processes with half of them each, in turn.
The figure is the median of the rounds' ratios. JSON goes to benchmarks/results/workers.json
(--out).
"""

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import av

from vs_gendrpix import process
from vs_gendrpix.job.segments import cutting
from vs_gendrpix.settings import JobSettings, ProcessSettings, RestoreSettings

HERE = Path(__file__).parent


def seconds(clip: Path, output: Path, settings: ProcessSettings, workers: str | None) -> float:
    """Time one run."""
    began = time.perf_counter()
    process(clip, output, replace(settings, job=JobSettings(workers=workers)))
    return time.perf_counter() - began


def main() -> None:
    """Measure, print the figure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("clip", type=Path)
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=HERE / "results" / "workers.json")
    chosen = parser.parse_args()
    cutting.LENGTH = chosen.frames // 2
    with av.open(str(chosen.clip)) as opened:
        end = chosen.frames / Fraction(opened.streams.video[0].average_rate)
    settings = ProcessSettings(restore=RestoreSettings(model="tiny", device="cpu"))
    settings = replace(settings, read=replace(settings.read, end=end))
    times = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(chosen.rounds):
            each = [
                seconds(chosen.clip, Path(folder) / f"{number}{workers}.mp4", settings, workers)
                for workers in (None, "2")
            ]
            print(f"one worker {each[0]:.1f} s, two workers {each[1]:.1f} s")
            times.append(each)
    faster = statistics.median(one / two for one, two in times)
    print(f"two workers: {faster:.2f} times as fast")
    record = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "frames": chosen.frames,
        "seconds": times,
        "two workers are faster, times": faster,
    }
    chosen.out.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
