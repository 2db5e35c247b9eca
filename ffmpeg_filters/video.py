"""Properties of a video before and after a graph, in FFmpeg's terms."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

import av

FieldOrder = Literal["auto", "progressive", "tff", "bff"]

FALLBACK_RATE = Fraction(25)
"""Frames per second of a video without a known rate: a graph must have one."""

BOTTOM_FIRST = {3, 4}
"""FFmpeg's AV_FIELD_BB and AV_FIELD_TB: the second letter is the field that is shown first."""

_FIELD_MODES = {"auto": "auto", "progressive": "prog", "tff": "tff", "bff": "bff"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Video:
    """Properties of the pictures that go into a graph or come out.

    Attributes:
        width: Columns of a picture.
        height: Rows of a picture.
        pix_fmt: FFmpeg's name of the pixel format.
        time_base: Unit of the pictures' ticks, in seconds.
        rate: Pictures a second; 0 when that is unknown.
        sample_aspect_ratio: Width over height of one sample.
        colorspace: MatrixCoefficients of ITU-T H.273; 2 is unspecified, here and below.
        color_primaries: ColourPrimaries.
        color_trc: TransferCharacteristics.
        color_range: 1 limited, 2 full, 0 unspecified.
        field_order: Whether pictures hold two fields, and which comes first; `auto` is what each
            picture says of itself.
    """

    width: int
    height: int
    pix_fmt: str
    time_base: Fraction
    rate: Fraction
    sample_aspect_ratio: Fraction = Fraction(1)
    colorspace: int = 2
    color_primaries: int = 2
    color_trc: int = 2
    color_range: int = 0
    field_order: FieldOrder = "auto"


type Feed = tuple[Video, Iterable[av.VideoFrame]]
"""What an input of a graph is fed with: pictures whose ticks are the video's."""


def tags(video: Video) -> str:
    """Write options of setparams for a video's colour and fields."""
    return (
        f"color_primaries={video.color_primaries}:color_trc={video.color_trc}:"
        f"colorspace={video.colorspace}:range={video.color_range}:"
        f"field_mode={_FIELD_MODES[video.field_order]}"
    )


def grey(video: Video) -> str:
    """Write a chain that makes twenty grey pictures like those of a video."""
    rate = video.rate or FALLBACK_RATE
    return (
        f"color=c=gray:s={video.width}x{video.height}:r={rate}:d={float(20 / rate)},"
        f"format={video.pix_fmt},setsar={video.sample_aspect_ratio},settb={video.time_base},"
        f"setparams={tags(video)}"
    )


def with_tags_of(video: Video, picture: av.VideoFrame) -> Video:
    """Return the video with the colour that one of its pictures states."""
    return replace(
        video,
        colorspace=int(picture.colorspace),
        color_primaries=int(picture.color_primaries),
        color_trc=int(picture.color_trc),
        color_range=int(picture.color_range),
        field_order="auto",
    )
