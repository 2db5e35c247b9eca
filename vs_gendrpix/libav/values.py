"""Small values of libav: rationals, names, time stamps and versions."""

import re
from fractions import Fraction
from typing import TYPE_CHECKING

import av
from av.container import InputContainer
from av.rational import AVRational
from av.stream import Disposition, Stream

if TYPE_CHECKING:
    from av.codec import CodecContext

_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


def libav_versions() -> dict[str, str]:
    """Versions of libav's libraries, by library name."""
    return {name: ".".join(map(str, numbers)) for name, numbers in av.library_versions.items()}


def line_of(text: str) -> str:
    """Any text as one printable line; file names and metadata may hold control characters."""
    return _CONTROL.sub(" ", text).strip()


def fraction(rational: AVRational | None) -> Fraction:
    """The Fraction equal to a rational of libav; 0 if it is unset."""
    if not rational or not rational.denominator:
        return Fraction(0)
    return Fraction(rational.numerator, rational.denominator)


def is_cover(stream: Stream) -> bool:
    """Whether a video stream is an attached picture, such as cover art."""
    return bool(stream.disposition & Disposition.attached_pic)


def origin(container: InputContainer) -> Fraction:
    """The time stamp in seconds that players show as the beginning of the clip."""
    return Fraction(container.start_time or 0, av.time_base)


def codec_name(stream: Stream) -> str:
    """FFmpeg's name of a stream's decoder; empty if there is none."""
    context: CodecContext | None = stream.codec_context  # PyAV's types leave out None
    return "" if context is None else context.name
