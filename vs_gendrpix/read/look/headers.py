"""Read the headers of all pictures without decoding them."""

from contextlib import suppress
from typing import TYPE_CHECKING, cast

import av

from vs_gendrpix.errors import cancellation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from av.packet import Packet
    from av.video.codeccontext import VideoCodecContext
    from av.video.stream import VideoStream

READABLE = frozenset(
    {"jpeg2000", "mjpeg", "mpeg1video", "mpeg2video", "mpeg4", "png", "prores", "tiff"}
)
"""Decoders of libav that read a picture's header even if they skip the picture. H.264, HEVC and
VP8 report nothing then, and other decoders do not skip."""


def pictures_described(
    stream: "VideoStream", packets: "Iterator[Packet[VideoStream]]"
) -> "Iterator[tuple[Packet[VideoStream], VideoCodecContext]]":
    """Read the headers of all pictures.

    Args:
        stream: The video, of one of the codecs that are `READABLE`.
        packets: Its packets.

    Yields:
        The first packet, and each whose picture is described otherwise than the one before; with it
        a decoder that has read its header, and nothing behind that.
    """
    own = stream.codec_context
    decoder = cast("VideoCodecContext", av.CodecContext.create(own.codec.name, "r"))
    decoder.extradata, decoder.codec_tag = own.extradata, own.codec_tag
    decoder.width, decoder.height = own.coded_width, own.coded_height
    decoder.bits_per_coded_sample = own.bits_per_coded_sample
    decoder.thread_count, decoder.skip_frame = 1, "ALL"
    before = None
    for packet in packets:
        cancellation.check()
        if not packet.size:
            continue
        with suppress(av.FFmpegError):  # what is damaged, the source reports when it meets it
            decoder.decode(packet)
            now = (
                (decoder.width, decoder.height, decoder.pix_fmt),
                decoder.sample_aspect_ratio,
                (decoder.color_primaries, decoder.color_trc, decoder.colorspace),
                decoder.color_range,
            )
            if now != before and decoder.pix_fmt is not None:
                yield packet, decoder
                before = now


def blank_picture(decoder: "VideoCodecContext", packet: "Packet[VideoStream]") -> av.VideoFrame:
    """Make a picture of undefined samples, with the properties that a decoder reports."""
    picture = av.VideoFrame(decoder.width, decoder.height, decoder.pix_fmt or "")
    picture.color_primaries, picture.color_trc = decoder.color_primaries, decoder.color_trc
    picture.colorspace, picture.color_range = decoder.colorspace, decoder.color_range
    picture.pts = packet.pts if packet.pts is not None else packet.dts
    return picture
