"""Find the stage of a pipeline that limits its rate."""

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Literal

Bound = Literal["decode", "compute", "encode"]


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
