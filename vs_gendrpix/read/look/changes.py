"""Look through a clip for a change of its picture's size or format, before hours go into it."""

from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction

import av

from vs_gendrpix import cancellation
from vs_gendrpix.errors import MediaError
from vs_gendrpix.frame.clip import STREAM_RATE
from vs_gendrpix.frame.format import FrameFormat
from vs_gendrpix.read.alike import Shapes, change, change_of_shape, described
from vs_gendrpix.read.clip import Clip

PICTURE_STEP = 24
"""Of numbered pictures one in so many is looked at: each is read whole, and may be large."""


def refuse_changes(clip: Clip, first: FrameFormat, end: Fraction | None) -> None:
    """Refuse a clip whose picture changes its size, format, shape or kind of colour up to `end`.

    A change of matrix or range is none: the source converts it.

    Only keyframes are decoded, since nothing can change between them; of pictures that are all
    keyframes about one a second. What is missed is met on the way, by the source.

    Args:
        clip: The opened clip; not a pipe, which can be read once only.
        first: The format of its first frame.
        end: Second of the clip before which to stop; None is its end.

    Raises:
        MediaError: It changes.
    """
    clip.go_to(Fraction(0))
    shapes = Shapes(clip)
    with suppress(av.FFmpegError):  # what is damaged, the source reports when it meets it
        for picture in _keyframes(clip):
            seconds = (picture.pts or 0) * clip.time_base - clip.begin
            if end is not None and seconds >= end:
                return
            whole = described(picture, first.color)
            found = change(clip.shown_area(whole).of(whole), first)
            found = found or change_of_shape(shapes.of(picture), clip.shape)
            if found:
                raise MediaError(
                    f"the picture of {clip.path} {found} at {float(seconds):.3f} s: "
                    "cut the clip there, or give --on-change scale"
                )


def _keyframes(clip: Clip) -> Iterator[av.VideoFrame]:
    """Decode the pictures to look at, in order."""
    container, stream = clip.container, clip.stream
    if clip.format_name == "image2":
        for number in range(0, stream.frames or stream.duration or 0, PICTURE_STEP):
            container.seek(number, stream=stream)
            yield from next(container.demux(stream)).decode()
        return
    stream.codec_context.skip_frame = "NONKEY"
    try:
        rate = clip.rate or STREAM_RATE
        since, before_was_key = 0, False
        for packet in container.demux(stream):
            cancellation.check()
            clip.clock.mend(packet)
            since += 1
            if not packet.size or (packet.is_keyframe and (not before_was_key or since >= rate)):
                since = 0
                yield from stream.codec_context.decode(packet)
            before_was_key = packet.is_keyframe
    finally:
        stream.codec_context.skip_frame = "DEFAULT"
