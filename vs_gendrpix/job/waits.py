"""Which part of a pipeline the others wait for."""

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Literal

Bound = Literal["decode", "compute", "encode"]


class Waits:
    """Seconds that the threads of a pipeline spend in what blocks them.

    A part that is faster than the others waits for its input or for room behind it. So the one
    that limits is found from the end: encoding, where the last thread does more of it than of
    waiting for frames; or else decoding, where the thread before waits longer for decoded frames
    than for results.
    """

    def __init__(self) -> None:
        self._seconds: dict[str, float] = defaultdict(float)

    @contextmanager
    def on(self, what: str) -> Iterator[None]:
        """Count the time within to `what`: `decoded`, `results`, `restored` or `encode`."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self._seconds[what] += time.perf_counter() - began

    def for_each[T](self, what: str, items: Iterable[T]) -> Iterator[T]:
        """The items; the time until each is there counts to `what`."""
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
        """What limits the rate so far."""
        seconds = self._seconds
        if seconds["encode"] > seconds["restored"]:
            return "encode"
        return "decode" if seconds["decoded"] > seconds["results"] else "compute"
