"""Stereoscopy and the projection of spherical video, from side data."""

from struct import unpack_from
from typing import TYPE_CHECKING

from av.sidedata.sidedata import Type

from vs_gendrpix.frame.projection import Projection

if TYPE_CHECKING:
    import av
    from av.video.stream import VideoStream

_VIEWS = {
    (1, 0): "left_right",
    (1, 1): "right_left",
    (2, 0): "top_bottom",
    (2, 1): "bottom_top",
    (4, 0): "checkerboard_lr",
    (4, 1): "checkerboard_rl",
    (6, 0): "row_interleaved_lr",
    (6, 1): "row_interleaved_rl",
    (7, 0): "col_interleaved_lr",
    (7, 1): "col_interleaved_rl",
}
"""FFmpeg's names of Matroska's stereo modes, by the type and the flags of an AVStereo3D."""

_EQUIRECTANGULAR, _CUBEMAP, _TILE = range(3)
"""Values of AVSphericalProjection."""


def read_views(stream: "VideoStream", picture: "av.VideoFrame") -> str:
    """FFmpeg's name of a video's stereo mode; empty if it is not stereoscopic, or in no such mode.

    Args:
        stream: The video, by what its container says.
        picture: Its first picture, asked where the container says nothing.
    """
    said = stream.codec_context.coded_side_data
    data = said.get("stereo_3d") or _of_picture(picture, Type.STEREO3D)
    return _VIEWS.get(unpack_from("2i", data), "") if data else ""


def read_projection(stream: "VideoStream", picture: "av.VideoFrame") -> Projection | None:
    """The projection of a spherical video; None if it has none, or one that few containers hold.

    The bytes are libav's AVSphericalMapping: the projection, three angles, four bounds, padding.
    """
    said = stream.codec_context.coded_side_data
    data = said.get("spherical") or _of_picture(picture, Type.SPHERICAL)
    if not data:
        return None
    kind, yaw, pitch, roll = unpack_from("4i", data)
    left, top, right, bottom, padding = unpack_from("5I", data, 16)
    if kind not in {_EQUIRECTANGULAR, _CUBEMAP, _TILE}:
        return None
    return Projection(
        kind="cubemap" if kind == _CUBEMAP else "equirectangular",
        pose=(yaw, pitch, roll),
        bounds=(top, bottom, left, right) if kind == _TILE else (0, 0, 0, 0),
        padding=padding if kind == _CUBEMAP else 0,
    )


def _of_picture(picture: "av.VideoFrame", kind: Type) -> bytes:
    """Side data of a picture; empty if it has none of this kind."""
    return bytes(picture.side_data[kind]) if kind in picture.side_data else b""
