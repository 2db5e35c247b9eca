"""The benchmarks that nothing else runs still run: the code that they call changes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clips import EVEN, make_clip

ROOT = Path(__file__).parents[1]
CLIP = "clip.mp4"
"""Stands for a clip that is just large enough for windows at four times its size."""
MODEL = "model.safetensors"
"""Stands for a model file with a small network."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "arguments"),
    [
        ("pipeline.py", [CLIP, "--rounds", "1", "--frames", "6"]),
        ("scaling.py", ["--model", MODEL, "--rounds", "1", "--length", "2"]),
        ("heap.py", ["--models", "tiny", "--size", "32x32", "--rounds", "1", "--frames", "1"]),
        ("gate.py", ["windows", CLIP, "--frames", "1", "--model", "base"]),
        ("gate.py", ["fp8", CLIP, "--frames", "1"]),
        ("vapoursynth_filter.py", [CLIP, "--rounds", "1", "--frames", "2"]),
        ("speed_gpu.py", ["--device", "cpu", "--narrow", "--sizes", "64x64", "--seconds", "4"]),
    ],
)
def test_a_benchmark_runs_and_leaves_its_figures(script, arguments, small_model, tmp_path):
    out = tmp_path / "figures.json"
    if CLIP in arguments:
        make_clip(tmp_path / CLIP, size=(112, 88), times=EVEN[:8])
    arguments = [str(small_model) if each == MODEL else each for each in arguments]
    command = [sys.executable, str(ROOT / "benchmarks" / script), *arguments, "--out", str(out)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=500, check=False, cwd=tmp_path
    )
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
        ("faults.models", ["--count", "3"]),
        ("faults.joins", ["--count", "3"]),
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
