"""Decoding times that leave their stream's clock for a moment: a flipped bit, not a join."""

from collections import deque
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from vs_gendrpix.libav.values import fraction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from av.packet import Packet

_SLACK = Fraction(1, 10)
"""Seconds by which a packet may be early or late and still continue the one before."""

_LONGEST = Fraction(1, 2)
"""Longest run in seconds whose times can all be wrong: a packet of an MPEG stream has one time for
all of its sound, or for several small pictures."""

_OUTSIDE = Fraction(10)
"""Seconds outside of a stream's range from which a time is wrong, as for FFmpeg's program."""

_LONG_PAUSE = Fraction(24 * 60 * 60)
"""Longest usual pause in seconds between two subtitles."""

_HELD = 32 << 20
"""Largest number of bytes that are held until it is known whether a time is wrong."""


@dataclass(slots=True)
class _Run:
    """Successive packets of a stream whose decoding times continue each other.

    Attributes:
        first: Second of the first.
        last: Second of the last.
        due: Second at which the next is due.
        packets: The packets.
    """

    first: Fraction
    last: Fraction
    due: Fraction
    packets: "list[Packet[Any]]" = field(default_factory=list)

    def add(self, packet: "Packet[Any]", now: Fraction) -> None:
        """Take the next packet."""
        self.packets.append(packet)
        self.last, self.due = now, now + (packet.duration or 0) * fraction(packet.time_base)

    @property
    def length(self) -> Fraction:
        """Seconds that the packets last."""
        return self.due - self.first


@dataclass(slots=True)
class _Stream:
    """The state of a stream: the run on its clock, and a run that has left it.

    Attributes:
        clock: The packets that are believed, of which at the beginning all wait.
        settled: Whether they are; at the beginning what follows tells.
        astray: Packets that do not follow them; whether these are wrong the next ones tell.
    """

    clock: _Run
    settled: bool = False
    astray: _Run | None = None


class Steady:
    """Corrects the times of packets that leave their stream's clock for a moment.

    They are out of order while those before and after them are in order. At a join the clock does
    not come back. Packets wait until that is known, in the file's order. A picture whose
    presentation time alone is wrong keeps it, as pictures are shown in another order.

    Args:
        followed: The types of the streams that are followed; all others pass.
        told: Is told of each packet whose times are changed; None if nobody is.
        within: Seconds at which the file's pictures begin and end; None where that is not known.
    """

    def __init__(
        self,
        followed: frozenset[str],
        told: "Callable[[], None] | None" = None,
        within: tuple[Fraction, Fraction] | None = None,
    ) -> None:
        self._followed, self._told, self._within = followed, told, within
        # Where the clock may start again, it must come back to where it is due.
        self._pause = _LONGEST if within is None else _LONG_PAUSE
        self._streams: dict[int, _Stream] = {}
        self._queue: deque[Packet[Any]] = deque()
        self._waiting: set[int] = set()

    def packets(self, given: "Iterable[Packet[Any]]") -> "Iterator[Packet[Any]]":
        """Yield the packets of a file from one place on, in their order, with corrected times."""
        held = 0
        for packet in given:
            self._queue.append(packet)
            held += packet.size
            if packet.stream.type in self._followed:
                self._follow(packet)
            if held > _HELD:
                self._settle_all()
            while self._queue and id(self._queue[0]) not in self._waiting:
                ready = self._queue.popleft()
                held -= ready.size
                yield ready
        for stream in self._streams.values():
            self._end(stream)
        yield from self._queue

    def _follow(self, packet: "Packet[Any]") -> None:
        """Assign a packet to the run on its stream's clock, or to a run that has left it."""
        time = packet.pts if packet.dts is None else packet.dts
        if time is None:
            return
        now = time * fraction(packet.time_base)
        stream = self._streams.get(packet.stream_index)
        if stream is None:
            self._streams[packet.stream_index] = _Stream(_begun(packet, now))
            self._waiting.add(id(packet))
            return
        clock, astray = stream.clock, stream.astray
        if astray is None and abs(now - clock.due) <= _SLACK:
            self._go_on(stream, packet, now)
            return
        if astray is not None and now >= clock.last - _SLACK:
            back = abs(now - clock.due - astray.length)
            if back < min(abs(now - astray.due), self._pause):
                self._mend(astray, clock.due)
                stream.astray = None
                self._settle(stream)
                self._go_on(stream, packet, now)
                return
        self._waiting.add(id(packet))
        if astray is None:
            stream.astray = _begun(packet, now)
        elif abs(now - astray.due) <= _SLACK:
            astray.add(packet, now)
            if astray.length > _LONGEST:
                self._believe(stream, astray)
        else:
            self._believe(stream, astray)
            stream.astray = _begun(packet, now)

    def _go_on(self, stream: _Stream, packet: "Packet[Any]", now: Fraction) -> None:
        """Add a packet to the run on the stream's clock."""
        stream.clock.add(packet, now)
        if stream.settled:
            stream.clock.packets.clear()
        else:
            self._waiting.add(id(packet))
            if stream.clock.length > _LONGEST:
                self._settle(stream)

    def _believe(self, stream: _Stream, astray: _Run) -> None:
        """Take a run that has left the clock as the new clock: the stream has jumped there.

        What was at the beginning may itself be what is wrong: it is, if it is later.
        """
        doubtful = not stream.settled and self._is_alone(stream.clock)
        if doubtful and self._is_outside(stream.clock, before=astray.first):
            self._mend(stream.clock, astray.first - stream.clock.length)
        self._settle(stream)
        stream.clock, stream.astray = astray, None
        self._settle(stream)

    def _settle(self, stream: _Stream) -> None:
        """Release the packets of the run on the clock: their times are right."""
        stream.settled = True
        self._waiting.difference_update(map(id, stream.clock.packets))
        stream.clock.packets.clear()

    def _settle_all(self) -> None:
        """Release all held packets, because there are too many."""
        for stream in self._streams.values():
            self._settle(stream)
            if stream.astray is not None:
                self._believe(stream, stream.astray)

    def _end(self, stream: _Stream) -> None:
        """Decide on the held packets at the end of a stream."""
        clock, astray = stream.clock, stream.astray
        if astray is None or not self._is_alone(astray):
            return
        if astray.first >= clock.last - _SLACK and not self._is_outside(astray, after=clock.due):
            return
        if not stream.settled and len(clock.packets) <= len(astray.packets):
            self._mend(clock, astray.first - clock.length)
        else:
            self._mend(astray, clock.due)

    def _is_alone(self, run: _Run) -> bool:
        """Tell whether a run at an end of a stream can be wrong, not a short part of the file."""
        return self._within is not None or len(run.packets) == 1

    def _is_outside(
        self,
        run: _Run,
        *,
        before: Fraction | None = None,
        after: Fraction | None = None,
    ) -> bool:
        """Tell whether a run at an end of a stream has impossible times.

        Args:
            run: The packets.
            before: Second at which the stream goes on behind them.
            after: Second at which it is due to go on with them.
        """
        if before is not None and run.last > before + _SLACK:
            return True
        if self._within is None:
            return after is not None and run.first > after + _OUTSIDE
        begin, end = self._within
        return run.first < begin - _OUTSIDE or run.last > end + _OUTSIDE

    def _mend(self, run: _Run, first: Fraction) -> None:
        """Move the packets of a run so that it begins at a second."""
        for packet in run.packets:
            ticks = round((first - run.first) / fraction(packet.time_base))
            along = _goes_along(packet, ticks)
            if packet.dts is not None:
                packet.dts += ticks
            if packet.pts is not None and along:
                packet.pts += ticks
            if self._told is not None:
                self._told()
        self._waiting.difference_update(map(id, run.packets))


def _goes_along(packet: "Packet[Any]", ticks: int) -> bool:
    """Tell whether a presentation time must move with its decoding time, which it soon follows."""
    if packet.pts is None or packet.dts is None:
        return True
    ahead = packet.pts - packet.dts
    return ahead >= 0 and not 0 <= ahead - ticks < ahead


def _begun(packet: "Packet[Any]", now: Fraction) -> _Run:
    """Make a run that begins with a packet."""
    run = _Run(first=now, last=now, due=now)
    run.add(packet, now)
    return run
