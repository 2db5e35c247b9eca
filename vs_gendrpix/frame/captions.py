"""Closed captions within pictures, on their way from the input's frames to the output's."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction

from vs_gendrpix.frame.format import Frame

LOST_CAPTIONS = "not carried over: closed captions (CTA-608 and 708) within the pictures"

_MOST = 31
"""Triplets that a picture can have: `cc_count` has 5 bits."""

_PER_SECOND = 600
"""Triplets a second, padding included (CTA-708): 20 for each of 30 pictures, 25 for each of 24."""

_PAIRS_PER_SECOND = 60
"""Triplets of CTA-608 among them, one for each field of a television picture."""

_EARLY = Fraction(1, 1000)
"""Seconds by which a frame's time may be before its captions', as times are rounded on the way."""

_PADDING = b"\xfa\x00\x00"


class Captions:
    """Takes the captions off the frames of the input, and gives each to the frame of the output.

    Captions belong to moments, as sound does. So a frame of the output gets all that has become due
    since the one before. Of a frame that filters double, the first copy gets them. Those of a frame
    that they drop go to the next one. Where more is due than a picture should have (CTA-708), the
    rest waits for the next one.
    """

    def __init__(self) -> None:
        self._coming: deque[tuple[Fraction, bytes]] = deque()
        self._pairs: deque[bytes] = deque()
        self._others: deque[bytes] = deque()
        self._padded = False
        self._last: Fraction | None = None

    def taken_off(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """Take the captions of the input's frames; they pass as they are."""
        for frame in frames:
            if frame.captions:
                self._coming.append((_seconds(frame), frame.captions))
            yield frame

    def onto(self, frame: Frame) -> Frame:
        """Give the next frame of the output the captions that are due by its time."""
        now = _seconds(frame)
        due = []
        while self._coming and self._coming[0][0] <= now + _EARLY:
            due.append(self._coming.popleft()[1])
        most, pairs = self._room(now)
        self._last = now
        if not due and not self._waiting:
            return frame
        alone = len(due) == 1 and not self._waiting and _count(due[0]) <= most
        return replace(frame, captions=due[0] if alone else self._share(due, most, pairs))

    @property
    def left(self) -> bool:
        """Whether captions are left over that no frame has been given."""
        return bool(self._coming or self._waiting)

    @property
    def _waiting(self) -> bool:
        return bool(self._pairs or self._others)

    def _room(self, now: Fraction) -> tuple[int, int]:
        """The triplets that a frame may have, and the pairs of CTA-608 among them."""
        if self._last is None or now <= self._last:
            return _MOST, _MOST
        gap = now - self._last
        # 24 frames a second have 2 pairs and 3 in turn, others a whole number.
        pairs = round(gap * _PAIRS_PER_SECOND + Fraction(2, 5))
        return max(min(round(gap * _PER_SECOND), _MOST), 1), max(pairs, 1)

    def _share(self, due: list[bytes], most: int, pairs: int) -> bytes:
        """Queue the captions that are due, and take as many as one frame may have."""
        for captions in due:
            for place in range(0, 3 * _count(captions), 3):
                triplet = captions[place : place + 3]
                is_valid, is_pair = triplet[0] & 4, not triplet[0] & 2
                if is_valid:
                    (self._pairs if is_pair else self._others).append(triplet)
                self._padded |= not is_valid
        given = [self._pairs.popleft() for _ in range(min(pairs, most, len(self._pairs)))]
        rest = most - len(given)
        given += [self._others.popleft() for _ in range(min(rest, len(self._others)))]
        padding = (most - len(given)) * self._padded * _PADDING
        return b"".join(given) + padding


def _seconds(frame: Frame) -> Fraction:
    return frame.timing.pts * frame.timing.time_base


def _count(captions: bytes) -> int:
    return len(captions) // 3
