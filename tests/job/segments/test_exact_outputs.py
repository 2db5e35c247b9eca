"""A job in segments gives the file of one piece: every container, encoder and kind of picture."""

from dataclasses import replace
from fractions import Fraction

import pytest

from tests.captions import make_captioned_clip, read_captions, usual
from tests.job.segments.both import STEP, make_both, make_moving, told
from tests.nearest import LOSSLESS
from vs_gendrpix import EncodeSettings
from vs_gendrpix.frame.scan_header import read_scan_header
from vs_gendrpix.job.segments import cutting
from vs_gendrpix.settings.profiles import PROFILES

pytestmark = pytest.mark.usefixtures("nearest_engine")

EXACT = {
    "x264": LOSSLESS,
    "x264 with B-frames": replace(LOSSLESS, preset="medium"),
    "x265": EncodeSettings(
        encoder="libx265",
        pix_fmt="yuv420p",
        preset="superfast",
        options=(("x265-params", "lossless=1"),),
    ),
    "ffv1 with a group of pictures": EncodeSettings(
        encoder="ffv1", pix_fmt="yuv420p", options=(("g", "30"),)
    ),
    **{name: PROFILES[name].encode for name in ("ffv1", "prores422hq", "prores4444", "dnxhr-hqx")},
}
"""Encoders whose pictures do not depend on where they began."""

LOSSY = {
    "delivery": replace(PROFILES["delivery"].encode, preset="ultrafast"),
    "web": replace(PROFILES["web"].encode, preset="12"),
    "x264": EncodeSettings(encoder="libx264", pix_fmt="yuv420p", preset="veryfast"),
    "mpeg4": EncodeSettings(encoder="mpeg4", pix_fmt="yuv420p", options=(("bf", "2"),)),
}


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    """Segments of ten frames."""
    monkeypatch.setattr(cutting, "LENGTH", 10)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("encoder", "suffix"),
    [
        *((name, suffix) for name in ("x264", "x264 with B-frames") for suffix in ("mp4", "mov")),
        *((name, "mkv") for name in EXACT if name != "dnxhr-hqx"),
        *((name, "mov") for name in ("prores422hq", "prores4444", "dnxhr-hqx", "x265")),
        ("x265", "mp4"),
    ],
)
def test_pictures_times_and_sound_are_those_of_one_piece(tmp_path, encoder, suffix):
    size = (256, 120) if encoder == "dnxhr-hqx" else (64, 48)
    make_moving(tmp_path / "in.mp4", size=size, sound="aac")
    assert make_both(tmp_path / "in.mp4", f"out.{suffix}", EXACT[encoder]).differences() == {}


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv"])
@pytest.mark.parametrize("encoder", LOSSY)
def test_times_and_sound_of_lossy_encoders_are_those_of_one_piece(tmp_path, encoder, suffix):
    if (encoder, suffix) == ("web", "mov"):
        pytest.skip("QuickTime has no AV1")
    make_moving(tmp_path / "in.mp4", sound="aac")
    both = make_both(tmp_path / "in.mp4", f"out.{suffix}", LOSSY[encoder])
    assert both.differences(lossy=True) == {}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["out/%06d.png", "out/%d.tif", "out/a.%04d.dpx", "out/%06d.exr"])
@pytest.mark.parametrize("sequence", [False, True], ids=["video", "sequence"])
def test_pictures_have_the_numbers_and_bytes_of_one_piece(tmp_path, name, sequence):
    """The timecodes in their headers too, of a clip that begins late."""

    def prepare(_, stream):
        stream.metadata["timecode"] = "00:59:59:20"

    source = tmp_path / "in.mp4"
    if sequence:
        source = tmp_path / "pictures"
        source.mkdir()
        first = {"start_number": "7"}
        pictures = source / "%04d.png"
        make_moving(pictures, codec="png", pix_fmt="rgb24", container="image2", muxing=first)
    else:
        times = [STEP * number for number in range(3, 48)]
        make_moving(source, times=times, prepare=prepare)
    profile = next(each for each in PROFILES.values() if name[-4:] in each.suffixes)
    both = make_both(source, name, profile.encode)
    assert both.segments > 1
    one, job = (sorted(path.parent.iterdir()) for path in (both.one, both.job))
    assert [path.name for path in job] == [path.name for path in one]
    assert [path.read_bytes() for path in job] == [path.read_bytes() for path in one]
    assert told(both.job_report) == told(both.one_report)
    if not sequence and name.endswith(("dpx", "exr")):
        ends = [read_scan_header(path).timecode for path in (job[0], job[-1])]
        assert ends == ["00:59:59:20", "01:00:01:14"]


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv"])
@pytest.mark.parametrize("encoder", ["libx264", "libx265"])
def test_what_a_file_says_of_itself_is_that_of_one_piece(tmp_path, encoder, suffix):
    """Colour, HDR10, rotation, pixel aspect ratio, timecode, title and chapters."""

    def prepare(output, stream):
        context = stream.codec_context
        context.color_primaries, context.color_trc, context.colorspace = 9, 16, 9
        context.color_range = 1
        context.sample_aspect_ratio = Fraction(16, 15)
        stream.set_display_rotation(90)
        stream.metadata["timecode"] = "01:02:03:04"
        output.metadata["title"] = "A film"
        second = {"time_base": Fraction(1), "metadata": {"title": "A scene"}}
        output.set_chapters([{"id": n, "start": n, "end": n + 1, **second} for n in range(2)])

    grading = (
        "hdr10=1:max-cll=1000,400:master-display="
        "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)"
    )
    options = {"x265-params": f"log-level=none:keyint=12:{grading}", "preset": "ultrafast"}
    source = tmp_path / "in.mov"
    make_moving(source, codec="libx265", pix_fmt="yuv420p10le", options=options, prepare=prepare)
    lossless = {"libx264": (("qp", "0"),), "libx265": (("x265-params", "lossless=1"),)}
    encode = EncodeSettings(
        encoder=encoder, pix_fmt="yuv420p10le", preset="ultrafast", options=lossless[encoder]
    )
    both = make_both(source, f"out.{suffix}", encode)
    assert both.differences() == {}
    assert not both.job_report.exit_code


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_captions_are_those_of_one_piece(tmp_path, suffix):
    own = [usual(number) for number in range(45)]
    rate = Fraction(30000, 1001)
    make_captioned_clip(tmp_path / "in.ts", own, times=tuple(range(45)), tick=1 / rate)
    both = make_both(tmp_path / "in.ts", f"out.{suffix}")
    assert both.differences() == {}
    assert read_captions(both.job).captions == own


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.9, 3.0], ids=["shorter", "longer"])
@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv"])
def test_sound_of_another_length_is_that_of_one_piece(tmp_path, seconds, suffix):
    make_moving(tmp_path / "in.mkv", sound="aac", seconds=seconds)
    assert make_both(tmp_path / "in.mkv", f"out.{suffix}").differences() == {}
