"""Measure the rate of a run, and find the stage that limits it."""

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Literal

Bound = Literal["decode", "compute", "encode"]

SIZE_AFTER = 5.0
"""Seconds after which the size of the output is estimated."""


class Waits:
    """Measures how long the threads of a pipeline are blocked, and where.

    A fast stage waits for its input, or for room behind it. The limiting stage is found from the
    end. It is encoding if the last thread encodes for longer than it waits for frames. It is
    decoding if the thread before waits longer for decoded frames than for results. Otherwise it is
    computing.
    """

    def __init__(self) -> None:
        self._seconds: dict[str, float] = defaultdict(float)

    @contextmanager
    def on(self, what: str) -> Iterator[None]:
        """Add the time of the `with` block to `decoded`, `results`, `restored` or `encode`."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self._seconds[what] += time.perf_counter() - began

    def for_each[T](self, what: str, items: Iterable[T]) -> Iterator[T]:
        """Yield items, and measure how long each is waited for."""
        iterator = iter(items)
        while True:
            with self.on(what):
                try:
                    item = next(iterator)
                except StopIteration:
                    return
            yield item

    @property
    def bound(self) -> Bound:
        """The stage that limits the rate so far."""
        seconds = self._seconds
        if seconds["encode"] > seconds["restored"]:
            return "encode"
        return "decode" if seconds["decoded"] > seconds["results"] else "compute"


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

    def speed(self, count: int) -> str:
        """The rate so far in words: frames a second, or seconds a frame below 1."""
        rate = self.rate(count)
        return f"{rate:.1f} frames/s" if rate >= 1 else f"{1 / rate:.1f} s/frame"

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
