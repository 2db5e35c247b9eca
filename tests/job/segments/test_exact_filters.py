"""A job in segments gives the frames of one piece, whatever filters stand before and after."""

from fractions import Fraction

import pytest

from ffmpeg_filters import Program
from tests.job.segments.both import make_both, make_moving
from vs_gendrpix import EncodeSettings
from vs_gendrpix.job.segments import cutting

pytestmark = pytest.mark.usefixtures("nearest_engine")

ARCHIVE = EncodeSettings(encoder="ffv1", pix_fmt="yuv420p")

NONE = Program.find() is None

CUT = [
    *("bwdif=mode=send_field", "bwdif=mode=send_frame", "yadif", "estdif", "w3fdif"),
    *("decimate", "decimate=cycle=7", "fieldmatch,decimate", "decimate,tmedian"),
    *("deflicker", "deflicker=size=9", "tmedian", "tmedian=radius=3", "tmix=frames=5"),
    *("atadenoise", "fftdnoiz", "fps=50", "fps=12", "bwdif,tmedian=radius=2"),
    *("unsharp", "split[a][b];[b]negate[c];[a][c]blend=all_mode=average"),
]
"""Filters that need a few frames around one, or none."""

PALETTE = "split[a][b];[a]palettegen[p];[b][p]paletteuse"
WHOLE = [
    *("loop=loop=2:size=5", "reverse", "noise=alls=20:allf=t", "setpts=2*PTS", "fade=in:0:30"),
    *(PALETTE, pytest.param("hqdn3d", marks=pytest.mark.skipif(NONE, reason="no ffmpeg program"))),
]
"""Filters that need the whole clip, or count its frames."""


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    """Segments of ten frames."""
    monkeypatch.setattr(cutting, "LENGTH", 10)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("place", "graph"),
    [*(("pre_filter", graph) for graph in CUT), *(("post_filter", graph) for graph in CUT[::4])],
)
def test_filters_get_the_frames_around_a_segment(tmp_path, place, graph):
    make_moving(tmp_path / "in.mp4", 60)
    assert make_both(tmp_path / "in.mp4", "out.mkv", ARCHIVE, **{place: graph}).differences() == {}


@pytest.mark.slow
def test_the_source_beside_the_result(tmp_path):
    make_moving(tmp_path / "in.mp4", 60)
    more = {"pre_filter": "bwdif", "post_filter": "negate", "compare": "wipe"}
    assert make_both(tmp_path / "in.mp4", "out.mkv", ARCHIVE, **more).differences() == {}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["in.mp4", "in.ts"])
@pytest.mark.parametrize(("mode", "made"), [("bwdif", 120), ("ivtc", 48)])
def test_deinterlacing(tmp_path, name, mode, made):
    rate = Fraction(30000, 1001)
    options = {"x264-params": "tff=1", "g": "12"}
    make_moving(tmp_path / name, 60, options=options, tick=1 / rate, times=range(60))
    both = make_both(tmp_path / name, "out.mkv", ARCHIVE, deinterlace=mode)
    assert both.differences() == {}
    assert abs(both.job_report.frames_encoded - made) <= 1


@pytest.mark.slow
@pytest.mark.parametrize("chosen", [{"pre_filter": "fps=30,decimate"}, {"deinterlace": "ivtc"}])
def test_cycles_of_frames_that_another_filter_counts_anew_make_one_piece(tmp_path, chosen):
    """The clip has 25 frames a second, and telecined film 29.97."""
    make_moving(tmp_path / "in.mp4", 60)
    assert make_both(tmp_path / "in.mp4", "out.mkv", ARCHIVE, **chosen).segments == 0


@pytest.mark.slow
@pytest.mark.parametrize("graph", WHOLE)
def test_a_filter_that_cannot_be_cut_makes_one_piece_and_says_so(tmp_path, graph, caplog):
    caplog.set_level("INFO")
    make_moving(tmp_path / "in.mp4")
    both = make_both(tmp_path / "in.mp4", "out.mkv", ARCHIVE, pre_filter=graph)
    assert both.segments == 0
    lines = [line for line in caplog.messages if "one piece" in line]
    assert len(lines) == 1
    assert "a filter needs the whole clip" in lines[0]
    assert both.job_report.times == both.one_report.times
    assert both.job_report.frames_encoded == both.one_report.frames_encoded


@pytest.mark.slow
def test_a_range_at_double_rate(tmp_path):
    make_moving(tmp_path / "in.mp4", 60)
    part = {"start": Fraction(1, 2), "end": Fraction(2)}
    both = make_both(tmp_path / "in.mp4", "out.mkv", ARCHIVE, deinterlace="bwdif", **part)
    assert both.differences() == {}
