"""The index of a file: one reading of its packets for all times, joins and streams."""

from array import array
from bisect import bisect_left
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import av
from av.format import Flags

from vs_gendrpix.errors import cancellation
from vs_gendrpix.frame.clip import STREAM_RATE
from vs_gendrpix.libav.values import fraction
from vs_gendrpix.read.fields_apart import FieldProbe
from vs_gendrpix.read.opening import main_video, open_input
from vs_gendrpix.read.timing.joins import Joins, find_joins
from vs_gendrpix.read.timing.lone import due_times, far_times, lone_times
from vs_gendrpix.read.timing.pace import ROUNDED, Pace, has_fields_apart, pace_of
from vs_gendrpix.read.timing.parts import Part, Parts, Picture
from vs_gendrpix.read.timing.steady import Steady
from vs_gendrpix.settings import ReadSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from av.container import InputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream

type Key = tuple[str, int | None, int, int]
"""A file's path, its stream, its size and its time."""

_KEPT = 4
"""Number of indexes kept: a job reads its input for the plan, the pictures and the sound."""

_known: "dict[Key, Index]" = {}

_EVEN = {"image2", "rawvideo", "yuv4mpegpipe"}
"""Formats that get no index: their frames are evenly spaced, and reading them is slow."""

_RESTARTS = cast("int", Flags.ts_discont.value)

_NO_BYTES = cast("int", Flags.no_byte_seek.value)

_RESTARTING = {"flv"}
"""Formats whose clocks start again in practice, although libav does not flag them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """The contents of a file's video, packet by packet, at the times of one running clock.

    Attributes:
        times: Presentation times of the pictures in ticks of the stream, rising; decoding times for
            AVI. Empty where the file has none.
        end: Tick at which the last picture ends.
        packets: Number of the video's packets.
        pace: The spacing of the pictures.
        joins: Where the file's clock starts again, and the pictures whose times are wrong.
        keys: Time and byte of each keyframe, rising.
        by_byte: Whether to search for a moment by the byte: formats whose clocks may start again
            have no list of their own to search in.
        streams: Numbers of the streams that have packets; a header may announce others.
    """

    times: array[int]
    end: int
    packets: int
    pace: Pace
    joins: Joins
    keys: tuple[tuple[int, int], ...]
    by_byte: bool
    streams: frozenset[int]

    def count(self, start: Fraction | None, end: Fraction | None) -> int:
        """Count the pictures from one second on and before another; None is no limit."""
        first, last = self._range(start, end)
        return max(last - first, 0)

    def shown(self, start: Fraction | None, end: Fraction | None) -> list[int]:
        """List when the pictures of a range are shown, in ticks of the clip's times."""
        first, last = self._range(start, end)
        return [self.pace.at(time) for time in self.times[first:last]]

    def key_times(self) -> list[int]:
        """List when the keyframes are shown, in ticks of the clip's times."""
        return [self.pace.at(time) for time, _ in self.keys]

    def _range(self, start: Fraction | None, end: Fraction | None) -> tuple[int, int]:
        """Return the number of the first picture of a range, and of the first behind it."""
        first = 0 if start is None else self._before(start)
        return first, len(self.times) if end is None else self._before(end)

    def begin(self, said: Fraction) -> Fraction:
        """Return the second at which the clip begins, which the container may have wrong."""
        first = self.times[0] * self.pace.tick if self.times else said
        return first if self.joins.lone and said < first - 1 else said

    def _before(self, seconds: Fraction) -> int:
        """Count the pictures before a moment."""
        return bisect_left(self.times, ceil(seconds / self.pace.time_base), key=self.pace.at)

    def key_before(self, seconds: Fraction) -> int | None:
        """Byte position of the last keyframe up to a moment, or of the first one.

        None if the file is to be searched by time.
        """
        if not (self.by_byte and self.keys):
            return None
        found = bisect_left(self.keys, (int(seconds / self.pace.tick) + 1, 0))
        return self.keys[max(found - 1, 0)][1]


def index_of(path: Path, chosen: ReadSettings, form: str) -> Index | None:
    """Return the index of a file, read now unless it is known.

    Args:
        path: The input.
        chosen: How it is read.
        form: FFmpeg's name of its demuxer.

    Returns:
        The index; None for numbered pictures, pipes and uncompressed video, which need none.

    Raises:
        MediaError: The file cannot be read.
    """
    if form in _EVEN or not path.is_file():
        return None
    key = key_of(path, chosen)
    if key not in _known:
        remember_index(key, _indexed(path, chosen.video_stream))
    return _known[key]


def key_of(path: Path, chosen: ReadSettings) -> Key:
    """Return the key of a file's index: path, stream, size and time of change."""
    now = path.stat()
    return str(path.absolute()), chosen.video_stream, now.st_size, now.st_mtime_ns


def known_index(key: Key) -> Index | None:
    """Return the index of a key, if it is known."""
    return _known.get(key)


def remember_index(key: Key, index: Index) -> None:
    """Keep an index, so that the file is not read for it."""
    while len(_known) >= _KEPT:
        del _known[next(iter(_known))]
    _known[key] = index


def _indexed(path: Path, number: int | None) -> Index:
    with open_input(path) as container:
        return _read(container, main_video(container, path, number))


def may_restart(container: "InputContainer") -> bool:
    """Tell whether the clock of a file's format may start again."""
    form = container.format
    return bool(form.flags & _RESTARTS) or form.name in _RESTARTING


def _read(container: "InputContainer", video: "VideoStream") -> Index:
    """Read the packets to the end, or to where nothing more can be read."""
    form, restarts = container.format, may_restart(container)
    parts, streams = Parts(video.index, restarts=restarts), Counter[int]()
    given, probe = _packets(container), FieldProbe(video)
    for packet in Steady(frozenset({"video", "audio"})).packets(given) if restarts else given:
        streams[packet.stream_index] += 1
        if packet.is_discard:
            continue
        if form.name == "avi":
            packet.pts = packet.dts  # its presentation times go back and forth with B-frames
        if packet.stream_index == video.index:
            probe.take(packet)
        if restarts or packet.stream_index == video.index:
            parts.take(packet)
    lone = {
        picture: time
        for part in parts.found
        for picture, time in _lone_pictures(part, video, parts).items()
    }
    for part in parts.found:
        part.fill(round(1 / STREAM_RATE / fraction(video.time_base)))
    shifts = _shifts(video, parts.found) or parts.shifts()
    moved = list(zip(parts.found, shifts, strict=True))
    times = array("q", sorted(pts + shift for part, shift in moved for pts in part.times))
    keys = ((pts + shift, place) for part, shift in moved for pts, place in part.keys)
    rounded = ROUNDED + (len(moved) > 1)  # as the shifts are
    pace = pace_of_stream(video, times, rounded)
    order = video.codec_context.field_order
    if probe.apart() or has_fields_apart(pace, fraction(video.guessed_rate), order):
        times = times[::2]
        pace = pace_of_stream(video, times, rounded)
    return Index(
        times=times,
        end=parts.found[-1].end + shifts[-1],
        packets=streams[video.index],
        pace=pace,
        joins=find_joins(parts, shifts, fraction(video.time_base), lone),
        keys=tuple(sorted(keys)),
        by_byte=restarts and not form.flags & _NO_BYTES,
        streams=frozenset(streams),
    )


def _packets(container: "InputContainer") -> "Iterator[Packet[Any]]":
    """Read the packets of all streams; damage is met again when they are decoded."""
    failed = 0
    while failed < 2:  # twice without a packet between: this is the end
        failed += 1
        with suppress(av.FFmpegError):
            for packet in container.demux():
                cancellation.check()
                failed = 0
                if packet.size:
                    yield packet
            return


def _lone_pictures(part: Part, video: "VideoStream", parts: Parts) -> dict[Picture, int]:
    """Find and replace the wrong presentation times of a part of a video.

    Returns:
        The times that take their place, by picture.
    """
    pace, tick = partial(pace_of_stream, video), fraction(video.time_base)
    numbers = set(lone_times(part.times, reordered=video.codec.reorder, pace=pace))
    numbers |= set(far_times(part.times, part.guesses, tick, parts.sound_beside(part)))
    if not numbers:
        return {}
    wrong = {number: part.picture(number) for number in sorted(numbers)}
    part.mend(due_times(part.times, numbers))
    return {picture: part.times[number] for number, picture in wrong.items()}


def _shifts(video: "VideoStream", parts: list[Part]) -> list[int]:
    """Compute the ticks to add to each part's times, so that even frames stay even across joins.

    Where a part ends is rounded too: put end to end, many parts would leave the even spacing.

    Returns:
        The ticks; none if the parts are not all of one even rate.
    """
    paces = [pace_of_stream(video, sorted(part.times)) for part in parts]
    if len(parts) < 2 or not all(pace.even and pace.rate == paces[0].rate for pace in paces):
        return []
    step = 1 / (paces[0].rate * paces[0].tick)
    firsts = [
        Fraction(part.first or 0) if pace.first is None else pace.first
        for part, pace in zip(parts, paces, strict=True)
    ]
    begin, shifts = firsts[0], []
    for part, first in zip(parts, firsts, strict=True):
        shifts.append(round(begin - first))
        begin += (round((max(part.times) - first) / step) + 1) * step
    return shifts


def pace_of_stream(
    video: "VideoStream", times: "Sequence[int]" = (), rounded: float = ROUNDED
) -> Pace:
    """Decide on the spacing of a stream's pictures, by those times that are known."""
    return pace_of(
        times,
        fraction(video.time_base),
        guessed=fraction(video.guessed_rate),
        average=fraction(video.average_rate),
        rounded=rounded,
    )
