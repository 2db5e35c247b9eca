"""Workers on one job: they share its segments, and only finished ones count."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from tests.clips import make_clip
from tests.job.segments.jobs import break_segment
from tests.nearest import LOSSLESS, settings
from vs_gendrpix.errors import (
    DeviceError,
    MediaError,
    ModelError,
    OutputError,
    ResourceError,
    SettingsError,
)
from vs_gendrpix.frame.span import FARTHEST
from vs_gendrpix.job.plan import make_plan
from vs_gendrpix.job.progress import Progress
from vs_gendrpix.job.segments import cutting
from vs_gendrpix.job.segments.finish import finish
from vs_gendrpix.job.segments.folder import LEDGER, PLAN, JobFolder
from vs_gendrpix.job.segments.job_plan import JobPlan, differences
from vs_gendrpix.job.segments.lease import Claims
from vs_gendrpix.job.segments.process import prepare, process
from vs_gendrpix.job.segments.status import status
from vs_gendrpix.job.segments.work import work
from vs_gendrpix.settings.values import from_json, to_json

pytestmark = pytest.mark.usefixtures("nearest_engine")


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """Segments of ten frames."""
    monkeypatch.setattr(cutting, "LENGTH", 10)


@pytest.fixture
def planned(tmp_path):
    """A job of six segments."""
    make_clip(tmp_path / "in.mp4", times=[512 * n for n in range(57)], audio="aac")
    plan = make_plan(tmp_path / "in.mp4", tmp_path / "out.mp4", settings(encode=LOSSLESS))
    job, _ = JobPlan.of(plan)
    return job


@pytest.fixture
def folder(planned):
    return prepare(planned)


def test_a_plan_survives_as_json(planned):
    assert from_json(to_json(planned), JobPlan, "the plan") == planned


def test_the_segments_are_all_frames_once(planned):
    frames = [range(each.first, each.end) for each in planned.segments]
    assert [number for each in frames for number in each] == list(range(57))
    assert len(frames) == 6


@pytest.mark.slow
def test_two_workers_make_each_segment_once(folder, tmp_path):
    with ThreadPoolExecutor(2) as pool:
        made = [pool.submit(work, folder) for _ in range(2)]
        counts = [each.result() for each in made]
    assert sum(counts) == 6
    report = finish(folder)
    assert (report.frames_decoded, report.frames_encoded) == (57, 57)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["in.mp4", "out.mp4"]


def test_a_worker_makes_only_what_it_is_to_make(folder):
    assert work(folder, chosen=lambda number: number % 3 == 1) == 2
    assert folder.finished(folder.names()) == {1, 4}
    with pytest.raises(ResourceError, match=r"4 of 6 segments .* gendrpix work"):
        finish(folder)
    assert work(folder) == 4


def test_a_damaged_segment_is_made_anew(folder, tmp_path):
    work(folder)
    name = folder.manifest(2).name
    data = bytearray((folder.path / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder.path / name).write_bytes(data)
    with pytest.raises(ResourceError, match="1 of 6 segments"):
        finish(folder)
    assert not (tmp_path / "out.mp4").exists()
    assert folder.finished(folder.names()) == {0, 1, 3, 4, 5}
    assert work(folder) == 1
    finish(folder)


def test_the_first_to_finish_a_segment_counts(folder):
    work(folder)
    first = folder.manifest(3)
    late = folder.attempt(3, ".mp4")
    late.write_bytes(b"of a worker that woke up")
    assert not folder.commit(replace(first, name=late.name))
    assert folder.manifest(3) == first
    assert not late.exists()


def test_neighbours_that_never_fit_are_named(folder):
    work(folder)
    for number, before in ((3, folder.manifest(3).seam.before), (4, "0" * 64)):
        found = folder.manifest(number)
        (folder.path / f"{number:05d}.json").unlink()
        seam = replace(found.seam, before=before, back=FARTHEST)
        assert folder.commit(replace(found, seam=seam))
    report = finish(folder)
    assert report.exit_code == 1
    assert any("frame before segment 4 is another one" in said for said in report.warnings)


def test_a_manifest_that_is_cut_off_does_not_count(folder):
    work(folder, chosen=lambda number: number == 0)
    path = folder.path / "00000.json"
    path.write_text(path.read_text()[:100])
    assert folder.manifest(0) is None
    with pytest.raises(ResourceError, match="6 of 6"):
        finish(folder)
    assert work(folder) == 6


def test_what_the_job_was_not_planned_with_is_refused(folder, tmp_path):
    plan = folder.path / PLAN
    text = plan.read_text()
    plan.write_text(text.replace('"torch",\n      "', '"torch",\n      "0.'))
    with pytest.raises(SettingsError, match=r"planned with torch 0.*: all workers must"):
        work(folder)
    plan.write_text(text)
    make_clip(tmp_path / "in.mp4", times=[512 * n for n in range(58)])
    with pytest.raises(MediaError, match="not as it was when the job was planned"):
        work(folder)
    plan.write_text(text[:-100])
    with pytest.raises(OutputError, match="no job folder of this version"):
        work(folder)


def test_a_built_in_model_may_lie_elsewhere_on_another_machine(planned):
    elsewhere = replace(planned.plan.model, path=Path("/elsewhere/tiny.safetensors"))
    folder = prepare(replace(planned, plan=replace(planned.plan, model=elsewhere)))
    assert work(folder) == 6
    assert finish(folder).frames_encoded == 57
    other = replace(elsewhere, sha256="0" * 64)
    with pytest.raises(ModelError, match=r"tiny\.safetensors has changed since"):
        work(prepare(replace(planned, plan=replace(planned.plan, model=other))))


def test_tiles_that_are_not_the_jobs_are_refused(folder):
    folder.pin((64, 64))
    with pytest.raises(DeviceError, match=r"takes tiles of None, .* tiles of \(64, 64\)"):
        work(folder)
    assert folder.finished(folder.names()) == set()


def test_a_job_goes_on_only_as_it_was_begun(planned):
    begun = prepare(planned)
    work(begun, chosen=lambda number: number < 2)
    assert prepare(planned).finished(begun.names()) == {0, 1}
    other = replace(planned, plan=replace(planned.plan, area=replace(planned.plan.area, width=60)))
    assert differences(planned, other) == ["area.width was 64, and is 60"]
    with pytest.raises(OutputError, match=r"area.width was 64, and is 60; .* begin anew \(-y\)"):
        prepare(other)
    assert prepare(other, anew=True).finished(begun.names()) == set()


def test_settings_that_change_no_frame_change_no_job(planned):
    plan = planned.plan
    write = replace(plan.settings.write, overwrite=True, report=None)
    restore = replace(plan.settings.restore, device="cpu")
    other = replace(plan, settings=replace(plan.settings, write=write, restore=restore))
    assert differences(planned, replace(planned, plan=other)) == []


class Listener(Progress):
    """Keeps what a run tells of where it goes on."""

    def __init__(self):
        self.resumed_at, self.done_before, self.counts = None, None, []

    def resumed(self, finished, segments):
        self.resumed_at = finished, segments

    def start(self, start):
        self.done_before = start.done

    def frame(self, count, _bound):
        self.counts.append(count)


def test_the_same_call_goes_on_where_it_stopped(tmp_path, folder):
    work(folder, chosen=lambda number: number not in {2, 4})
    heard = Listener()
    chosen = settings(encode=LOSSLESS)
    report = process(tmp_path / "in.mp4", tmp_path / "out.mp4", chosen, progress=heard)
    assert heard.resumed_at == (4, 6)
    assert heard.done_before == 37
    assert heard.counts == list(range(38, 58))
    assert report.frames_encoded == 57
    assert not folder.exists()


def test_the_status_says_what_is_finished_running_and_failed(folder):
    assert status(folder).finished == ()
    work(folder, chosen=lambda number: number < 2)
    found = status(folder)
    assert (found.finished, found.segments, found.frames_finished) == ((0, 1), 6, 20)
    assert (found.running, found.failed, found.rate) == ({}, {}, 0.0)
    break_segment(folder, 3)
    with pytest.raises(MediaError):
        work(folder)
    assert "has changed since" in status(folder).failed[3]
    with Claims(10.0).claim(folder.lease(3)):
        found = status(folder)
    assert found.running[3].pid == os.getpid()
    assert found.failed == {}
    assert found.rate > 0
    assert found.seconds_left == pytest.approx((found.frames - 30) / found.rate)


def test_the_ledger_tells_what_happened(folder):
    work(folder, chosen=lambda number: number == 5)
    events = [json.loads(line) for line in (folder.path / LEDGER).read_text().splitlines()]
    assert [(each["event"], each["segment"]) for each in events] == [
        ("started", 5),
        ("finished", 5),
    ]
    with (folder.path / LEDGER).open("a") as file:
        file.write('{"event": "fai')
    assert status(folder).finished == (5,)


def test_an_output_has_one_folder_beside_it(tmp_path):
    assert JobFolder.beside(tmp_path / "film.mov").path == tmp_path / "film.mov.job"
    assert JobFolder.beside(tmp_path / "out" / "%06d.png").path == tmp_path / "out.job"
