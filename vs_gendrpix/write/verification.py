"""Read a finished file again, and compare it with what was written to it."""

from array import array
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, cast

import av

from vs_gendrpix.errors import VerificationError, cancellation
from vs_gendrpix.libav.values import fraction, is_cover
from vs_gendrpix.write.carry.copy import SideStreams
from vs_gendrpix.write.carry.packets import has_content

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

_NO_TIME = -(1 << 62)
"""Ticks of a packet without a time: far from every frame's."""


@dataclass(slots=True, kw_only=True)
class Found:
    """The contents of a finished file, as read back.

    Attributes:
        time_base: Unit of its video's ticks.
        sample_aspect_ratio: Its pixel aspect ratio; 1 if it has none.
        times: Ticks of its video's packets, in the file's order.
        lost: What it lacks of what the input has beside packets, in words.
        counts: Packets of each carried stream, by the stream's index in the output.
        payload: Bytes of them.
    """

    time_base: Fraction
    sample_aspect_ratio: Fraction
    lost: list[str] = field(default_factory=list)
    times: "array[int]" = field(default_factory=lambda: array("q"))
    counts: Counter[int] = field(default_factory=Counter)
    payload: Counter[int] = field(default_factory=Counter)


def verify(
    url: str,
    *,
    times: Sequence[int],
    time_base: Fraction,
    carried: SideStreams,
    damaged: bool,
    joints: Sequence[int] = (),
) -> Found:
    """Check that a file holds every frame at its time, and every carried packet.

    The first and the last frame are decoded, and those at the joints.

    Args:
        url: The file, for libav.
        times: Time of every frame, in rising order.
        time_base: Unit of `times`, in seconds.
        carried: The streams that were carried.
        damaged: Whether the input was damaged, so that packets may lie at impossible times.
        joints: Times of the frames with which parts begin that were encoded by themselves.

    Returns:
        What the file holds.

    Raises:
        VerificationError: The file does not hold what was written to it, or cannot be read.
    """
    try:
        with av.open(url) as written:
            found = _read(written, carried)
        if damaged and _faults(found, carried):
            # An edit list leaves out what lies outside of the clip, where damage has moved it.
            with av.open(url, options={"ignore_editlist": "1"}) as written:
                whole = _read(written, carried)
            found = _with_hidden(found, whole)
    except av.FFmpegError as error:
        raise VerificationError(
            f"the finished file cannot be read again ({error}): it is not published"
        ) from error
    _check_times(found, times, time_base)
    _check_pictures(url, [tick * time_base for tick in (*times[:1], *joints, *times[-1:])])
    for index in _faults(found, carried):
        raise VerificationError(
            f"stream {index} of the finished file has {found.counts[index]} packets, not "
            f"{carried.copied[index]}: it is not published"
        )
    return found


def _faults(found: Found, carried: SideStreams) -> list[int]:
    """List the carried streams with missing packets.

    A muxer may join or cut packets of raw sound, or take the wrapping off others.
    """
    return [
        index
        for index, count in carried.copied.items()
        if found.counts[index] != count and found.payload[index] != carried.payload[index]
    ]


def _with_hidden(found: Found, whole: Found) -> Found:
    """Count the packets of a file that are not shown, and report them as lost."""
    hidden = {index: count - found.counts[index] for index, count in whole.counts.items()}
    lost = [
        f"{count} packet{'s' * (count > 1)} of stream {index}, whose times lie outside of the clip"
        for index, count in hidden.items()
        if count > 0
    ]
    return replace(found, lost=[*found.lost, *lost], counts=whole.counts, payload=whole.payload)


def _read(written: "InputContainer", carried: SideStreams) -> Found:
    """Read all packets of a file."""
    video = _only_video(written)
    found = Found(
        time_base=fraction(video.time_base),
        sample_aspect_ratio=fraction(video.sample_aspect_ratio) or Fraction(1),
    )
    found.lost = carried.lost_in(written)
    places = carried.places_in(written)
    for packet in written.demux():
        cancellation.check()
        if packet.stream_index == video.index and packet.size:
            found.times.append(packet.pts if packet.pts is not None else _NO_TIME)
        elif packet.stream_index in places and has_content(packet):
            index = places[packet.stream_index]
            found.counts[index] += 1
            found.payload[index] += packet.size
    return found


def _only_video(written: "InputContainer") -> "VideoStream":
    """The one video stream of a file, beside covers."""
    videos = [stream for stream in written.streams.video if not is_cover(stream)]
    if len(videos) != 1:
        raise VerificationError(
            f"the finished file has {len(videos)} videos, not 1: it is not published"
        )
    return videos[0]


def _check_times(found: Found, times: Sequence[int], time_base: Fraction) -> None:
    """Check that every frame is there and at its time, within a tick of the file."""
    if len(found.times) != len(times):
        raise VerificationError(
            f"the finished file has {len(found.times)} frames, not {len(times)}: "
            "it is not published"
        )
    unit = time_base / found.time_base
    worst = max(
        (abs(now - was * unit) for now, was in zip(sorted(found.times), times, strict=True)),
        default=Fraction(0),
    )
    if worst > 1:
        raise VerificationError(
            f"a frame of the finished file is {float(worst * found.time_base):g} s from its time: "
            "it is not published"
        )


def _check_pictures(url: str, moments: Sequence[Fraction]) -> None:
    """Check that some frames can be decoded, if there is a decoder for them here.

    Args:
        url: The file, for libav.
        moments: When they are shown, in seconds, rising.
    """
    with av.open(url) as written:
        video = _only_video(written)
        # A stream that no decoder takes has no context, whatever PyAV's types say.
        if cast("object", video.codec_context) is None or written.format.name == "yuv4mpegpipe":
            return
        for moment in moments:
            try:
                found = _decoded_at(written, video, moment)
            except av.FFmpegError as error:
                raise _undecodable(moment, f" ({error})") from error
            if not found:
                raise _undecodable(moment)


def _decoded_at(written: "InputContainer", video: "VideoStream", moment: Fraction) -> bool:
    """Decode the frame that is shown at a moment; returns whether there is one."""
    unit = fraction(video.time_base)
    with suppress(av.FFmpegError):  # what cannot be searched is read on
        written.seek(round(moment / unit), stream=video)
    for picture in written.decode(video):
        cancellation.check()
        if picture.pts is None:
            continue
        apart = picture.pts * unit - moment
        if apart >= -unit:
            return apart <= unit and not picture.is_corrupt
    return False


def _undecodable(moment: Fraction, why: str = "") -> VerificationError:
    return VerificationError(
        f"the frame of the finished file at {float(moment):g} s cannot be decoded{why}: "
        "it is not published"
    )
