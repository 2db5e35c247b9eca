"""Whole runs of the command that are killed at random moments."""

import signal

import pytest

from benchmarks.faults.kills import Kill, Runner, faults, kill_hard, kill_softly


@pytest.fixture
def runner(tmp_path):
    made = Runner(tmp_path)
    yield made
    made.close()


@pytest.mark.slow
def test_a_killed_run_leaves_nothing_and_tells_the_truth(runner):
    runs = kill_softly(runner, 48, 7, fresh_every=0)
    assert [run for run in runs if run["wrong"]] == []
    assert len({run["exit"] for run in runs}) > 1
    assert kill_hard(runner, 6, 7)[1] == 0


def test_what_is_wrong_is_seen(tmp_path):
    kill = Kill(signal.SIGTERM, 0, None)
    assert faults(tmp_path, "out", 75, "terminated; nothing was published", kill) == []
    assert faults(tmp_path, "out", 0, "", kill) == ["exit"]
    assert faults(tmp_path, "out", 70, "a fault of the program", kill) == ["exit"]
    (tmp_path / "out").mkdir()
    (tmp_path / "out.1234.part").touch()
    assert faults(tmp_path, "out", 75, "terminated; nothing was published", kill) == [
        "exit",
        "left",
        "lie",
    ]
