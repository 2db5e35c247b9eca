"""The measures of every pair of frames, as curves over the clip."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import isfinite

import torch
from torch import Tensor

from vs_gendrpix.evaluation.measures.ssimulacra import ssimulacra2
from vs_gendrpix.evaluation.measures.video_quality import FrameVmaf, FrameXpsnr
from vs_gendrpix.evaluation.measures.warping import motions, warping_error

Curve = list[float | None]
"""A value for each frame; None where it is not defined, as for equal frames."""

SMALLEST = 64
"""Least width and height of pictures for the measures of a reference."""


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch work in one thread.

    The steps are so short that threads wait longer than they work: on a busy machine of two cores,
    two threads took five times as long.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@dataclass(slots=True, kw_only=True)
class Measure:
    """A measure and its curves.

    Attributes:
        name: What it is called.
        tells: What it tells, in one sentence.
        higher_is_better: Which way it points.
        judges: Whether it tells good from bad: to differ from what is no reference does not.
        curves: A curve for each side; None for a side that it says nothing of.
    """

    name: str
    tells: str
    higher_is_better: bool = False
    judges: bool = True
    curves: list[Curve | None] = field(default_factory=list)

    def badness(self) -> list[float]:
        """Badness of each frame, by its worst clip: a higher value is worse."""
        sign = -1 if self.higher_is_better else 1
        found = [curve for curve in self.curves if curve is not None]
        return [
            max((sign * value for value in values if value is not None), default=float("-inf"))
            for values in zip(*found, strict=True)
        ]


class Measuring:
    """Measures pairs of frames, one after the other.

    Args:
        sides: How many sides there are.
        anchor: The side that the others are compared with.
        referenced: Whether it is the truth, so that the measures of a reference mean something.
        size: Height and width of all pictures.
    """

    def __init__(self, *, sides: int, anchor: int, referenced: bool, size: tuple[int, int]) -> None:
        self._anchor, self._others = anchor, [n for n in range(sides) if n != anchor]
        self._even = [side // 2 * 2 for side in size]
        self._judges = referenced
        self._referenced = referenced and min(size) >= SMALLEST
        self._before: list[Tensor] = []
        self._difference: list[Curve] = [[] for _ in range(sides)]
        self._flicker: list[Curve] = [[] for _ in range(sides)]
        self._ssimulacra: list[Curve] = [[] for _ in range(sides)]
        judged = self._others if self._referenced else []
        self._vmaf = {side: FrameVmaf(self._even) for side in judged}
        self._xpsnr = {side: FrameXpsnr(self._even) for side in judged}

    def add(self, pictures: list[Tensor], *, follows: bool = True) -> None:
        """Measure the next pair.

        Args:
            pictures: (1, 3, H, W) RGB in [0, 1], of 8 bits, for each side.
            follows: Whether they follow those before, so that they can flicker.
        """
        if not follows:
            self._before = []
        true = pictures[self._anchor]
        for side in self._others:
            apart = 255 * (pictures[side] - true).abs().mean().item()
            self._difference[side].append(apart)
            if self._referenced:
                self._ssimulacra[side].append(ssimulacra2(pictures[side], true).item())
        for side in self._vmaf:
            made, given = (self._cut(pictures[each]) for each in (side, self._anchor))
            self._vmaf[side].add(made, given)
            self._xpsnr[side].add(made, given)
        self._add_flicker(pictures)

    def end(self) -> list[Measure]:
        """End the clips: all measures, the one that says most first."""
        measures = [
            Measure(
                name="difference",
                tells="mean difference of the pixels, in code values of 255",
                judges=self._judges,
                curves=self._of_others(dict(enumerate(self._difference))),
            ),
            Measure(
                name="flicker",
                tells="mean change from the frame before, its motion undone, in code values of 255",
                curves=list(self._flicker),
            ),
        ]
        if not self._referenced:
            return measures
        return [
            Measure(
                name="SSIMULACRA2",
                tells="likeness to the reference for the eye: 90 cannot be told apart, 50 is fair",
                higher_is_better=True,
                curves=self._of_others(dict(enumerate(self._ssimulacra))),
            ),
            Measure(
                name="VMAF",
                tells="Netflix's estimate of how viewers would rate it, 0 to 100",
                higher_is_better=True,
                curves=self._of_others({side: each.end() for side, each in self._vmaf.items()}),
            ),
            Measure(
                name="XPSNR",
                tells="closeness to the reference in decibels, less strict where much goes on",
                higher_is_better=True,
                curves=self._of_others({side: each.end() for side, each in self._xpsnr.items()}),
            ),
            *measures,
        ]

    def _add_flicker(self, pictures: list[Tensor]) -> None:
        """Measure flicker: the change from the last frames beyond the motion of the anchor."""
        if self._before and min(self._even) >= 16:
            true = torch.cat([self._before[self._anchor], pictures[self._anchor]])
            between = motions(true)
            for before, now, curve in zip(self._before, pictures, self._flicker, strict=True):
                error = warping_error(torch.cat([before, now]), between)
                curve.append(
                    error if isfinite(error) else None
                )  # after a cut nothing is seen twice
        else:
            for curve in self._flicker:
                curve.append(None)
        self._before = pictures

    def _of_others(self, curves: "dict[int, Curve] | dict[int, list[float]]") -> list[Curve | None]:
        """Make the curves of all clips but the anchor, with None in place of infinite values."""
        return [
            [value if value is not None and isfinite(value) else None for value in curves[side]]
            if side != self._anchor
            else None
            for side in range(len(self._difference))
        ]

    def _cut(self, picture: Tensor) -> Tensor:
        """(3, H, W) of even sizes, for the measures that work on 4:2:0."""
        return picture[0, :, : self._even[0], : self._even[1]]
