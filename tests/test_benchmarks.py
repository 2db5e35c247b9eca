"""The benchmarks that nothing else runs still run: the code that they call changes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CLIP = str(ROOT / "samples" / "telescope.mp4")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "arguments"),
    [
        ("pipeline.py", ["--rounds", "1", "--frames", "6"]),
        ("scaling.py", ["--rounds", "1", "--length", "2"]),
        ("heap.py", ["--size", "32x32", "--rounds", "1", "--frames", "1"]),
        ("gate.py", ["windows", CLIP, "--frames", "1", "--model", "base"]),
        ("gate.py", ["fp8", CLIP, "--frames", "1"]),
        ("vapoursynth_filter.py", ["--rounds", "1", "--frames", "4"]),
        ("speed_gpu.py", ["--device", "cpu", "--narrow", "--sizes", "128x96", "--seconds", "20"]),
    ],
)
def test_a_benchmark_runs_and_leaves_its_figures(script, arguments, tmp_path):
    out = tmp_path / "figures.json"
    command = [sys.executable, str(ROOT / "benchmarks" / script), *arguments, "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stderr
    figures = json.loads(out.read_text())
    assert figures["date"]
    assert len(figures) > 4


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("batch", ["--clips", "3"]),
        ("faults.fuzz", ["--count", "3", "--network", "1"]),
        ("faults.models", []),
        ("faults.joins", []),
    ],
)
def test_a_benchmark_that_is_a_module_runs_and_leaves_its_figures(module, arguments, tmp_path):
    out = tmp_path / "figures.json"
    command = [sys.executable, "-m", f"benchmarks.{module}", *arguments, "--out", str(out)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=500, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(out.read_text())["date"]
