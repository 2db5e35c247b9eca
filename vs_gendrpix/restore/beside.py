"""The source beside what has become of it, in one picture: to show what a restoration does."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from math import ceil, pi, sin

import numpy as np
import torch
from torch import Tensor

from vs_gendrpix.color.codes import from_rgb, opacity, resized_alpha, to_rgb
from vs_gendrpix.color.primaries import with_primaries
from vs_gendrpix.frame.area import Area, cropped, with_bars
from vs_gendrpix.frame.format import Frame, FrameFormat
from vs_gendrpix.settings import Compare

PERIOD = 8
"""Seconds in which a wipe goes to one side, to the other and back."""

_REACH = 0.45
"""Largest distance of a wipe from the middle, in widths, so that both sides are always seen."""

_LINE = 2
"""Width of the line in pixels: one sample of the coarsest chroma that is subsampled by 2."""

_LOBES = 3
"""Half the width of the Lanczos window, in samples of the coarser side."""


class SourceBeside:
    """Puts the source in the place of the left part of each result, up to a white line.

    The source is the decoded frame that is shown at the time of the result, scaled by Lanczos. An
    interlaced one is shown as it is, with its combs.

    Args:
        kind: `side` has the line in the middle, in a `wipe` it moves.
        area: The part of the source's frames that is restored.
        target: Format of the results.
        place: The part of them that it fills.
    """

    def __init__(self, kind: Compare, area: Area, target: FrameFormat, place: Area) -> None:
        self._kind, self._area, self._target, self._place = kind, area, target, place
        self._kept: deque[Frame] = deque()
        self._made: tuple[Frame, Frame] | None = None
        """A frame of the source, and what it was last made into."""

    def watch(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """Keep the frames of the source as they are read."""
        for frame in frames:
            self._kept.append(frame)
            yield frame

    def through(self, results: Iterable[Frame]) -> Iterator[Frame]:
        """Put the source into finished frames."""
        for result in results:
            source = self._shown_with(result)
            yield result if source is None else self._both(source, result)

    def _shown_with(self, result: Frame) -> Frame | None:
        """The last frame of the source that is not later than a result, or else the first one.

        Filters may round the time of a result to a tick of their own.
        """
        unit = result.timing.time_base
        moment = result.timing.pts * unit + unit / 2
        kept = self._kept
        while len(kept) > 1 and kept[1].timing.pts * kept[1].timing.time_base < moment:
            kept.popleft()
        return kept[0] if kept else None

    def _both(self, source: Frame, result: Frame) -> Frame:
        """A picture of both: the source up to the line, and the result behind it."""
        if self._made is None or self._made[0] is not source:
            self._made = source, with_bars(self._as_result(source), self._target, self._place)
        target, place = self._target, self._place
        share = 0.5
        if self._kind == "wipe":
            seconds = float(result.timing.pts * result.timing.time_base)
            share += _REACH * sin(2 * pi * seconds / PERIOD)
        step, _ = target.layout.chroma_step
        line = round((place.x + place.width * share) / step) * step
        planes = []
        for number, (left, right) in enumerate(
            zip(self._made[1].planes, result.planes, strict=True)
        ):
            across = target.layout.subsampling[0] if number in {1, 2} else 0
            begin, end = line >> across, (line + _LINE) >> across
            whole = right.copy()
            whole[:, :begin] = left[:, :begin]
            whole[:, begin:end] = _white(target, number)
            planes.append(whole)
        return replace(result, planes=tuple(planes))

    def _as_result(self, frame: Frame) -> Frame:
        """The restored part of a frame of the source, as a frame like the results."""
        frame = cropped(frame, self._area)
        source, target = frame.format, self._place.of(self._target)
        given = [torch.from_numpy(np.ascontiguousarray(plane))[None] for plane in frame.planes]
        rgb = lanczos(to_rgb(given, source), (target.height, target.width))
        made = from_rgb(with_primaries(rgb, source.color, target.color), target)
        if target.layout.alpha and source.layout.alpha:
            made = (*made, resized_alpha(given[-1], source, target))
        elif target.layout.alpha:
            made = (*made, opacity(torch.ones_like(rgb[:, 0]), target))
        planes = tuple(plane[0].numpy() for plane in made)
        return replace(frame, format=target, planes=planes)


def lanczos(pictures: Tensor, size: tuple[int, int]) -> Tensor:
    """Scale (B, C, H, W) to the height and width of `size` by Lanczos of 3 lobes."""
    for dim, length in ((2, size[0]), (3, size[1])):
        if pictures.shape[dim] != length:
            places, weights = _taps(pictures.shape[dim], length)
            shape = [-1 if each == dim else 1 for each in range(4)]
            pictures = sum(
                (
                    pictures.index_select(dim, place) * weight.view(shape)
                    for place, weight in zip(places, weights, strict=True)
                ),
                start=pictures.new_zeros(()),
            )
    return pictures


@cache
def _taps(old: int, new: int) -> tuple[Tensor, Tensor]:
    """The samples that each new one is made of, and their weights: (taps, new) each."""
    coarser = max(old / new, 1.0)
    reach = ceil(_LOBES * coarser)
    centre = (torch.arange(new, dtype=torch.float64) + 0.5) * (old / new) - 0.5
    places = centre.floor().long() + torch.arange(1 - reach, reach + 1)[:, None]
    away = (places - centre) / coarser
    weights = torch.sinc(away) * torch.sinc(away / _LOBES) * (away.abs() < _LOBES)
    weights *= (places >= 0) & (places < old)  # no picture beyond the edge: the others share
    return places.clamp(0, old - 1), (weights / weights.sum(0)).float()


def _white(form: FrameFormat, number: int) -> int:
    """The code of opaque white in plane `number`."""
    if form.layout.alpha and number == len(form.plane_shapes) - 1:
        return form.top
    return form.neutral if form.layout.family == "yuv" and number else form.white
