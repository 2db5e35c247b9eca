"""Workers under a supervisor: real processes, which are killed and begun again."""

import os
import signal
import sys
import threading
import time
from fractions import Fraction
from pathlib import Path

import pytest

from tests.choices import process_settings
from tests.clips import make_clip
from tests.job.segments.jobs import break_segment
from tests.nearest import LOSSLESS
from vs_gendrpix import RestoreSettings
from vs_gendrpix.cli.main import main
from vs_gendrpix.errors import ResourceError
from vs_gendrpix.job.plan import make_plan
from vs_gendrpix.job.progress import Progress
from vs_gendrpix.job.segments import cutting
from vs_gendrpix.job.segments.finish import finish
from vs_gendrpix.job.segments.job_plan import JobPlan
from vs_gendrpix.job.segments.local_workers import LocalCrew
from vs_gendrpix.job.segments.process import prepare
from vs_gendrpix.job.segments.supervisor import Supervisor

pytestmark = pytest.mark.slow


@pytest.fixture
def folder(tmp_path, small_model, monkeypatch):
    """A job of six segments of a network that real processes load."""
    monkeypatch.setattr(cutting, "LENGTH", 10)
    make_clip(tmp_path / "in.mp4", times=[512 * n for n in range(57)])
    restore = RestoreSettings(scale=Fraction(1), model_path=small_model, dtype="fp32")
    chosen = process_settings(restore=restore, encode=LOSSLESS)
    job, _ = JobPlan.of(make_plan(tmp_path / "in.mp4", tmp_path / "out.mp4", chosen))
    return prepare(job)


class Counts(Progress):
    """Keeps what is told of the frames."""

    def __init__(self):
        self.counts = []

    def frame(self, count, _bound):
        self.counts.append(count)


def kill_whom_the_leases_name(folder, killed, wanted):
    """Kill workers while they hold a lease, until enough are."""
    while len(killed) < wanted:
        for path in folder.path.glob("*.lease"):
            text = path.read_text() if path.exists() else ""
            pids = [line for line in text.splitlines() if '"pid"' in line]
            if pids and (pid := int(pids[0].strip(" ,").split(":")[1])) not in killed:
                os.kill(pid, signal.SIGKILL)
                killed.add(pid)
        time.sleep(0.01)


def test_killed_workers_are_begun_again(folder):
    killed, heard = set(), Counts()
    thread = threading.Thread(target=kill_whom_the_leases_name, args=(folder, killed, 2))
    thread.start()
    Supervisor(folder, LocalCrew(folder, ["cpu", "cpu"]), heard).run()
    thread.join()
    assert len(killed) == 2
    assert folder.finished(folder.names()) == set(range(6))
    assert finish(folder).frames_encoded == 57
    assert max(heard.counts) == 57


def test_a_segment_that_fails_three_times_is_left_out_and_named(folder):
    break_segment(folder, 2)
    with pytest.raises(ResourceError, match=r"segment 2 failed 3 times \(.*has changed since"):
        Supervisor(folder, LocalCrew(folder, ["cpu"]), Progress()).run()
    assert folder.finished(folder.names()) == {0, 1, 3, 4, 5}


DYING = """#!/bin/sh
# In the place of Python: dies as the next line beside it says, and works when there is none.
ulimit -c 0
how=$(sed -n 1p "$0.deaths")
sed -i 1d "$0.deaths"
case $how in
  *segment*) echo '{{"event": "segment", "segment": 2, "before": 0}}' ;;
esac
case $how in
  "") exec {python} "$@" ;;
  SEGV*) kill -SEGV $$ ;;
  *) exit 0 ;;
esac
"""


@pytest.fixture
def dying(tmp_path, monkeypatch):
    """Let workers die, one after the other, as each line says."""
    program = tmp_path / "python"
    program.write_text(DYING.format(python=sys.executable))
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    return Path(f"{program}.deaths")


def test_a_segment_at_which_workers_crash_or_just_end_is_named_after_three_tries(folder, dying):
    dying.write_text("0 segment\nSEGV segment\n0 segment\n")
    heard = r"segment 2 failed 3 times \(ended before its segments were finished\)"
    with pytest.raises(ResourceError, match=heard):
        Supervisor(folder, LocalCrew(folder, ["cpu"]), Progress()).run()
    assert folder.finished(folder.names()) == {0, 1, 3, 4, 5}


@pytest.mark.parametrize(("death", "said"), [("SEGV", "ended by signal 11"), ("0", "ended before")])
def test_a_worker_that_dies_before_it_has_a_segment_is_given_up(folder, dying, death, said):
    dying.write_text(f"{death}\n" * 3)
    with pytest.raises(ResourceError, match=rf"no worker can begin: {said}"):
        Supervisor(folder, LocalCrew(folder, ["cpu"]), Progress()).run()
    assert dying.read_text() == ""


def test_a_device_that_is_not_there_stops_only_its_own_worker(folder):
    Supervisor(folder, LocalCrew(folder, ["cuda:99", "cpu"]), Progress()).run()
    assert folder.finished(folder.names()) == set(range(6))


def test_no_worker_that_can_begin_is_said(folder, dying):
    dying.write_text("0\n0\n")  # the third one is begun for real
    with pytest.raises(ResourceError, match=r"no worker can begin: .*no device 'cuda:99'"):
        Supervisor(folder, LocalCrew(folder, ["cuda:99"]), Progress()).run()
    assert dying.read_text() == ""
    assert folder.finished(folder.names()) == set()


def test_the_commands_make_a_job_together(tmp_path, small_model, monkeypatch, capsys):
    monkeypatch.setattr(cutting, "LENGTH", 10)
    make_clip(tmp_path / "in.mp4", times=[512 * n for n in range(33)], audio="aac")
    paths = [str(tmp_path / "in.mp4"), str(tmp_path / "out.mkv")]
    chosen = ["-s", "1", "-m", str(small_model), "--dtype", "fp32", "-c", "ffv1"]
    job = f"{tmp_path / 'out.mkv'}.job"
    assert main(["plan", *paths, *chosen]) == 0
    assert capsys.readouterr().out == f"{job}: 3 segments\n"
    assert main(["status", job]) == 0
    assert "finished  0 of 3 segments, 0 %" in capsys.readouterr().out
    assert main(["work", job, "--shard", "1/2", "-q"]) == 0
    assert main(["work", job, "--segments", "0", "-q"]) == 0
    assert main(["finish", job]) == 75
    assert "1 of 3 segments" in capsys.readouterr().err
    assert main(["work", paths[1], "-q"]) == 0
    assert main(["status", job]) == 0
    assert f"next      gendrpix finish {job}" in capsys.readouterr().out
    assert main(["finish", job]) == 0
    assert sorted(each.name for each in tmp_path.iterdir()) == ["in.mp4", "out.mkv"]
    capsys.readouterr()
    for late in ("work", "finish"):
        assert main([late, job]) == 0
        assert (
            f"no {job} any more, and out.mkv is there: nothing is left" in capsys.readouterr().err
        )
    (tmp_path / "out.mkv").unlink()
    assert (main(["work", job]), main(["finish", job])) == (4, 4)
    assert main(["plan", paths[0], str(tmp_path / "x.mkv"), *chosen, "--end", "0.2"]) == 2
    assert "is made in one piece (it is short)" in capsys.readouterr().err
