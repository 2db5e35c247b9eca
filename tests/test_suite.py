"""What the tests' own settings promise."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HANGING = """
import threading

def test_hangs():
    threading.Event().wait()

def test_is_run_all_the_same():
    pass
"""


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
