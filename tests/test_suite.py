"""What the tests' own settings promise."""

import os
import subprocess
import sys
import tomllib
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
HANGING = """
import threading

def test_hangs():
    threading.Event().wait()

def test_is_run_all_the_same():
    pass
"""


@pytest.mark.slow
def test_networks_do_not_wait_for_threads():
    given = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    asked = [sys.executable, "-c", "import tests, torch; print(torch.get_num_threads())"]
    done = subprocess.run(asked, env=given, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1"


@pytest.mark.slow
def test_a_hang_fails_alone(tmp_path):
    hanging = tmp_path / "test_hanging.py"
    hanging.write_text(HANGING)
    command = [sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml"), str(hanging)]
    done = subprocess.run(
        [*command, "-o", "timeout=1", "-p", "no:cacheprovider"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 1
    assert "FAILED" in done.stdout
    assert "threading.Event().wait()" in done.stdout
    assert "1 failed, 1 passed" in done.stdout


def test_every_dependency_has_a_bound_that_what_is_installed_keeps():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    wanted = [Requirement(text) for text in [*project["dependencies"], *chain(*extras)]]
    for one in wanted:
        if one.name == project["name"]:
            continue
        assert {part.operator for part in one.specifier} == {">=", "<"}, one
        with suppress(PackageNotFoundError):  # an extra that is not installed
            assert one.specifier.contains(version(one.name)), one
