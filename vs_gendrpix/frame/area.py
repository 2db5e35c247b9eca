"""A rectangular part of a frame: cut out, and put back between black bars."""

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Self

import numpy as np

from vs_gendrpix.errors import SettingsError
from vs_gendrpix.frame.format import Frame, FrameFormat, Plane


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """A rectangle of pixels: its size, and the position of its top left corner in the frame.

    Attributes:
        width: Columns.
        height: Rows.
        x: First column.
        y: First row.
    """

    width: int
    height: int
    x: int
    y: int

    @classmethod
    def whole(cls, form: FrameFormat) -> Self:
        """The area of a whole frame."""
        return cls(width=form.width, height=form.height, x=0, y=0)

    def __str__(self) -> str:
        return f"{self.width}:{self.height}:{self.x}:{self.y}"

    def check(self, form: FrameFormat) -> None:
        """Check that the area can be cut out of frames of a format.

        Raises:
            SettingsError: The area reaches beyond the frame, or its corner does not lie on a chroma
                sample.
        """
        if self.x + self.width > form.width or self.y + self.height > form.height:
            raise SettingsError(
                f"crop {self} lies beyond the picture of {form.width}x{form.height} pixels"
            )
        across, down = form.layout.chroma_step
        if self.x % across or self.y % down:
            raise SettingsError(
                f"crop {self} must begin at multiples of {across} and {down} pixels, where the "
                "chroma samples lie"
            )

    def of(self, form: FrameFormat) -> FrameFormat:
        """The format of the area, cut out of frames of `form`."""
        return replace(form, width=self.width, height=self.height)

    def fitting(self, form: FrameFormat, aspect: Fraction) -> Self:
        """The largest area of a shape in the middle of this one.

        Its edges lie on chroma samples. It reaches to those of this area where it lacks less than a
        chroma sample.

        Args:
            form: The format of the frames that this area is part of.
            aspect: Its width over its height, in pixels.
        """
        width = min(self.height * aspect, Fraction(self.width))
        height = min(self.width / aspect, Fraction(self.height))
        edges = []
        for begin, whole, size, step in zip(
            (self.x, self.y),
            (self.width, self.height),
            (width, height),
            form.layout.chroma_step,
            strict=True,
        ):
            inner = whole if whole - size < step else max(round(size / step) * step, step)
            edges.append((begin + (whole - inner) // 2 // step * step, inner))
        (x, columns), (y, rows) = edges
        return type(self)(width=columns, height=rows, x=x, y=y)

    def scaled(self, source: FrameFormat, target: FrameFormat) -> Self:
        """The area with the same content after frames were resized.

        Its edges are rounded to whole chroma samples of the target.

        Args:
            source: The format of the frames that this area is part of.
            target: The format of the resized frames.
        """
        edges = []
        across, down = target.layout.chroma_step
        for first, size, old, new, step in (
            (self.x, self.width, source.width, target.width, across),
            (self.y, self.height, source.height, target.height, down),
        ):
            begin = min(round(first * new / old / step), max(new - step, 0) // step) * step
            end = new if first + size == old else round((first + size) * new / old / step) * step
            edges.append((begin, max(end - begin, step)))
        (x, width), (y, height) = edges
        return type(self)(width=width, height=height, x=x, y=y)


def cropped(frame: Frame, area: Area) -> Frame:
    """An area of a frame, as a frame; its planes are views of the frame's planes."""
    if area == Area.whole(frame.format):
        return frame
    form = area.of(frame.format)
    planes = []
    for number, (plane, (rows, columns)) in enumerate(
        zip(frame.planes, form.plane_shapes, strict=True)
    ):
        across, down = form.layout.subsampling if number in {1, 2} else (0, 0)
        x, y = area.x >> across, area.y >> down
        planes.append(plane[y : y + rows, x : x + columns])
    return replace(frame, format=form, planes=tuple(planes))


def with_bars(frame: Frame, form: FrameFormat, area: Area) -> Frame:
    """A larger frame that is black around the given frame.

    Args:
        frame: The picture, of the size of `area`.
        form: The format of the larger frame.
        area: The part of the larger frame that the picture fills.
    """
    if area == Area.whole(form):
        return frame
    planes: list[Plane] = []
    for number, (plane, shape) in enumerate(zip(frame.planes, form.plane_shapes, strict=True)):
        across, down = form.layout.subsampling if number in {1, 2} else (0, 0)
        x, y = area.x >> across, area.y >> down
        whole = np.full(shape, _black(form, number), form.dtype)
        whole[y : y + plane.shape[0], x : x + plane.shape[1]] = plane
        planes.append(whole)
    return replace(frame, format=form, planes=tuple(planes))


def _black(form: FrameFormat, number: int) -> int:
    """The code of opaque black in plane `number`."""
    if form.layout.alpha and number == len(form.plane_shapes) - 1:
        return form.top
    return form.neutral if form.layout.family == "yuv" and number else form.black
