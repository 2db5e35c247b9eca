"""How pictures of a clip differ from its first one, and how they are made like it."""

from dataclasses import replace
from fractions import Fraction

import av

from vs_gendrpix.frame.format import ColorSpec, FrameFormat, said
from vs_gendrpix.libav.pixels import frame_format, layout_of


def described(picture: av.VideoFrame, first: ColorSpec) -> FrameFormat:
    """The format of a picture; what it does not say of its colour is as in the first one.

    Raises:
        MediaError: The pixel format is not supported.
    """
    found = frame_format(picture)
    color = found.color
    if found.layout.family == "rgb" or not said(picture.colorspace):
        color = replace(color, matrix=first.matrix)
    if not said(picture.color_primaries):
        color = replace(color, primaries=first.primaries)
    if not said(picture.color_trc):
        color = replace(color, transfer=first.transfer)
    if not picture.color_range:
        color = replace(color, full_range=first.full_range)
    # Where chroma lies moves it by half a pixel at most, and decoders say it late.
    return replace(found, color=replace(color, chroma_location=first.chroma_location))


def change(found: FrameFormat, first: FrameFormat) -> str:
    """Say what differs between two pictures that no conversion of code values mends; or nothing."""
    if replace(found, color=first.color) != first:
        return f"changes from {first} to {found}"
    was, now = first.color, found.color
    if (was.primaries, was.transfer) != (now.primaries, now.transfer):
        return f"changes its colour from {was} to {now}"
    return ""


def change_of_shape(now: Fraction, first: Fraction) -> str:
    """Say how the pixel aspect ratio that the codec states differs; empty if it does not."""
    if not now or not first or now == first:
        return ""
    was, to = (f"{ratio.numerator}:{ratio.denominator}" for ratio in (first, now))
    return f"changes its pixel aspect ratio from {was} to {to}"


def recoded(picture: av.VideoFrame, found: ColorSpec, first: ColorSpec) -> av.VideoFrame:
    """Convert a picture's code values to the matrix and the range of the first one.

    Args:
        picture: Grey or YUV.
        found: The picture's colour.
        first: That of the first one.
    """
    given, wanted = (2 if color.full_range else 1 for color in (found, first))
    # libswscale copies the planes of a format to itself, whatever their matrices.
    alpha = layout_of(picture.format.name).alpha
    rgb = picture.reformat(
        format="gbrap16le" if alpha else "gbrp16le",
        src_colorspace=found.matrix,
        src_color_range=given,
        dst_color_range=2,
    )
    made = rgb.reformat(
        format=picture.format.name,
        dst_colorspace=first.matrix,
        src_color_range=2,
        dst_color_range=wanted,
    )
    made.color_range = wanted
    return made
