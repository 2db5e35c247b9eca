"""A whole clip: its frames' format, their timing, and its HDR metadata."""

from dataclasses import dataclass
from fractions import Fraction

from vs_gendrpix.frame.format import FrameFormat
from vs_gendrpix.frame.projection import Projection

STREAM_RATE = Fraction(25)
"""Frames a second assumed of a video stream that states none, as FFmpeg does."""

PICTURE_RATE = Fraction(24)
"""Frames a second assumed of numbered pictures, raw video and scripts that state none: the rate of
most film."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MasteringDisplay:
    """The display on which a clip was graded (SMPTE ST 2086).

    Attributes:
        red: CIE 1931 chromaticity x and y of the red primary.
        green: Chromaticity of the green primary.
        blue: Chromaticity of the blue primary.
        white: Chromaticity of the white point.
        darkest: Luminance of black in cd/m2.
        brightest: Luminance of white in cd/m2.
    """

    red: tuple[Fraction, Fraction]
    green: tuple[Fraction, Fraction]
    blue: tuple[Fraction, Fraction]
    white: tuple[Fraction, Fraction]
    darkest: Fraction
    brightest: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class LightLevel:
    """Content light level in cd/m2 (CTA-861.3).

    Attributes:
        maximum: MaxCLL, the luminance of the brightest pixel.
        frame_average: MaxFALL, the largest average luminance of a frame.
    """

    maximum: int
    frame_average: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HdrMetadata:
    """HDR metadata of a clip, beside the colour of its frames.

    Attributes:
        mastering: The mastering display; None if unknown.
        light: The content light level; None if unknown.
        half_mastering: Whether the file describes the mastering display in part only; encoders
            take a whole description or none.
        dynamic: Names of the metadata that change from frame to frame, such as `HDR10+`.
        dolby_vision_alone: Whether the frames have no meaning without their Dolby Vision metadata
            (profile 5).
    """

    mastering: MasteringDisplay | None = None
    light: LightLevel | None = None
    half_mastering: bool = False
    dynamic: tuple[str, ...] = ()
    dolby_vision_alone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipInfo:
    """Properties of a whole clip, known once its first frame is decoded.

    Attributes:
        format: Format of the first decoded frame; all frames have it.
        time_base: Unit of the frames' ticks, in seconds.
        average_rate: Frames a second on average; 0 when unknown.
        frames: Number of frames by the container or an estimate; 0 when unknown.
        sample_aspect_ratio: Width over height of one sample; 1 when unknown.
        rotation: Clockwise degrees by which a player turns the picture.
        mirrored: Whether it exchanges left and right after that, as for a phone's front camera.
        first_number: Number of the first picture of a sequence; None for other inputs.
        hdr: HDR metadata of the first frame.
        views: FFmpeg's name of the stereo mode of 3D video, such as `top_bottom`; empty if flat.
        projection: How spherical video lies on its sphere; None if it does not.
    """

    format: FrameFormat
    time_base: Fraction
    average_rate: Fraction
    frames: int
    sample_aspect_ratio: Fraction
    rotation: int
    mirrored: bool = False
    first_number: int | None = None
    hdr: HdrMetadata = HdrMetadata()
    views: str = ""
    projection: Projection | None = None

    @property
    def orientation(self) -> str:
        """How a player turns and mirrors the picture, in words; empty if it does not."""
        turned = f"the rotation by {self.rotation} degrees" if self.rotation else ""
        return " and ".join(filter(None, (turned, "the mirroring" if self.mirrored else "")))
