"""HDR metadata: out of a decoded picture, and into the encoders that have a place for it."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from struct import unpack_from
from typing import TYPE_CHECKING

from av.sidedata.sidedata import Type

from vs_gendrpix.errors import MediaError
from vs_gendrpix.frames import HDR_TRANSFERS, ClipInfo, HdrMetadata, LightLevel, MasteringDisplay
from vs_gendrpix.settings import ProcessSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from av.sidedata.sidedata import SideData

DYNAMIC = {
    Type.DYNAMIC_HDR_PLUS: "HDR10+",
    Type.DYNAMIC_HDR_VIVID: "HDR Vivid",
    Type.DOVI_METADATA: "Dolby Vision",
    Type.DOVI_RPU_BUFFER: "Dolby Vision",
}
"""Metadata that differ from frame to frame."""


def read_metadata(side_data: "Mapping[Type, SideData]") -> HdrMetadata:
    """What a decoded picture says of its grading.

    The bytes are libav's structures: AVMasteringDisplayMetadata, ten rationals and two flags, and
    AVContentLightMetadata, two unsigned integers.
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
        and _means_nothing_else(bytes(side_data[Type.DOVI_METADATA])),
    )


def _means_nothing_else(dolby_vision: bytes) -> bool:
    """Whether a picture is of profile 5: in colours of Dolby's own, wrong for anyone else.

    Told as libavcodec does, by the AVDOVIRpuDataHeader that AVDOVIMetadata points to.
    """
    (header,) = unpack_from("N", dolby_vision)
    profile, full_range = unpack_from("4xB5xB", dolby_vision, header)
    return (profile, full_range) == (0, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an encoder is told of a clip's grading, among its private options.

    Attributes:
        option: The option, a list of `name=value` with colons between them.
        mastering: Its name for the mastering display.
        light: Its name for the light level.
        chromaticity: Its unit of x and y.
        luminance: Its unit in cd/m2.
    """

    option: str
    mastering: str
    light: str
    chromaticity: Fraction = Fraction(1, 50_000)  # the bitstream's own
    luminance: Fraction = Fraction(1, 10_000)

    def words(self, metadata: HdrMetadata) -> Iterator[str]:
        """The values to set."""
        display = metadata.mastering
        if display is not None:
            colors = {"G": display.green, "B": display.blue, "R": display.red, "WP": display.white}
            shape = "".join(
                f"{name}({self._point(x, self.chromaticity)},{self._point(y, self.chromaticity)})"
                for name, (x, y) in colors.items()
            )
            brightest, darkest = (
                self._point(value, self.luminance) for value in (display.brightest, display.darkest)
            )
            yield f"{self.mastering}={shape}L({brightest},{darkest})"
        if metadata.light is not None:
            yield f"{self.light}={metadata.light.maximum},{metadata.light.frame_average}"

    @staticmethod
    def _point(value: Fraction, unit: Fraction) -> str:
        """A value in its unit: a whole number, or decimals where the unit is 1."""
        return f"{float(value):.6f}" if unit == 1 else str(round(value / unit))


PLACES = {
    "libx265": Place(option="x265-params", mastering="master-display", light="max-cll"),
    "libx264": Place(option="x264-params", mastering="mastering-display", light="cll"),
    "libsvtav1": Place(
        option="svtav1-params",
        mastering="mastering-display",
        light="content-light",
        chromaticity=Fraction(1),
        luminance=Fraction(1),
    ),
}
"""By encoder. The others have no place for it that PyAV 19 can reach, nor have the containers."""


def unsaid(metadata: HdrMetadata, encoder: str) -> str:
    """What of a clip's metadata is lost with an encoder, in words; empty if nothing is."""
    if encoder in PLACES:
        return ""
    present = {
        "HDR mastering data": metadata.mastering,
        "HDR light levels": metadata.light,
    }
    lost = ", ".join(name for name, value in present.items() if value is not None)
    return lost and f"{lost} ({encoder} has no place for it; {', '.join(PLACES)} do)"


def check_hdr(clip: ClipInfo, settings: ProcessSettings) -> str:
    """Refuse what the settings do not allow; say what is left out, in words, if anything is.

    Raises:
        MediaError: The clip is HDR, but that is an error; or it has metadata of single frames,
            which may not be dropped.
    """
    kind = HDR_TRANSFERS.get(clip.format.color.transfer)
    if settings.hdr == "error" and kind:
        raise MediaError(f"the input is HDR ({kind}), which --hdr error refuses")
    if clip.hdr.dolby_vision_alone:
        raise MediaError(
            "the input is Dolby Vision alone (profile 5), in colours that only its decoders know: "
            "convert it to HDR10 first"
        )
    names = " and ".join(clip.hdr.dynamic)
    if names and not settings.drop_dynamic_hdr:
        raise MediaError(
            f"the input has {names} data for single frames, which would be lost: "
            "--drop-dynamic-hdr leaves it out and keeps the rest"
        )
    lost = [f"{names} data"] if names else []
    if clip.hdr.half_mastering:
        lost.append("HDR mastering data, of which the primaries or the luminance are missing")
    return ", ".join(lost)
