"""Measure frames per second of our networks and others on the CPU, frame by frame in turn.

    python -m benchmarks.speed_cpu [--peers DIR] [--rounds N] [--size 320x180] [--dtype fp32|bf16]

Every network enlarges the same frames by 4, from RGB to RGB in floats, one after the other in each
round, so that all see the same machine. The table shows medians, the ratio to realesr-general-x4v3,
and the peak memory of a process that does nothing else. A profile then says by kind of operation
where the time of the default model goes. JSON goes to benchmarks/results/speed_cpu.json.
"""

import argparse
import json
import multiprocessing
import os
import platform
import statistics
import time
from collections import defaultdict
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.in_turn import autocast, in_turn, noise_frames, ratio
from vs_gendrpix.evaluation.methods import Method, peers
from vs_gendrpix.frame.format import FrameFormat, PixelLayout
from vs_gendrpix.models.catalogue import BUILT_IN
from vs_gendrpix.models.devices import DTYPES
from vs_gendrpix.models.heap import keep_freed
from vs_gendrpix.restore.engine import settings_restorer
from vs_gendrpix.restore.way import Way
from vs_gendrpix.settings import RestoreSettings

HERE = Path(__file__).parent
CPU = torch.device("cpu")
SCALE = 4
OURS = tuple(BUILT_IN)


def our_way(name: str, size: tuple[int, int], dtype: str) -> Way:
    """Make the `Way` of a built-in model: all steps but the conversions of the format."""
    width, height = size
    source = FrameFormat(width=width, height=height, layout=PixelLayout(family="rgb", bits=16))
    target = FrameFormat(
        width=width * SCALE, height=height * SCALE, layout=PixelLayout(family="rgb", bits=16)
    )
    settings = RestoreSettings(model=name, device="cpu", dtype=dtype)
    return Way(settings_restorer(settings, CPU), settings, source, target, device=CPU)


def our_method(name: str, size: tuple[int, int], dtype: str) -> Method:
    """Make a `Method` of a built-in model, timed without the conversions of the format."""
    way = our_way(name, size, dtype)

    def method(low: Tensor, _: int) -> Tensor:  # the scale is the restorer's own
        with torch.inference_mode():
            return way.restore(low)[0]

    return method


def peer_methods(folder: Path, dtype: str) -> dict[str, Method]:
    """Load the peers, under autocast if the arithmetic is not fp32."""
    return {
        name: autocast(method, DTYPES[dtype], CPU) for name, method in peers(folder, CPU).items()
    }


def methods(options: argparse.Namespace) -> dict[str, Method]:
    """Make all methods by name, the peers first."""
    keep_freed()
    size = tuple(map(int, options.size.split("x")))
    found = peer_methods(options.peers, options.dtype) if options.peers else {}
    return found | {name: our_method(name, size, options.dtype) for name in OURS}


def frames(options: argparse.Namespace, count: int) -> list[Tensor]:
    """Make the frames on which networks are timed."""
    width, height = map(int, options.size.split("x"))
    return noise_frames(width, height, count)


def peak_memory(options: argparse.Namespace, name: str) -> float:
    """Measure the peak memory of a process in MB, PyTorch's own included."""
    methods(options)[name](frames(options, 1)[0], SCALE)
    # Not getrusage's: a new process begins with the peak of the one that started it.
    status = Path("/proc/self/status").read_text(encoding="ascii").split()
    return int(status[status.index("VmHWM:") + 1]) / 1024


GROUPS = {
    "convolution": ("conv",),
    "attention": ("attention",),
    "linear": ("addmm", "aten::mm", "bmm"),
    "norm": ("norm",),
    "gather (windows, colour fix)": ("index", "gather"),
    "resize and pad": ("upsample", "pad", "interpolate"),
    "shuffle": ("shuffle",),
    "mean (lattice, colour fix)": ("pool", "mean"),
    "SiLU, GELU": ("silu", "gelu"),
    "copy and join": ("copy", "cat", "contiguous"),
    "sums and products": ("add", "sub", "mul", "div", "lerp", "clamp", "sum"),
}
"""Kinds of operations by words in their names. The first match counts."""


def profile(options: argparse.Namespace) -> dict[str, float]:
    """Measure each kind of operation's share of a frame's time, for the default model."""
    width, height = map(int, options.size.split("x"))
    way = our_way(OURS[0], (width, height), options.dtype)
    low = frames(options, 1)[0]
    with torch.inference_mode():
        way.restore(low)
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as traced:
            began = time.perf_counter()
            for _ in range(options.rounds):
                way.restore(low)
            total = time.perf_counter() - began
    spent: dict[str, float] = defaultdict(float)
    for event in traced.key_averages():
        found = (group for group, words in GROUPS.items() if any(w in event.key for w in words))
        spent[next(found, "other operations")] += event.self_cpu_time_total / 1e6
    shares = {name: seconds / total for name, seconds in spent.items()}
    shares["outside operations"] = 1 - sum(shares.values())
    return dict(sorted(shares.items(), key=lambda item: -item[1]))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", type=Path, help="folder of weights that spandrel reads")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", default="320x180")
    parser.add_argument("--dtype", choices=sorted(DTYPES), default="fp32")
    options = parser.parse_args()
    seconds = in_turn(methods(options), frames(options, options.rounds))
    # A process for each: the peak of a process only ever rises.
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        memory = {name: pool.apply(peak_memory, (options, name)) for name in seconds}
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    reference = next((name for name in medians if "general-x4v3" in name), next(iter(medians)))
    rows = []
    print(f"{'network':28} {'fps':>7} {'x ' + reference:>26} {'MB':>6}")
    for name, median in medians.items():
        times = ratio(seconds, name, reference)
        rows.append({"network": name, "fps": 1 / median, "ratio": times, "mb": memory[name]})
        print(f"{name:28} {1 / median:7.2f} {times:26.2f} {memory[name]:6.0f}")
    shares = profile(options)
    print(f"\n{OURS[0]} by operation")
    for name, share in shares.items():
        print(f"{name:42} {share:6.1%}")
    report = {
        "date": time.strftime("%Y-%m-%d"),
        "hardware": f"{os.cpu_count()} cores, {platform.machine()}, "
        f"{torch.backends.cpu.get_cpu_capability()}",
        "torch": torch.__version__,
        "size": options.size,
        "dtype": options.dtype,
        "rounds": options.rounds,
        "reference": reference,
        "rows": rows,
        "profile": shares,
    }
    (HERE / "results" / "speed_cpu.json").write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
