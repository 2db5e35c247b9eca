"""One reading of a file's packets before the work: when each picture is shown, and all joins."""

from array import array
from bisect import bisect_left
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import av
from av.format import Flags

from vs_gendrpix.libav.values import fraction
from vs_gendrpix.read.joins import Joins, find_joins
from vs_gendrpix.read.opening import main_video, open_input
from vs_gendrpix.read.parts import Parts
from vs_gendrpix.settings import ReadSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from av.container import InputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream

_EVEN = {"image2", "rawvideo", "yuv4mpegpipe"}
"""Formats with nothing to learn: their frames are evenly spaced, and reading them is costly."""

_RESTARTS = cast("int", Flags.ts_discont.value)

_RESTARTING = {"flv"}
"""Formats whose clocks start again in practice, though libav does not say so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """The contents of a file's video, packet by packet, at the times of one running clock.

    Attributes:
        times: Presentation times of the pictures in ticks of the stream, rising; decoding times for
            AVI. Empty where the file has none.
        end: Tick at which the last picture ends.
        packets: Number of the video's packets.
        tick: Seconds of a tick of the stream.
        joins: Where the file's clock starts again.
        keys: Time and byte of each keyframe, rising; only of a file with joins.
    """

    times: array[int]
    end: int
    packets: int
    tick: Fraction
    joins: Joins
    keys: tuple[tuple[int, int], ...]

    def count(self, start: Fraction | None, end: Fraction | None) -> int:
        """Count the pictures from one second on and before another; None is no limit."""
        first = 0 if start is None else bisect_left(self.times, start / self.tick)
        last = len(self.times) if end is None else bisect_left(self.times, end / self.tick)
        return max(last - first, 0)

    def key_before(self, seconds: Fraction) -> int:
        """The byte of the file of the last keyframe up to a moment, or of the first one."""
        found = bisect_left(self.keys, (int(seconds / self.tick) + 1, 0))
        return self.keys[max(found - 1, 0)][1]


def index_of(path: Path, chosen: ReadSettings, form: str) -> Index | None:
    """Read all packets of a file's video, or remember what came of that before.

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
    now = path.stat()
    return _indexed(path, chosen.video_stream, now.st_size, now.st_mtime_ns)


@lru_cache(maxsize=4)  # a job reads its input for the plan, for the pictures and for the sound
def _indexed(path: Path, number: int | None, _size: int, _changed: int) -> Index:
    with open_input(path) as container:
        return _read(container, main_video(container, path, number))


def _read(container: "InputContainer", video: "VideoStream") -> Index:
    """Read the packets to the end, or to where nothing more can be read."""
    form = container.format
    restarts = bool(form.flags & _RESTARTS) or form.name in _RESTARTING
    parts, packets = Parts(video.index, restarts=restarts), 0
    for packet in _packets(container, None if restarts else video):
        if form.name == "avi":
            packet.pts = packet.dts  # its presentation times go back and forth with B-frames
        packets += packet.stream_index == video.index
        parts.take(packet)
    shifts = parts.shifts()
    moved = list(zip(parts.found, shifts, strict=True))
    times = (pts + shift for part, shift in moved for pts in part.times)
    keys = ((pts + shift, place) for part, shift in moved for pts, place in part.keys)
    return Index(
        times=array("q", sorted(times)),
        end=parts.found[-1].end + shifts[-1],
        packets=packets,
        tick=fraction(video.time_base),
        joins=find_joins(parts, fraction(video.time_base)),
        keys=tuple(sorted(keys)) if len(moved) > 1 else (),
    )


def _packets(container: "InputContainer", only: "VideoStream | None") -> "Iterator[Packet[Any]]":
    """Read the packets of one stream, or of all; damage is met again when they are decoded."""
    with suppress(av.FFmpegError):
        for packet in container.demux() if only is None else container.demux(only):
            if packet.size and not packet.is_discard:
                yield packet
