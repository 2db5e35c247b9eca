import subprocess
import sys

import pytest

from tests.clips import make_clip

CODE = """
import resource, sys
from vs_gendrpix.cli.video import main
folder, *options = sys.argv[1:]
for count in (100, 1000):
    assert main([f"{folder}/{count}.mp4", f"{folder}/out-{count}.mp4", *options]) == 0
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
"""Prints the resident kilobytes at their highest after a short clip, and after a long one."""
GROWTH = 24 * 1024
"""Kilobytes that ten times the frames may add: a queue of 900 frames would add 100 MB."""


@pytest.mark.slow
def test_memory_does_not_grow_with_length(tmp_path, small_model):
    for count in (100, 1000):
        clip = tmp_path / f"{count}.mp4"
        make_clip(clip, size=(160, 120), times=tuple(512 * i for i in range(count)), audio="aac")
    options = ["-m", str(small_model), "-s", "2", "--strength", "0", "--progress", "none"]
    options += ["-c", "libx264", "--preset", "ultrafast"]
    command = [sys.executable, "-c", CODE, str(tmp_path), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    short, long = map(int, done.stdout.split())
    assert long - short < GROWTH
