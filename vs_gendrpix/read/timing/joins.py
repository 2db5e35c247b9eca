"""The joins of a file, at which its clock starts again or jumps, and the shifts that undo them."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from vs_gendrpix.libav.values import fraction
from vs_gendrpix.read.timing.parts import Parts, Picture, is_guess

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.stream import VideoStream

_PATIENCE = 32
"""Largest number of a pipe's packets that are held until the next ones tell their times."""

_LAST = Fraction(1, 2)
"""Longest sound in seconds in one packet of a transport stream."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Joins:
    """The joins of a file whose parts have clocks of their own. One shift mends all streams.

    Attributes:
        shifts: Seconds to add to all times behind each join, so that the picture goes on without a
            gap.
        places: The bytes of the file at which each stream passes the joins, by its index.
        lasts: The bytes of the file at which the last two pictures before each join lie.
        moments: The joins' times, in seconds of the first part's clock.
        ends: Seconds at which each stream ends before a jump of its clock, by its index.
        dues: Seconds at which the next picture would be due at each join, by the clock before it.
        guessed: Byte of the file and time of the pictures whose time is the next join's due.
        lone: The times that take the place of wrong ones, by byte of the file and wrong time.
    """

    shifts: tuple[Fraction, ...] = ()
    places: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    lasts: frozenset[int] = frozenset()
    moments: tuple[Fraction, ...] = ()
    ends: Mapping[int, tuple[Fraction, ...]] = field(default_factory=dict)
    dues: tuple[Fraction, ...] = ()
    guessed: frozenset[Picture] = frozenset()
    lone: Mapping[Picture, int] = field(default_factory=dict)

    def ends_with(self, stream: int, seconds: Fraction) -> bool:
        """Tell whether a moment of the file's clock is a stream's last before a join."""
        return any(0 <= end - seconds <= _LAST for end in self.ends.get(stream, ()))


def find_joins(
    parts: Parts, moved: Sequence[int], tick: Fraction, lone: Mapping[Picture, int]
) -> Joins:
    """Compute the shifts that undo the joins between the parts of a file.

    Args:
        parts: The parts, with all packets taken.
        moved: Ticks to add to the times of each.
        tick: Seconds of a tick of the video.
        lone: The times that take the place of wrong ones.
    """
    shifts = [shift * tick for shift in moved]
    added = [after - before for before, after in pairwise(shifts)]
    joined = tuple(part.place for part in parts.found[1:])
    places = {index: clock.passings(joined, added) for index, clock in parts.others.items()}
    return Joins(
        shifts=tuple(shifts[1:]),
        places={parts.video: joined, **places},
        lasts=frozenset(place for part in parts.found[:-1] for place in part.last),
        moments=tuple(moment * tick for moment in parts.moments()[1:]),
        ends={
            index: tuple(jump.before for jump in clock.jumps)
            for index, clock in parts.others.items()
        },
        dues=tuple((part.due or 0) * tick for part in parts.found[:-1]),
        guessed=frozenset(picture for part in parts.found for picture in part.guessed),
        lone=lone,
    )


class RunningClock:
    """Moves the times of a joined file's packets to one clock without jumps.

    Args:
        joins: The joins of the file.
        told: Is told of each picture whose wrong time is mended; None if nobody is.
    """

    def __init__(self, joins: Joins, told: "Callable[[], None] | None" = None) -> None:
        self._joins, self._told = joins, told
        self._passed: dict[int, int] = {}

    def mend(self, packet: "Packet[Any]") -> bool:
        """Shift the times of a packet of the input, and replace a picture's wrong time.

        A packet without a place in the file, such as the second of sound that was stored as one,
        lies where the one before does. libav calls the last picture before a join corrupt, or the
        one before that, and concludes this from the join alone.

        Returns:
            Whether it is the first packet of its stream behind a join.
        """
        index, place = packet.stream_index, packet.pos
        before = self._passed.get(index)
        passed = before or 0
        if place is not None:
            passed = bisect_right(self._joins.places.get(index, ()), place)
            if place in self._joins.lasts:
                packet.is_corrupt = False
        self._passed[index] = passed
        if packet.stream.type == "video":
            picture = -1 if place is None else place, packet.pts or 0
            if packet.pts is not None and picture in self._joins.lone:
                packet.pts = self._joins.lone[picture]
                if self._told is not None:
                    self._told()
            elif picture in self._joins.guessed and passed < len(self._joins.dues):
                packet.pts = round(self._joins.dues[passed] / fraction(packet.time_base))
        if passed:
            _move(packet, round(self._joins.shifts[passed - 1] / fraction(packet.time_base)))
        return before is not None and passed > before


def joined_packets(
    packets: "Iterable[Packet[VideoStream] | None]",
    video: int,
    joined: "Callable[[int], None]",
) -> "Iterator[Packet[VideoStream] | None]":
    """Yield the packets of a video that can be read only once, with times of one clock.

    Behind a join packets wait until it is known which picture of the new part is shown first.

    Args:
        packets: The packets of the video, from the beginning of the input; at the end None.
        video: The index of its stream.
        joined: Is told the time of each join, in ticks of the first part's clock.

    Yields:
        The packets, in their order; at the end None, which flushes the decoder.
    """
    parts, told = Parts(video), 1
    waiting: list[tuple[Packet[VideoStream] | None, int]] = []
    for packet in packets:
        if packet is not None:
            parts.take(packet)
        number = len(parts.found) - 1
        waiting.append((packet, number))
        ends = packet is None or len(waiting) >= _PATIENCE
        # One that is called corrupt may be the last before a join.
        doubtful = any(each is not None and each.is_corrupt for each, _ in waiting[-3:])
        if not ends and (doubtful or not parts.found[number].settled):
            continue
        shifts = parts.shifts()
        for ready, own in waiting:
            if ready is not None:
                due = parts.found[own].due
                if due is not None and is_guess(ready):
                    ready.pts = due
                ready.is_corrupt = ready.is_corrupt and own == number
                _move(ready, shifts[own])
            yield ready
        waiting.clear()
        for moment in parts.moments()[told:]:
            joined(moment)
        told = len(parts.found)


def _move(packet: "Packet[Any]", ticks: int) -> None:
    """Add ticks to the times of a packet."""
    if packet.pts is not None:
        packet.pts += ticks
    if packet.dts is not None:
        packet.dts += ticks
