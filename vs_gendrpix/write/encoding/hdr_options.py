"""Private options of encoders for a clip's HDR metadata."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from vs_gendrpix.frame.clip import HdrMetadata


@dataclass(frozen=True, slots=True, kw_only=True)
class HdrOptions:
    """The private option by which an encoder takes a clip's HDR metadata.

    Attributes:
        option: Its private option, a list of `name=value` with colons between them.
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

    def values(self, metadata: HdrMetadata) -> Iterator[str]:
        """Write the option's values, each `name=value`, for a clip's metadata."""
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
        """A value counted in a unit: a whole number, or decimals where the unit is 1."""
        return f"{float(value):.6f}" if unit == 1 else str(round(value / unit))


HDR_OPTIONS = {
    "libx265": HdrOptions(option="x265-params", mastering="master-display", light="max-cll"),
    "libx264": HdrOptions(option="x264-params", mastering="mastering-display", light="cll"),
    "libsvtav1": HdrOptions(
        option="svtav1-params",
        mastering="mastering-display",
        light="content-light",
        chromaticity=Fraction(1),
        luminance=Fraction(1),
    ),
}
"""Options for HDR metadata, by encoder. Other encoders have none that PyAV 19 can reach."""


def lost_metadata(metadata: HdrMetadata, encoder: str) -> str:
    """Name the metadata that an encoder cannot take; empty if none is lost."""
    if encoder in HDR_OPTIONS:
        return ""
    present = {
        "HDR mastering data": metadata.mastering,
        "HDR light levels": metadata.light,
    }
    lost = ", ".join(name for name, value in present.items() if value is not None)
    return lost and f"{lost} ({encoder} has no place for it; {', '.join(HDR_OPTIONS)} do)"
