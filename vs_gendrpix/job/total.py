"""Estimate how much a run will write, and how long it takes, while it works."""

import time
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from vs_gendrpix.frame.format import Frame

if TYPE_CHECKING:
    from vs_gendrpix.job.plan import Plan
    from vs_gendrpix.job.progress import Progress

SIZE_AFTER = 5.0
"""Seconds after which the size of the output is estimated."""

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


class Meter:
    """Measures the rate of a run, and decides when the next line is due.

    Args:
        total: Frames that are expected; 0 is an unknown number.
        interval: Seconds between two lines.
        done: Frames that were finished before.
    """

    def __init__(self, total: int, interval: float, done: int = 0) -> None:
        self.total, self._done = total, done
        self._interval = interval
        self._began = self._said = time.monotonic()
        self._held = (0, 0)

    def due(self, count: int) -> bool:
        """Whether a line is due after `count` frames; after the first and the last it always is."""
        now = time.monotonic()
        if self.total:
            self.total = max(self.total, count)
        if count not in {self._done + 1, self.total} and now - self._said < self._interval:
            return False
        self._said = now
        return True

    def rate(self, count: int) -> float:
        """Frames a second so far."""
        return (count - self._done) / max(time.monotonic() - self._began, 1e-6)

    def seconds_left(self, count: int) -> float | None:
        """Seconds to go, or None when the number of frames is unknown."""
        left = max(self.total - count, 0)
        return left / max(self.rate(count), 1e-6) if self.total else None

    def written(self, size: int, frames: int) -> None:
        """Keep how many bytes the output has so far, and the frames of which they are."""
        self._held = size, frames

    def size(self) -> int | None:
        """Estimate the bytes of the whole output; None at first, and where the total is unknown.

        The first frames say little: encoders hold some back, and clips begin with black.
        """
        size, frames = self._held
        early = time.monotonic() - self._began < SIZE_AFTER
        return None if early or not (frames and self.total) else round(size / frames * self.total)
