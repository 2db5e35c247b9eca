"""Recognise truncated inputs by their last bytes."""

from vs_gendrpix.read.missing import Missing

TAIL = 1 << 20
"""Number of bytes at an input's end that are examined."""

_FRAME = len(b"FRAME\n")  # begins every frame of YUV4MPEG
_FLV_TYPES = (8, 9, 18)  # sound, video, data
_TS_PACKETS = (188, 192, 204)  # plain; with a time stamp, as on Blu-ray; with error correction
_OGG_HEADER, _OGG_LAST = 27, 4


def is_cut_off(name: str, read: Missing, length: int, tail: bytes) -> bool:
    """Tell whether an input that was read to its end is truncated.

    Only formats whose demuxer is silent about it are looked at. A transport stream that ends with a
    whole packet looks whole, and so do bare streams of a codec.

    Args:
        name: FFmpeg's name of the demuxer.
        read: What was read of the video.
        length: Bytes of the input.
        tail: Its last bytes, up to `TAIL`.
    """
    match name:
        case "yuv4mpegpipe":
            return _cut_y4m(read, length)
        case "mpegts":
            return _cut_transport_stream(tail)
        case "flv":
            return _cut_flash_video(tail, length)
        case "ogg":
            return _cut_ogg(tail)
        case _:
            return False


def _cut_y4m(read: Missing, length: int) -> bool:
    """Tell whether there are bytes after the last whole frame."""
    first, last = read.places
    steps = read.packets - 1
    stride = (last - first) // steps if steps else read.size + _FRAME
    return length > last + stride


def _cut_transport_stream(tail: bytes) -> bool:
    """Tell whether the last packet is not whole: every packet begins with 0x47."""
    for size in _TS_PACKETS:
        for begin in range(min(size, len(tail))):
            starts = tail[begin::size][-20:]
            if len(starts) > 4 and set(starts) == {0x47}:
                stamp = size - 188 if size == 192 else 0  # before the first byte
                return (len(tail) - begin + stamp) % size != 0
    return False


def _cut_flash_video(tail: bytes, length: int) -> bool:
    """Tell whether the last tag or its size, which follows it, is cut (Adobe FLV, annex E.3)."""
    size = int.from_bytes(tail[-4:])
    begin = len(tail) - 4 - size
    if size < 11 or begin < 0:  # no tag is so small; of a larger one the beginning is not here
        return size < 11 or size + 4 > length
    data = int.from_bytes(tail[begin + 1 : begin + 4])
    return tail[begin] & 0x1F not in _FLV_TYPES or data + 11 != size


def _cut_ogg(tail: bytes) -> bool:
    """Tell whether the last page is not whole or not marked as the last (RFC 3533, section 6)."""
    begin = tail.rfind(b"OggS")
    header = tail[begin : begin + _OGG_HEADER]
    if begin < 0 or len(header) < _OGG_HEADER:
        return True
    segments = tail[begin + _OGG_HEADER :][: header[26]]
    whole = _OGG_HEADER + header[26] + sum(segments)
    return begin + whole > len(tail) or not header[5] & _OGG_LAST
