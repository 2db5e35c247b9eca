import subprocess
import sys

import pytest

from tests.clips import make_clip

CODE = """
import resource, sys
from vs_gendrpix.cli.video import main
assert main(sys.argv[1:]) == 0
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
GROWTH = 24 * 1024
"""Kilobytes that ten times the frames may add: a queue of 900 frames would add 100 MB."""


def peak(clip, out, model):
    """Resident kilobytes at their highest while a clip is restored."""
    options = ["-m", model, "-s", "2", "--strength", "0", "-c", "libx264", "--preset", "ultrafast"]
    command = [sys.executable, "-c", CODE, clip, out, *options, "--progress", "none"]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.slow
def test_memory_does_not_grow_with_length(tmp_path, small_model):
    peaks = []
    for count in (100, 1000):
        clip = tmp_path / f"{count}.mp4"
        make_clip(clip, size=(160, 120), times=tuple(512 * i for i in range(count)), audio="aac")
        peaks.append(peak(clip, tmp_path / f"out-{count}.mp4", small_model))
    assert peaks[1] - peaks[0] < GROWTH
