"""FFmpeg's pixel formats and our planes: what a format holds, and pictures both ways."""

import re
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal, get_args

import av
import numpy as np

from vs_gendrpix.errors import MediaError, SettingsError
from vs_gendrpix.frame.format import (
    HDR_TRANSFERS,
    LINEAR,
    UNSPECIFIED,
    ColorSpec,
    Family,
    Frame,
    FrameFormat,
    Plane,
    usual_matrix,
)
from vs_gendrpix.settings import EncodeSettings, OutColor

ChromaLocation = Literal["left", "center", "topleft", "top", "bottomleft", "bottom"]

_PLANAR = re.compile(r"(yuv[aj]?4\d\dp(\d+le)?|(gbra?p|gray)(\d+le|f(16|32)le)?)")
"""Formats whose planes are ours, or G, B, R: the others go through libswscale."""

_PAIRS = {"ya8", "ya16le"}
"""Grey and alpha side by side in one plane: libav has no planar format for them."""

_FLOAT = re.compile(r"f(16|32)(le|be)$")
_UNSUPPORTED = re.compile(r"^bayer_|^xyz")
_FULL_RANGE = 2  # FFmpeg's AVCOL_RANGE_JPEG
_CAMERA_TRANSFERS = {1, 6, 14, 15, UNSPECIFIED}
"""TransferCharacteristics of BT.709, BT.601 and BT.2020: the same curve."""
_SAY_TOP_LEFT = {"libx264", "libx265", "libsvtav1", "ffv1"}
"""Encoders whose stream or container says that chroma lies top left."""
_SAY_RANGE = {
    "libx264",
    "libx265",
    "libsvtav1",
    "ffv1",
    "libvpx-vp9",
    "rawvideo",
    "wrapped_avframe",
} | {f"{codec}_nvenc" for codec in ("h264", "hevc", "av1")}
"""Encoders whose stream or container says that YUV is of full range; ProRes, for one, is not."""
_LOCATIONS: tuple[ChromaLocation, ...] = get_args(ChromaLocation)  # FFmpeg numbers them from 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What a pixel format holds.

    Attributes:
        family: Grey, YUV or RGB; a palette is RGB.
        bits: Significant bits of the deepest component, at least 8.
        subsampling: log2 of the chroma subsampling, horizontal and vertical.
        alpha: Whether it has an alpha component.
        floating: Whether its samples are float, of 16 or 32 bits.
    """

    family: Family
    bits: int
    subsampling: tuple[int, int]
    alpha: bool
    floating: bool

    @property
    def planar_name(self) -> str:
        """FFmpeg's name of the planar little-endian format of all this."""
        depth = "" if self.bits == 8 else f"{self.bits}le"
        alpha = "a" * self.alpha
        if self.floating:
            depth = f"f{depth}"
        if self.family == "yuv":
            digits = {(1, 1): 420, (1, 0): 422, (0, 0): 444, (0, 1): 440, (2, 0): 411, (2, 2): 410}
            return f"yuv{alpha}{digits[self.subsampling]}p{depth}"
        if self.family == "rgb":
            return f"gbr{alpha}p{depth}"
        return f"ya{self.bits}{'le' * (self.bits > 8)}" if alpha else f"gray{depth}"


@cache
def layout(pix_fmt: str) -> Layout:
    """What FFmpeg's pixel format of this name holds.

    Raises:
        MediaError: It is hardware, Bayer, XYZ or YUV of floats, or integer deeper than 16 bits.
        ValueError: There is no such format.
    """
    described = av.VideoFormat(pix_fmt, 64, 64)
    colors = [part for part in described.components if not part.is_alpha]
    bits = max((part.bits for part in colors), default=0)
    floating = _FLOAT.search(pix_fmt) is not None
    alpha = len(colors) < len(described.components)
    family: Family = "gray" if len(colors) == 1 else "yuv"
    if described.is_rgb or described.has_palette:
        family = "rgb"
    # Float formats that libswscale would have to unpack, it cannot.
    known = _PLANAR.fullmatch(pix_fmt) if floating else 0 < bits <= 16
    if not known or _UNSUPPORTED.search(pix_fmt):
        raise MediaError(
            f"the pixel format {pix_fmt} is not supported: use integers of 8 to 16 bits, or planar "
            "RGB or grey of floats"
        )
    subsampling = (0, 0)
    if family == "yuv":
        subsampling = (
            (64 // described.chroma_width(64)).bit_length() - 1,
            (64 // described.chroma_height(64)).bit_length() - 1,
        )
    return Layout(
        family=family,
        bits=max(bits, 8),
        subsampling=subsampling,
        alpha=alpha,
        floating=floating,
    )


def encoder_layout(pix_fmt: str) -> Layout:
    """What an encoder's pixel format holds.

    Raises:
        SettingsError: There is no such format, or we cannot fill it.
    """
    try:
        return layout(pix_fmt)
    except MediaError as error:
        raise SettingsError(str(error)) from error
    except ValueError as error:
        raise SettingsError(f"there is no pixel format {pix_fmt!r}: try yuv420p10le") from error


def frame_format(picture: av.VideoFrame) -> FrameFormat:
    """The format of a decoded picture, with the usual defaults for what it does not say.

    An unspecified matrix is BT.601 below 720 lines (5 for the PAL heights 576 and 288, otherwise
    6) and BT.709 from there on; unspecified primaries and transfer follow the matrix. Unspecified
    range is limited for YUV and full for grey, as libswscale has it.

    Raises:
        MediaError: The pixel format is not supported.
    """
    found = layout(picture.format.name)
    color = _color_spec(picture, found.family)
    return _format_of(found, width=picture.width, height=picture.height, color=color)


def _format_of(found: Layout, *, width: int, height: int, color: ColorSpec) -> FrameFormat:
    """The format of frames that hold what a layout says."""
    return FrameFormat(
        width=width,
        height=height,
        family=found.family,
        bits=found.bits,
        subsampling=found.subsampling,
        floating=found.floating,
        alpha=found.alpha,
        color=color,
    )


def _color_spec(picture: av.VideoFrame, family: Family) -> ColorSpec:
    """What the code values of a decoded picture mean."""
    primaries, transfer = int(picture.color_primaries), int(picture.color_trc)
    if family == "rgb":
        return ColorSpec(matrix=0, primaries=primaries, transfer=transfer, full_range=True)
    matrix = int(picture.colorspace)
    if matrix in {0, UNSPECIFIED, 3}:  # 0 says RGB, which these planes are not; 3 is reserved
        matrix = usual_matrix(picture.height)
    defaults = {1: (1, 1), 5: (5, 6), 6: (6, 6), 9: (9, 14)}.get(matrix, (primaries, transfer))
    full = picture.format.name.startswith("yuvj") or picture.color_range == _FULL_RANGE
    location = picture.chroma_location
    return ColorSpec(
        matrix=matrix,
        primaries=defaults[0] if primaries in {0, UNSPECIFIED, 3} else primaries,
        transfer=defaults[1] if transfer in {0, UNSPECIFIED, 3} else transfer,
        full_range=full or (family == "gray" and not picture.color_range),
        chroma_location=_LOCATIONS[location - 1] if location else "left",
    )


def read_planes(picture: av.VideoFrame) -> tuple[Plane, ...]:
    """The planes of a decoded picture, in the order of `Frame`; views, where they can be.

    The views keep the picture's memory alive. Packed, semi-planar and palette formats are unpacked
    by libswscale within their family and depth, so no matrix is ever applied.
    """
    found = layout(picture.format.name)
    if not _PLANAR.fullmatch(picture.format.name):
        picture = _same_meaning(picture, found.planar_name)
    shape = _format_of(found, width=picture.width, height=picture.height, color=ColorSpec())
    views = _views(picture, shape)
    if found.family == "rgb":
        views[:3] = views[2], views[0], views[1]
    return tuple(views)


def _views(picture: av.VideoFrame, form: FrameFormat) -> list[Plane]:
    """The planes of a planar picture, in libav's order, without the padding of their rows."""
    if picture.format.name in _PAIRS:
        pairs = np.frombuffer(picture.planes[0], form.dtype).reshape(form.height, -1)
        return [pairs[:, start : 2 * form.width : 2] for start in (0, 1)]
    return [
        np.frombuffer(plane, form.dtype).reshape(rows, -1)[:, :columns]
        for plane, (rows, columns) in zip(picture.planes, form.plane_shapes, strict=True)
    ]


def to_picture(frame: Frame, pix_fmt: str) -> av.VideoFrame:
    """A picture for the encoder, with the frame's colour and time.

    The planes are copied into memory of libav's own (20 ms for a 4K frame, a small part of what its
    encoding takes, and without the interpreter lock): encoders read past
    the rows of a borrowed buffer, which have no padding, and hold it for as long as they like.

    Args:
        frame: A frame of the family, depth, subsampling and alpha of `pix_fmt`.
        pix_fmt: What the encoder takes.
    """
    form, color = frame.format, frame.format.color
    direct = _PLANAR.fullmatch(pix_fmt) is not None
    name = pix_fmt if direct else layout(pix_fmt).planar_name
    picture = av.VideoFrame(form.width, form.height, name)
    planes = list(frame.planes)
    if form.family == "rgb":
        planes[:3] = planes[1], planes[2], planes[0]
    for room, samples in zip(_views(picture, form), planes, strict=True):
        np.copyto(room, samples)
    picture.color_range = 2 if color.full_range else 1
    if not direct:
        picture = _same_meaning(picture, pix_fmt)
    picture.colorspace = color.matrix
    picture.color_primaries = color.primaries
    picture.color_trc = color.transfer
    picture.pts = frame.timing.pts
    picture.time_base = frame.timing.time_base
    return picture


def like(picture: av.VideoFrame, form: FrameFormat) -> av.VideoFrame:
    """A decoded picture at the size, depth and subsampling of a format of its own family."""
    name = Layout(
        family=form.family,
        bits=form.bits,
        subsampling=form.subsampling,
        alpha=form.alpha,
        floating=form.floating,
    ).planar_name
    return _same_meaning(picture, name, form.width, form.height)


def target_format(
    source: FrameFormat, encode: EncodeSettings, size: tuple[int, int], out_color: OutColor = "keep"
) -> FrameFormat:
    """The format of the frames to encode.

    Under `keep` matrix, primaries, transfer and range stay the source's, except where the family
    changes: RGB becomes YUV of limited range, BT.2020 or BT.709 by its primaries, and YUV becomes
    RGB. Floats hold linear light, and what comes from them BT.709. Chroma stays top left, where
    BT.2100 has it; otherwise it lies left, which is what players take when nothing says so. What
    the encoder's files cannot say is what players take, too.

    Raises:
        SettingsError: The pixel format cannot be filled, or HDR cannot become what is wanted.
    """
    found = encoder_layout(encode.pix_fmt)
    color = _converted(source.color, out_color)
    if color.chroma_location != "topleft" or encode.encoder not in _SAY_TOP_LEFT:
        color = replace(color, chroma_location="left")
    if found.family == "rgb":
        color = replace(color, matrix=0, full_range=True)
    elif source.family == "rgb":
        color = replace(color, matrix=color.usual_matrix, full_range=False)
    elif encode.encoder not in _SAY_RANGE:
        color = replace(color, full_range=found.family == "gray")
    if encode.pix_fmt.startswith("yuvj"):
        color = replace(color, full_range=True)
    if found.floating:
        color = replace(color, transfer=LINEAR)
    elif source.floating and color.transfer == LINEAR:
        color = replace(color, transfer=1)
    return _format_of(found, width=size[0], height=size[1], color=color)


def _converted(color: ColorSpec, out_color: OutColor) -> ColorSpec:
    """What the colour of a clip becomes; its range stays.

    Matrix and primaries are converted. Transfers are not: BT.601, BT.709 and BT.2020 share one
    curve under four numbers, and any other one, sRGB's or PQ's, says best itself what it is.
    """
    if out_color == "keep":
        return color
    if out_color == "bt709" and color.transfer in HDR_TRANSFERS:
        raise SettingsError(
            f"{HDR_TRANSFERS[color.transfer]} cannot become BT.709 without tone-mapping, which is "
            "not done here: use --out-color keep"
        )
    number, transfer = {"bt709": (1, 1), "bt2020": (9, 14)}[out_color]
    return replace(
        color,
        matrix=number,
        primaries=number,
        transfer=transfer if color.transfer in _CAMERA_TRANSFERS else color.transfer,
    )


def location_code(color: ColorSpec) -> int:
    """FFmpeg's number of the chroma location."""
    return _LOCATIONS.index(color.chroma_location) + 1


def _same_meaning(
    picture: av.VideoFrame, pix_fmt: str, width: int | None = None, height: int | None = None
) -> av.VideoFrame:
    """Another packing of the same code values: equal ranges keep libswscale from scaling them."""
    span = picture.color_range or 1
    return picture.reformat(width, height, pix_fmt, src_color_range=span, dst_color_range=span)
