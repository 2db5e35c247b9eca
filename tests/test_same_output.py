"""The benchmark of equal outputs finds what differs, and nothing else."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.output_clips import Clip
from benchmarks.output_facts import facts_of
from benchmarks.same_output import ONE_THREAD, differences, main

ROOT = Path(__file__).parents[1]
RUNS = ["chroma sited center", "filter gray"]


def same_output(*arguments):
    """The exit code of the benchmark, in this process: it starts those of its runs itself."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ONE_THREAD:  # what it sets goes when it is done
            patch.setenv(name, "")
        patch.setattr(sys, "argv", ["same_output", *arguments])
        return main()


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    path = tmp_path_factory.mktemp("record") / "record.json"
    assert same_output("--write", str(path), "--only", *RUNS) == 0
    return path


@pytest.mark.slow
def test_two_runs_are_equal(record, capsys):
    code = same_output("--compare", str(record), "--only", *RUNS)
    said = capsys.readouterr().out
    assert code == 0, said
    assert said.splitlines() == [
        *(f"{name}: same" for name in RUNS),
        "2 runs, 0 different",
    ]


@pytest.mark.slow
def test_a_difference_is_found_and_named(record, tmp_path, capsys):
    kept = json.loads(record.read_text())
    frames = kept["runs"][RUNS[0]]["frames"]
    was, frames[2] = frames[2], "0" * 16
    kept["runs"][RUNS[0]]["tags"]["streams"][0]["color"][0] = 9
    kept["versions"]["av"] = "1.0"
    planted = tmp_path / "planted.json"
    planted.write_text(json.dumps(kept))
    assert same_output("--compare", str(planted), "--only", RUNS[0]) == 1
    lines = capsys.readouterr().out.splitlines()
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
    asked = ["--compare", os.devnull, "--only", "no such"]
    command = [sys.executable, "-m", "benchmarks.same_output", *asked]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    names = done.stderr.split("there are ")[1].strip().split(", ")
    assert set(names) <= set(record["runs"])
    assert len(names) > 40
    assert not [name for name, facts in record["runs"].items() if "fault" in facts]
