"""Files that make libav fail in ways of its own: each ends in one error that names the file."""

import struct
import zlib
from contextlib import suppress

import av
import pytest

from benchmarks.faults.clips import KINDS
from benchmarks.faults.clips import make_clip as make_kind
from tests.clips import make_clip
from vs_gendrpix.errors import MediaError
from vs_gendrpix.read.source import open_source


def read_through(path):
    with open_source(path) as source:
        return len(list(source))


def with_broken_header(path):
    """An FFV1 clip whose codec header is noise, so that the decoder does not open."""
    make_clip(path, codec="ffv1")
    with av.open(str(path)) as clip:
        header = clip.streams.video[0].codec_context.extradata
    content = path.read_bytes()
    assert content.count(header) == 1
    path.write_bytes(content.replace(header, bytes(reversed(header))))


def test_a_decoder_that_does_not_open_is_named(tmp_path):
    with_broken_header(tmp_path / "in.mkv")
    with pytest.raises(MediaError, match=r"in\.mkv: the decoder ffv1 does not take its video"):
        read_through(tmp_path / "in.mkv")


def test_a_packet_of_two_gigabytes_ends_in_a_line(tmp_path):
    """The size of a packet, as the container says it, is asked of the memory first."""
    path = tmp_path / "in.mp4"
    make_clip(path, options={"g": "1"})
    content = bytearray(path.read_bytes())
    at = content.index(b"stsz") + 12
    count = struct.unpack(">I", content[at : at + 4])[0]
    assert count == 12
    content[at + 4 : at + 8] = b"\x7f\xff\xff\x00"
    path.write_bytes(content)
    with suppress(MediaError):  # or less comes of it than is said, where there is so much memory
        read_through(path)


def test_a_codec_that_nobody_knows_ends_in_a_line(shared):
    with pytest.raises(MediaError, match="cannot read"):
        read_through(shared / "video" / "faults" / "fuzz1_00177_theora_m_head.ogv")


def test_a_fuzzed_clip_is_read_or_refused(shared):
    with suppress(MediaError):
        read_through(shared / "video" / "faults" / "fuzz2_00248_h263_m_bits.3gp")


def png(width, height):
    def chunk(name, data):
        check = struct.pack(">I", zlib.crc32(name + data))
        return struct.pack(">I", len(data)) + name + data + check

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(4 * (3 * width + 1)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(60_000, 60_000), (20_000, 10_000)])
def test_a_picture_that_is_too_large_is_refused_by_its_size(tmp_path, size):
    (tmp_path / "in.png").write_bytes(png(*size))
    wanted = rf"{size[0]}x{size[1]}.*at most 141557760|at most 141557760.*{size[0]}x{size[1]}"
    with pytest.raises(MediaError, match=wanted):
        read_through(tmp_path / "in.png")


def test_a_frame_of_days_is_a_broken_file(tmp_path):
    path = tmp_path / "in.avi"
    make_kind(path, KINDS["mjpeg_avi"])
    content = bytearray(path.read_bytes())
    place = content.index(b"strh") + 8 + 20
    content[place : place + 8] = struct.pack("<II", 8716289, 25)
    path.write_bytes(content)
    with pytest.raises(MediaError, match=r"in\.avi: it says that a frame lasts \d+ hours"):
        read_through(path)
