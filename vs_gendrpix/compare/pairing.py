"""Pair the frames of several clips, by the time at which they are shown or by their number."""

from collections.abc import Iterator, Sequence
from fractions import Fraction

TOLERANCE = Fraction(5, 1000)
"""Seconds by which a frame may be late and still count: containers round times to milliseconds."""


def by_number[T](streams: Sequence[Iterator[tuple[Fraction, T]]]) -> Iterator[list[T]]:
    """Pair frames by their place in each stream; the shortest ends it."""
    for together in zip(*streams, strict=False):
        yield [frame for _, frame in together]


def by_time[T](streams: Sequence[Iterator[tuple[Fraction, T]]]) -> Iterator[list[T]]:
    """Pair each frame of the first stream with those that the others show at its time.

    A frame is shown until the next one; the last one as long as the one before it. What ends first
    ends it.

    Args:
        streams: Frames with their times in seconds, which rise.
    """
    others = [_Shown(stream) for stream in streams[1:]]
    for time, frame in streams[0]:
        together = [frame]
        for other in others:
            found = other.at(time + TOLERANCE)
            if found is None:
                return
            together.append(found[0])
        yield together


class _Shown[T]:
    """Finds the frame that a stream shows at a time. Times must rise from call to call."""

    def __init__(self, stream: Iterator[tuple[Fraction, T]]) -> None:
        self._stream = stream
        self._ahead = next(stream, None)
        self._now: tuple[Fraction, T] | None = None
        self._lasts = Fraction(0)

    def at(self, time: Fraction) -> tuple[T] | None:
        """Return the frame at a time, in a tuple; None before the first and after the last."""
        while self._ahead is not None and self._ahead[0] <= time:
            if self._now is not None:
                self._lasts = self._ahead[0] - self._now[0]
            self._now, self._ahead = self._ahead, next(self._stream, None)
        over = self._now is not None and time >= self._now[0] + max(self._lasts, 2 * TOLERANCE)
        if self._now is None or (self._ahead is None and over):
            return None
        return (self._now[1],)
