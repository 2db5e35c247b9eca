"""Closed captions within the pictures reach the output's pictures at their times."""

from fractions import Fraction

import pytest

from tests.captions import PADDING, letters, make_captioned_clip, read_captions, usual
from tests.clips import TICK
from tests.nearest import settings
from vs_gendrpix import EncodeSettings, process
from vs_gendrpix.frame.captions import LOST_CAPTIONS
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.frame.span import Span, Window
from vs_gendrpix.job.plan import make_plan
from vs_gendrpix.job.progress import Progress
from vs_gendrpix.job.run import write_frames
from vs_gendrpix.write.output import OutputFile

pytestmark = pytest.mark.usefixtures("nearest_engine")

ZERO = Fraction(0)
NTSC = Fraction(1001, 30000)
COUNT = 40
TICKS = tuple(range(COUNT))
X264 = EncodeSettings(encoder="libx264", preset="medium")
X265 = EncodeSettings(encoder="libx265", preset="fast")


def make_ntsc(path):
    """40 frames at 29.97 a second, each with its own captions."""
    make_captioned_clip(path, [usual(n) for n in TICKS], times=TICKS, tick=NTSC)
    assert read_captions(path).captions == [usual(n) for n in TICKS]


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv"])
@pytest.mark.parametrize("encode", [X264, X265], ids=["x264", "x265"])
def test_each_frame_keeps_its_captions(tmp_path, encode, suffix):
    make_ntsc(tmp_path / "in.ts")
    report = process(tmp_path / "in.ts", tmp_path / f"out.{suffix}", settings(2, encode))
    assert report.warnings == ()
    assert read_captions(tmp_path / f"out.{suffix}").captions == [usual(n) for n in TICKS]


def test_captions_change_nothing_in_the_pictures(tmp_path):
    """A picture that is made by a decoder would be a keyframe."""
    make_captioned_clip(tmp_path / "in.ts", [usual(n) for n in TICKS], times=TICKS, tick=NTSC)
    make_captioned_clip(tmp_path / "bare.ts", [b""] * COUNT, times=TICKS, tick=NTSC)
    process(tmp_path / "in.ts", tmp_path / "out.mkv", settings(1, X264))
    process(tmp_path / "bare.ts", tmp_path / "bare.mkv", settings(1, X264))
    sizes = [(tmp_path / name).stat().st_size for name in ("bare.mkv", "out.mkv")]
    grown = sizes[1] - sizes[0]
    assert 71 * COUNT < grown < 85 * COUNT  # 60 bytes of triplets, their frame, and emulation bytes


def test_captions_of_a_variable_rate(tmp_path):
    times = tuple(512 * n for n in (0, 1, 3, 4, 8, 9, 15, 16, 17, 22))
    own = [letters(n) for n in range(len(times))]
    make_captioned_clip(tmp_path / "in.mkv", own, times=times, tick=TICK)
    process(tmp_path / "in.mkv", tmp_path / "out.mp4", settings(1, X264))
    found = read_captions(tmp_path / "out.mp4")
    assert found.captions == own


def test_captions_of_a_range(tmp_path):
    make_ntsc(tmp_path / "in.ts")
    chosen = settings(1, X264, start=10 * NTSC, end=30 * NTSC)
    process(tmp_path / "in.ts", tmp_path / "out.mp4", chosen)
    assert read_captions(tmp_path / "out.mp4").captions == [usual(n) for n in range(10, 30)]


@pytest.mark.parametrize(("mode", "rate"), [("bwdif", 60), ("ivtc", 24)])
def test_filters_that_double_or_drop_frames_double_and_drop_no_captions(tmp_path, mode, rate):
    make_ntsc(tmp_path / "in.ts")
    report = process(tmp_path / "in.ts", tmp_path / "out.mkv", settings(1, X264, deinterlace=mode))
    assert report.warnings == ()
    assert report.frames_encoded == COUNT * rate // 30
    was, now = read_captions(tmp_path / "in.ts"), read_captions(tmp_path / "out.mkv")
    assert [triplet for _, triplet in now.valid] == [triplet for _, triplet in was.valid]
    late = [b - a for (a, _), (b, _) in zip(was.valid, now.valid, strict=True)]
    begin = was.times[0] - now.times[0]
    assert max(abs(wait + begin) for wait in late) <= 2 * NTSC
    # CTA-708 has 600 triplets a second, padding included.
    assert all(len(own) <= 3 * 600 // rate for own in now.captions[1:])
    assert all(own.count(PADDING) for own in now.captions[2:-1])


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["off", "bwdif", "ivtc"])
def test_parts_of_a_job_have_the_captions_of_the_whole(tmp_path, mode):
    """Each reads some frames before its own, as filters need; their captions are not its own."""
    make_ntsc(tmp_path / "in.mkv")
    chosen = settings(1, X264, deinterlace=mode)
    process(tmp_path / "in.mkv", tmp_path / "whole.mkv", chosen)
    plan = make_plan(tmp_path / "in.mkv", tmp_path / "part.mkv", chosen)
    found = []
    for first, end in [(None, 20 * NTSC), (20 * NTSC, None)]:
        lead = None if first is None else first - 10 * NTSC
        written, read = Window(start=first, end=end), Window(start=lead, end=None)
        span = Span(
            written=written,
            restored=written,
            read=read,
            begin=ZERO,
            offset=ZERO,
            moved=ZERO,
            first=plan.clip.format,
            shape=ZERO,
        )
        path = tmp_path / f"part{first is None}.mkv"
        with OutputFile(path, source=plan.source, overwrite=False) as output:
            write_frames(plan, output, Notes(), progress=Progress(), span=span)
        found += read_captions(path).valid
    whole = read_captions(tmp_path / "whole.mkv").valid
    assert [triplet for _, triplet in found] == [triplet for _, triplet in whole]


def test_more_captions_than_a_picture_can_have_are_spread(tmp_path):
    """A DVD says those of half a second in one picture."""
    own = [letters(n) for n in range(60)]
    bunched = [b"".join(own[30 * n : 30 * n + 30]) + 1 * PADDING for n in range(2)]
    captions = [bunched[n // 10] if n in {0, 10} else b"" for n in TICKS]
    make_captioned_clip(tmp_path / "in.ts", captions, times=TICKS, tick=NTSC)
    chosen = settings(1, X264, deinterlace="ivtc")
    report = process(tmp_path / "in.ts", tmp_path / "out.mp4", chosen)
    found = read_captions(tmp_path / "out.mp4")
    assert report.warnings == ()
    assert [triplet for _, triplet in found.valid] == own
    assert max(map(len, found.captions)) <= 3 * 31


@pytest.mark.slow
@pytest.mark.parametrize(
    ("encode", "output"),
    [
        (EncodeSettings(encoder="ffv1", pix_fmt="yuv420p10le"), "out.mkv"),
        (EncodeSettings(encoder="prores_ks", pix_fmt="yuv422p10le"), "out.mov"),
        (EncodeSettings(encoder="libsvtav1", preset="12"), "out.mp4"),
        (
            EncodeSettings(encoder="libx265", preset="ultrafast", options=(("a53cc", "0"),)),
            "out.mp4",
        ),
        (EncodeSettings(encoder="png", pix_fmt="rgb48be"), "out/%06d.png"),
        (EncodeSettings(encoder="wrapped_avframe", pix_fmt="yuv420p"), "out.y4m"),
    ],
    ids=lambda value: getattr(value, "encoder", ""),
)
def test_captions_that_an_encoder_does_not_write_are_named_once(tmp_path, encode, output):
    make_ntsc(tmp_path / "in.ts")
    report = process(tmp_path / "in.ts", tmp_path / output, settings(1, encode))
    assert report.warnings.count(LOST_CAPTIONS) == 1
    assert report.exit_code == 0
