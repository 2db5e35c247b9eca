"""Twenty-four small clips of many codecs and containers, with sound, subtitles and chapters."""

import os
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import OutputContainer

from vs_gendrpix.write.encoding.configuring import kept_priority

FRAMES, RATE = 12, 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Codec, container and contents of a test clip.

    Attributes:
        suffix: Extension of the file, which names the container.
        codec: Encoder of the picture.
        pix_fmt: Its pixel format.
        sound: Encoder of the sound; None has none.
        size: Width and height.
        options: Options of the encoder.
        rich: Whether there are subtitles, chapters, tags and an attached file too.
    """

    suffix: str
    codec: str
    pix_fmt: str = "yuv420p"
    sound: str | None = None
    size: tuple[int, int] = (64, 48)
    options: dict[str, str] = field(default_factory=dict)
    rich: bool = False


os.environ.setdefault("SVT_LOG", "1")  # errors only: it does not ask libav

_GOP = {"g": "4"}
_QUIET = {"x265-params": "log-level=none"}
_B_FRAMES = {"g": "6", "bf": "2"}
_CIF = (176, 144)

KINDS = {
    "h264_mp4": Kind(suffix=".mp4", codec="libx264", sound="aac", options=_B_FRAMES, rich=True),
    "h264_mkv": Kind(suffix=".mkv", codec="libx264", sound="flac", options=_B_FRAMES, rich=True),
    "h264_ts": Kind(suffix=".ts", codec="libx264", sound="aac", options=_B_FRAMES),
    "h264_flv": Kind(suffix=".flv", codec="libx264", sound="aac", options=_GOP),
    "hevc_mp4": Kind(
        suffix=".mp4", codec="libx265", pix_fmt="yuv420p10le", sound="ac3", options=_GOP | _QUIET
    ),
    "hevc_ts": Kind(suffix=".ts", codec="libx265", sound="ac3", options=_GOP | _QUIET),
    "av1_mkv": Kind(suffix=".mkv", codec="libsvtav1", sound="libopus", options={"g": "6"}),
    "av1_mp4": Kind(suffix=".mp4", codec="libsvtav1", options={"g": "6"}),
    "vp8_webm": Kind(suffix=".webm", codec="libvpx", sound="libopus", options=_GOP),
    "vp9_webm": Kind(suffix=".webm", codec="libvpx-vp9", sound="libopus", options=_GOP),
    "mpeg2_ts": Kind(suffix=".ts", codec="mpeg2video", sound="mp2", options=_B_FRAMES),
    "mpeg2_vob": Kind(suffix=".vob", codec="mpeg2video", sound="ac3", options=_B_FRAMES),
    "mpeg2_mxf": Kind(suffix=".mxf", codec="mpeg2video", sound="pcm_s16le", options=_GOP),
    "mpeg1_mpg": Kind(suffix=".mpg", codec="mpeg1video", sound="mp2", options=_GOP),
    "mpeg4_avi": Kind(suffix=".avi", codec="mpeg4", sound="libmp3lame", options=_GOP),
    "wmv2_wmv": Kind(suffix=".wmv", codec="wmv2", sound="wmav2", options=_GOP),
    "h263_3gp": Kind(suffix=".3gp", codec="h263", sound="aac", size=_CIF, options=_GOP),
    "ffv1_mkv": Kind(suffix=".mkv", codec="ffv1", pix_fmt="yuv422p10le", sound="pcm_s16le"),
    "prores_mov": Kind(
        suffix=".mov", codec="prores_ks", pix_fmt="yuv422p10le", sound="pcm_s16le", rich=True
    ),
    "dnxhd_mov": Kind(
        suffix=".mov",
        codec="dnxhd",
        pix_fmt="yuv422p",
        size=(256, 128),
        options={"profile": "dnxhr_sq"},
    ),
    "mjpeg_avi": Kind(suffix=".avi", codec="mjpeg", pix_fmt="yuvj420p", sound="pcm_s16le"),
    "utvideo_avi": Kind(suffix=".avi", codec="utvideo", pix_fmt="yuv422p"),
    "qtrle_mov": Kind(suffix=".mov", codec="qtrle", pix_fmt="rgb24"),
    "gif_gif": Kind(suffix=".gif", codec="gif", pix_fmt="rgb8"),
}
"""All kinds of test clips by name."""


def make_clip(path: Path, kind: Kind, frames: int = FRAMES) -> None:
    """Write a clip, of twelve frames by default: a moving slope, and a tone."""
    # The same bytes in every run: no random identifiers. SVT-AV1 leaves a real-time priority,
    # which the runs of a benchmark would inherit.
    with kept_priority(), av.open(str(path), "w", options={"fflags": "bitexact"}) as output:
        stream = output.add_stream(kind.codec, rate=RATE, options=kind.options)
        (stream.width, stream.height), stream.pix_fmt = kind.size, kind.pix_fmt
        sound = kind.sound and output.add_stream(kind.sound, rate=48_000)
        if sound:
            sound.bit_rate = 128_000
        if kind.rich:
            _enrich(output, kind.suffix)
        down, across = np.mgrid[: kind.size[1], : kind.size[0]]
        for number in range(frames):
            light = (3 * across + 2 * down + 9 * number) % 256
            rgb = np.stack([light, 255 - light, (light + 8 * number) % 256], -1).astype(np.uint8)
            picture = av.VideoFrame.from_ndarray(rgb).reformat(format=kind.pix_fmt)
            picture.pts, picture.time_base = number, Fraction(1, RATE)
            output.mux(stream.encode(picture))
        output.mux(stream.encode(None))
        if sound:
            for frame in _tone(24_000 * frames // FRAMES):
                output.mux(sound.encode(frame))
            output.mux(sound.encode(None))


def _enrich(output: OutputContainer, suffix: str) -> None:
    """Add chapters, tags, and where the container takes them a subtitle and an attached file."""
    half = {"time_base": Fraction(1, 1000), "metadata": {"title": "a part"}}
    output.set_chapters(
        [{"id": 1, "start": 0, "end": 240, **half}, {"id": 2, "start": 240, "end": 480, **half}]
    )
    output.metadata["title"] = "a clip"
    if suffix != ".mkv":
        return
    output.add_attachment("font.ttf", "font/ttf", bytes(range(256)))


def _tone(length: int) -> list[av.AudioFrame]:
    """Make a tone with a number of samples, 48,000 a second."""
    made = []
    for start in range(0, length, 1024):
        wave = np.sin(np.arange(start, start + 1024) / 20)
        samples = np.repeat((wave * 8000).astype(np.int16)[None], 2, axis=1)
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, start, Fraction(1, 48_000)
        made.append(frame)
    return made
