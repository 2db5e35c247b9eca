"""The benchmark of equal outputs finds what differs, and nothing else."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.output_clips import Clip
from benchmarks.output_facts import facts_of
from benchmarks.same_output import differences

ROOT = Path(__file__).parents[1]
RUNS = ["chroma sited center", "filter gray"]


def same_output(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.same_output", *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    path = tmp_path_factory.mktemp("record") / "record.json"
    done = same_output("--write", str(path), "--only", *RUNS)
    assert done.returncode == 0, done.stderr
    return path


@pytest.mark.slow
def test_two_runs_are_equal(record):
    done = same_output("--compare", str(record), "--only", *RUNS)
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines() == [
        *(f"{name}: same" for name in RUNS),
        "2 runs, 0 different",
    ]


@pytest.mark.slow
def test_a_difference_is_found_and_named(record, tmp_path):
    kept = json.loads(record.read_text())
    frames = kept["runs"][RUNS[0]]["frames"]
    was, frames[2] = frames[2], "0" * 16
    kept["runs"][RUNS[0]]["tags"]["streams"][0]["color"][0] = 9
    kept["versions"]["av"] = "1.0"
    planted = tmp_path / "planted.json"
    planted.write_text(json.dumps(kept))
    done = same_output("--compare", str(planted), "--only", RUNS[0])
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[0].startswith("another machine or version: av was 1.0, is ")
    assert lines[1:] == [
        f"{RUNS[0]}: DIFFERENT",
        f"    frames 2: {'0' * 16} became {was}",
        "    tags: streams 0: color 0: 9 became 1",
        "1 runs, 1 different",
    ]


def test_one_other_frame_is_found_in_a_file(tmp_path):
    made = {"was": (0, 1, 2, 3), "again": (0, 1, 2, 3), "now": (0, 1, 7, 3)}
    for name, repeats in made.items():
        Clip(codec="ffv1", options={}, repeats=repeats).write(tmp_path / f"{name}.mkv")
    was, again, now = (facts_of(tmp_path / f"{name}.mkv") for name in made)
    assert list(differences(was, again)) == []
    found = [line.split(":")[0] for line in differences(was, now)]
    assert found == ["frames 2", "packets 0"]


def test_a_run_that_fails_is_a_difference():
    was, failed = {"frames": ["a"], "times": []}, {"fault": "exit 70: a traceback"}
    assert list(differences(was, failed)) == ["fault: exit 70: a traceback"]


def test_the_record_in_the_repository_has_every_run():
    record = json.loads((ROOT / "benchmarks" / "results" / "same_output.json").read_text())
    done = same_output("--compare", os.devnull, "--only", "no such")
    assert done.returncode == 2
    names = done.stderr.split("there are ")[1].strip().split(", ")
    assert set(names) <= set(record["runs"])
    assert len(names) > 40
    assert not [name for name, facts in record["runs"].items() if "fault" in facts]
