"""A frame and its format: size, planes, colour and time. Plain values: no torch, no PyAV."""

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from vs_gendrpix.errors import MediaError

Family = Literal["gray", "yuv", "rgb"]
Fields = Literal["progressive", "top", "bottom"]
Plane = (
    npt.NDArray[np.uint8]
    | npt.NDArray[np.uint16]
    | npt.NDArray[np.float16]
    | npt.NDArray[np.float32]
)
ChromaLocation = Literal["left", "center", "topleft", "top", "bottomleft", "bottom"]

CHROMA_LOCATIONS: tuple[ChromaLocation, ...] = get_args(ChromaLocation)
"""Sitings of subsampled chroma in the order of ITU-T H.273, where `left` is number 0."""

UNSPECIFIED = 2
"""The code point of ITU-T H.273 that says "unknown", for matrix, primaries and transfer."""

LUMA_WEIGHTS = {
    1: (0.2126, 0.0722),  # BT.709
    4: (0.30, 0.11),  # FCC
    5: (0.299, 0.114),  # BT.470 BG, as BT.601
    6: (0.299, 0.114),  # BT.601
    7: (0.212, 0.087),  # SMPTE 240M
    9: (0.2627, 0.0593),  # BT.2020, non-constant luminance
}
"""Kr and Kb by MatrixCoefficients, ITU-T H.273 table 4; Kg is what is missing to 1."""

HDR_TRANSFERS = {16: "PQ", 18: "HLG"}
"""TransferCharacteristics of BT.2100."""

LINEAR = 8
"""TransferCharacteristics of linear light."""

MAX_SUBSAMPLING = 2
"""log2 of the coarsest chroma: one sample for four (4:1:1, 4:1:0)."""

SUBSAMPLINGS = {
    (0, 0): "4:4:4",
    (1, 0): "4:2:2",
    (1, 1): "4:2:0",
    (0, 1): "4:4:0",
    (2, 0): "4:1:1",
    (2, 2): "4:1:0",
}
"""Names of chroma subsamplings, by their log2, horizontal and vertical."""


def said(code: int) -> bool:
    """Tell whether a code point of ITU-T H.273 names a matrix, primaries or a transfer.

    2 is "unspecified" and 3 is reserved. 0 is reserved for primaries and transfer, and for a matrix
    it means RGB, which says nothing of YUV.
    """
    return code not in {0, UNSPECIFIED, 3}


def usual_matrix(height: int) -> int:
    """The matrix that players assume for YUV of a height in lines, where none is stated.

    BT.709 from 720 lines on. Below it is BT.601: 5 for the PAL heights 576 and 288, otherwise 6.
    """
    return 1 if height >= 720 else 5 if height in {576, 288} else 6


@dataclass(frozen=True, slots=True, kw_only=True)
class ColorSpec:
    """The colour that code values stand for, in the code points of ITU-T H.273.

    FFmpeg and VapourSynth use the same numbers.

    Attributes:
        matrix: MatrixCoefficients (FFmpeg `colorspace`): 1 BT.709, 5 and 6 BT.601, 9 BT.2020
            non-constant luminance, 0 RGB.
        primaries: ColourPrimaries (FFmpeg `color_primaries`).
        transfer: TransferCharacteristics (FFmpeg `color_trc`), or one of `frame/transfer.py`.
        full_range: Whether black and white are the ends of the code range.
        chroma_location: Where a subsampled chroma sample lies (FFmpeg `chroma_location`).
    """

    matrix: int = UNSPECIFIED
    primaries: int = UNSPECIFIED
    transfer: int = UNSPECIFIED
    full_range: bool = False
    chroma_location: ChromaLocation = "left"

    def __str__(self) -> str:
        span = "full" if self.full_range else "limited"
        return (
            f"matrix {self.matrix}, primaries {self.primaries}, transfer {self.transfer}, "
            f"{span} range, chroma {self.chroma_location}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelLayout:
    """The planes of a frame and the type of their samples.

    Attributes:
        family: `gray` has one plane, `yuv` Y, U, V, and `rgb` R, G, B in this order.
        bits: Significant bits of a sample, 8 to 16; 8 travels as uint8, more as uint16. Float
            samples have 16 or 32.
        subsampling: log2 of the chroma subsampling, horizontal and vertical: (1, 1) is 4:2:0.
        floating: Whether samples are float: black is 0 and white 1, chroma lies around 0 within
            0.5, and the range of the colour does not apply.
        alpha: Whether a last plane says how opaque each pixel is, from 0 to the largest code.
    """

    family: Family
    bits: int
    subsampling: tuple[int, int] = (0, 0)
    floating: bool = False
    alpha: bool = False

    def __post_init__(self) -> None:
        if self.floating and self.bits not in {16, 32}:
            raise MediaError(f"{self.bits} bits a float sample are not supported: use 16 or 32")
        if not self.floating and not 8 <= self.bits <= 16:
            raise MediaError(f"{self.bits} bits a sample are not supported: use 8 to 16")
        if self.family != "yuv" and self.subsampling != (0, 0):
            raise MediaError(f"{self.family} frames have no subsampled planes")

    def __str__(self) -> str:
        name = {"gray": "grey", "yuv": "YUV", "rgb": "RGB"}[self.family]
        if self.family == "yuv":
            name += f" {SUBSAMPLINGS.get(self.subsampling, self.subsampling)}"
        samples = f"{self.bits}-bit floats" if self.floating else f"{self.bits} bits"
        return f"{name}{' and alpha' * self.alpha} of {samples}"

    @property
    def chroma_step(self) -> tuple[int, int]:
        """Luma columns and rows for one chroma sample: (2, 2) for 4:2:0, (1, 1) without any."""
        return 1 << self.subsampling[0], 1 << self.subsampling[1]

    @property
    def dtype(self) -> np.dtype[Any]:
        """The sample type of every plane."""
        if self.floating:
            return np.dtype(np.float16 if self.bits == 16 else np.float32)
        return np.dtype(np.uint8 if self.bits == 8 else np.uint16)


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameFormat:
    """The size of a frame, its planes and the colour that they stand for.

    `black`, `white`, `neutral` and `top` are sample values of its planes.

    Attributes:
        width: Luma samples per row.
        height: Luma rows.
        layout: The planes.
        color: The meaning of their code values.
    """

    width: int
    height: int
    layout: PixelLayout
    color: ColorSpec = field(default_factory=ColorSpec)

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise MediaError(f"a frame of {self.width}x{self.height} pixels has no area")

    def __str__(self) -> str:
        return f"{self.width}x{self.height} {self.layout}"

    @property
    def dtype(self) -> np.dtype[Any]:
        """The sample type of every plane."""
        return self.layout.dtype

    @property
    def plane_shapes(self) -> tuple[tuple[int, int], ...]:
        """(rows, columns) of each plane; chroma sizes round up, as FFmpeg's do."""
        luma = (self.height, self.width)
        alpha = (luma,) * self.layout.alpha
        if self.layout.family == "gray":
            return (luma, *alpha)
        sub_w, sub_h = self.layout.subsampling
        chroma = (-(-self.height >> sub_h), -(-self.width >> sub_w))
        return (luma, chroma, chroma, *alpha)

    @property
    def top(self) -> int:
        """The largest code, which is opaque alpha and full-range white; 1 for floats."""
        return 1 if self.layout.floating else (1 << self.layout.bits) - 1

    @property
    def black(self) -> int:
        """Code of black in the luma plane, or in each of R, G and B."""
        if self.layout.floating or self.color.full_range:
            return 0
        return 16 << self.layout.bits - 8

    @property
    def white(self) -> int:
        """Code of white in the luma plane, or in each of R, G and B."""
        if self.layout.floating or self.color.full_range:
            return self.top
        return 235 << self.layout.bits - 8

    @property
    def neutral(self) -> int:
        """Code of a colourless pixel in a chroma plane."""
        return 0 if self.layout.floating else 1 << self.layout.bits - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """The time at which a frame is shown.

    Attributes:
        pts: Presentation time in ticks.
        duration: Duration in ticks; 0 is unknown.
        time_base: Seconds of a tick.
    """

    pts: int
    duration: int
    time_base: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One picture: samples, format and time.

    Attributes:
        format: Size, planes and colour.
        planes: Arrays of `format.dtype` in the shapes of `format.plane_shapes`.
        timing: When the frame is shown.
        fields: The field of an interlaced frame that is shown first, or `progressive`.
        captions: Closed captions: triplets of `cc_data`, ATSC A/53 part 4.

    Raises:
        MediaError: The planes are not those of the format.
    """

    format: FrameFormat
    planes: tuple[Plane, ...]
    timing: Timing
    fields: Fields = "progressive"
    captions: bytes = b""

    def __post_init__(self) -> None:
        shapes = tuple(plane.shape for plane in self.planes)
        if shapes != self.format.plane_shapes:
            raise MediaError(
                f"a frame has planes of {shapes}, but its format needs {self.format.plane_shapes}"
            )
        if any(plane.dtype != self.format.dtype for plane in self.planes):
            raise MediaError(f"a frame's planes must be {self.format.dtype}")
