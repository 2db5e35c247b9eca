"""HDR metadata of a decoded picture."""

from fractions import Fraction
from struct import unpack_from
from typing import TYPE_CHECKING

from av.sidedata.sidedata import Type

from vs_gendrpix.frame.clip import HdrMetadata, LightLevel, MasteringDisplay

if TYPE_CHECKING:
    from collections.abc import Mapping

    from av.sidedata.sidedata import SideData

DYNAMIC = {
    Type.DYNAMIC_HDR_PLUS: "HDR10+",
    Type.DYNAMIC_HDR_VIVID: "HDR Vivid",
    Type.DOVI_METADATA: "Dolby Vision",
    Type.DOVI_RPU_BUFFER: "Dolby Vision",
}
"""Names of HDR metadata that change from frame to frame, by side data type."""


def read_metadata(side_data: "Mapping[Type, SideData]") -> HdrMetadata:
    """HDR metadata from the side data of a decoded picture.

    The bytes are libav's structures: AVMasteringDisplayMetadata has ten rationals and two flags,
    AVContentLightMetadata two unsigned integers.
    """
    mastering = light = None
    half = False
    if Type.MASTERING_DISPLAY_METADATA in side_data:
        raw = bytes(side_data[Type.MASTERING_DISPLAY_METADATA])
        numbers = unpack_from("20i", raw)
        values = [
            Fraction(top, bottom) if bottom else Fraction(0)
            for top, bottom in zip(numbers[::2], numbers[1::2], strict=True)
        ]
        has_primaries, has_luminance = unpack_from("2i", raw, 80)
        half = has_primaries != has_luminance
        if has_primaries and has_luminance:
            mastering = MasteringDisplay(
                red=(values[0], values[1]),
                green=(values[2], values[3]),
                blue=(values[4], values[5]),
                white=(values[6], values[7]),
                darkest=values[8],
                brightest=values[9],
            )
    if Type.CONTENT_LIGHT_LEVEL in side_data:
        most, average = unpack_from("2I", bytes(side_data[Type.CONTENT_LIGHT_LEVEL]))
        light = LightLevel(maximum=most, frame_average=average)
    dynamic = dict.fromkeys(name for kind, name in DYNAMIC.items() if kind in side_data)
    return HdrMetadata(
        mastering=mastering,
        light=light,
        half_mastering=half,
        dynamic=tuple(dynamic),
        dolby_vision_alone=Type.DOVI_METADATA in side_data
        and _is_profile_5(bytes(side_data[Type.DOVI_METADATA])),
    )


def _is_profile_5(dolby_vision: bytes) -> bool:
    """Whether a picture is of Dolby Vision profile 5, whose colours only Dolby's decoders know.

    The test is libavcodec's, on the AVDOVIRpuDataHeader that AVDOVIMetadata points to.
    """
    (header,) = unpack_from("N", dolby_vision)
    profile, full_range = unpack_from("4xB5xB", dolby_vision, header)
    return (profile, full_range) == (0, 1)
