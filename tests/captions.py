"""Clips with closed captions within the pictures, and what one can read of them."""

from dataclasses import dataclass
from fractions import Fraction

import av
from av.sidedata.sidedata import Type

from tests.clips import make_frames
from vs_gendrpix.libav.pixels import to_picture

PADDING = b"\xfa\x00\x00"
NOTHING = b"\xfd\x80\x80"
"""An empty pair of field 2."""


def odd(code):
    """A character with the odd parity of CTA-608."""
    return code | (code.bit_count() % 2 == 0) << 7


def letters(index):
    """A pair of field 1 that tells its frame's number."""
    return bytes([0xFC, odd(0x41 + index // 26 % 26), odd(0x41 + index % 26)])


def usual(index):
    """The 20 triplets of one of 30 pictures a second: two pairs, and the rest padding."""
    return letters(index) + NOTHING + 18 * PADDING


def message(captions):
    """The SEI message of H.264 that holds captions (ATSC A/53 part 4), with its start code."""
    payload = (
        b"\xb5\x00\x31GA94\x03" + bytes([0x40 | len(captions) // 3, 0xFF]) + captions + b"\xff"
    )
    plain, escaped = bytes([6, 4, len(payload)]) + payload + b"\x80", bytearray()
    for byte in plain:
        if byte <= 3 and escaped[-2:] == b"\x00\x00":
            escaped.append(3)
        escaped.append(byte)
    return b"\x00\x00\x01" + bytes(escaped)


def make_captioned_clip(
    path, captions, *, times, tick=Fraction(1, 12800), size=(64, 48), **options
):
    """Write H.264 with B-frames whose pictures have `captions`, put there by hand.

    Args:
        path: A transport stream or a file of Matroska.
        captions: Those of each frame, as triplets; empty for none.
        times: Ticks of the frames.
    """
    with av.open(str(path), "w") as output:
        chosen = {"bf": "2", "x264-params": "repeat-headers=1:annexb=1"} | options
        stream = output.add_stream("libx264", rate=30, options=chosen)
        stream.width, stream.height = size
        stream.codec_context.time_base = stream.time_base = tick
        by_time = dict(zip(times, captions, strict=True))
        frames = make_frames(size=size, times=times, tick=tick)
        encoded = [p for f in frames for p in stream.encode(to_picture(f, "yuv420p"))]
        for packet in encoded + stream.encode(None):
            data, own = bytes(packet), by_time[packet.pts]
            if own:
                begin = min(
                    place
                    for mark in (b"\x01\x65", b"\x01\x61", b"\x01\x41", b"\x01\x01")
                    if (place := data.find(b"\x00\x00" + mark)) >= 0
                )
                data = data[:begin] + message(own) + data[begin:]
            made = av.Packet(data)
            made.pts, made.dts, made.time_base = packet.pts, packet.dts, packet.time_base
            made.duration, made.is_keyframe, made.stream = (
                packet.duration,
                packet.is_keyframe,
                stream,
            )
            output.mux(made)


@dataclass
class Captioned:
    """The captions of a file's pictures, in the order in which these are shown.

    Attributes:
        times: When each picture is shown, in seconds.
        captions: Those of each picture.
    """

    times: list[Fraction]
    captions: list[bytes]

    @property
    def valid(self):
        """All triplets that are no padding, each with the time of its picture."""
        return [
            (time, own[place : place + 3])
            for time, own in zip(self.times, self.captions, strict=True)
            for place in range(0, len(own), 3)
            if own[place] & 4
        ]


def read_captions(path):
    """Decode a file, and take the captions of its pictures."""
    found = Captioned([], [])
    with av.open(str(path)) as clip:
        video = clip.streams.video[0]
        for picture in clip.decode(video):
            own = picture.side_data.get(Type.A53_CC)
            found.captions.append(bytes(own) if own is not None else b"")
            found.times.append(picture.pts * Fraction(str(video.time_base)))
    return found
