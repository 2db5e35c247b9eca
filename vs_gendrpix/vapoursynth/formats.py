"""Conversion of VapourSynth's formats, frame properties and planes to and from ours."""

from fractions import Fraction
from typing import Any, Final, get_args

import numpy as np
import vapoursynth as vs  # type: ignore[import-untyped] # no py.typed in its wheel

from vs_gendrpix.errors import MediaError, SettingsError
from vs_gendrpix.frame.format import (
    CHROMA_LOCATIONS,
    LUMA_WEIGHTS,
    MAX_SUBSAMPLING,
    UNSPECIFIED,
    ColorSpec,
    Family,
    FrameFormat,
    PixelLayout,
    Plane,
    said,
    usual_matrix,
)
from vs_gendrpix.frame.transfer import declared, stated
from vs_gendrpix.settings import InTransfer

FAMILIES: Final[dict[int, Family]] = {vs.GRAY: "gray", vs.YUV: "yuv", vs.RGB: "rgb"}

_KNOWN = ", ".join(map(str, LUMA_WEIGHTS))


def source_format(
    clip: vs.VideoNode, props: dict[str, Any], matrix_in: int | None, transfer_in: str = "auto"
) -> FrameFormat:
    """The format of a clip's frames.

    Args:
        clip: The clip.
        props: The properties of its first frame, which count for all frames.
        matrix_in: The matrix of YUV and grey frames that do not state one, by ITU-T H.273; None is
            the one that players assume for their height, as for files.
        transfer_in: The transfer that the user declares; `auto` is the one of the properties.

    Raises:
        MediaError: The clip's format is not supported.
        SettingsError: `matrix_in` or `transfer_in` is not supported.
    """
    if matrix_in is not None and matrix_in not in LUMA_WEIGHTS:
        raise SettingsError(f"matrix_in {matrix_in} is not supported: use one of {_KNOWN}")
    if transfer_in not in get_args(InTransfer):
        known = ", ".join(get_args(InTransfer))
        raise SettingsError(f"there is no transfer_in {transfer_in!r}: use one of {known}")
    if clip.format.id == vs.NONE:
        raise MediaError("the format of this clip varies: convert it to one with resize first")
    if not (clip.width and clip.height):
        raise MediaError("the size of this clip varies: bring it to one with resize first")
    check_progressive(props)
    family = _family(clip.format)
    location = int(props.get("_ChromaLocation", 0))
    color = ColorSpec(
        matrix=_matrix(props, family, matrix_in or usual_matrix(clip.height)),
        primaries=_code_point(props, "_Primaries"),
        transfer=_code_point(props, "_Transfer"),
        full_range=int(props.get("_Range", family == "rgb")) == 1,
        chroma_location=CHROMA_LOCATIONS[location]
        if 0 <= location < len(CHROMA_LOCATIONS)
        else "left",
    )
    layout = pixel_layout(clip.format)
    form = FrameFormat(width=clip.width, height=clip.height, layout=layout, color=color)
    return declared(form, transfer_in)


def check_progressive(props: dict[str, Any]) -> None:
    """Refuse an interlaced frame: the network would take its two fields for one picture.

    Raises:
        MediaError: The properties state that the frame is interlaced.
    """
    if int(props.get("_FieldBased", 0)) > 0:
        raise MediaError(
            "only progressive clips are supported: deinterlace this one first, or set _FieldBased "
            "to 0 with std.SetFieldBased if it is progressive after all"
        )


def restored_props(
    props: dict[str, Any], target: FrameFormat, aspect_change: Fraction
) -> dict[str, Any]:
    """The properties of a restored frame.

    Those of its source frame are kept, with the colour and the sample aspect ratio of the target.
    `_Alpha`, a frame of the old size, is dropped.

    Args:
        props: The properties of the source frame.
        target: The format of the restored frame.
        aspect_change: Factor by which the sample aspect ratio changes.
    """
    kept = {key: value for key, value in props.items() if key not in {"_Alpha", "_ChromaLocation"}}
    color = target.color
    kept["_Matrix"], kept["_Range"] = color.matrix, int(color.full_range)
    if said(stated(color.transfer)):
        kept["_Transfer"] = color.transfer
    if target.layout.subsampling != (0, 0):
        kept["_ChromaLocation"] = CHROMA_LOCATIONS.index(color.chroma_location)
    if aspect_change != 1:
        sides = int(props.get("_SARNum", 0)), int(props.get("_SARDen", 0))
        ratio = Fraction(*sides) if all(side > 0 for side in sides) else Fraction(1)
        ratio = (ratio * aspect_change).limit_denominator(255)
        kept["_SARNum"], kept["_SARDen"] = ratio.numerator, ratio.denominator
    return kept


def copied_planes(frame: vs.VideoFrame) -> tuple[Plane, ...]:
    """Copies of a frame's planes; they stay valid when the frame is gone."""
    return tuple(np.array(frame[index]) for index in range(frame.format.num_planes))


def write_planes(frame: vs.VideoFrame, planes: tuple[Plane, ...]) -> None:
    """Fill the planes of a new frame, from planes of its size or larger."""
    for index, plane in enumerate(planes):
        room = np.asarray(frame[index])
        np.copyto(room, plane[: room.shape[0], : room.shape[1]])


def _family(video_format: vs.VideoFormat) -> Family:
    """The family of a VapourSynth format."""
    family = FAMILIES.get(video_format.color_family)
    if family is None:
        raise MediaError(f"the format {video_format.name} is not supported: use GRAY, YUV or RGB")
    return family


def _code_point(props: dict[str, Any], name: str) -> int:
    """Read a frame property that is a code point of ITU-T H.273, of eight bits."""
    code = int(props.get(name, UNSPECIFIED))
    if not 0 <= code < 256:
        raise MediaError(f"the property {name} of this clip is {code}: use a code of ITU-T H.273")
    return code


def says_matrix(clip: vs.VideoNode, props: dict[str, Any]) -> bool:
    """Tell whether a clip needs no guess of its matrix: YUV that states it, RGB or grey."""
    matrix = int(props.get("_Matrix", UNSPECIFIED))
    return matrix != UNSPECIFIED or _family(clip.format) != "yuv"


def _matrix(props: dict[str, Any], family: Family, matrix_in: int) -> int:
    """The matrix of the frames; 0 for RGB."""
    if family == "rgb":
        return 0
    matrix = int(props.get("_Matrix", UNSPECIFIED))
    if family == "gray" and matrix not in LUMA_WEIGHTS:
        return matrix_in  # unknown, or a plane of RGB: any weights return the same grey
    if matrix == UNSPECIFIED:
        return matrix_in
    if matrix not in LUMA_WEIGHTS:
        raise MediaError(
            f"the matrix {matrix} of this clip is not supported: convert it with resize to one of "
            f"{_KNOWN}, or to RGB"
        )
    return matrix


def pixel_layout(video_format: vs.VideoFormat) -> PixelLayout:
    """The layout of a VapourSynth format.

    Raises:
        MediaError: Such frames cannot be restored.
    """
    subsampling = (video_format.subsampling_w, video_format.subsampling_h)
    if max(subsampling) > MAX_SUBSAMPLING:
        raise MediaError(
            f"the format {video_format.name} is not supported: its chroma is too coarse"
        )
    return PixelLayout(
        family=_family(video_format),
        bits=video_format.bits_per_sample,
        subsampling=subsampling,
        floating=video_format.sample_type == vs.FLOAT,
    )
