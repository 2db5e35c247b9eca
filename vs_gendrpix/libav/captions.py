"""The closed captions of pictures."""

from typing import Any, get_args

import av
from av.packet import Packet, PacketSideData, PktSideDataT
from av.sidedata.sidedata import Type

_CAPTIONS = get_args(PktSideDataT).index("a53_cc")
_SIDE = 16
"""Width and height of the picture that is decoded; any size would do."""


def captions_of(picture: av.VideoFrame) -> bytes:
    """The captions of a decoded picture, as `Frame` has them; empty if there are none."""
    found = picture.side_data.get(Type.A53_CC)
    return b"" if found is None else bytes(found)


def blank_picture(width: int, height: int, pix_fmt: str, captions: bytes) -> av.VideoFrame:
    """A picture of undefined samples, with captions if there are any.

    PyAV gives no side data to a new picture. But a decoder gives its pictures what their packets
    have, also that of raw video, and a conversion keeps it. It takes 3 ms for a 4K picture.

    Args:
        width: Its width in pixels.
        height: Its height in pixels.
        pix_fmt: FFmpeg's name of its pixel format.
        captions: Triplets of `cc_data`, ATSC A/53 part 4.
    """
    if not captions:
        return av.VideoFrame(width, height, pix_fmt)
    decoder = av.CodecContext.create("rawvideo", "r")
    decoder.width, decoder.height, decoder.pix_fmt = _SIDE, _SIDE, "gray"
    packet: Packet[Any] = Packet(_SIDE * _SIDE)
    # Its stub forgets that it takes a type and a size.
    data = PacketSideData(_CAPTIONS, len(captions))  # type: ignore[call-arg]
    data.update(captions)
    data.to_packet(packet)
    (small,) = decoder.decode(packet)
    picture = small.reformat(width, height, pix_fmt)
    picture.pict_type = 0  # a decoded one is a keyframe, and makes the encoder write one
    return picture
