"""Small clips made through real codecs, and what one can read of a file."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from vs_gendrpix.frame.format import ColorSpec, Frame, FrameFormat, Timing
from vs_gendrpix.libav.pixels import layout_of, to_picture
from vs_gendrpix.write.encoding.configuring import kept_priority

TICK = Fraction(1, 12800)
EVEN = tuple(512 * i for i in range(12))
"""Twelve frames at 25 a second."""
UNEVEN = (0, 512, 900, 1800, 1801, 2600, 3000, 4096, 4100, 5000, 6500, 7000)

AUDIO = {"mp4": "aac", "mov": "aac", "mkv": "flac"}


def gray_level(index: int) -> int:
    """The 8-bit luma of frame `index`, by which a test knows it again."""
    return 40 + 12 * index


def make_frames(pix_fmt="yuv420p", size=(64, 48), times=EVEN, tick=TICK, color=None):
    """Frames with a gradient and noise-free chroma; the mean tells their number."""
    layout = layout_of(pix_fmt)
    color = color or ColorSpec(matrix=0 if layout.family == "rgb" else 1)
    form = FrameFormat(width=size[0], height=size[1], layout=layout, color=color)
    frames = []
    for index, pts in enumerate(times):
        planes = []
        for number, (rows, columns) in enumerate(form.plane_shapes):
            ramp = np.arange(columns)[None] % 16 + np.arange(rows)[:, None] % 8
            level = gray_level(index) + ramp if number == 0 else 120 + 4 * number + ramp % 3
            code = level / 255 if layout.floating else level << (layout.bits - 8)
            planes.append(code.astype(form.dtype))
        timing = Timing(pts=pts, duration=0, time_base=tick)
        frames.append(Frame(format=form, planes=tuple(planes), timing=timing))
    return frames


def add_audio(output, codec="aac", seconds=0.48, language="eng"):
    """A stream of a tone; returns a function that encodes all of it."""
    stream = output.add_stream(codec, rate=44100)
    stream.metadata["language"] = language

    def encode():
        for start in range(0, int(seconds * 44100), 1024):
            wave = np.sin(np.arange(start, start + 1024) / 20)
            if codec == "flac":
                samples = (wave * 8000).astype(np.int16)[None].repeat(2, 1)
                frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="stereo")
            else:
                samples = (wave * 0.2).astype(np.float32)[None].repeat(2, 0)
                frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="stereo")
            frame.sample_rate, frame.pts, frame.time_base = 44100, start, Fraction(1, 44100)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))

    return encode


def make_clip(
    path: Path,
    *,
    codec="libx264",
    pix_fmt="yuv420p",
    size=(64, 48),
    times=EVEN,
    audio: str | None = None,
    container: str | None = None,
    options: dict[str, str] | None = None,
    prepare=None,
) -> list[Frame]:
    """Write a clip and return the frames that went in.

    `prepare(output, stream)` may set what it likes before the header is written.
    """
    frames = make_frames(pix_fmt, size, times)
    # SVT-AV1 would leave a real-time priority behind, for all that the suite starts later.
    with kept_priority(), av.open(str(path), "w", format=container) as output:
        stream = output.add_stream(codec, rate=25, options=options or {})
        stream.width, stream.height, stream.pix_fmt = *size, pix_fmt
        stream.codec_context.time_base = stream.time_base = TICK
        encode_audio = add_audio(output, audio) if audio else None
        if prepare:
            prepare(output, stream)
        for frame in frames:
            output.mux(stream.encode(to_picture(frame, pix_fmt)))
        output.mux(stream.encode(None))
        if encode_audio:
            encode_audio()
    return frames


@dataclass
class Contents:
    """What a test compares of a file."""

    times: list[Fraction]
    sides: dict[int, list[tuple[bytes, Fraction]]]
    means: list[float]
    picture: av.VideoFrame
    size: tuple[int, int]


def read(path: Path) -> Contents:
    """Frame times in seconds, the other streams' packets, and luma means."""
    with av.open(str(path)) as clip:
        video = clip.streams.video[0]
        pictures = list(clip.decode(video))
        means = [float(picture.to_ndarray(format="gray").mean()) for picture in pictures]
        times = [picture.pts * Fraction(str(video.time_base)) for picture in pictures]
    sides: dict[int, list[tuple[bytes, Fraction]]] = {}
    with av.open(str(path)) as clip:
        for packet in clip.demux():
            if packet.size and packet.stream.type in {"audio", "subtitle"}:
                seconds = packet.pts * Fraction(str(packet.time_base))
                sides.setdefault(packet.stream_index, []).append((bytes(packet), seconds))
    return Contents(times, sides, means, pictures[0], (pictures[0].width, pictures[0].height))
