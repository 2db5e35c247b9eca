"""A comment in an encoded picture, where libav's encoders write none."""

import zlib
from struct import calcsize, pack, unpack_from

from vs_gendrpix.frame.scan_header import with_exr_attribute

_DPX_CREATOR, _DPX_PROJECT = (160, 100), (260, 200)
"""Place and length of two texts in a DPX header (SMPTE ST 268-1)."""

_TIFF_DESCRIPTION, _TIFF_ASCII = 270, 2


def with_comment(codec: str, picture: bytes, comment: str) -> bytes:
    """Put a comment into a picture.

    Args:
        codec: FFmpeg's name of its codec: png, tiff, exr or dpx.
        picture: All bytes of the file.
        comment: One line of text; empty leaves the picture as it is. A DPX holds 99 bytes of it up
            to the first comma, and 199 of what follows.
    """
    if not comment:
        return picture
    text = comment.encode("ascii", "backslashreplace")
    return {"png": _in_png, "tiff": _in_tiff, "exr": _in_exr, "dpx": _in_dpx}[codec](picture, text)


def _in_png(picture: bytes, text: bytes) -> bytes:
    """Put a chunk tEXt behind the first one, which is IHDR (PNG, 11.3.3)."""
    begin = 8 + 12 + int.from_bytes(picture[8:12])
    chunk = b"tEXtComment\0" + text
    made = pack(">I", len(chunk) - 4) + chunk + pack(">I", zlib.crc32(chunk))
    return picture[:begin] + made + picture[begin:]


def _in_tiff(picture: bytes, text: bytes) -> bytes:
    """Put the text and a directory with an ImageDescription more at the end (TIFF 6.0, 2)."""
    order = "<" if picture[:2] == b"II" else ">"
    (begin,) = unpack_from(f"{order}I", picture, 4)
    (count,) = unpack_from(f"{order}H", picture, begin)
    entry = f"{order}HHII"
    end = begin + 2 + count * calcsize(entry)
    raw = [picture[at : at + 12] for at in range(begin + 2, end, 12)]
    body = picture + bytes(len(picture) % 2)
    raw.append(pack(entry, _TIFF_DESCRIPTION, _TIFF_ASCII, len(text) + 1, len(body)))
    raw.sort(key=lambda one: unpack_from(f"{order}H", one)[0])
    body += text + bytes(2 - len(text) % 2)
    directory = pack(f"{order}H", len(raw)) + b"".join(raw) + picture[end : end + 4]
    return body[:4] + pack(f"{order}I", len(body)) + body[8:] + directory


def _in_exr(picture: bytes, text: bytes) -> bytes:
    """Put the text into the attribute `comments`."""
    return with_exr_attribute(picture, b"comments", b"string", text)


def _in_dpx(picture: bytes, text: bytes) -> bytes:
    """Fill the fields for creator and project; the last byte of each stays 0."""
    made = bytearray(picture)
    creator, _, project = text.partition(b", ")
    for (begin, length), part in ((_DPX_CREATOR, creator), (_DPX_PROJECT, project)):
        made[begin : begin + length] = part[: length - 1].ljust(length, b"\0")
    return bytes(made)
