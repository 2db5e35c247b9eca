"""Complete a Matroska file's description of its video, where PyAV cannot tell the muxer."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from struct import pack
from typing import Self

from vs_gendrpix.frame.projection import Projection

_SEGMENT, _TRACKS, _TRACK_ENTRY, _VIDEO = 0x18538067, 0x1654AE6B, 0xAE, 0xE0
_DISPLAY_WIDTH, _DISPLAY_HEIGHT, _DISPLAY_UNIT = 0x54B0, 0x54BA, 0x54B2
_PROJECTION, _PROJECTION_TYPE, _PROJECTION_PRIVATE = 0x7670, 0x7671, 0x7672
_POSE = 0x7673, 0x7674, 0x7675
_NAME, _VOID, _CRC = 0x536E, 0xEC, 0xBF
"""IDs of elements (RFC 9559)."""

_SIZES = {_DISPLAY_WIDTH, _DISPLAY_HEIGHT, _DISPLAY_UNIT}

_ASPECT_RATIO = 3
"""DisplayUnit of a display width and height that are a ratio. Without it they are pixels."""

VIEWS = {
    "left_right": (2, 1),
    "right_left": (2, 1),
    "bottom_top": (1, 2),
    "top_bottom": (1, 2),
    "row_interleaved_rl": (1, 2),
    "row_interleaved_lr": (1, 2),
    "col_interleaved_rl": (2, 1),
    "col_interleaved_lr": (2, 1),
    "checkerboard_rl": (2, 2),
    "checkerboard_lr": (2, 2),
}
"""Number of views in a picture, across and down, by FFmpeg's name of its StereoMode. A display
size is that of one view."""

_HEAD = 1 << 20
"""Bytes at a file's beginning that hold its tracks, which the muxer writes before any packet."""


@dataclass(frozen=True, slots=True)
class _Element:
    """An element of EBML: its ID, and where its content begins and ends."""

    ident: int
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class DisplaySize:
    """The size at which a player shows pictures.

    Attributes:
        width: Pixels, or the first number of a ratio.
        height: Pixels, or its second.
        is_ratio: Which of them.
    """

    width: int
    height: int
    is_ratio: bool

    @classmethod
    def of(cls, width: int, height: int, sample_aspect_ratio: Fraction) -> Self:
        """The display size of pictures in pixels; a ratio where those are not whole."""
        shown = width * sample_aspect_ratio
        if shown.denominator == 1:
            return cls(int(shown), height, is_ratio=False)
        ratio = (shown / height).limit_denominator(0xFFFF // 8)
        return cls(ratio.numerator, ratio.denominator, is_ratio=True)

    def elements(self) -> Iterator[bytes]:
        """Make the EBML elements for the size."""
        for ident, number in ((_DISPLAY_WIDTH, self.width), (_DISPLAY_HEIGHT, self.height)):
            yield _element(ident, number.to_bytes((number.bit_length() + 7) // 8))
        if self.is_ratio:
            yield _element(_DISPLAY_UNIT, bytes([_ASPECT_RATIO]))


def projection_element(projection: Projection) -> bytes:
    """Make the EBML element for the projection of a spherical video."""
    kind = 2 if projection.kind == "cubemap" else 1
    parts = [_element(_PROJECTION_TYPE, bytes([kind]))]
    if any(projection.private):
        parts.append(_element(_PROJECTION_PRIVATE, projection.private))
    for ident, angle in zip(_POSE, projection.pose, strict=True):
        parts.append(_element(ident, pack(">d", angle / 65536)))
    return _element(_PROJECTION, b"".join(parts))


def write_video(
    path: Path, display: DisplaySize | None, projection: bytes = b"", title: str = ""
) -> bool:
    """Write properties of its video into a finished Matroska file.

    libavformat's muxer takes it from `AVStream.sample_aspect_ratio` and from side data, which PyAV
    19 cannot set. It leaves some bytes free in a video's description and writes sizes longer than
    it must: both are taken. For a projection the track's name must leave room.

    Args:
        path: The file, written by libavformat.
        display: The size at which it is shown; None leaves it as it is.
        projection: The element of its projection; empty if it has none.
        title: The track's name, if there is a projection: spaces behind it are the room.

    Returns:
        Whether there was room.
    """
    with path.open("r+b") as file:
        head = file.read(_HEAD)
        tracks = _find(head, (_SEGMENT, _TRACKS))
        entry = _find(head, (_SEGMENT, _TRACKS, _TRACK_ENTRY))
        video = _find(head, (_SEGMENT, _TRACKS, _TRACK_ENTRY, _VIDEO))
        if tracks is None or entry is None or video is None:
            return False
        replaced = set() if display is None else _SIZES
        parts = [_raw(head, part) for part in _children(head, video) if part.ident not in replaced]
        said = b"".join([*parts, *(display.elements() if display else ()), projection])
        replaced = {_VIDEO, _VOID} | ({_NAME} if projection else set())
        others = [part for part in _children(head, entry) if part.ident not in replaced]
        content = b"".join(_raw(head, part) for part in others)
        if projection and title:
            content += _element(_NAME, title.encode())
        left = entry.end - entry.begin - len(content) - len(_element(_VIDEO, said))
        if left < 0:
            return False
        content += _element(_VIDEO, said, longer=int(left == 1))  # one byte is no element
        if left > 1:
            content += _element(_VOID, bytes(left - 2))
        whole = bytearray(head[tracks.begin : tracks.end])
        whole[entry.begin - tracks.begin : entry.end - tracks.begin] = content
        if whole[0] == _CRC:  # of all that follows it, which is six bytes long
            whole[2:6] = zlib.crc32(whole[6:]).to_bytes(4, "little")
        file.seek(tracks.begin)
        file.write(whole)
    return True


def _find(data: bytes, way: tuple[int, ...]) -> _Element | None:
    """Find the first element at the end of a path of IDs."""
    found = _Element(0, 0, len(data))
    for ident in way:
        inside = (part for part in _children(data, found) if part.ident == ident)
        step = next(inside, None)
        if step is None:
            return None
        found = step
    return found


def _children(data: bytes, parent: _Element) -> Iterator[_Element]:
    """The elements within one, as far as the data go."""
    at = parent.begin
    while at < min(parent.end, len(data)):
        length = 9 - data[at].bit_length()
        ident = int.from_bytes(data[at : at + length])
        at += length
        if at >= len(data):
            return
        width = 9 - data[at].bit_length()
        size = int.from_bytes(data[at : at + width]) - (1 << 7 * width)
        at += width
        yield _Element(ident, at, at + size)
        at += size


def _raw(data: bytes, part: _Element) -> bytes:
    """Return an element's bytes with a new head, as its size may be written longer than needed."""
    return _element(part.ident, data[part.begin : part.end])


def _element(ident: int, content: bytes, *, longer: int = 0) -> bytes:
    """Make the bytes of an element, its size written in a number of extra bytes."""
    head = ident.to_bytes((ident.bit_length() + 7) // 8)
    width = 1 if len(content) < 0x7F else 2 if len(content) < 0x3FFF else 4
    width += longer
    return head + (len(content) + (1 << 7 * width)).to_bytes(width) + content
