"""Profiles of outputs: an encoder with its settings by purpose."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vs_gendrpix.settings import EncodeSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A purpose of the output, with an encoder and its settings.

    Attributes:
        purpose: What it is for, for people.
        suffixes: Extensions of the files that it is written to, the usual one first.
        encode: How frames are encoded. A pixel format with alpha is taken without it where the
            source has none.
    """

    purpose: str
    suffixes: tuple[str, ...]
    encode: EncodeSettings


PROFILES: Final[dict[str, Profile]] = {
    "delivery": Profile(
        purpose="HEVC of 10 bits, for players",
        suffixes=(".mp4", ".m4v", ".mov", ".mkv"),
        encode=EncodeSettings(encoder="libx265", pix_fmt="yuv420p10le", crf=18),
    ),
    "web": Profile(
        purpose="AV1 of 10 bits, smaller, for browsers",
        suffixes=(".mp4", ".mkv"),
        encode=EncodeSettings(encoder="libsvtav1", pix_fmt="yuv420p10le", crf=28, preset="6"),
    ),
    "prores422hq": Profile(
        purpose="ProRes 422 HQ, for editing",
        suffixes=(".mov",),
        encode=EncodeSettings(
            encoder="prores_ks",
            pix_fmt="yuv422p10le",
            options=(("profile", "hq"), ("vendor", "apl0")),
        ),
    ),
    "prores4444": Profile(
        purpose="ProRes 4444, for compositing; keeps alpha",
        suffixes=(".mov",),
        encode=EncodeSettings(
            encoder="prores_ks",
            pix_fmt="yuva444p10le",
            options=(("profile", "4444"), ("vendor", "apl0")),
        ),
    ),
    "dnxhr-hqx": Profile(
        purpose="DNxHR HQX of 10 bits, for editing",
        suffixes=(".mov",),
        encode=EncodeSettings(
            encoder="dnxhd", pix_fmt="yuv422p10le", options=(("profile", "dnxhr_hqx"),)
        ),
    ),
    "ffv1": Profile(
        purpose="FFV1 version 3, lossless, for archives; keeps the source's format, alpha too",
        suffixes=(".mkv",),
        encode=EncodeSettings(
            encoder="ffv1",
            pix_fmt="source",
            # What archives ask for: every frame by itself, in slices that each have a checksum.
            options=(("level", "3"), ("g", "1"), ("slices", "16"), ("slicecrc", "1")),
        ),
    ),
    "png": Profile(
        purpose="pictures of 16 bits; keeps alpha",
        suffixes=(".png",),
        encode=EncodeSettings(encoder="png", pix_fmt="rgba64be"),
    ),
    "tiff": Profile(
        purpose="pictures of 16 bits; keeps alpha",
        suffixes=(".tif", ".tiff"),
        encode=EncodeSettings(
            encoder="tiff", pix_fmt="rgba64le", options=(("compression_algo", "deflate"),)
        ),
    ),
    "dpx": Profile(
        purpose="pictures of 10 bits, for film; of 16 bits with --pix-fmt rgb48le",
        suffixes=(".dpx",),
        encode=EncodeSettings(encoder="dpx", pix_fmt="gbrp10le"),
    ),
    "exr": Profile(
        purpose="pictures of half floats in linear light, for compositing; keeps alpha; "
        "of floats with -e format=float",
        suffixes=(".exr",),
        encode=EncodeSettings(
            encoder="exr",
            pix_fmt="gbrapf32le",
            options=(("format", "half"), ("compression", "zip16")),
        ),
    ),
    "y4m": Profile(
        purpose="uncompressed, for a pipe into another program; keeps the source's format",
        suffixes=(".y4m",),
        encode=EncodeSettings(encoder="wrapped_avframe", pix_fmt="source"),
    ),
}
"""All profiles by name. The first one for an extension is its usual one."""


def profile_for(output: Path) -> Profile:
    """Return the usual profile of an extension; `delivery` if no profile has it.

    The standard output, `-`, gets `y4m`.
    """
    if output == Path("-"):
        return PROFILES["y4m"]
    for profile in PROFILES.values():
        if output.suffix.lower() in profile.suffixes:
            return profile
    return PROFILES["delivery"]
