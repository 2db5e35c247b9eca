"""Join files of one video, encoded in parts, into one file without encoding it again."""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av

from vs_gendrpix.errors import VerificationError, cancellation
from vs_gendrpix.frame.clip import ClipInfo
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.libav.values import is_cover
from vs_gendrpix.write.carry.copy import SideStreams
from vs_gendrpix.write.container import Container
from vs_gendrpix.write.output import Output

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """A file of encoded frames.

    Attributes:
        path: The file.
        times: Ticks of the whole video at which its frames are shown, rising.
        durations: Ticks that each lasts; 0 is unknown.
    """

    path: Path
    times: Sequence[int]
    durations: Sequence[int]


def write_joined(
    files: Sequence[Encoded],
    output: Output,
    clip: ClipInfo,
    *,
    carried: SideStreams,
    notes: Notes,
) -> None:
    """Write the packets of all files into one, check it, and give it its name.

    Args:
        files: The files, in their order.
        output: Where to; entered already.
        clip: What the video is: time base, rate, pixel aspect ratio and orientation.
        carried: The streams beside the video.
        notes: Where it is told what the output cannot hold.

    Raises:
        OutputError: The muxer failed, or the name has been taken.
        ResourceError: The disk is full.
        VerificationError: A file holds other frames than it must, or was encoded in another way
            than the others; or the output does not hold what was written to it.
    """
    files = _apart([file for file in files if file.times])  # damage may leave none of a part
    _check_alike(files)
    with (
        av.open(f"file:{files[0].path}") as first,
        Container(output, _video_of(first), clip=clip, carried=carried, notes=notes) as container,
    ):
        for packet in _joined(files, clip.time_base):
            cancellation.check()
            container.mux([packet])
        times = [tick for file in files for tick in file.times]
        container.finish(times, [file.times[0] for file in files[1:]])


def _apart(files: Sequence[Encoded]) -> list[Encoded]:
    """Move frames one tick on that are not later than the last one of the file before.

    Times that the input has twice, or that go back, are mended so within a file.
    """
    last: int | None = None
    found: list[Encoded] = []
    for file in files:
        times = array("q")
        for tick in file.times:
            last = tick if last is None else max(tick, last + 1)
            times.append(last)
        found.append(replace(file, times=times))
    return found


def _video_of(opened: "InputContainer") -> "VideoStream":
    """The one video of a file of encoded frames."""
    return next(stream for stream in opened.streams.video if not is_cover(stream))


def _check_alike(files: Iterable[Encoded]) -> None:
    """Check that all files were encoded alike, since one header must do for all."""
    first: tuple[object, ...] | None = None
    for file in files:
        with av.open(f"file:{file.path}") as opened:
            context = _video_of(opened).codec_context
            form = (context.name, context.pix_fmt, context.extradata)
        first = first or form
        if form != first:
            raise VerificationError(
                f"{file.path} was encoded in another way than the segments before it: "
                "nothing is published"
            )


def _joined(files: Sequence[Encoded], time_base: Fraction) -> "Iterator[Packet[VideoStream]]":
    """Read the packets of all files in decoding order, with the times of the whole video.

    Containers round times, and begin anew with decoding times. So both are made anew: a packet is
    shown when its frame is, by its place among the others, and decoded when the picture is shown
    that lies before it by the largest delay of all files.
    """
    times = [tick for file in files for tick in file.times]
    durations = [duration for file in files for duration in file.durations]
    orders = [_order(file) for file in files]
    delay = max((place - shown for order in orders for place, shown in enumerate(order)), default=0)
    decoded = _decoding_times(times, delay)
    number = begin = 0
    for file, order in zip(files, orders, strict=True):
        with av.open(f"file:{file.path}") as opened:
            for place, packet in enumerate(_packets(opened)):
                shown = begin + order[place]
                packet.time_base = time_base
                packet.pts, packet.dts = times[shown], decoded[number]
                packet.duration = durations[shown]
                number += 1
                yield packet
        begin += len(order)


def _order(file: Encoded) -> list[int]:
    """List, for a file's packets in decoding order, the places of their frames when shown."""
    with av.open(f"file:{file.path}") as opened:
        shown = [packet.pts or 0 for packet in _packets(opened)]
    if len(shown) != len(file.times):
        raise VerificationError(
            f"{file.path} has {len(shown)} frames, not {len(file.times)}: nothing is published"
        )
    places = {pts: place for place, pts in enumerate(sorted(shown))}
    return [places[pts] for pts in shown]


def _packets(opened: "InputContainer") -> "Iterator[Packet[VideoStream]]":
    """The packets of the one video."""
    return (packet for packet in opened.demux(_video_of(opened)) if packet.size)


def _decoding_times(times: Sequence[int], delay: int) -> list[int]:
    """Compute decoding times: `delay` pictures before the presentation of the packet's place."""
    if not times:
        return []
    lead = [times[0] - (times[min(delay, len(times) - 1)] - time) for time in times[:delay]]
    return [*_rising(lead, times[0]), *times[: len(times) - delay]]


def _rising(times: Sequence[int], end: int) -> list[int]:
    """Make times that rise and end before another one."""
    found: list[int] = []
    for time in reversed(times):
        end = min(time, end - 1)
        found.append(end)
    return found[::-1]
