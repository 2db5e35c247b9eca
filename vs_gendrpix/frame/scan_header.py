"""Timecode and frame rate in the headers of film scans: DPX (SMPTE ST 268-1) and OpenEXR.

libav's encoders leave them out, but for the rate of OpenEXR. The numbers are places in a file, in
bytes: of DPX those of ST 268-1:2014, where the header for television stands behind that for film;
of OpenEXR those of "OpenEXR File Layout" (openexr.com).
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import isfinite
from pathlib import Path

from vs_gendrpix.frame.timecode import from_st12, to_st12

SCANS = (".dpx", ".exr")
"""Extensions of pictures whose headers hold a timecode."""

_READ = 1 << 16
"""Bytes of a file that hold its header: previews and colour tables are what makes some long."""

_GENERAL, _WHOLE = 1664, 2048
"""Bytes of the general header of DPX, and of it with the film and television headers."""

_IMAGE_AT, _FILE_SIZE, _INDUSTRY_SIZE = 4, 16, 28
_ELEMENTS, _ELEMENT_AT, _ELEMENT_SIZE = 770, 808, 72
_FILM_RATE, _TIMECODE, _RATE = 1724, 1920, 1940

_UNDEFINED = 0xFFFFFFFF
"""Value of undefined number fields in ST 268-1. Undefined texts are zeros."""

_TEXTS = ((1664, 1712), (1732, 1920), (1972, 2048))
"""The texts and the reserved room of both industries' headers."""

_EXR = b"v/1\x01"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanHeader:
    """A picture's place in a film, as its header states it.

    Attributes:
        timecode: Its SMPTE timecode; empty if there is none.
        rate: Frames a second; 0 if not known.
    """

    timecode: str = ""
    rate: Fraction = Fraction(0)


def read_scan_header(path: Path) -> ScanHeader:
    """Read the header of a picture; of one that is no scan, or cannot be read, nothing is known."""
    try:
        with path.open("rb") as file:
            beginning = file.read(_READ)
        if beginning[:4] in {b"SDPX", b"XPDS"}:
            return _read_dpx(beginning)
        if beginning[:4] == _EXR:
            return _read_exr(beginning)
    except (OSError, struct.error, ValueError):
        pass  # whoever decodes it says what is wrong with it
    return ScanHeader()


def with_scan_header(picture: bytes, header: ScanHeader) -> bytes:
    """Put what is known into the header of a picture that libav has encoded.

    Args:
        picture: The bytes of a DPX or OpenEXR file of libav's; any other is returned as it is.
        header: What its header shall say. Of OpenEXR libav has written the rate already.
    """
    if picture[:4] in {b"SDPX", b"XPDS"}:
        return _with_dpx(picture, header)
    if picture[:4] == _EXR and header.timecode:
        return _with_exr(picture, header)
    return picture


def _read_dpx(beginning: bytes) -> ScanHeader:
    """Read the header of a DPX file."""
    order = _order(beginning)
    (image_at,) = struct.unpack_from(f"{order}I", beginning, _IMAGE_AT)
    if image_at < _WHOLE:  # there is no header of an industry
        return ScanHeader()
    (word,) = struct.unpack_from(f"{order}I", beginning, _TIMECODE)
    rates = (struct.unpack_from(f"{order}f", beginning, at)[0] for at in (_RATE, _FILM_RATE))
    return ScanHeader(
        timecode="" if word == _UNDEFINED else from_st12(word),
        rate=next(filter(None, map(_rate, rates)), Fraction(0)),
    )


def _with_dpx(picture: bytes, header: ScanHeader) -> bytes:
    """Put the headers of the industries between the general header and the pixels."""
    order = _order(picture)
    made, number = bytearray(picture), struct.Struct(f"{order}I")
    (image_at,) = number.unpack_from(made, _IMAGE_AT)
    if image_at < _WHOLE:
        added = _WHOLE - _GENERAL
        made[_GENERAL:image_at] = b"\xff" * added
        for start, end in _TEXTS:
            made[start:end] = bytes(end - start)
        (elements,) = struct.unpack_from(f"{order}H", made, _ELEMENTS)
        places = [_ELEMENT_AT + _ELEMENT_SIZE * element for element in range(elements)]
        for place in (_IMAGE_AT, *places):
            number.pack_into(made, place, number.unpack_from(made, place)[0] + _WHOLE - image_at)
        number.pack_into(made, _FILE_SIZE, len(made))
        number.pack_into(made, _INDUSTRY_SIZE, added)
    word = to_st12(header.timecode)
    if word is not None:
        number.pack_into(made, _TIMECODE, word)
    if header.rate:
        for place in (_FILM_RATE, _RATE):
            struct.pack_into(f"{order}f", made, place, float(header.rate))
    return bytes(made)


def _order(picture: bytes) -> str:
    """The order of bytes of a DPX file, as `struct` names it; its first word tells."""
    return ">" if picture[:4] == b"SDPX" else "<"


def _rate(stated: float) -> Fraction:
    """The exact rate that a float stands for; 0 if it is none. 23.976 and 23.98 are 24000/1001."""
    if not isfinite(stated) or not 0 < stated <= 1000:
        return Fraction(0)
    ntsc = Fraction(round(stated * 1.001) * 1000, 1001)
    return ntsc if abs(stated - ntsc) < 0.005 else Fraction(stated).limit_denominator(1000)


def _read_exr(beginning: bytes) -> ScanHeader:
    """Read the header of an OpenEXR file; of one with several parts the first part's."""
    timecode, rate = "", Fraction(0)
    for name, kind, value, _ in _attributes(beginning):
        if (name, kind) == (b"timeCode", b"timecode"):
            timecode = from_st12(struct.unpack_from("<I", value)[0])
        elif (name, kind) == (b"framesPerSecond", b"rational"):
            numerator, denominator = struct.unpack_from("<iI", value)
            rate = _rate(numerator / denominator) if denominator else rate
    return ScanHeader(timecode=timecode, rate=rate)


def _with_exr(picture: bytes, header: ScanHeader) -> bytes:
    """Add the attribute `timeCode`."""
    word = to_st12(header.timecode)
    if word is None:
        return picture
    # The second word is user data.
    return with_exr_attribute(picture, b"timeCode", b"timecode", struct.pack("<II", word, 0))


def with_exr_attribute(picture: bytes, name: bytes, kind: bytes, value: bytes) -> bytes:
    """Add an attribute to an OpenEXR picture of libav's, behind those that it has.

    The places in the table behind the header move with it.
    """
    *_, (_, _, _, end) = _attributes(picture)
    # A byte 0 behind the attributes ends the header.
    added = b"\0".join((name, kind, struct.pack("<i", len(value)))) + value
    table = end + 1
    (first,) = struct.unpack_from("<Q", picture, table)
    # libav writes the lines from the top, the first ones right behind the table.
    count = (first - table) // 8
    places = struct.unpack_from(f"<{count}Q", picture, table)
    moved = struct.pack(f"<{count}Q", *(place + len(added) for place in places))
    return picture[:end] + added + b"\0" + moved + picture[first:]


def _attributes(picture: bytes) -> Iterator[tuple[bytes, bytes, bytes, int]]:
    """Name, type and value of each attribute of an OpenEXR header, and where the value ends.

    Raises:
        ValueError: The header does not end within the bytes.
        struct.error: The same.
    """
    at = 8  # behind the magic number and the version
    while picture[at : at + 1] != b"\0":
        name_end = picture.index(b"\0", at)
        kind_end = picture.index(b"\0", name_end + 1)
        (size,) = struct.unpack_from("<i", picture, kind_end + 1)
        start = kind_end + 5
        if size < 0 or start + size > len(picture):
            raise ValueError
        name, kind, at = picture[at:name_end], picture[name_end + 1 : kind_end], start + size
        yield name, kind, picture[start:at], at
