"""VMAF and XPSNR of clips, computed by libavfilter."""

import gc
import json
import math
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
from av.filter import Graph
from av.filter.context import FilterContext
from torch import Tensor

from vs_gendrpix.evaluation.degradation import EXACT

RATE = Fraction(1, 25)
"""Seconds a frame: VMAF knows no rate, and XPSNR looks one frame back at any below 32 a second."""


def vmaf(frames: Tensor, reference: Tensor) -> float:
    """Netflix's VMAF v0.6.1, the mean of all frames.

    The model was trained on compressed 1080p at three times its height: on smaller pictures it
    ranks, but its figures are not those of the literature. It rewards sharpening.

    Args:
        frames: (N, 3, H, W) RGB in [0, 1], even sizes.
        reference: The same shape and range.

    Returns:
        0 to 100; equal clips give 97 and more (its motion feature begins at 0).
    """
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "vmaf.json"
        # A relative name needs no escaping, but the folder is ours and has nothing to escape.
        _filtered("libvmaf", f"log_fmt=json:log_path={log}", frames, reference)
        gc.collect()  # the log is written when the graph is freed
        scores = json.loads(log.read_text(encoding="utf-8"))
    return float(scores["pooled_metrics"]["vmaf"]["mean"])


def xpsnr(frames: Tensor, reference: Tensor) -> float:
    """The extended PSNR of luma (Helmrich et al. 2020): errors weigh less where much goes on.

    Args:
        frames: (N, 3, H, W) RGB in [0, 1], even sizes.
        reference: The same shape and range.

    Returns:
        Decibels, from the mean of the root errors of all frames as FFmpeg's own summary has it;
        infinity for equal clips.
    """
    found = _filtered("xpsnr", "", reference, frames)
    roots = [10 ** (-float(values["lavfi.xpsnr.xpsnr.y"]) / 20) for values in found]
    mean = math.fsum(roots) / len(roots)
    return -20 * math.log10(mean) if mean else math.inf


def _filtered(name: str, options: str, first: Tensor, second: Tensor) -> list[dict[str, str]]:
    """The metadata that a filter of two clips leaves on every frame."""
    graph = Graph()
    height, width = first.shape[-2:]
    ends = [
        graph.add_buffer(width=width, height=height, format="yuv420p", time_base=RATE)
        for _ in range(2)
    ]
    judge, sink = graph.add(name, options), graph.add("buffersink")
    for place, end in enumerate(ends):
        end.link_to(judge, 0, place)
    judge.link_to(sink)
    graph.configure()
    found = []
    for number, pictures in enumerate(zip(first, second, strict=True)):
        for end, picture in zip(ends, pictures, strict=True):
            end.push(_frame(picture, number))
        found += list(_pulled(sink))
    for end in ends:
        end.push(None)
    return [*found, *_pulled(sink)]


def _frame(picture: Tensor, number: int) -> av.VideoFrame:
    codes = picture.permute(1, 2, 0).mul(255).round().byte().contiguous().numpy()
    frame = av.VideoFrame.from_ndarray(codes, format="rgb24")
    frame = frame.reformat(format="yuv420p", interpolation=EXACT)
    frame.pts, frame.time_base = number, RATE
    return frame


def _pulled(sink: FilterContext) -> Iterator[dict[str, str]]:
    while True:
        try:
            yield dict(sink.pull().metadata)
        except (av.BlockingIOError, av.EOFError):
            return
