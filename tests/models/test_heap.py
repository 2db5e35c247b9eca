import platform
import subprocess
import sys

import pytest

from tests.clips import make_clip

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="not glibc")

FAULTS = """
import resource, statistics, threading
import torch

def touch():
    torch.ones(64 << 20, dtype=torch.uint8)

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    thread = threading.Thread(target=touch)
    thread.start()
    thread.join()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

print(statistics.median_low(faults() for _ in range(15)))
"""
"""Prints how often the kernel gives a page when another thread takes 64 MB that were freed.

The median: a thread may come upon one of a few other heaps, of threads from before, and that has to
grow once.
"""
PAGES = (64 << 20) // 4096

FRONT_ENDS = {
    "file": """
from pathlib import Path
from vs_gendrpix import ProcessSettings, RestoreSettings, process
settings = RestoreSettings(model_path=Path({model!r}), device="cpu", scale=1)
process({clip!r}, {clip!r} + ".mkv", ProcessSettings(restore=settings))
""",
    "filter": """
import vapoursynth as vs
from vs_gendrpix import gendrpix
clip = vs.core.std.BlankClip(width=64, height=64, format=vs.RGB24, length=1)
gendrpix(clip, scale=1, model_path={model!r}, device_index=-1).get_frame(0)
""",
    "evaluation": """
from pathlib import Path
import torch
from vs_gendrpix.evaluation.methods import ModelMethod
from vs_gendrpix.settings import RestoreSettings
ModelMethod(RestoreSettings(model_path=Path({model!r}), device="cpu"))(torch.rand(1, 3, 16, 16), 1)
""",
    "training": """
from vs_gendrpix.cli.main import main
main(["train", "pix", "--config", {model!r} + ".toml", "--out", {clip!r} + ".run"])""",
}


def faults_after(code):
    """What `FAULTS` prints in a process that has done something before."""
    command = [sys.executable, "-c", code + FAULTS]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_the_kernel_clears_every_page_anew_by_default():
    assert faults_after("") >= PAGES


@pytest.mark.slow
@pytest.mark.parametrize("name", FRONT_ENDS)
def test_freed_memory_is_taken_again(tmp_path, small_model, name):
    clip = tmp_path / "clip.mp4"
    make_clip(clip, size=(64, 64), times=(0, 512))
    code = FRONT_ENDS[name].format(clip=str(clip), model=str(small_model))
    assert faults_after(code) < PAGES / 10
