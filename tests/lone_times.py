"""Real streams in which one time stamp has a wrong bit: bytes of finished files are changed."""

import re
from collections.abc import Iterator
from pathlib import Path

VIDEO, SOUND = 0xE0, 0xC0
"""Identifiers of MPEG's streams."""

_MASTERS = {0x18538067, 0x1F43B675, 0xA0}
"""Matroska's segment, cluster and block group."""


def flip_mpeg(
    path: Path, stream: int, number: int, bit: int, fields: tuple[str, ...] = ("pts", "dts")
) -> None:
    """Flip a bit of the times of a packet in a transport or program stream (ISO/IEC 13818-1).

    Args:
        path: The file, which is changed.
        stream: Its identifier.
        number: Which of its packets that have a time, from the end if negative.
        bit: The bit of 33, from the lowest.
        fields: Which of its times, as far as it has them.
    """
    data = bytearray(path.read_bytes())
    headers = [found.start() for found in re.finditer(b"\0\0\1" + bytes([stream]), data)]
    header = [place for place in headers if data[place + 7] & 0x80][number]
    places = {"pts": header + 9} | ({"dts": header + 14} if data[header + 7] & 0x40 else {})
    # Three bits, 15 and 15, each followed by a mark.
    shifted = bit + 1 + (bit >= 15) + (bit >= 30)
    for name in set(fields) & set(places):
        data[places[name] + 4 - shifted // 8] ^= 1 << shifted % 8
    path.write_bytes(data)


def flip_flv(path: Path, kind: int, number: int, bit: int) -> None:
    """Flip a bit of the time of a tag in an FLV file.

    Args:
        path: The file, which is changed.
        kind: 8 for sound, 9 for video.
        number: Which of these tags behind the codec's header, from the end if negative.
        bit: The bit of 32, from the lowest, in milliseconds.
    """
    data = bytearray(path.read_bytes())
    place, tags = 13, []
    while place < len(data):
        if data[place] == kind:
            tags.append(place)
        place += 11 + int.from_bytes(data[place + 1 : place + 4]) + 4
    data[tags[1:][number] + (7 if bit >= 24 else 6 - bit // 8)] ^= 1 << bit % 8
    path.write_bytes(data)


def flip_matroska(path: Path, track: int, number: int, bit: int) -> None:
    """Flip a bit of the time of a block in a Matroska file.

    Args:
        path: The file, which is changed.
        track: The number of the track, from 1.
        number: Which of its blocks, from the end if negative.
        bit: The bit of 16, from the lowest, in milliseconds.
    """
    data = bytearray(path.read_bytes())
    blocks = [place for place in _blocks(data, 0, len(data)) if data[place] & 0x7F == track]
    data[blocks[number] + 1 + (bit < 8)] ^= 1 << bit % 8
    path.write_bytes(data)


def flip_mp4(path: Path, number: int, bit: int) -> None:
    """Flip a bit of how long after its decoding a picture is shown, in an MP4 file (`ctts`).

    Args:
        path: The file, which is changed.
        number: Which entry of the table, from the end if negative.
        bit: The bit of 32, from the lowest, in the track's ticks.
    """
    data = bytearray(path.read_bytes())
    table = data.index(b"ctts") + 4
    count = int.from_bytes(data[table + 4 : table + 8])
    place = table + 8 + 8 * range(count)[number] + 4
    data[place + 3 - bit // 8] ^= 1 << bit % 8
    path.write_bytes(data)


def _blocks(data: bytes, place: int, end: int) -> Iterator[int]:
    """The places of the blocks' contents: track, time, flags and data."""
    while place < end:
        name = _width(data[place])
        identifier = int.from_bytes(data[place : place + name])
        place += name
        width = _width(data[place])
        size = int.from_bytes(data[place : place + width]) & (1 << 7 * width) - 1
        place += width
        if identifier in _MASTERS:
            yield from _blocks(data, place, min(place + size, end))
        elif identifier in {0xA1, 0xA3}:
            yield place
        place += size


def _width(first: int) -> int:
    """Bytes of a number of variable width, by its first one."""
    return 9 - first.bit_length()
