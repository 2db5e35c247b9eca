"""The display size of a finished Matroska file."""

from fractions import Fraction
from zlib import crc32

import av
import pytest

from tests.clips import make_clip, read
from tests.nearest import settings
from vs_gendrpix import EncodeSettings, process
from vs_gendrpix.write.matroska import DisplaySize, write_video

SHAPES = [Fraction(64, 45), Fraction(32, 27), Fraction(10, 11), Fraction(127, 128), Fraction(2)]


@pytest.mark.slow
@pytest.mark.usefixtures("nearest_engine")
@pytest.mark.parametrize(
    ("encoder", "pix_fmt"),
    [("ffv1", "yuv420p10le"), ("prores_ks", "yuv422p10le"), ("libx264", "yuv420p")],
)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_codec_keeps_its_pixel_shape_in_matroska(tmp_path, encoder, pix_fmt, shape):
    def prepare(_, stream):
        stream.codec_context.sample_aspect_ratio = shape

    make_clip(tmp_path / "in.mov", size=(352, 288), times=(0, 512), prepare=prepare)
    encode = EncodeSettings(encoder=encoder, pix_fmt=pix_fmt)
    report = process(tmp_path / "in.mov", tmp_path / "out.mkv", settings(encode=encode))
    assert report.warnings == ()
    with av.open(str(tmp_path / "out.mkv")) as clip:
        assert clip.streams.video[0].sample_aspect_ratio == shape


def test_the_size_of_a_view_of_two_is_written(tmp_path, nearest_engine, shared):
    del nearest_engine
    path = shared / "video" / "reports" / "sar2_stereo.mkv"
    process(path, tmp_path / "out.mkv", settings())
    with av.open(str(path)) as was, av.open(str(tmp_path / "out.mkv")) as now:
        assert was.streams.video[0].sample_aspect_ratio == 2
        assert now.streams.video[0].sample_aspect_ratio == 2
        side = now.streams.video[0].codec_context.coded_side_data
        assert side["stereo_3d"] == was.streams.video[0].codec_context.coded_side_data["stereo_3d"]


@pytest.mark.parametrize("size", [DisplaySize(16, 9, is_ratio=True), DisplaySize(800, 600, False)])
def test_a_file_stays_whole_and_its_checksum_true(tmp_path, size):
    make_clip(tmp_path / "a.mkv", audio="flac")
    before = read(tmp_path / "a.mkv")
    length = (tmp_path / "a.mkv").stat().st_size
    assert write_video(tmp_path / "a.mkv", size)
    assert (tmp_path / "a.mkv").stat().st_size == length
    with av.logging.Capture(local=False) as said:
        after = read(tmp_path / "a.mkv")
    assert said == []
    data = (tmp_path / "a.mkv").read_bytes()
    tracks = b"\x16\x54\xae\x6b"  # they begin with a checksum; the index names them before
    begin = data.index(tracks, data.index(tracks) + 1) + 4
    width = 9 - data[begin].bit_length()
    end = begin + width + int.from_bytes(data[begin : begin + width]) - (1 << 7 * width)
    begin += width
    assert data[begin : begin + 2] == b"\xbf\x84"
    assert int.from_bytes(data[begin + 2 : begin + 6], "little") == crc32(data[begin + 6 : end])
    assert (after.times, after.means, after.sides) == (before.times, before.means, before.sides)


def test_what_is_no_matroska_is_left_as_it_is(tmp_path):
    make_clip(tmp_path / "a.mp4")
    before = (tmp_path / "a.mp4").read_bytes()
    assert not write_video(tmp_path / "a.mp4", DisplaySize(16, 9, is_ratio=True))
    assert (tmp_path / "a.mp4").read_bytes() == before
