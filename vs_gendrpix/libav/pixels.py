"""FFmpeg's pixel formats, and conversion between libav's pictures and planes."""

import re
from functools import cache

import av
import numpy as np

from vs_gendrpix.errors import MediaError, SettingsError
from vs_gendrpix.frame.format import (
    CHROMA_LOCATIONS,
    SUBSAMPLINGS,
    ColorSpec,
    Family,
    Frame,
    FrameFormat,
    PixelLayout,
    Plane,
    said,
    usual_matrix,
)
from vs_gendrpix.frame.transfer import stated
from vs_gendrpix.libav.captions import blank_picture

_PLANAR = re.compile(r"(yuv[aj]?4\d\dp(\d+le)?|(gbra?p|gray)(\d+le|f(16|32)le)?)")
"""Formats with planes as in `Frame`, or in the order G, B, R. All others go through libswscale."""

_PAIRS = {"ya8", "ya16le"}
"""Formats with interleaved grey and alpha: libav has no planar format for them."""

_FLOAT = re.compile(r"f(16|32)(le|be)$")
_UNSUPPORTED = re.compile(r"^bayer_|^xyz")
_FULL_RANGE = 2  # FFmpeg's AVCOL_RANGE_JPEG


@cache
def planar_name(layout: PixelLayout) -> str:
    """FFmpeg's name of the planar little-endian pixel format of a layout, such as `yuv420p10le`.

    Raises:
        MediaError: There is none: VapourSynth has depths and subsamplings that FFmpeg lacks.
    """
    depth = "" if layout.bits == 8 else f"{layout.bits}le"
    alpha = "a" * layout.alpha
    if layout.floating:
        depth = f"f{depth}"
    if layout.family == "yuv":
        digits = SUBSAMPLINGS.get(layout.subsampling, "").replace(":", "")
        name = f"yuv{alpha}{digits}p{depth}"
    elif layout.family == "rgb":
        name = f"gbr{alpha}p{depth}"
    else:
        name = f"ya{layout.bits}{'le' * (layout.bits > 8)}" if alpha else f"gray{depth}"
    try:
        av.VideoFormat(name, 64, 64)
    except ValueError as error:
        raise MediaError(
            f"FFmpeg has no pixel format for {layout}: convert the clip to another format first"
        ) from error
    return name


@cache
def layout_of(pix_fmt: str) -> PixelLayout:
    """The layout of frames in one of FFmpeg's pixel formats; a palette counts as RGB.

    Its bits are those of the deepest component, at least 8.

    Raises:
        MediaError: The format is one of hardware, Bayer, XYZ, float YUV, or integers deeper than 16
            bits.
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
    # libswscale cannot unpack float formats.
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
    return PixelLayout(
        family=family,
        bits=max(bits, 8),
        subsampling=subsampling,
        alpha=alpha,
        floating=floating,
    )


def encoder_layout(pix_fmt: str) -> PixelLayout:
    """The layout of frames for an encoder's pixel format.

    Raises:
        SettingsError: There is no such format, or it is not supported.
    """
    try:
        return layout_of(pix_fmt)
    except MediaError as error:
        raise SettingsError(str(error)) from error
    except ValueError as error:
        raise SettingsError(f"there is no pixel format {pix_fmt!r}: try yuv420p10le") from error


def frame_format(picture: av.VideoFrame) -> FrameFormat:
    """The format of a decoded picture, with defaults for colour that it does not state.

    An unspecified matrix is BT.601 below 720 lines (5 for the PAL heights 576 and 288, otherwise 6)
    and BT.709 from there on. Unspecified primaries and transfer follow the matrix. Unspecified
    range is limited for YUV and full for grey, as in libswscale. Unspecified chroma lies left.

    Raises:
        MediaError: The pixel format is not supported.
    """
    layout = layout_of(picture.format.name)
    return FrameFormat(
        width=picture.width,
        height=picture.height,
        layout=layout,
        color=_color_spec(picture, layout.family),
    )


def _color_spec(picture: av.VideoFrame, family: Family) -> ColorSpec:
    """The colour of a decoded picture of a family, with defaults."""
    primaries, transfer = int(picture.color_primaries), int(picture.color_trc)
    if family == "rgb":
        return ColorSpec(matrix=0, primaries=primaries, transfer=transfer, full_range=True)
    matrix = int(picture.colorspace)
    if not said(matrix):
        matrix = usual_matrix(picture.height)
    defaults = {1: (1, 1), 5: (5, 6), 6: (6, 6), 9: (9, 14)}.get(matrix, (primaries, transfer))
    full = picture.format.name.startswith("yuvj") or picture.color_range == _FULL_RANGE
    location = picture.chroma_location
    return ColorSpec(
        matrix=matrix,
        primaries=primaries if said(primaries) else defaults[0],
        transfer=transfer if said(transfer) else defaults[1],
        full_range=full or (family == "gray" and not picture.color_range),
        chroma_location=CHROMA_LOCATIONS[location - 1] if location else "left",
    )


def read_planes(picture: av.VideoFrame) -> tuple[Plane, ...]:
    """The planes of a decoded picture, in the order of `Frame`.

    They are views of planar pictures, whose memory they keep alive. libswscale unpacks packed,
    semi-planar and palette formats within their family and depth, so no matrix is ever applied.
    """
    layout = layout_of(picture.format.name)
    if not _PLANAR.fullmatch(picture.format.name):
        picture = _same_meaning(picture, planar_name(layout))
    shape = FrameFormat(width=picture.width, height=picture.height, layout=layout)
    views = _views(picture, shape)
    if layout.family == "rgb":
        views[:3] = views[2], views[0], views[1]
    return tuple(views)


def _views(picture: av.VideoFrame, form: FrameFormat) -> list[Plane]:
    """Views of the planes of a planar picture, in libav's order, without the rows' padding."""
    if picture.format.name in _PAIRS:
        pairs = np.frombuffer(picture.planes[0], form.dtype).reshape(form.height, -1)
        return [pairs[:, start : 2 * form.width : 2] for start in (0, 1)]
    return [
        np.frombuffer(plane, form.dtype).reshape(rows, -1)[:, :columns]
        for plane, (rows, columns) in zip(picture.planes, form.plane_shapes, strict=True)
    ]


def to_picture(frame: Frame, pix_fmt: str) -> av.VideoFrame:
    """Convert a frame to a picture for an encoder, with its colour, time and captions.

    The planes are copied into memory of libav's own. Encoders read past the rows of a buffer, so a
    borrowed one without padding would not do, and they hold it for an unknown time. The copy takes
    20 ms for a 4K frame, a small part of its encoding, and does not hold the interpreter lock.

    Args:
        frame: A frame of the layout of `pix_fmt`.
        pix_fmt: FFmpeg's pixel format of the encoder.
    """
    form, color = frame.format, frame.format.color
    direct = _PLANAR.fullmatch(pix_fmt) is not None
    name = pix_fmt if direct else planar_name(layout_of(pix_fmt))
    picture = blank_picture(form.width, form.height, name, frame.captions)
    planes = list(frame.planes)
    if form.layout.family == "rgb":
        planes[:3] = planes[1], planes[2], planes[0]
    for room, samples in zip(_views(picture, form), planes, strict=True):
        np.copyto(room, samples)
    picture.color_range = 2 if color.full_range else 1
    if not direct:
        picture = _same_meaning(picture, pix_fmt)
    picture.colorspace = color.matrix
    picture.color_primaries = color.primaries
    picture.color_trc = stated(color.transfer)
    picture.pts = frame.timing.pts
    picture.time_base = frame.timing.time_base
    return picture


def converted_to(picture: av.VideoFrame, form: FrameFormat) -> av.VideoFrame:
    """Convert a decoded picture to the size and layout of a format of its own family.

    Args:
        picture: The picture.
        form: The format to make. Its colour is not applied: code values keep their meaning.
    """
    return _same_meaning(picture, planar_name(form.layout), form.width, form.height)


def location_code(color: ColorSpec) -> int:
    """FFmpeg's number of the chroma location, one more than that of ITU-T H.273."""
    return CHROMA_LOCATIONS.index(color.chroma_location) + 1


def _same_meaning(
    picture: av.VideoFrame, pix_fmt: str, width: int | None = None, height: int | None = None
) -> av.VideoFrame:
    """Convert a picture to another packing or size, without a change of what its codes mean.

    Equal ranges on both sides keep libswscale from scaling the codes.
    """
    span = picture.color_range or 1
    return picture.reformat(width, height, pix_fmt, src_color_range=span, dst_color_range=span)
