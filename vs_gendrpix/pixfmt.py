"""FFmpeg's pixel formats in our terms: family, depth, subsampling, and the planar twin of each."""

from dataclasses import dataclass
from functools import lru_cache

import av

from vs_gendrpix.errors import MediaError
from vs_gendrpix.frames import Family


@dataclass(frozen=True, slots=True)
class PixelFormat:
    """What one of FFmpeg's pixel formats holds.

    Attributes:
        planar: Name of the little-endian planar format without alpha that holds the same samples.
        family: `gray`, `yuv` or `rgb`.
        bits: Significant bits of a sample of `planar`, 8 to 16.
        subsampling: log2 of the chroma subsampling, horizontal and vertical.
        full_range: Whether the format itself says full range, as FFmpeg's yuvj, grey and RGB do.
        alpha: Whether the format has an alpha channel, which `planar` lacks.
    """

    planar: str
    family: Family
    bits: int
    subsampling: tuple[int, int]
    full_range: bool
    alpha: bool


@lru_cache
def pixel_format(name: str) -> PixelFormat:
    """What the pixel format `name` holds.

    Raises:
        MediaError: FFmpeg knows no such format, or it is floating-point, XYZ, Bayer or on a GPU.
    """
    try:
        layout = av.VideoFormat(name, 64, 64)
    except ValueError:
        raise MediaError(f"pixel format {name} is unknown") from None
    colors = [part for part in layout.components if not part.is_alpha]
    if not colors or layout.is_bayer or name.startswith("xyz") or max(p.bits for p in colors) > 16:
        raise MediaError(f"pixel format {name} is not supported: use YUV, RGB or grey of 8-16 bits")
    bits = max(8, *(part.bits for part in colors))
    suffix = "" if bits == 8 else f"{bits}le"
    alpha = len(colors) < len(layout.components)
    if layout.is_rgb or layout.has_palette:
        return PixelFormat(_known(f"gbrp{suffix}"), "rgb", bits, (0, 0), True, alpha)
    if len(colors) == 1:
        return PixelFormat(_known(f"gray{suffix}"), "gray", bits, (0, 0), True, alpha)
    sub_w, sub_h = (
        (64 // size).bit_length() - 1 for size in (layout.chroma_width(), layout.chroma_height())
    )
    digits = {(0, 0): 444, (0, 1): 440, (1, 0): 422, (1, 1): 420, (2, 0): 411, (2, 2): 410}
    if (sub_w, sub_h) not in digits:
        raise MediaError(f"chroma of pixel format {name} is not supported: use 4:1:0 to 4:4:4")
    planar = _known(f"yuv{digits[sub_w, sub_h]}p{suffix}")
    return PixelFormat(planar, "yuv", bits, (sub_w, sub_h), name.startswith("yuvj"), alpha)


def _known(name: str) -> str:
    """`name`, if FFmpeg has such a format."""
    try:
        av.VideoFormat(name)
    except ValueError:
        raise MediaError(f"pixel format {name} is not supported") from None
    return name
