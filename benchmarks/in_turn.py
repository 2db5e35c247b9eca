"""Time methods frame by frame in turn, so that all run under the same conditions."""

import statistics
import time
from collections.abc import Mapping

import torch
from torch import Tensor

from vs_gendrpix.evaluation.degradation import SCALE
from vs_gendrpix.evaluation.methods import Method


def noise_frames(width: int, height: int, count: int) -> list[Tensor]:
    """Make frames to time on. No network here is faster on some pictures than on others."""
    numbers = torch.Generator().manual_seed(0)
    return [torch.rand(1, 3, height, width, generator=numbers) for _ in range(count)]


def in_turn(methods: Mapping[str, Method], frames: list[Tensor]) -> dict[str, list[float]]:
    """Measure the seconds of every method for every frame, after one untimed run of each."""
    seconds: dict[str, list[float]] = {name: [] for name in methods}
    for method in methods.values():
        method(frames[0], SCALE)
    for low in frames:
        for name, method in methods.items():
            began = time.perf_counter()
            method(low, SCALE)
            seconds[name].append(time.perf_counter() - began)
    return seconds


def ratio(seconds: Mapping[str, list[float]], name: str, reference: str) -> float:
    """Compute how many times as fast a method is as another: the median over the frames."""
    pairs = zip(seconds[reference], seconds[name], strict=True)
    return statistics.median(theirs / ours for theirs, ours in pairs)


def autocast(method: Method, kind: torch.dtype, device: torch.device) -> Method:
    """Run a method of fp32 weights with its arithmetic in another type."""

    def cast(low: Tensor, scale: int) -> Tensor:
        with torch.autocast(device.type, kind, enabled=kind != torch.float32):
            return method(low, scale)

    return cast
