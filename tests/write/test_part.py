"""Temporary places of runs that were killed, and of runs that still work."""

import errno
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from vs_gendrpix.errors import OutputError
from vs_gendrpix.settings.values import to_json
from vs_gendrpix.write.output import OutputFile
from vs_gendrpix.write.part import Owner, Part, sweep

KILLED = """
import os, signal, sys
from pathlib import Path
from vs_gendrpix.write import part, publishing
from vs_gendrpix.write.output import OutputFile, OutputFolder
from vs_gendrpix.frame.sequence import Names

path, step = Path(sys.argv[1]), int(sys.argv[2])

def die():
    os.kill(os.getpid(), signal.SIGKILL)
"""

FILE = """
output = OutputFile(path, source=Path("in.mp4"), overwrite=False)
with output:
    output.part.write_text("half")
    die()
"""

FOLDER = """
sys.platform = "darwin"  # has no exchange in one step
steps = 0
rename = Path.rename

def dying(self, target):
    global steps
    if steps == step:
        die()
    steps += 1
    return rename(self, target)

Path.rename = dying
output = OutputFolder(Names.of(path / "%d.png"), source=Path("in.mp4"), overwrite=True)
with output:
    (output.part / "1.png").write_text("new")
    output.sync()
    output.publish()
    die()
"""


def kill(script, path, step=0):
    """Run a script that ends by SIGKILL."""
    done = subprocess.run([sys.executable, "-c", KILLED + script, path, str(step)], check=False)
    assert done.returncode == -signal.SIGKILL


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def lock(tmp_path):
    """The lock of a run that was killed, and whose it is."""
    kill(FILE, tmp_path / "out.mp4")
    (path,) = tmp_path.glob("*.lock")
    return path, Owner(**json.loads(path.read_text()))


def test_a_killed_run_leaves_a_part_that_the_next_one_sweeps(tmp_path, lock):
    path, owner = lock
    assert owner.output == "out.mp4"
    assert (owner.host, owner.boot) == (Owner.this("").host, Owner.this("").boot)
    assert owner.pid != os.getpid()
    part = path.with_suffix(".part")
    assert part.read_text() == "half"
    (said,) = sweep(tmp_path / "other.mp4")  # whatever the next one writes there
    assert str(part) in said
    assert "killed" in said
    assert names(tmp_path) == []
    assert sweep(tmp_path / "other.mp4") == []


def test_what_cannot_be_swept_is_said_and_stops_nobody(tmp_path, lock, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(errno.EPERM, "Operation not permitted")  # another user's, in /tmp

    monkeypatch.setattr("pathlib.Path.unlink", refuse)
    (said,) = sweep(tmp_path / "out.mp4")
    assert said.startswith(f"cannot remove {lock[0].with_suffix('.part')}")
    with OutputFile(tmp_path / "out.mp4", source=tmp_path / "in.mp4", overwrite=True) as output:
        output.part.write_text("whole")
        output.publish()
    assert (tmp_path / "out.mp4").read_text() == "whole"


def test_every_run_has_a_name_of_its_own(tmp_path):
    places = [Part(tmp_path / "out.mp4") for _ in range(2)]
    for place in places:
        place.open()
    assert len(set(names(tmp_path))) == 4
    for place in places:
        place.close()
    assert names(tmp_path) == []


def test_a_run_that_works_is_left_alone_and_not_joined(tmp_path):
    source, path = tmp_path / "in.mp4", tmp_path / "out.mp4"
    with OutputFile(path, source=source, overwrite=True) as output:
        assert sweep(tmp_path / "other.mp4") == []
        with pytest.raises(OutputError, match=rf"another run.*process {os.getpid()} on "):
            sweep(path)
        assert output.part.exists()
    assert sweep(path) == []


@pytest.mark.parametrize(
    ("host", "boot", "swept"),
    [("elsewhere", "another", False), ("elsewhere", None, True), (None, "another", True)],
)
def test_only_a_run_of_this_machine_is_known_to_be_dead(tmp_path, lock, host, boot, swept):
    path, owner = lock
    path.write_text(to_json(replace(owner, host=host or owner.host, boot=boot or owner.boot)))
    (said,) = sweep(tmp_path / "out.mp4")
    assert ("may be of a run that goes on" in said) != swept
    assert len(names(tmp_path)) == (0 if swept else 2)


@pytest.mark.parametrize("text", ["{", "[]", '{"output": "../x"}', "a lock of another program"])
def test_locks_of_others_are_left_alone(tmp_path, lock, text):
    path, owner = lock
    path.write_text(text)
    assert sweep(tmp_path / "out.mp4") == []
    path.write_text(to_json(owner).replace("out.mp4", "../out.mp4"))
    assert sweep(tmp_path / "out.mp4") == []
    assert len(names(tmp_path)) == 2


def test_a_lock_that_was_not_yet_written_is_swept(tmp_path):
    (tmp_path / "out.mp4.0123abcd.lock").touch()
    assert sweep(tmp_path / "out.mp4") == []
    assert names(tmp_path) == []


@pytest.mark.parametrize("step", range(4))
def test_a_kill_at_any_step_of_an_exchange_is_recovered(tmp_path, step):
    folder = tmp_path / "out"
    folder.mkdir()
    for number in (1, 2):
        (folder / f"{number}.png").write_text("old")
    kill(FOLDER, folder, step)
    sweep(folder)
    assert names(tmp_path) == ["out"]
    found = {path.name: path.read_text() for path in folder.iterdir()}
    assert found == ({"1.png": "old", "2.png": "old"} if step == 0 else {"1.png": "new"})
