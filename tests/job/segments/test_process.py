"""A long clip as a job of segments: the frames, times and streams of one piece."""

import sys
from concurrent.futures import CancelledError
from dataclasses import replace
from threading import Event

import numpy as np
import pytest

from tests.clips import make_clip
from tests.job.segments.jobs import frames_of
from tests.nearest import LOSSLESS, AtFrame, settings
from vs_gendrpix import JobSettings, process
from vs_gendrpix.errors import MediaError, SettingsError
from vs_gendrpix.job.segments import cutting

pytestmark = pytest.mark.usefixtures("nearest_engine")


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """Segments of ten frames."""
    monkeypatch.setattr(cutting, "LENGTH", 10)


@pytest.mark.slow
def test_it_gives_the_frames_of_one_piece(tmp_path):
    source = tmp_path / "in.mp4"
    make_clip(source, times=[512 * n for n in range(57)])
    one = settings(encode=LOSSLESS)
    one = replace(one, job=JobSettings(segments=False))
    process(source, tmp_path / "one.mp4", one)
    report = process(source, tmp_path / "job.mp4", settings(encode=LOSSLESS))
    wanted, found = frames_of(tmp_path / "one.mp4"), frames_of(tmp_path / "job.mp4")
    assert [time for time, _ in found] == [time for time, _ in wanted]
    assert all(np.array_equal(a, b) for (_, a), (_, b) in zip(found, wanted, strict=True))
    assert report.frames_encoded == report.frames_decoded == 57
    assert sorted(each.name for each in tmp_path.iterdir()) == ["in.mp4", "job.mp4", "one.mp4"]


@pytest.mark.slow
@pytest.mark.parametrize("frames", [8, 57])
def test_a_caller_ends_the_work_and_the_same_call_goes_on(tmp_path, frames):
    make_clip(tmp_path / "in.mp4", times=[512 * n for n in range(frames)])
    paths = tmp_path / "in.mp4", tmp_path / "made" / "out.mp4"
    asked, chosen = Event(), settings(encode=LOSSLESS)
    with pytest.raises(CancelledError):
        process(*paths, chosen, progress=AtFrame(frames // 2, asked.set), cancel=asked)
    assert not paths[1].exists()
    assert (tmp_path / "made").exists() == (frames == 57)  # finished segments stay
    report = process(*paths, chosen, cancel=Event())
    assert report.frames_encoded == frames


def test_without_the_extra_workers_on_ray_are_one_line(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "vs_gendrpix.job.segments.ray_workers", raising=False)
    make_clip(tmp_path / "in.mp4", times=[512 * n for n in range(33)])
    said = r"^ray is missing: in the checkout, pip install '\.\[ray\]'$"
    with pytest.raises(SettingsError, match=said):
        process(tmp_path / "in.mp4", tmp_path / "out.mp4", settings(workers="ray"))
    assert [each.name for each in tmp_path.iterdir()] == ["in.mp4"]  # nothing to go on with


def test_the_outputs_folders_are_made(tmp_path):
    make_clip(tmp_path / "in.mp4", times=[512 * n for n in range(3)])
    wanted = tmp_path / "deep" / "er" / "out.mp4"
    chosen = settings(encode=LOSSLESS)
    process(tmp_path / "in.mp4", wanted, with_report(chosen, tmp_path / "reports" / "a.json"))
    assert wanted.exists()
    assert (tmp_path / "reports" / "a.json").exists()
    with pytest.raises(MediaError):
        process(tmp_path / "none.mp4", tmp_path / "other" / "out.mp4", chosen)
    assert not (tmp_path / "other").exists()


def with_report(chosen, path):
    return replace(chosen, write=replace(chosen.write, report=path))
