"""Segments that are decoded by themselves go on from each other, made in whatever order."""

from fractions import Fraction

import av
import pytest

from tests.job.segments.both import kept, make_both, make_moving, moving_frames
from tests.nearest import LOSSLESS, settings
from vs_gendrpix import EncodeSettings
from vs_gendrpix.job.plan import make_plan
from vs_gendrpix.job.segments import cutting, work
from vs_gendrpix.job.segments.finish import finish
from vs_gendrpix.job.segments.job_plan import JobPlan
from vs_gendrpix.job.segments.process import prepare
from vs_gendrpix.libav.pixels import to_picture

pytestmark = pytest.mark.usefixtures("nearest_engine")

ARCHIVE = EncodeSettings(encoder="ffv1", pix_fmt="yuv420p")


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    """Segments of ten frames."""
    monkeypatch.setattr(cutting, "LENGTH", 10)


def make_lying(path):
    """A clip whose file calls every packet a keyframe, and in which only the first is one."""
    made = path.with_name("whole.mp4")
    even = {"tick": Fraction(1, 25), "times": range(45)}
    make_moving(made, codec="mpeg4", options={"g": "300", "b": "2M"}, **even)
    with av.open(str(made)) as given, av.open(str(path), "w") as output:
        stream = output.add_stream_from_template(given.streams.video[0])
        for packet in given.demux(video=0):
            if packet.size:
                packet.is_keyframe = True
                packet.stream = stream
                output.mux(packet)


def make_in_order(source, output, order):
    """Make a job's segments in an order, and join them; returns the report."""
    job, _ = JobPlan.of(make_plan(source, output, settings(encode=ARCHIVE)))
    folder = prepare(job)
    for number in order:
        work.work(folder, chosen=lambda each, wanted=number: each == wanted)
    while len(folder.finished(folder.names())) < len(job.segments):
        work.work(folder)
    return finish(folder)


def test_keyframes_that_are_none_change_no_picture(tmp_path):
    make_lying(tmp_path / "in.mp4")
    both = make_both(tmp_path / "in.mp4", "out.mkv", ARCHIVE)
    assert both.differences() == {}
    assert "decoded again" in (tmp_path / "job" / "out.mkv.job" / "ledger.jsonl").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("order", [(3, 2, 1, 0), (1, 3, 0, 2)], ids=str)
@pytest.mark.parametrize("lying", [False, True], ids=["plain", "lying"])
def test_the_order_in_which_segments_are_made_changes_nothing(tmp_path, order, lying):
    source = tmp_path / "in.mp4"
    (make_lying if lying else make_moving)(source)
    in_turn = make_in_order(source, tmp_path / "in_turn.mkv", range(4))
    report = make_in_order(source, tmp_path / "out.mkv", order)
    assert kept(tmp_path / "out.mkv") == kept(tmp_path / "in_turn.mkv")
    assert (report.times, report.durations) == (in_turn.times, in_turn.durations)
    if not lying:
        assert make_both(source, "out.mkv", ARCHIVE).differences() == {}


@pytest.mark.slow
def test_code_values_that_change_midway_are_converted_to_the_first_ones(tmp_path):
    """Segments that begin behind the change must convert to what the clip begins with."""
    data, source = b"", tmp_path / "in.m2v"
    for matrix in (5, 1):
        with av.open(str(source), "w") as output:
            stream = output.add_stream("mpeg2video", rate=25, options={"g": "12", "b": "8M"})
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            context = stream.codec_context
            context.colorspace, context.color_primaries, context.color_trc = matrix, 5, 6
            even = {"times": range(24), "tick": Fraction(1, 25)}
            for frame in moving_frames(24, **even):
                picture = to_picture(frame, "yuv420p")
                picture.colorspace = matrix
                output.mux(stream.encode(picture))
            output.mux(stream.encode(None))
        data += source.read_bytes()
    source.write_bytes(data)
    both = make_both(source, "out.mkv", ARCHIVE)
    assert both.differences() == {}
    assert any("changes its code values" in line for line in both.job_report.warnings)


@pytest.mark.slow
def test_encoders_join_in_any_order_to_the_same_bytes(tmp_path):
    make_moving(tmp_path / "in.mp4", sound="aac")
    files = []
    for name, order in (("a.mp4", range(4)), ("b.mp4", (2, 0, 3, 1))):
        chosen = settings(encode=LOSSLESS)
        job, _ = JobPlan.of(make_plan(tmp_path / "in.mp4", tmp_path / name, chosen))
        folder = prepare(job)
        for number in order:
            work.work(folder, chosen=lambda each, wanted=number: each == wanted)
        finish(folder)
        files.append((tmp_path / name).read_bytes())
    assert files[0] == files[1]
