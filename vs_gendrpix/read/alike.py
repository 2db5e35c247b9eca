"""Changes of the picture within a clip, and pictures converted to match the first one."""

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import av

from vs_gendrpix.errors import MediaError
from vs_gendrpix.frame.area import Area
from vs_gendrpix.frame.format import ColorSpec, FrameFormat, said
from vs_gendrpix.frame.transfer import declared
from vs_gendrpix.libav.pixels import converted_to, frame_format, layout_of
from vs_gendrpix.libav.shape import shape_of
from vs_gendrpix.libav.values import fraction

if TYPE_CHECKING:
    from vs_gendrpix.read.clip import Clip


class Alike:
    """Converts the pictures of a clip to match its first one, as far as the user wants it.

    Matrix and range are converted anyway. What another size, pixel shape or other primaries would
    need changes the picture, so that the user must want it. A picture of another shape on the
    screen keeps that, between black bars.

    Args:
        clip: The clip, which says how a change is met, and where that is told.
        first: The format of its first picture.
        area: The part of that which is shown.
        refuses: Whether a change that the user does not want ends the reading. Where hours have
            gone into the work it is too late for that: it is undone all the same, and told as a
            fault.
    """

    def __init__(
        self, clip: "Clip", first: FrameFormat, area: Area, *, refuses: bool = True
    ) -> None:
        self._clip, self._first, self._area = clip, first, area
        self._wanted = clip.chosen.on_change == "scale"
        self._refuses = refuses and not self._wanted
        self._shapes = Shapes(clip)

    def made(self, picture: av.VideoFrame, number: int) -> tuple[av.VideoFrame, Area]:
        """Make a picture like the first one.

        Args:
            picture: The picture that the decoder has given last.
            number: The pictures before it.

        Returns:
            The picture, and the area of the first one that it fills: the whole, or what lies
            between the bars.

        Raises:
            MediaError: It differs, and the user does not want it changed.
        """
        first, now = self._first, self._shapes.of(picture)
        found, place = (
            described(picture, first.color, self._clip.chosen.in_transfer),
            self._place(picture, now),
        )
        shape = change_of_shape(now, self._clip.shape)
        changed = change(found, first)
        same_family = found.layout.family == first.layout.family
        if (changed or shape) and (self._refuses or not same_family):
            raise MediaError(
                f"the picture of {self._clip.path} {changed or shape} after {number} frames: "
                "cut the clip there and restore the parts"
                + ", or give --on-change scale"
                * same_family
            )
        made = "become as the first one is"
        if place != Area.whole(first):
            made += ", between black bars where their shape on the screen is another"
        was, is_now = first.color, found.color
        if (was.primaries, was.transfer) != (is_now.primaries, is_now.transfer):
            made += ", but their primaries and transfer are not converted"
        for what in filter(None, (changed, shape)):
            tell = self._clip.notes.warn if self._wanted else self._clip.notes.fault
            tell(f"the picture {what}: such frames {made}")
        if replace(found, color=first.color) != place.of(first):
            picture = converted_to(picture, place.of(first))
        if (was.matrix, was.full_range) != (is_now.matrix, is_now.full_range):
            self._clip.notes.warn(
                f"the picture changes its code values from {was} to {is_now}: such frames are "
                "converted to the first one's"
            )
            picture = recoded(picture, is_now, was)
        return picture, place

    def _place(self, picture: av.VideoFrame, shape: Fraction) -> Area:
        """Find the area of the first picture that another picture fills without distortion."""
        whole, first = Area.whole(self._first), self._first
        same_size = (picture.width, picture.height) == (first.width, first.height)
        stretched = shape / self._clip.shape if shape and self._clip.shape else Fraction(1)
        if same_size and stretched == 1:
            return whole
        return self._area.fitting(first, Fraction(picture.width, picture.height) * stretched)


def described(picture: av.VideoFrame, first: ColorSpec, in_transfer: str = "auto") -> FrameFormat:
    """Describe a picture's format. Colour that it does not state is that of the first one.

    Raises:
        MediaError: The pixel format is not supported.
    """
    found = declared(frame_format(picture), in_transfer)
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
    """Describe a change between two pictures that no conversion of code values undoes; or ""."""
    if replace(found, color=first.color) != first:
        return f"changes from {first} to {found}"
    was, now = first.color, found.color
    if (was.primaries, was.transfer) != (now.primaries, now.transfer):
        return f"changes its colour from {was} to {now}"
    return ""


def change_of_shape(now: Fraction, first: Fraction) -> str:
    """Describe a change of the pixel aspect ratio that the codec states; empty without one."""
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


class Shapes:
    """The pixel aspect ratios of a clip's pictures.

    Args:
        clip: The clip, whose first picture has been decoded.
    """

    def __init__(self, clip: "Clip") -> None:
        self._clip, self._vary = clip, False

    def of(self, picture: av.VideoFrame) -> Fraction:
        """Return the pixel aspect ratio that the codec states for a picture; 0 if it states none.

        Args:
            picture: The one that the decoder has given last.
        """
        # The decoder has it from the start of a picture that is not yet shown.
        now = fraction(self._clip.stream.codec_context.sample_aspect_ratio)
        self._vary |= now != self._clip.shape
        return shape_of(picture) if self._vary and now else now
