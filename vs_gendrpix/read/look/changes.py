"""Search a clip for a change of its picture's size or format, before hours of work."""

from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from typing import TYPE_CHECKING

import av

from vs_gendrpix.errors import MediaError, cancellation
from vs_gendrpix.frame.clip import STREAM_RATE
from vs_gendrpix.frame.format import FrameFormat
from vs_gendrpix.libav.values import fraction
from vs_gendrpix.read.alike import Shapes, change, change_of_shape, described
from vs_gendrpix.read.clip import Clip
from vs_gendrpix.read.look.headers import READABLE, blank_picture, pictures_described

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.stream import VideoStream

PICTURE_STEP = 24
"""Every how many numbered pictures one is examined: each is read whole, and may be large."""


def refuse_changes(clip: Clip, first: FrameFormat, end: Fraction | None) -> None:
    """Refuse a clip whose picture changes its size, format, shape or kind of colour up to `end`.

    A change of matrix or range is none: the source converts it.

    Where decoders read the headers of pictures alone, all are read. Elsewhere only keyframes are
    decoded, since most codecs change nothing between them (AV1 and VP9 may); of pictures that are
    all keyframes about one a second, and the last. What is missed is met on the way, by the source.

    Args:
        clip: The opened clip; not a pipe, which can be read once only.
        first: The format of its first frame.
        end: Second of the clip before which to stop; None is its end.

    Raises:
        MediaError: It changes.
    """
    clip.go_to(Fraction(0))
    for picture, shape in _pictures(clip):
        seconds = (picture.pts or 0) * clip.time_base - clip.begin
        if end is not None and seconds >= end:
            return
        if not picture.width:  # a decoder gives such of a broken packet
            continue
        whole = described(picture, first.color, clip.chosen.in_transfer)
        found = change(clip.shown_area(whole).of(whole), first)
        found = found or change_of_shape(shape, clip.shape)
        if found:
            raise MediaError(
                f"the picture of {clip.path} {found} at {float(seconds):.3f} s: "
                "cut the clip there, or give --on-change scale"
            )


def _pictures(clip: Clip) -> Iterator[tuple[av.VideoFrame, Fraction]]:
    """The pictures to look at, in order, each with the pixel aspect ratio that its codec states."""
    stream = clip.stream
    if stream.codec_context.codec.name in READABLE and clip.format_name != "image2":
        for packet, decoder in pictures_described(stream, _packets(clip)):
            yield blank_picture(decoder, packet), fraction(decoder.sample_aspect_ratio)
        return
    shapes = Shapes(clip)
    for picture in _numbered(clip) if clip.format_name == "image2" else _keyframes(clip):
        yield picture, shapes.of(picture)


def _numbered(clip: Clip) -> Iterator[av.VideoFrame]:
    """Decode some of the numbered pictures."""
    container, stream = clip.container, clip.stream
    for number in range(0, stream.frames or stream.duration or 0, PICTURE_STEP):
        with suppress(av.FFmpegError):  # what is damaged, the source reports when it meets it
            container.seek(number, stream=stream)
            yield from next(container.demux(stream)).decode()


def _keyframes(clip: Clip) -> Iterator[av.VideoFrame]:
    """Decode the keyframes, or some of them."""
    stream = clip.stream
    stream.codec_context.skip_frame = "NONKEY"
    try:
        rate = clip.rate or STREAM_RATE
        since, before_was_key = 0, False
        passed_over: Packet[VideoStream] | None = None
        for packet in _packets(clip):
            since += 1
            is_due = packet.is_keyframe and (not before_was_key or since >= rate)
            due = [packet] if is_due else []
            if not packet.size:  # the end
                due = [packet] if passed_over is None else [passed_over, packet]
            for one in due:
                with suppress(av.FFmpegError):
                    yield from stream.codec_context.decode(one)
            since = 0 if due else since
            passed_over = packet if packet.is_keyframe and not due else None
            before_was_key = packet.is_keyframe
    finally:
        stream.codec_context.skip_frame = "DEFAULT"


def _packets(clip: Clip) -> "Iterator[Packet[VideoStream]]":
    """Read packets at the times of one clock, to the end or where no more can be read."""
    with suppress(av.FFmpegError):
        for packet in clip.container.demux(clip.stream):
            cancellation.check()
            clip.clock.mend(packet)
            yield packet
