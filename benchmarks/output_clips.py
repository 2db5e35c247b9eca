"""Small clips that the benchmark of equal outputs makes for itself, of every kind it restores.

A picture is whole-number arithmetic on the places of its pixels, so that it is the same on every
machine. Nothing here imports the package: its rooms may move without changing what it is given.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

TICK = Fraction(1, 12800)
EVEN = tuple(512 * n for n in range(4))
"""Times of four frames at 25 a second, in ticks."""
UNEVEN = (0, 512, 900, 1800, 1840)
MS = Fraction(1, 1000)
BARS = 8
"""Black rows above and below, or columns left and right, of a clip with bars."""
LOSSLESS = {"qp": "0", "preset": "ultrafast"}

Write = Callable[[av.container.OutputContainer], Callable[[], None]]
"""Adds a stream beside the picture; what it returns writes that stream."""


@dataclass(frozen=True, kw_only=True)
class Clip:
    """A clip to be written.

    Attributes:
        codec: FFmpeg's name of the encoder.
        pix_fmt: FFmpeg's name of the pixel format.
        size: Width and height in pixels.
        times: When each frame is shown, in units of `tick`.
        tick: Seconds of a unit of time.
        options: The encoder's private options.
        color: Matrix, primaries and transfer by ITU-T H.273.
        full: Whether code values use the full range.
        location: Where chroma sits, by FFmpeg's number; 0 does not say.
        bars: Whether the picture lies between black bars.
        woven: How many fields later the second field of a frame is, which interlaces it.
        repeats: Which picture is shown at each time; None is a new one each time.
        container: Options of the muxer.
        beside: The streams beside the picture.
        prepare: Sets up the video stream before the file is begun.
    """

    codec: str = "libx264"
    pix_fmt: str = "yuv420p"
    size: tuple[int, int] = (48, 32)
    times: tuple[int, ...] = EVEN
    tick: Fraction = TICK
    options: dict[str, str] = field(default_factory=lambda: dict(LOSSLESS))
    color: tuple[int, int, int] = (1, 1, 1)
    full: bool = False
    location: int = 1
    bars: bool = False
    woven: int = 0
    repeats: tuple[int, ...] | None = None
    container: dict[str, str] = field(default_factory=dict)
    beside: tuple[Write, ...] = ()
    prepare: Callable[[av.VideoStream], object] = lambda _: None

    def write(self, path: Path) -> None:
        """Encode the clip on one thread."""
        path.parent.mkdir(exist_ok=True)
        form = "image2" if "%" in path.name else None
        with av.open(str(path), "w", format=form, container_options=self.container) as output:
            rate = (1 / self.tick / (self.times[1] or 1)) if len(self.times) > 1 else 25
            stream = output.add_stream(self.codec, rate=rate, options=dict(self.options))
            stream.time_base = self.tick
            context = stream.codec_context
            context.width, context.height, context.pix_fmt = *self.size, self.pix_fmt
            context.time_base, context.thread_count = self.tick, 1
            context.colorspace, context.color_primaries, context.color_trc = self.color
            context.color_range = 2 if self.full else 1
            context.chroma_sample_location = self.location
            self.prepare(stream)
            finish = [add(output) for add in self.beside]
            for number, pts in enumerate(self.times):
                output.mux(stream.encode(self._picture(number, pts)))
            output.mux(stream.encode(None))
            for write in finish:
                write()

    def _picture(self, number: int, pts: int) -> av.VideoFrame:
        shown = number if self.repeats is None else self.repeats[number]
        picture = av.VideoFrame(*self.size, self.pix_fmt)
        fill(picture, (1 + (self.woven > 0)) * shown, bars=self.bars)
        if self.woven:
            later = av.VideoFrame(*self.size, self.pix_fmt)
            fill(later, 2 * shown + self.woven, bars=self.bars)
            for mine, other in zip(picture.planes, later.planes, strict=True):
                rows = np.frombuffer(mine, np.uint8).reshape(mine.height, -1)
                rows[1::2] = np.frombuffer(other, np.uint8).reshape(mine.height, -1)[1::2]
        picture.pts, picture.time_base = pts, self.tick
        picture.colorspace, picture.color_primaries, picture.color_trc = self.color
        picture.color_range = 2 if self.full else 1
        return picture


def fill(picture: av.VideoFrame, number: int, *, bars: bool = False) -> None:
    """Give a picture its pixels: blocks, an edge, fine grain, all of it moving with `number`."""
    form = picture.format
    part = form.components[0]
    floating = "f32" in form.name
    kind = np.dtype(np.float32 if floating else np.uint8 if part.bits == 8 else np.uint16)
    kind = kind.newbyteorder(">" if form.name.endswith("be") else "<")
    across = len(form.components) if len(picture.planes) == 1 else 1
    for index, plane in enumerate(picture.planes):
        made = codes(plane.height, plane.width, across, number, index)
        if bars:
            edge = BARS * plane.height // picture.height
            made[:edge] = made[-edge:] = 128 if index else 16
        made = made.reshape(plane.height, -1)
        rows = np.frombuffer(plane, kind).reshape(plane.height, -1)
        rows[:, : made.shape[1]] = made / 255 if floating else made << (part.bits - 8)


def codes(height: int, width: int, across: int, number: int, index: int) -> NDArray[np.int64]:
    """Draw code values of 8 bits, (height, width, across), within the limited range."""
    y, x, part = np.meshgrid(
        np.arange(height), np.arange(width), np.arange(across), indexing="ij", sparse=True
    )
    part = part + index
    moved = x + 3 * number
    block = (moved // 8 * 29 + y // 8 * 53 + part * 31) % 61
    edge = np.where(2 * moved + y > width + 9 * part, 60, 0)
    grain = (moved * 73_856_093 ^ y * 19_349_663 ^ (number + part) * 83_492_791) >> 7 & 15
    if index == 0 or across > 1:
        return 40 + block + edge + 2 * grain
    return 96 + block // 2 + edge // 3 + grain // 2


def sound(codec: str, language: str, *, rate: int = 48000, seconds: float = 0.2) -> Write:
    """Add a stream of a tone."""

    def add(output: av.container.OutputContainer) -> Callable[[], None]:
        stream = output.add_stream(codec, rate=rate)
        stream.metadata["language"] = language
        stream.metadata["title"] = f"sound in {language}"

        def write() -> None:
            form = stream.codec_context.format.name
            step = stream.codec_context.frame_size or 1024
            for start in range(0, int(seconds * rate), step):
                wave = (np.arange(start, start + step) * 37 % 2000 - 1000).astype(np.int16)
                both = wave[None].repeat(2, 0)
                if not form.endswith("p"):
                    both = both.T.reshape(1, -1)
                samples = {
                    "u8": (both // 8 + 128).astype(np.uint8),
                    "s16": both,
                    "s32": both.astype(np.int32) << 16,
                    "flt": both.astype(np.float32) / 32768,
                }[form.removesuffix("p")]
                frame = av.AudioFrame.from_ndarray(samples, format=form, layout="stereo")
                frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
                output.mux(stream.encode(frame))
            output.mux(stream.encode(None))

        return write

    return add


def subtitles(language: str) -> Write:
    """Add two lines of SubRip, in Matroska."""

    def add(output: av.container.OutputContainer) -> Callable[[], None]:
        stream = output.add_mux_stream("subrip")
        stream.metadata["language"] = language

        def write() -> None:
            for begin, words in ((20, b"one"), (100, b"<i>two</i>")):
                packet = av.Packet(words)
                packet.stream, packet.time_base = stream, MS
                packet.pts = packet.dts = begin
                packet.duration = 40
                output.mux(packet)

        return write

    return add


def chapters(output: av.container.OutputContainer) -> Callable[[], None]:
    """Add two chapters, and tags of the file."""
    output.metadata.update(title="The clip", artist="nobody", comment="made by a program")
    output.set_chapters(
        [
            {"id": n, "start": 80 * n, "end": 80 * (n + 1), "time_base": MS}
            | {"metadata": {"title": f"part {n}"}}
            for n in range(2)
        ]
    )
    return lambda: None


def attachment(output: av.container.OutputContainer) -> Callable[[], None]:
    """Add a font, in Matroska."""
    output.add_attachment("font.ttf", "font/ttf", bytes(range(256)))
    return lambda: None


def write_changing(path: Path) -> None:
    """Write raw H.264 whose picture becomes narrower after three frames."""
    parts = []
    for size in ((48, 32), (32, 32)):
        part = path.with_name(f"part{size[0]}.h264")
        Clip(size=size, times=EVEN[:3]).write(part)
        parts.append(part.read_bytes())
    path.write_bytes(b"".join(parts))


def write_truncated(path: Path) -> None:
    """Write a file that ends in the middle of a frame."""
    whole = path.with_name(f"whole{path.suffix}")
    Clip(codec="ffv1", options={"slicecrc": "1"}, times=tuple(512 * n for n in range(8))).write(
        whole
    )
    data = whole.read_bytes()
    path.write_bytes(data[: len(data) * 7 // 10])


def write_raw(path: Path) -> None:
    """Write raw pictures of 48x32 pixels of yuv422p10le, one after the other."""
    parts = []
    for number in range(3):
        picture = av.VideoFrame(48, 32, "yuv422p10le")
        fill(picture, number)
        for plane in picture.planes:
            rows = np.frombuffer(plane, np.uint16).reshape(plane.height, -1)
            parts.append(rows[:, : plane.width].tobytes())
    path.write_bytes(b"".join(parts))
