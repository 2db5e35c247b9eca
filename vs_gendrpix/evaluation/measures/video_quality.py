"""VMAF and XPSNR of clips, computed by libavfilter."""

import gc
import json
import math
import tempfile
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
from av.filter import Graph
from av.filter.context import FilterContext
from torch import Tensor

from vs_gendrpix.errors import cancellation
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
    return math.fsum(_all(FrameVmaf(frames.shape[-2:]), frames, reference)) / len(frames)


def xpsnr(frames: Tensor, reference: Tensor) -> float:
    """The extended PSNR of luma (Helmrich et al. 2020): errors weigh less where much goes on.

    Args:
        frames: (N, 3, H, W) RGB in [0, 1], even sizes.
        reference: The same shape and range.

    Returns:
        Decibels, from the mean of the root errors of all frames as FFmpeg's own summary has it;
        infinity for equal clips.
    """
    found = _all(FrameXpsnr(frames.shape[-2:]), frames, reference)
    mean = math.fsum(10 ** (-decibels / 20) for decibels in found) / len(found)
    return -20 * math.log10(mean) if mean else math.inf


class FrameVmaf:
    """The VMAF of each frame of a clip that is given frame by frame; see `vmaf`.

    Args:
        size: Height and width of the frames, both even.
    """

    def __init__(self, size: Sequence[int]) -> None:
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        cancellation.add_leftover(self._folder.cleanup)
        self._log = Path(self._folder.name) / "vmaf.json"
        # A relative name needs no escaping, but the folder is ours and has nothing to escape.
        self._graph: _Pairs | None = _Pairs("libvmaf", f"log_fmt=json:log_path={self._log}", size)

    def add(self, picture: Tensor, reference: Tensor) -> None:
        """Give the next frame, (3, H, W) RGB in [0, 1], and that of the reference."""
        if self._graph is not None:
            self._graph.add(picture, reference)

    def end(self) -> list[float]:
        """End the clip: the scores of its frames, in order."""
        if self._graph is not None:
            self._graph.end()
        self._graph = None
        gc.collect()  # the log is written when the graph is freed
        scores = json.loads(self._log.read_text(encoding="utf-8"))
        self._folder.cleanup()
        cancellation.drop_leftover(self._folder.cleanup)
        return [float(frame["metrics"]["vmaf"]) for frame in scores["frames"]]


class FrameXpsnr:
    """The XPSNR of each frame of a clip that is given frame by frame; see `xpsnr`.

    Args:
        size: Height and width of the frames, both even.
    """

    def __init__(self, size: Sequence[int]) -> None:
        self._graph = _Pairs("xpsnr", "", size)

    def add(self, picture: Tensor, reference: Tensor) -> None:
        """Give the next frame, (3, H, W) RGB in [0, 1], and that of the reference."""
        self._graph.add(reference, picture)

    def end(self) -> list[float]:
        """End the clip: the decibels of its frames, in order."""
        return [float(values["lavfi.xpsnr.xpsnr.y"]) for values in self._graph.end()]


def _all(judge: FrameVmaf | FrameXpsnr, frames: Tensor, reference: Tensor) -> list[float]:
    """The scores of whole clips."""
    for picture, true in zip(frames, reference, strict=True):
        judge.add(picture, true)
    return judge.end()


class _Pairs:
    """A filter of two clips, and the metadata that it leaves on every frame."""

    def __init__(self, name: str, options: str, size: Sequence[int]) -> None:
        graph = Graph()
        height, width = size
        self._ends = [
            graph.add_buffer(width=width, height=height, format="yuv420p", time_base=RATE)
            for _ in range(2)
        ]
        judge, self._sink = graph.add(name, options), graph.add("buffersink")
        for place, end in enumerate(self._ends):
            end.link_to(judge, 0, place)
        judge.link_to(self._sink)
        graph.configure()
        self._graph, self._count = graph, 0
        self._found: list[dict[str, str]] = []

    def add(self, first: Tensor, second: Tensor) -> None:
        for end, picture in zip(self._ends, (first, second), strict=True):
            end.push(_frame(picture, self._count))
        self._count += 1
        self._found += _pulled(self._sink)

    def end(self) -> list[dict[str, str]]:
        for end in self._ends:
            end.push(None)
        return [*self._found, *_pulled(self._sink)]


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
