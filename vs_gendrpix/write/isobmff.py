"""Complete the description of the video in MP4 and QuickTime, where PyAV cannot tell the muxer."""

from pathlib import Path
from struct import pack, pack_into, unpack, unpack_from
from typing import BinaryIO, NamedTuple, Self

from vs_gendrpix.frame.clip import ClipInfo

_STEREO_MODES = {"top_bottom": 1, "left_right": 2}
"""Values of `st3d`, by FFmpeg's name of a stereo mode. It has no others, but 0 for flat video."""

_WAY = ("mdia", "minf", "stbl", "stsd")
"""Names of the nested boxes from a track to its sample descriptions."""

_HEAD = 8
"""Bytes of a box before its content, for its size and its name."""


def immersive_boxes(clip: ClipInfo) -> bytes:
    """Make the boxes for the stereo mode and the projection of a clip; empty without either."""
    boxes = b""
    if clip.views in _STEREO_MODES:
        boxes += _box("st3d", bytes(4), bytes([_STEREO_MODES[clip.views]]))
    if clip.projection is not None:
        head = _box("svhd", bytes(4), b"\0")
        pose = _box("prhd", bytes(4), pack(">3i", *clip.projection.pose))
        name = "cbmp" if clip.projection.kind == "cubemap" else "equi"
        kind = _box(name, clip.projection.private)
        boxes += _box("sv3d", head, _box("proj", pose, kind))
    return boxes


def write_boxes(path: Path, boxes: bytes) -> None:
    """Insert boxes into the description of a finished file's video.

    libavformat's muxer takes that from the stream's side data, which PyAV 19 cannot set. The boxes
    take the place of spaces behind the track's name.

    Args:
        path: The file, written by libavformat.
        boxes: The boxes.
    """
    with path.open("r+b") as file:
        begin, movie = _read_movie(file)
        track = _inside(movie, _Box(0, len(movie)), "trak")
        way = [_inside(movie, track, *_WAY[: n + 1]) for n in range(len(_WAY))]
        entry = _Box.at(movie, way[-1].begin + 2 * _HEAD)  # behind the number of entries
        labels = _inside(movie, track, "udta")
        name = _inside(movie, labels, "name")
        title = bytes(movie[name.begin + _HEAD : name.end - len(boxes)])
        kept = _box("name", title) if title else _box("free")
        for box, more in (*((box, len(boxes)) for box in [*way, entry]), (labels, -len(boxes))):
            pack_into(">I", movie, box.begin, box.end - box.begin + more)
        before, between = movie[: entry.end], movie[entry.end : name.begin]
        file.seek(begin)
        file.write(before + boxes + between + kept + movie[name.end :])


class _Box(NamedTuple):
    """The position of a box in the bytes of the `moov` box."""

    begin: int
    end: int

    @classmethod
    def at(cls, data: bytearray, begin: int) -> Self:
        """The box that begins at a place."""
        (size,) = unpack_from(">I", data, begin)
        return cls(begin, begin + size)


def _read_movie(file: BinaryIO) -> tuple[int, bytearray]:
    """Read a file's `moov` box; returns its position and its bytes."""
    at = 0
    while True:
        file.seek(at)
        size, name, large = unpack(">I4sQ", file.read(2 * _HEAD))
        if name == b"moov":
            file.seek(at)
            return at, bytearray(file.read(size))
        at += large if size == 1 else size


def _inside(data: bytearray, outer: _Box, *way: str) -> _Box:
    """Find the first box at the end of a path of names."""
    for name in way:
        at = outer.begin + _HEAD
        while data[at + 4 : at + _HEAD] != name.encode():
            at = _Box.at(data, at).end
        outer = _Box.at(data, at)
    return outer


def _box(name: str, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return pack(">I4s", len(content) + _HEAD, name.encode()) + content
