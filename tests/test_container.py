"""The Containerfile: a linter passes it, and all that it names is there."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RECIPE = (ROOT / "Containerfile").read_text(encoding="utf-8").replace("\\\n", " ")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def instructions(name):
    return re.findall(rf"^{name} (.*)$", RECIPE, re.MULTILINE)


def copied():
    """The paths that are copied out of the checkout, not out of another stage."""
    lines = [line.split() for line in instructions("COPY") if not line.startswith("--from")]
    return [path for *paths, _ in lines for path in paths]


@pytest.mark.skipif(sys.platform == "win32", reason="the linter has no file for Windows")
def test_the_linter_has_nothing_to_say():
    linter = Path(sys.executable).parent / "hadolint"
    done = subprocess.run(
        [linter, "--no-color", "Containerfile"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_what_is_copied_is_there_and_not_ignored():
    rules = (ROOT / ".containerignore").read_text(encoding="utf-8").splitlines()
    assert copied()
    for path in copied():
        assert (ROOT / path).exists()
        assert f"!{path}" in rules
    kept = {rule[1:] for rule in rules if rule.startswith("!")}
    assert kept == set(copied()), "all else is left out"


def test_all_that_the_package_is_built_of_is_copied():
    built = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]
    needed = {"pyproject.toml", PROJECT["readme"], *PROJECT["license-files"]}
    assert needed | set(built["build"]["targets"]["wheel"]["packages"]) == set(copied())


def test_the_extras_the_command_and_the_python_are_the_package_s():
    (extras,) = re.findall(r'^ARG EXTRAS="(.*)"', RECIPE, re.MULTILINE)
    assert set(extras.split(",")) <= PROJECT["optional-dependencies"].keys()
    (command,) = re.findall(r'"(.+?)"', instructions("ENTRYPOINT")[0])
    assert command in PROJECT["scripts"]
    (python,) = re.findall(r"^ARG PYTHON=(.*)$", RECIPE, re.MULTILINE)
    assert PROJECT["requires-python"] == f">={python}"
    (torch,) = (each for each in PROJECT["dependencies"] if each.startswith("torch"))
    assert f'"{torch}"' in RECIPE


def test_the_command_does_not_run_as_root():
    last = RECIPE.rpartition("\nFROM ")[2]
    (user,) = re.findall(r"^USER (\d+)$", last, re.MULTILINE)
    assert user != "0"
    assert f"--uid {user} " in last
