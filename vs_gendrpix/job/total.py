"""Estimate how many frames a run will write, while it works."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from vs_gendrpix.frame.format import Frame

if TYPE_CHECKING:
    from vs_gendrpix.job.plan import Plan
    from vs_gendrpix.job.progress import Progress

_UNDER_WAY = 24
"""Frames that may be between reader and writer without a filter that changes their number."""


class Total:
    """Estimates the number of frames that a run will write.

    The plan says how many the input has, and what filters make of them. Filters may drop frames as
    they like, and an input may end early, or later than it says.

    Args:
        plan: The plan.
        progress: Is told whenever the estimate changes.
    """

    def __init__(self, plan: "Plan", progress: "Progress") -> None:
        self._progress = progress
        self._planned, self._filtered = plan.clip.frames, bool(plan.before or plan.after)
        self._still = plan.still is not None
        rates = plan.result.average_rate, plan.clip.average_rate
        self._ratio = rates[0] / rates[1] if all(rates) else Fraction(1)
        self._taken, self._ended = 0, False
        self._told = plan.result.frames

    def watch(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """Yield the frames of the input, counted, and note its end."""
        for frame in frames:
            self._taken += 1
            yield frame
        self._ended = True

    def written(self, count: int) -> None:
        """Report the estimate after `count` written frames, if it has changed."""
        self._tell(self._estimate(count), count)

    def finished(self, count: int) -> None:
        """Report the number of frames when all are written."""
        self._tell(count, count)

    def _estimate(self, count: int) -> int:
        """The frames to be written in all; 0 when unknown."""
        if self._still:
            return 1
        whole = max(self._planned, self._taken) if self._planned else 0
        if self._ended:
            whole = self._taken
        ratio, due = self._ratio, self._taken * self._ratio
        if self._filtered and not 0 <= due - count <= _UNDER_WAY * (1 + self._ratio):
            ratio = Fraction(count, max(self._taken, 1))
        return round(whole * ratio)

    def _tell(self, total: int, count: int) -> None:
        total = max(total, count) if total else 0
        if total != self._told:
            self._told = total
            self._progress.expect(total)
