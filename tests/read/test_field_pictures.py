"""H.264 whose fields have packets of their own: a real stream, which x264 does not make."""

from fractions import Fraction

import pytest

from tests.clips import read
from tests.field_pictures import levels, make_fields
from tests.job.test_lone_times import chosen
from vs_gendrpix import process
from vs_gendrpix.read.clip import Clip
from vs_gendrpix.read.source import open_source

SUFFIXES = (".ts", ".mkv", ".mp4", ".mov")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_two_fields_are_one_frame(tmp_path, suffix):
    make_fields(tmp_path / f"in{suffix}", 12)
    with Clip(tmp_path / f"in{suffix}") as clip:
        assert clip.rate == 25
        assert clip.index.packets == 24
        assert len(clip.index.times) == 12
        assert clip.length == Fraction(12, 25)
    with open_source(tmp_path / f"in{suffix}") as source:
        frames = list(source)
        notes = source.notes
    assert source.info.frames == len(frames) == 12
    assert {frame.fields for frame in frames} == {"top"}
    seconds = [frame.timing.pts * frame.timing.time_base for frame in frames]
    assert [second - seconds[0] for second in seconds] == [Fraction(n, 25) for n in range(12)]
    shown = [(int(frame.planes[0][0, 0]), int(frame.planes[0][1, 0])) for frame in frames]
    assert shown == [levels(number) for number in range(12)]
    assert not notes.damaged


@pytest.mark.parametrize("suffix", [".ts", ".mpg"])
def test_a_field_that_says_no_time_is_shown_with_its_frame(tmp_path, suffix):
    make_fields(tmp_path / f"in{suffix}", 12, together=True)
    with Clip(tmp_path / f"in{suffix}") as clip:
        assert (clip.rate, clip.length) == (25, Fraction(12, 25))
        assert len(clip.index.times) == 12


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_lost_frame_counts_once(tmp_path, suffix):
    make_fields(tmp_path / f"in{suffix}", 12, broken=(5,))
    with open_source(tmp_path / f"in{suffix}") as source:
        shown = [(int(frame.planes[0][0, 0]), int(frame.planes[0][1, 0])) for frame in source]
        notes = source.notes
    assert shown == [levels(number) for number in range(12) if number != 5]
    assert notes.missing == ["expected 12 frames, got 11"]


@pytest.mark.usefixtures("nearest_engine")
def test_parts_of_fields_follow_each_other(tmp_path):
    for name in ("one", "two"):
        make_fields(tmp_path / f"{name}.ts", 12)
    joined = (tmp_path / "one.ts").read_bytes() + (tmp_path / "two.ts").read_bytes()
    (tmp_path / "in.ts").write_bytes(joined)
    report = process(tmp_path / "in.ts", tmp_path / "out.mkv", chosen())
    assert any("starts again once" in said for said in report.warnings)
    times = read(tmp_path / "out.mkv").times
    assert len(times) in {24, 48}  # as they are deinterlaced
    assert float(times[-1] - times[0]) == pytest.approx(24 / 25, abs=0.06)
