"""Jobs that meet kills, damage, full disks and other commands."""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction
from itertools import islice

import pytest

from benchmarks.faults import job_faults, resumes
from benchmarks.faults.job_runs import Runs
from tests.clips import make_clip
from tests.nearest import LOSSLESS, settings
from tests.strategies import SMALL
from vs_gendrpix import EncodeSettings, JobSettings, RestoreSettings, WriteSettings, process
from vs_gendrpix.errors import ModelError, OutputError
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.job.plan import make_plan
from vs_gendrpix.job.run import open_engine
from vs_gendrpix.job.segments import cutting, job_plan
from vs_gendrpix.job.segments.finish import finish
from vs_gendrpix.job.segments.folder import PLAN, JobFolder, target_of
from vs_gendrpix.job.segments.job_plan import JobPlan
from vs_gendrpix.job.segments.lease import Claims
from vs_gendrpix.job.segments.process import prepare
from vs_gendrpix.job.segments.work import in_turn, work
from vs_gendrpix.models.gendrpix.files import save_network
from vs_gendrpix.models.gendrpix.network import random_network

pytestmark = pytest.mark.usefixtures("nearest_engine")

WANTED = settings(encode=LOSSLESS)
KEPT = replace(WANTED, job=JobSettings(keep=True))


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """Segments of ten frames."""
    monkeypatch.setattr(cutting, "LENGTH", 10)


@pytest.fixture
def source(tmp_path):
    """A clip of three segments."""
    make_clip(tmp_path / "in.mp4", times=[512 * n for n in range(30)], audio="aac")
    return tmp_path / "in.mp4"


@pytest.fixture
def output(tmp_path):
    return tmp_path / "out.mp4"


def plan(source, output, chosen=WANTED):
    job, _ = JobPlan.of(make_plan(source, output, chosen))
    return job


def anew(chosen):
    """The same settings, and what exists is replaced."""
    return replace(chosen, write=replace(chosen.write, overwrite=True))


def test_a_job_killed_when_its_output_had_its_name_is_only_cleared(source, output):
    process(source, output, KEPT)
    folder, written = JobFolder.beside(output), output.stat()
    assert folder.exists()
    report = process(source, output, WANTED)
    assert report.frames_encoded == 30
    assert (output.stat().st_ino, output.stat().st_mtime_ns) == (
        written.st_ino,
        written.st_mtime_ns,
    )
    assert sorted(each.name for each in output.parent.iterdir()) == ["in.mp4", "out.mp4"]


@pytest.mark.parametrize("name", ["out.mp4", "out/%06d.png"])
def test_a_job_that_was_killed_when_its_output_had_its_name_is_finished_once(source, name):
    output = source.parent / name
    encode = LOSSLESS if name == "out.mp4" else EncodeSettings(encoder="png")
    folder = prepare(plan(source, output, replace(WANTED, write=WriteSettings(encode=encode))))
    work(folder)
    finish(folder, keep=True)
    there = target_of(output)
    written = (there.stat().st_ino, there.stat().st_mtime_ns)
    record = source.with_name("report.json")
    assert finish(folder, report=record).frames_encoded == 30
    assert (there.stat().st_ino, there.stat().st_mtime_ns) == written
    assert json.loads(record.read_text())["frames"]["encoded"] == 30
    left = {each.name for each in source.parent.iterdir()}
    assert left == {"in.mp4", there.name, "report.json"}


def test_of_several_who_finish_a_job_at_once_one_does(source, output):
    folder = prepare(replace(plan(source, output), heartbeat=0.2))
    work(folder)
    with ThreadPoolExecutor(4) as threads:
        ended = [threads.submit(finish, folder) for _ in range(4)]
    assert [each.result().frames_encoded for each in ended] == [30] * 4
    assert {each.result().exit_code for each in ended} == {0}
    assert sorted(each.name for each in output.parent.iterdir()) == ["in.mp4", "out.mp4"]


def test_a_finished_job_does_not_stand_for_other_settings_or_another_output(source, output):
    process(source, output, KEPT)
    other = settings(encode=EncodeSettings(encoder="libx264", crf=30, preset="ultrafast"))
    with pytest.raises(OutputError, match="exists"):
        process(source, output, other)
    content = output.read_bytes()
    output.unlink()
    output.write_bytes(content)  # another file of the same name
    with pytest.raises(OutputError, match="exists"):
        process(source, output, WANTED)
    assert JobFolder.beside(output).exists()


def test_a_job_that_somebody_works_on_is_not_begun_anew(source, output):
    folder = prepare(plan(source, output))
    other = settings(encode=EncodeSettings(encoder="libx264", crf=30, preset="ultrafast"))
    with Claims(10.0).claim(folder.lease(1)):
        with pytest.raises(OutputError, match="somebody works on"):
            process(source, output, anew(other))
        assert folder.plan() == plan(source, output)
    assert process(source, output, anew(other)).frames_encoded == 30
    assert not folder.exists()


def test_a_plan_that_is_cut_off_is_refused_in_words_and_begun_anew(source, output):
    folder = prepare(plan(source, output))
    whole = (folder.path / PLAN).read_text()
    (folder.path / PLAN).write_text(whole[: len(whole) // 2])
    with pytest.raises(OutputError, match=r"begin anew \(-y\), or delete it"):
        process(source, output, WANTED)
    assert process(source, output, anew(WANTED)).frames_encoded == 30
    assert not folder.exists()


@pytest.mark.slow
def test_the_same_command_makes_a_damaged_segment_anew(source, output):
    job = plan(source, output)
    process(source, output, WANTED)
    wanted = output.read_bytes()
    output.unlink()
    folder = prepare(job)
    work(folder)
    path = folder.path / folder.manifest(1).name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)
    process(source, output, WANTED)
    assert output.read_bytes() == wanted
    assert not folder.exists()


@pytest.mark.skipif(sys.platform == "darwin", reason="file names are UTF-8 there")
def test_a_name_that_is_no_text_is_one_like_any_other(source, tmp_path):
    output = tmp_path / "out\udcff.mp4"
    folder = prepare(plan(source, output))
    assert work(folder, chosen=lambda number: number == 1) == 1
    assert process(source, output, WANTED).frames_encoded == 30
    assert not folder.exists()


def test_a_lease_that_says_nothing_holds_up_nobody_for_long(source, output):
    folder = prepare(replace(plan(source, output), heartbeat=0.05))
    folder.lease(0).touch()  # killed between the file and what it says
    assert work(folder) == 3


OTHERS = {
    "scale": settings(scale=2, encode=LOSSLESS),
    "encoder": settings(encode=EncodeSettings(encoder="libx265", preset="ultrafast")),
    "crf": settings(encode=replace(LOSSLESS, crf=5)),
    "preset": settings(encode=replace(LOSSLESS, preset="superfast")),
    "options": settings(encode=replace(LOSSLESS, options=(("x264-params", "bframes=0"),))),
    "pix_fmt": settings(encode=replace(LOSSLESS, pix_fmt="yuv444p")),
    "end": settings(encode=LOSSLESS, end=Fraction(1)),
    "start": settings(encode=LOSSLESS, start=Fraction(1, 5)),
    "detail": replace(WANTED, restore=replace(WANTED.restore, detail=0.0)),
    "tile": replace(
        WANTED, restore=RestoreSettings(scale=Fraction(1), tile=(256, 256), device="cpu")
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
def test_a_job_does_not_go_on_with_other_settings(source, output, name):
    folder = prepare(plan(source, output))
    with pytest.raises(OutputError, match=r"begun otherwise: .* was .*, and is .*begin anew"):
        process(source, output, OTHERS[name])
    assert folder.plan() == plan(source, output)


def test_a_job_does_not_go_on_with_another_input(source, output):
    prepare(plan(source, output))
    make_clip(source, times=[512 * n for n in range(30)], audio="aac", size=(64, 64))
    with pytest.raises(OutputError, match=r"begun otherwise: .* was .*, and is "):
        process(source, output, WANTED)


@pytest.mark.parametrize("way", ["another file", "the same file, trained on"])
def test_a_job_does_not_go_on_with_another_model(source, output, small_network, tmp_path, way):
    model = tmp_path / "a.safetensors"
    save_network(model, small_network)
    restore = RestoreSettings(scale=Fraction(1), model_path=model, device="cpu")
    folder = prepare(plan(source, output, replace(WANTED, restore=restore)))
    begun = folder.plan()
    other = tmp_path / "b.safetensors" if way == "another file" else model
    save_network(other, random_network(SMALL, seed=2))
    differing = "model path" if way == "another file" else "the digest of the model"
    with pytest.raises(OutputError, match=rf"begun otherwise: \S*{differing} was .*, and is "):
        process(source, output, replace(WANTED, restore=replace(restore, model_path=other)))
    assert folder.plan() == begun
    save_network(model, random_network(SMALL, seed=2))
    with pytest.raises(ModelError, match=r"a.safetensors has changed since the job was planned"):
        open_engine(begun.plan, Notes())


def test_a_job_does_not_go_on_with_another_version(source, output, monkeypatch):
    prepare(plan(source, output))
    monkeypatch.setattr(job_plan, "present_versions", lambda: (("av", "1"),))
    with pytest.raises(OutputError, match=r"the version of av was .*, and is 1"):
        process(source, output, WANTED)


def test_a_worker_begins_in_front_and_then_goes_where_few_are(source, output):
    job = plan(source, output)
    left = [replace(job.segments[0], number=number) for number in range(100)]
    turns = [list(in_turn(left, {"00000.lease", "00001.lease"})) for _ in range(2)]
    for turn in turns:
        assert sorted(each.number for each in turn) == list(range(100))
        assert turn[0].number == 2
        assert {each.number for each in turn[-2:]} == {0, 1}
    assert turns[0] != turns[1]


def test_many_workers_without_work_do_not_look_at_all_others(source, output):
    job = plan(source, output)
    left = [replace(job.segments[0], number=number) for number in range(100)]
    names = {f"{number:05d}.lease" for number in range(100)}
    turns = [{each.number for each in in_turn(left, names)} for _ in range(100)]
    assert {len(turn) for turn in turns} == {2}
    assert len(set.union(*turns)) > 50


@pytest.mark.slow
def test_a_job_goes_on_after_kills_and_from_the_disks_that_a_power_cut_leaves(tmp_path):
    with Runs(tmp_path, 30) as runs:
        trials = resumes.Trials(runs)
        found = [*trials.timed(2, 7), *islice(trials.at_steps(kills=False), 6)]
    assert len(found) == 8
    assert [trial for trial in found if trial["wrong"]] == []


@pytest.mark.slow
def test_workers_that_die_or_sleep_on_machines_with_other_clocks_lose_nothing(tmp_path):
    with Runs(tmp_path, 120) as runs:
        trials = job_faults.Trials(runs)
        assert trials.killed_workers(slow=0.03) == []
        assert trials.sleeping_worker() == []
        assert trials.clocks_apart() == []
