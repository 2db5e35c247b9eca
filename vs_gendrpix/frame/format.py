"""Frames and what describes them: plain values, no torch and no av."""

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal

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
"""TransferCharacteristics of linear light, which float pictures hold."""

MAX_SUBSAMPLING = 2
"""log2 of the coarsest chroma: one sample for four (4:1:1, 4:1:0)."""


def usual_matrix(height: int) -> int:
    """The matrix of a YUV picture that does not say its own, as players take it by its lines.

    BT.601 below 720 lines, 5 for the PAL heights 576 and 288 and otherwise 6; BT.709 from there on.
    """
    return 1 if height >= 720 else 5 if height in {576, 288} else 6


@dataclass(frozen=True, slots=True, kw_only=True)
class ColorSpec:
    """How code values mean colour: the code points of ITU-T H.273, as FFmpeg and VapourSynth use.

    Attributes:
        matrix: MatrixCoefficients (FFmpeg `colorspace`): 1 BT.709, 5 and 6 BT.601, 9 BT.2020
            non-constant luminance, 0 RGB.
        primaries: ColourPrimaries (FFmpeg `color_primaries`).
        transfer: TransferCharacteristics (FFmpeg `color_trc`).
        full_range: Whether black and white are the ends of the code range.
        chroma_location: Where a subsampled chroma sample lies (FFmpeg `chroma_location`).
    """

    matrix: int = UNSPECIFIED
    primaries: int = UNSPECIFIED
    transfer: int = UNSPECIFIED
    full_range: bool = False
    chroma_location: Literal["left", "center", "topleft", "top", "bottomleft", "bottom"] = "left"

    @property
    def usual_matrix(self) -> int:
        """The matrix by which RGB of these primaries becomes YUV, if nobody says otherwise."""
        return 9 if self.primaries == 9 else 1


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameFormat:
    """The layout and meaning of a frame's planes.

    Attributes:
        width: Luma samples per row.
        height: Luma rows.
        family: `gray` has one plane, `yuv` Y, U, V, and `rgb` R, G, B in this order.
        bits: Significant bits of a sample, 8 to 16; 8 travels as uint8, more as uint16. Float
            samples have 16 or 32.
        subsampling: log2 of the chroma subsampling, horizontal and vertical: (1, 1) is 4:2:0.
        floating: Whether samples are float: black is 0 and white 1, chroma lies around 0 within
            0.5, and the range of the colour says nothing.
        alpha: Whether a last plane says how opaque each pixel is, from 0 to the end of the range.
        color: What the code values mean.
    """

    width: int
    height: int
    family: Family
    bits: int
    subsampling: tuple[int, int] = (0, 0)
    floating: bool = False
    alpha: bool = False
    color: ColorSpec = field(default_factory=ColorSpec)

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise MediaError(f"a frame of {self.width}x{self.height} pixels has no area")
        if self.floating and self.bits not in {16, 32}:
            raise MediaError(f"{self.bits} bits a float sample are not supported: use 16 or 32")
        if not self.floating and not 8 <= self.bits <= 16:
            raise MediaError(f"{self.bits} bits a sample are not supported: use 8 to 16")
        if self.family != "yuv" and self.subsampling != (0, 0):
            raise MediaError(f"{self.family} frames have no subsampled planes")

    @property
    def dtype(self) -> np.dtype[Any]:
        """The sample type of every plane."""
        if self.floating:
            return np.dtype(np.float16 if self.bits == 16 else np.float32)
        return np.dtype(np.uint8 if self.bits == 8 else np.uint16)

    @property
    def plane_shapes(self) -> tuple[tuple[int, int], ...]:
        """(rows, columns) of each plane; chroma sizes round up, as FFmpeg's do."""
        luma = (self.height, self.width)
        alpha = (luma,) * self.alpha
        if self.family == "gray":
            return (luma, *alpha)
        sub_w, sub_h = self.subsampling
        chroma = (-(-self.height >> sub_h), -(-self.width >> sub_w))
        return (luma, chroma, chroma, *alpha)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """When a frame is shown: integer ticks of `time_base` seconds; a duration of 0 is unknown."""

    pts: int
    duration: int
    time_base: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One picture: planes of shape `format.plane_shapes`, their meaning and their timing.

    `fields` says which of two interlaced fields is shown first, or that there are none.
    """

    format: FrameFormat
    planes: tuple[Plane, ...]
    timing: Timing
    fields: Fields = "progressive"

    def __post_init__(self) -> None:
        shapes = tuple(plane.shape for plane in self.planes)
        if shapes != self.format.plane_shapes:
            raise MediaError(
                f"a frame has planes of {shapes}, but its format needs {self.format.plane_shapes}"
            )
        if any(plane.dtype != self.format.dtype for plane in self.planes):
            raise MediaError(f"a frame's planes must be {self.format.dtype}")


@dataclass(frozen=True, slots=True, kw_only=True)
class MasteringDisplay:
    """The display on which a clip was graded (SMPTE ST 2086).

    Attributes:
        red: CIE 1931 x and y of its red, as of `green`, `blue` and `white`.
        green: See `red`.
        blue: See `red`.
        white: See `red`.
        darkest: Its black in cd/m2.
        brightest: Its white in cd/m2.
    """

    red: tuple[Fraction, Fraction]
    green: tuple[Fraction, Fraction]
    blue: tuple[Fraction, Fraction]
    white: tuple[Fraction, Fraction]
    darkest: Fraction
    brightest: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class LightLevel:
    """How bright a clip gets, in cd/m2 (CTA-861.3): its brightest pixel and its brightest frame.

    Attributes:
        maximum: MaxCLL.
        frame_average: MaxFALL.
    """

    maximum: int
    frame_average: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HdrMetadata:
    """What a clip says of its grading, beside the colour of its frames.

    Attributes:
        mastering: The display on which it was graded.
        light: How bright it gets.
        half_mastering: Whether only a part of the display is told, which no encoder can be given.
        dynamic: Names of the metadata that change from frame to frame, such as `HDR10+`.
        dolby_vision_alone: Whether the frames mean nothing without their Dolby Vision metadata.
    """

    mastering: MasteringDisplay | None = None
    light: LightLevel | None = None
    half_mastering: bool = False
    dynamic: tuple[str, ...] = ()
    dolby_vision_alone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipInfo:
    """What is known of a clip before its frames are decoded.

    Attributes:
        format: Format of the first decoded frame; all frames have it.
        time_base: Unit of the frames' ticks, in seconds.
        average_rate: Frames a second on average; 0 when unknown.
        frames: Number of frames by the container or an estimate; 0 when unknown.
        sample_aspect_ratio: Width over height of one sample; 1 when unknown.
        rotation: Clockwise degrees by which a player turns the picture.
        first_number: Number of the first picture of a sequence; None if it is none.
        hdr: What the first frame says of the grading.
    """

    format: FrameFormat
    time_base: Fraction
    average_rate: Fraction
    frames: int
    sample_aspect_ratio: Fraction
    rotation: int
    first_number: int | None = None
    hdr: HdrMetadata = HdrMetadata()
