"""The parts of a file between which its clock starts again, found by the times of its packets."""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from itertools import chain, count, islice, pairwise
from typing import TYPE_CHECKING, Any

from vs_gendrpix.libav.values import fraction

if TYPE_CHECKING:
    from av.packet import Packet

_FORWARD = Fraction(10)
"""Seconds by which decoding times may jump on without a join: FFmpeg's `dts_delta_threshold`."""

_BACK = Fraction(1, 10)
"""Seconds by which decoding times may go back without a join, as for FFmpeg's program."""

_LAST = 4
"""Number of pictures at the end of a part whose times libav guesses."""

_AHEAD = Fraction(3)
"""Largest seconds between decoding and presentation of a picture: 16 pictures of 6 a second."""


type Picture = tuple[int, int]
"""The byte of the file at which a picture's packet lies, -1 if that is not known; and its time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Jump:
    """A jump of a stream's decoding times.

    Attributes:
        place: The byte of the file of the packet behind it.
        before: Second at which that packet was due.
        after: Second at which it is decoded.
    """

    place: int
    before: Fraction
    after: Fraction


@dataclass(slots=True)
class StreamClock:
    """Follows the decoding times of a stream.

    Attributes:
        begin: Second of the first packet; None at first.
        due: Second at which the next packet is due; None at first.
        jumps: The jumps so far.
    """

    begin: Fraction | None = None
    due: Fraction | None = None
    jumps: list[Jump] = field(default_factory=list)
    _last: Fraction = Fraction(0)

    def follow(self, packet: "Packet[Any]") -> Jump | None:
        """Take the next packet of the stream.

        Returns:
            The jump before it, if there is one.
        """
        if packet.dts is None:
            return None
        unit = fraction(packet.time_base)
        now, due, jump = packet.dts * unit, self.due, None
        if due is not None and (now < self._last - _BACK or abs(now - due) > _FORWARD):
            jump = Jump(place=packet.pos or 0, before=due, after=now)
            self.jumps.append(jump)
        self.begin = now if self.begin is None else self.begin
        self._last, self.due = now, now + (packet.duration or 0) * unit
        return jump

    def passings(self, joins: Sequence[int], shifts: Sequence[Fraction]) -> tuple[int, ...]:
        """Find the byte positions at which the stream passes the joins of the video.

        Streams are interleaved, so that is at a jump of its own near by, if it has one that the
        join explains.

        Args:
            joins: The bytes at which the video passes them.
            shifts: Seconds that each adds to all times.
        """
        passed: list[int] = []
        for number, (place, shift) in enumerate(zip(joins, shifts, strict=True)):
            following = joins[number + 1] if number + 1 < len(joins) else None
            near = [
                jump.place
                for jump in self.jumps
                if jump.place > (passed[-1] if passed else 0)
                and (following is None or jump.place < following)
                and abs(jump.after + shift - jump.before) < abs(jump.after - jump.before)
            ]
            passed.append(min(near, key=partial(_apart, place), default=place))
        return tuple(passed)


def is_guess(packet: "Packet[Any]") -> bool:
    """Tell whether a packet's presentation time is libav's guess from the next part's clock.

    In program streams only some pictures say theirs. For the others libav takes the decoding time
    of a later one, which is wrong across a join.
    """
    if packet.pts is None or packet.dts is None:
        return False
    ahead = (packet.pts - packet.dts) * fraction(packet.time_base)
    return not 0 <= ahead <= _AHEAD


def _apart(one: int, other: int) -> int:
    return abs(one - other)


@dataclass(slots=True, kw_only=True)
class Part:
    """The pictures of a part of a file, between two joins.

    Attributes:
        place: The byte of the file at which it begins.
        times: Presentation times in ticks, as they are in the file, in the file's order.
        durations: Ticks that each picture lasts; 0 when unknown.
        places: The byte of the file of each; -1 when unknown.
        first: The earliest of them so far.
        settled: Whether none of those to come can be earlier, and the last pictures' are known.
        end: Tick at which the last picture ends.
        last: The bytes of the file at which the last two packets lie.
        keys: Presentation time and byte of each keyframe.
        untimed: Ticks that each picture lasts whose time the file does not say; 0 when unknown.
        guesses: Numbers of the times that are libav's guesses.
        guessed: The last pictures that have such a time, as the file has them.
        due: Tick at which the next part's first picture would be due to be decoded, at its end.
    """

    place: int = 0
    times: "array[int]" = field(default_factory=lambda: array("q"))
    durations: "array[int]" = field(default_factory=lambda: array("q"))
    places: "array[int]" = field(default_factory=lambda: array("q"))
    first: int | None = None
    settled: bool = False
    end: int = 0
    last: tuple[int, ...] = ()
    keys: list[tuple[int, int]] = field(default_factory=list)
    untimed: "array[int]" = field(default_factory=lambda: array("q"))
    guesses: list[int] = field(default_factory=list)
    guessed: list[Picture] = field(default_factory=list)
    due: int | None = None

    def add(self, packet: "Packet[Any]") -> None:
        """Take the next packet of the video."""
        place = -1 if packet.pos is None else packet.pos
        if place >= 0:
            self.last = (*self.last[-1:], place)
        if packet.pts is None:
            self.untimed.append(packet.duration or 0)
        else:
            self.times.append(packet.pts)
            self.durations.append(packet.duration or 0)
            self.places.append(place)
            if is_guess(packet):
                self.guesses.append(len(self.times) - 1)
            else:
                self._show(len(self.times) - 1)
                if packet.is_keyframe and place >= 0:
                    self.keys.append((packet.pts, place))
        # No picture is shown before it is decoded.
        first_known = self.first is not None and packet.dts is not None and packet.dts >= self.first
        self.settled = (first_known or packet.dts is None) and not self.guesses

    def close(self, due: int) -> None:
        """End the part: what libav has taken from the next one for a picture's time is known now.

        A picture whose time the file does not say is shown when the next reference picture is
        decoded (ISO/IEC 13818-1): behind the B-frames, which are the part's last pictures.
        """
        self.due = due
        for number in self.guesses:
            if number >= len(self.times) - _LAST:
                self.guessed.append(self.picture(number))
                self.times[number] = due
            self._show(number)

    def fill(self, usual: int) -> None:
        """Give the pictures that say no time the empty places between the others, or those behind.

        To be called last: the times are no longer in the file's order then.

        Streams of MPEG say the time of one of several pictures that begin in the same packet of
        theirs, and libav does not compute the others of H.264 and HEVC, whose order it knows when
        they are decoded. It may say that one time of two pictures. All are evenly spaced
        (ISO/IEC 13818-1, 2.7.5), in whatever order.

        Args:
            usual: Ticks that a picture lasts where the stream does not say it.
        """
        if not (self.untimed and self.times):
            return
        step = min(filter(None, self.untimed), default=usual)
        given = sorted(set(self.times))
        between = (range(one + step, other - step // 2, step) for one, other in pairwise(given))
        places = chain(chain.from_iterable(between), count(given[-1] + step, step))
        lacking = len(self.times) + len(self.untimed) - len(given)
        self.times = array("q", [*given, *islice(places, lacking)])
        self.end = max(self.end, max(self.times) + step)

    def picture(self, number: int) -> Picture:
        """Return the picture of one of the times."""
        return self.places[number], self.times[number]

    def mend(self, times: Mapping[int, int]) -> None:
        """Replace some times, and find anew where the part begins and ends.

        Args:
            times: The times, by their numbers.
        """
        keys = {self.picture(number): time for number, time in times.items()}
        self.keys = [(keys.get((place, pts), pts), place) for pts, place in self.keys]
        for number, time in times.items():
            self.times[number] = time
        self.first, self.end = None, 0
        for number in range(len(self.times)):
            self._show(number)

    def _show(self, number: int) -> None:
        """Note when a picture is shown."""
        pts = self.times[number]
        end = pts + max(self.durations[number], 1)
        self.end = end if self.first is None else max(self.end, end)
        self.first = pts if self.first is None else min(self.first, pts)


class Parts:
    """Divides the packets of a file at its joins, as they come.

    A join is where the decoding times of the video go back, or jump on by more than a pause; where
    the sound goes on meanwhile, pictures are missing, and there is none.

    Attributes:
        video: The index of the video's stream.
        found: The parts so far.
        others: The clocks of the other streams, by their index.

    Args:
        video: The index of the video's stream.
        restarts: Whether there can be any: clocks of most formats run through a file.
    """

    def __init__(self, video: int, *, restarts: bool = True) -> None:
        self.video, self._restarts = video, restarts
        self.found = [Part()]
        self.others: dict[int, StreamClock] = {}
        self._clock = StreamClock()
        self._sound: list[int] = []
        self._jumped: set[int] = set()

    def take(self, packet: "Packet[Any]") -> None:
        """Take the next packet, of any stream."""
        index = packet.stream_index
        if index != self.video:
            if index not in self.others:
                self.others[index] = StreamClock()
                self._sound += [index] * (packet.stream.type == "audio")
            if self.others[index].follow(packet) is not None:
                self._jumped.add(index)
            return
        jump = self._clock.follow(packet)
        if self._restarts and jump is not None and not self._sound_goes_on(jump):
            self.found[-1].close(round(jump.before / fraction(packet.time_base)))
            self.found.append(Part(place=packet.pos or 0))
        self._jumped.clear()
        self.found[-1].add(packet)

    def sound_beside(self, part: Part) -> tuple[Fraction | None, Fraction | None]:
        """Find the seconds at which the sound of a part begins and ends.

        Each is None where there is none, or where another part is beside it.
        """
        clocks = [self.others[index] for index in self._sound]
        begins = [clock.begin for clock in clocks if clock.begin is not None]
        ends = [clock.due for clock in clocks if clock.due is not None]
        return (
            min(begins, default=None) if part is self.found[0] else None,
            max(ends, default=None) if part is self.found[-1] else None,
        )

    def shifts(self) -> list[int]:
        """Ticks to add to the times of each part, so that it begins where the last one ends."""
        shifts = [0]
        for before, after in pairwise(self.found):
            end = before.end + shifts[-1]
            shifts.append(end - (end if after.first is None else after.first))
        return shifts

    def moments(self) -> list[int]:
        """List the ticks of the first part's clock at which the parts begin."""
        return [
            (part.first or 0) + shift for part, shift in zip(self.found, self.shifts(), strict=True)
        ]

    def _sound_goes_on(self, jump: Jump) -> bool:
        """Tell whether there is sound for the time that the pictures jump over."""
        middle = (jump.before + jump.after) / 2
        dues = [self.others[index].due for index in self._sound if index not in self._jumped]
        return jump.after > jump.before and any(
            due is not None and middle < due < jump.after + _FORWARD for due in dues
        )
