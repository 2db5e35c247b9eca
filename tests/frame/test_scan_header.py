"""The headers of real DPX and OpenEXR pictures, byte by byte and read again by libav."""

import struct
from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest

from tests.clips import make_frames
from vs_gendrpix.frame.scan_header import ScanHeader, read_scan_header, with_scan_header
from vs_gendrpix.frame.timecode import from_st12, to_st12
from vs_gendrpix.libav.pixels import to_picture

HEADER = ScanHeader(timecode="12:34:56;28", rate=Fraction(30000, 1001))
PICTURES = [
    ("dpx", "gbrp10le", {}),
    ("dpx", "rgb48be", {}),
    ("exr", "gbrpf32le", {}),
    ("exr", "gbrapf32le", {"compression": "zip16", "format": "half"}),
]


def encoded(codec, pix_fmt, options=None):
    """A picture of noise as libav writes it."""
    (frame,) = make_frames(pix_fmt, (40, 35), (0,))
    noise = np.random.default_rng(1)
    planes = tuple(
        (plane * noise.random(plane.shape)).astype(plane.dtype) for plane in frame.planes
    )
    encoder = av.CodecContext.create(codec, "w")
    encoder.width, encoder.height, encoder.pix_fmt = 40, 35, pix_fmt
    encoder.time_base, encoder.framerate = Fraction(1, 24), Fraction(30000, 1001)
    encoder.options = options or {}
    picture = to_picture(replace(frame, planes=planes), pix_fmt)
    return b"".join(bytes(packet) for packet in [*encoder.encode(picture), *encoder.encode(None)])


def decoded(data, codec, path):
    path.write_bytes(data)
    with av.open(str(path), format=f"{codec}_pipe") as opened:
        picture = next(opened.decode(video=0))
        return [bytes(plane) for plane in picture.planes], opened.streams.video[0]


@pytest.mark.parametrize(("codec", "pix_fmt", "options"), PICTURES)
def test_a_header_says_what_was_put_in_and_the_picture_stays(tmp_path, codec, pix_fmt, options):
    plain = encoded(codec, pix_fmt, options)
    told = with_scan_header(plain, HEADER)
    before, _ = decoded(plain, codec, tmp_path / "plain")
    after, video = decoded(told, codec, tmp_path / "told")
    assert after == before
    assert read_scan_header(tmp_path / "told") == HEADER
    assert read_scan_header(tmp_path / "plain").timecode == ""
    assert abs(video.codec_context.framerate - HEADER.rate) < Fraction(1, 1000)  # libav reads it


@pytest.mark.parametrize(("pix_fmt", "order"), [("gbrp10le", "<"), ("rgb48be", ">")])
def test_a_dpx_has_its_fields_where_st_268_has_them(pix_fmt, order):
    told = with_scan_header(encoded("dpx", pix_fmt), HEADER)

    def words(at, count=1, kind="I"):
        return struct.unpack_from(f"{order}{count}{kind}", told, at)

    assert words(4) == words(808) == (2048,)  # where the pixels begin, by both headers
    assert words(16) == (len(told),)
    assert words(24, 2) == (1664, 384)  # sizes of the general and the industries' headers
    assert words(1920) == (0x12345668,)  # 28 and the flag of drop-frame
    assert words(1940, kind="f") == words(1724, kind="f") == pytest.approx((29.97003,))
    undefined = 0xFFFFFFFF
    assert words(1712, 3) == words(1924, 3)[:1] * 3 == (undefined,) * 3
    assert told[1664:1712] + told[1732:1920] + told[1972:2048] == bytes(48 + 188 + 76)


def test_an_exr_has_the_attribute_and_a_true_table():
    plain = encoded("exr", "gbrpf32le")
    told = with_scan_header(plain, HEADER)
    attribute = b"timeCode\0timecode\0" + struct.pack("<iII", 8, 0x12345668, 0)
    at = told.index(attribute)
    assert told[:at] == plain[:at]
    table = at + len(attribute) + 1
    places = struct.unpack_from("<35Q", told, table)
    lines = [struct.unpack_from("<i", told, place)[0] for place in places]
    assert lines == list(range(35))  # each chunk begins with the number of its line
    assert places[0] == table + 35 * 8


@pytest.mark.parametrize(
    ("stated", "rate"),
    [(23.976, Fraction(24000, 1001)), (23.98, Fraction(24000, 1001)), (24.0, 24), (18.0, 18)],
)
def test_a_rate_is_the_exact_one_and_film_may_state_it_alone(tmp_path, stated, rate):
    told = bytearray(with_scan_header(encoded("dpx", "gbrp10le"), ScanHeader()))
    struct.pack_into("<f", told, 1724, stated)
    (tmp_path / "a.dpx").write_bytes(told)
    assert read_scan_header(tmp_path / "a.dpx") == ScanHeader(rate=Fraction(rate))


@pytest.mark.parametrize("codec", ["dpx", "exr"])
def test_a_broken_header_says_nothing(tmp_path, codec):
    told = with_scan_header(encoded(codec, {"dpx": "gbrp10le", "exr": "gbrpf32le"}[codec]), HEADER)
    path = tmp_path / "a"
    for size in (0, 3, 6, 40, 200, 330, 420, 1700, 1930):
        path.write_bytes(told[:size])
        assert read_scan_header(path).timecode in {"", HEADER.timecode}
    path.write_bytes(told[:8] + b"\xfe" * 3000)
    assert read_scan_header(path) == ScanHeader()
    assert read_scan_header(tmp_path / "missing") == ScanHeader()


@pytest.mark.parametrize("timecode", ["00:00:00:00", "23:59:59:29", "10:09:08;07"])
def test_the_bits_of_st_12_are_there_and_back(timecode):
    assert from_st12(to_st12(timecode)) == timecode
    flags = 0xC0808080  # the other flags, which users set as they like
    assert from_st12(to_st12(timecode) | flags) == timecode


@pytest.mark.parametrize("word", [0x24000000, 0x00600000, 0x00006000, 0x0A000000, 0x0000000F])
def test_words_that_are_no_timecode(word):
    assert from_st12(word) == ""


@pytest.mark.parametrize("text", ["", "99 reels", "01:00:00:30"])
def test_what_has_no_bits(text):
    assert to_st12(text) is None
