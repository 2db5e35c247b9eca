"""Measure how the cost of a frame grows with its size, the clip's length and the threads.

    python benchmarks/scaling.py [--model NAME|FILE] [--device D] [--rounds N] [--length N]

Frames of noise go through all that happens to a frame on the device. Sizes are measured in turn in
each round, and the exponent of cost over pixels is fitted to the medians: 1 is proportional. Over
the length the slope is that of a line through the times of single frames, and memory is what the
process holds at the beginning and at the end. JSON goes to benchmarks/results/scaling.json (--out).
"""

import argparse
import json
import os
import platform
import statistics
import time
from pathlib import Path

import numpy as np
import torch

from vs_gendrpix.frame.format import FrameFormat, PixelLayout
from vs_gendrpix.models.devices import pick_device
from vs_gendrpix.models.heap import keep_freed
from vs_gendrpix.restore.engine import settings_restorer
from vs_gendrpix.restore.way import Way
from vs_gendrpix.settings import RestoreSettings

HERE = Path(__file__).parent
SIZES = ((320, 176), (640, 352), (960, 544), (1280, 720), (1920, 1080))
"""Output sizes, width and height."""


class Subject:
    """A restorer of frames of one size, and a frame for it."""

    def __init__(self, settings: RestoreSettings, size: tuple[int, int]) -> None:
        width, height = size
        form = FrameFormat(width=width, height=height, layout=PixelLayout(family="rgb", bits=16))
        self.device = pick_device(settings.device)
        restorer = settings_restorer(settings, self.device)
        self.way = Way(restorer, settings, form, form, device=self.device)
        noise = torch.Generator().manual_seed(0)
        frame = torch.rand(1, 3, height, width, generator=noise)
        self.frame = frame.to(self.device)
        self.seconds()

    @torch.inference_mode()
    def seconds(self) -> float:
        """Measure the seconds of one frame."""
        began = time.perf_counter()
        self.way.restore(self.frame)
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - began


def resident_mb() -> float:
    """Measure the resident memory of the process in MB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def by_size(settings: RestoreSettings, rounds: int) -> dict[str, object]:
    """Measure the seconds at each size, and the exponent over pixels."""
    subjects = {size: Subject(settings, size) for size in SIZES}
    times: dict[tuple[int, int], list[float]] = {size: [] for size in SIZES}
    for _ in range(rounds):
        for size, subject in subjects.items():
            times[size].append(subject.seconds())
    medians = {size: statistics.median(values) for size, values in times.items()}
    pixels = np.array([width * height for width, height in SIZES])
    exponent, _ = np.polyfit(np.log(pixels), np.log(list(medians.values())), 1)
    rows = [
        {"size": f"{width}x{height}", "ms": 1000 * medians[width, height]}
        for width, height in SIZES
    ]
    return {"rows": rows, "exponent": float(exponent)}


def by_length(settings: RestoreSettings, length: int) -> dict[str, float]:
    """Measure how time and memory change from the first frame to the last."""
    subject = Subject(settings, SIZES[0])
    before = resident_mb()
    times = [subject.seconds() for _ in range(length)]
    slope, _ = np.polyfit(np.arange(length), times, 1)
    halves = times[: length // 2], times[length // 2 :]
    return {
        "frames": length,
        "ms_first_half": 1000 * statistics.median(halves[0]),
        "ms_second_half": 1000 * statistics.median(halves[1]),
        "slope_us_a_frame": 1e6 * float(slope),
        "mb_before": before,
        "mb_after": resident_mb(),
    }


def by_threads(settings: RestoreSettings, rounds: int) -> dict[int, float]:
    """Measure the milliseconds of a frame with 1 thread, 2, 4 and so on, up to one a core."""
    usual, counts = torch.get_num_threads(), [1]
    while 2 * counts[-1] <= (os.cpu_count() or 1):
        counts.append(2 * counts[-1])
    subject = Subject(settings, SIZES[2])
    times: dict[int, list[float]] = {count: [] for count in counts}
    for _ in range(rounds):
        for count in counts:
            torch.set_num_threads(count)
            times[count].append(subject.seconds())
    torch.set_num_threads(usual)
    return {count: 1000 * statistics.median(values) for count, values in times.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="auto")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--length", type=int, default=100)
    parser.add_argument("--out", type=Path, default=HERE / "results" / "scaling.json")
    options = parser.parse_args()
    keep_freed()
    path = Path(options.model) if Path(options.model).suffix else None
    name = "auto" if path else options.model
    settings = RestoreSettings(model=name, model_path=path, device=options.device)
    sizes = by_size(settings, options.rounds)
    length = by_length(settings, options.length)
    threads = by_threads(settings, options.rounds)
    for row in sizes["rows"]:
        print(f"{row['size']:>10} {row['ms']:9.1f} ms")
    print(f"cost ~ pixels ^ {sizes['exponent']:.2f}")
    print(
        f"{length['frames']} frames: {length['ms_first_half']:.1f} ms in the first half, "
        f"{length['ms_second_half']:.1f} in the second; {length['mb_before']:.0f} MB before, "
        f"{length['mb_after']:.0f} after"
    )
    print("threads:", ", ".join(f"{count}: {ms:.1f} ms" for count, ms in threads.items()))
    report = {
        "date": time.strftime("%Y-%m-%d"),
        "hardware": f"{os.cpu_count()} cores, {platform.machine()}, "
        f"{torch.backends.cpu.get_cpu_capability()}",
        "torch": torch.__version__,
        "model": options.model,
        "threads_used": torch.get_num_threads(),
        "sizes": sizes,
        "length": length,
        "threads": threads,
    }
    options.out.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
