"""H.264 whose frames are coded as two fields each (PAFF), which x264 does not make: by hand.

All macroblocks are I_PCM, so that no more than headers has to be coded (ITU-T H.264, 7.3).
"""

from fractions import Fraction
from itertools import batched
from pathlib import Path

import av

WIDTH, HEIGHT = 64, 64
FRAME_TICKS = 3600
"""Of 1/90000 s: 25 frames a second."""


class _Bits:
    """Bits of a NAL unit."""

    def __init__(self) -> None:
        self._bits = ""

    def put(self, value: int, width: int = 1) -> None:
        """Append a number of a fixed width."""
        self._bits += f"{value:0{width}b}"

    def golomb(self, *values: int) -> None:
        """Append numbers as Exp-Golomb codes."""
        for value in values:
            self._bits += f"{value + 1:0{2 * (value + 1).bit_length() - 1}b}"

    def pcm(self, data: bytes) -> None:
        """Append bytes at the next whole byte."""
        self._bits += "0" * (-len(self._bits) % 8) + "".join(f"{byte:08b}" for byte in data)

    def nal(self, kind: int, importance: int) -> bytes:
        """Make the unit, with its start code."""
        bits = self._bits + "1"
        bits += "0" * (-len(bits) % 8)
        data, zeros = bytearray(), 0
        for byte in int(bits, 2).to_bytes(len(bits) // 8):
            if zeros >= 2 and byte <= 3:
                data.append(3)
                zeros = 0
            data.append(byte)
            zeros = 0 if byte else zeros + 1
        return bytes([0, 0, 0, 1, importance << 5 | kind]) + bytes(data)


def _parameters() -> bytes:
    """The sequence's and the picture's parameters."""
    sequence = _Bits()
    for byte in (77, 0, 30):  # main profile, level 3
        sequence.put(byte, 8)
    sequence.golomb(0, 0, 2, 1)  # pictures are shown in the order in which they are coded
    sequence.put(0)
    sequence.golomb(WIDTH // 16 - 1, HEIGHT // 32 - 1)
    for flag in (0, 0, 1, 0):  # not only frames; no macroblock-adaptive fields
        sequence.put(flag)
    sequence.put(0b1_0000_1, 6)  # of the usability information the clock
    sequence.put(1, 32)
    sequence.put(50, 32)
    sequence.put(0b1_0000, 5)
    picture = _Bits()
    picture.golomb(0, 0)
    picture.put(0, 2)
    picture.golomb(0, 0, 0)
    picture.put(0, 3)
    picture.golomb(0, 0, 0)
    picture.put(0b100, 3)
    return sequence.nal(7, 3) + picture.nal(8, 3)


def _field(number: int, level: int, *, bottom: bool, broken: bool) -> bytes:
    """A field of one grey level; the first of each frame needs no other."""
    slices = _Bits()
    slices.golomb(0, 7, 5 if broken else 0)  # the picture's parameters: there are no other
    slices.put(0, 4)
    slices.put(0b10 + bottom, 2)
    if not bottom:
        slices.golomb(number % 2)
    slices.put(0, 1 if bottom else 2)
    slices.golomb(0, 1)
    for _ in range(WIDTH // 16 * HEIGHT // 32):
        slices.golomb(25)
        slices.pcm(bytes([level]) * 256 + bytes([128]) * 128)
    delimiter = _Bits()
    delimiter.put(0, 3)
    begin = delimiter.nal(9, 0) + (b"" if bottom else _parameters())
    return begin + slices.nal(1 if bottom else 5, 3)


def levels(number: int) -> tuple[int, int]:
    """Grey levels of the top and the bottom field of a frame."""
    return 40 + 8 * number, 44 + 8 * number


def make_fields(
    path: Path, frames: int, *, broken: tuple[int, ...] = (), together: bool = False
) -> None:
    """Write a clip whose fields have packets of their own, half a frame apart.

    Args:
        path: The file.
        frames: Number of frames.
        broken: Numbers of frames of which nothing can be decoded.
        together: Whether a stream of MPEG holds both fields of a frame in one packet of its own,
            with one time.
    """
    fields = [
        _field(number, level, bottom=bool(bottom), broken=number in broken)
        for number in range(frames)
        for bottom, level in enumerate(levels(number))
    ]
    ticks = FRAME_TICKS // 2
    if together:
        fields = [b"".join(pair) for pair in batched(fields, 2)]
        ticks = FRAME_TICKS
    raw = path.with_suffix(".h264")
    raw.write_bytes(b"".join(fields[:2]))
    with av.open(str(raw)) as given, av.open(str(path), "w") as output:
        stream = output.add_stream_from_template(given.streams.video[0])
        stream.time_base = Fraction(1, 90000)
        for number, data in enumerate(fields):
            packet = av.Packet(data)
            packet.stream, packet.time_base = stream, Fraction(1, 90000)
            packet.pts = packet.dts = 90000 + number * ticks
            packet.duration = ticks
            packet.is_keyframe = together or number % 2 == 0
            output.mux(packet)
    raw.unlink()
