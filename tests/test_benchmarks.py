"""The benchmarks that nothing else runs still run: the code that they call changes."""

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clips import EVEN, make_clip

ROOT = Path(__file__).parents[1]
CLIP = "clip.mp4"
"""Stands for a clip that is just large enough for windows at four times its size."""
LITTLE = "little.mp4"
"""Stands for one that the network restores in a moment."""
MODEL = "model.safetensors"
"""Stands for a model file with a small network."""


@pytest.fixture
def given(small_model, tmp_path, monkeypatch):
    """Put files in the place of their names in a list of arguments, in a folder of its own."""
    make_clip(tmp_path / CLIP, size=(112, 88), times=EVEN[:8])
    make_clip(tmp_path / LITTLE, size=(32, 32), times=EVEN[:8])
    monkeypatch.chdir(tmp_path)
    return lambda arguments: [str(small_model) if each == MODEL else each for each in arguments]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "arguments"),
    [
        ("pipeline.py", [LITTLE, "--rounds", "1", "--frames", "6"]),
        ("scaling.py", ["--model", MODEL, "--rounds", "1", "--length", "2"]),
        ("heap.py", ["--models", "tiny", "--size", "32x32", "--rounds", "1", "--frames", "1"]),
        ("gate.py", ["windows", CLIP, "--frames", "1", "--model", "base"]),
        ("gate.py", ["fp8", LITTLE, "--frames", "1"]),
        ("speed_gpu.py", ["--device", "cpu", "--narrow", "--sizes", "64x64", "--seconds", "4"]),
        ("faults/models.py", ["--count", "3"]),
        ("faults/fuzz.py", ["--count", "3", "--network", "0"]),
    ],
)
def test_a_benchmark_runs_and_leaves_its_figures(script, arguments, given, monkeypatch):
    """As a script, but in this process, which has loaded torch."""
    monkeypatch.setattr(sys, "argv", [script, *given(arguments), "--out", "figures.json"])
    code = None
    try:
        runpy.run_path(str(ROOT / "benchmarks" / script), run_name="__main__")
    except SystemExit as end:
        code = end.code
    assert not code
    figures = json.loads(Path("figures.json").read_text())
    assert figures["date"]
    assert len(figures) > 4


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("vapoursynth_filter", [LITTLE, "--rounds", "1", "--frames", "2"]),
        ("batch", ["--clips", "3"]),
        ("faults.joins", ["--count", "3"]),
    ],
)
def test_a_benchmark_that_changes_its_process_runs_and_leaves_its_figures(module, arguments, given):
    command = [sys.executable, "-m", f"benchmarks.{module}", *given(arguments)]
    done = subprocess.run(
        [*command, "--out", "figures.json"],
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(Path("figures.json").read_text())
    assert figures["date"]
    assert len(figures) > 4
