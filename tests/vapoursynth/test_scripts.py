"""Scripts as users run them: through vspipe, and reloaded as in a previewer."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.clips import make_clip
from vs_gendrpix.read.source import open_source

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(sys.executable).parent
VSPIPE = shutil.which("vspipe", path=PROGRAMS)
WATCHDOG = 120
LEAK = 100 * 1024
"""Kilobytes that memory may seem to grow by: a heap is never quite the same. An engine that is kept
would add 30 MB at every reload."""

needs_vspipe = pytest.mark.skipif(VSPIPE is None, reason="no vspipe beside this Python")


def vspipe(script, *arguments, stdout=subprocess.PIPE):
    """Run a script in this very environment; what it writes and says."""
    path = os.pathsep.join([str(PROGRAMS), os.environ.get("PATH", "")])
    return subprocess.run(
        [VSPIPE, *" ".join(arguments).split(), str(script), "-"],
        check=False,
        stdout=stdout,
        stderr=subprocess.PIPE,
        timeout=WATCHDOG,
        cwd=ROOT,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)},
    )


def frames_of(y4m, tmp_path):
    path = tmp_path / "out.y4m"
    path.write_bytes(y4m)
    with open_source(path) as source:
        return source.info.format, [frame.planes[0].copy() for frame in source]


@needs_vspipe
@pytest.mark.slow
@pytest.mark.parametrize(
    ("sample", "options", "arguments", "size", "bits", "count"),
    [
        ("upscale", {}, ["height=480"], (640, 480), 10, 3),
        ("dvd", {"x264-params": "tff=1"}, [], (192, 144), 10, 6),
        ("dvd", {"x264-params": "interlaced=0"}, [], (192, 144), 10, 3),
        ("compare", {}, ["scale=2"], (128, 96), 8, 3),
        ("film_grain", {}, ["grain=0.5"], (128, 96), 10, 3),
        ("web", {}, ["halo=3"], (128, 96), 10, 3),
        ("filters", {"x264-params": "tff=1"}, ["preset=dvd_interlaced"], (128, 96), 10, 6),
    ],
)
def test_a_sample_runs(tmp_path, small_model, sample, options, arguments, size, bits, count):
    source = tmp_path / "in.mkv"
    made = make_clip(source, times=(0, 512, 1024), options=options)
    given = [f"-a {pair}" for pair in (f"source={source}", f"model_path={small_model}", *arguments)]
    done = vspipe(ROOT / "samples" / f"{sample}.vpy", "-c y4m", *given)
    assert done.returncode == 0, done.stderr.decode()
    form, found = frames_of(done.stdout, tmp_path)
    assert (form.layout.family, form.layout.bits, form.layout.subsampling) == ("yuv", bits, (1, 1))
    assert [picture.shape[::-1] for picture in found] == [size] * count
    # The picture is the clip's own: as bright, and brighter by 12 with every frame.
    means = [float(picture.mean()) / (1 << bits - 8) for picture in found]
    wanted = np.repeat([frame.planes[0].mean() for frame in made], count // 3)
    if sample != "compare":  # which carries words
        assert np.abs(np.asarray(means) - wanted).max() < 6


@pytest.mark.slow
@needs_vspipe
@pytest.mark.parametrize("sample", ["upscale", "dvd", "compare", "film_grain", "web", "filters"])
def test_a_sample_opens_as_the_readme_says(sample):
    """By a relative path, with the clip and the model that come with the package."""
    done = vspipe(f"samples/{sample}.vpy", "--info")
    assert done.returncode == 0, done.stderr.decode()


@needs_vspipe
@pytest.mark.slow
def test_nothing_but_frames_goes_to_the_output(tmp_path, small_model):
    script = tmp_path / "in.vpy"
    make_clip(tmp_path / "in.mp4", times=(0, 512))
    script.write_text(f"""
from vs_gendrpix import gendrpix, source_clip
clip = source_clip({str(tmp_path / "in.mp4")!r})
gendrpix(clip, 2, model_path={str(small_model)!r}).set_output()
""")
    done = vspipe(script)
    assert done.returncode == 0, done.stderr.decode()
    assert len(done.stdout) == 2 * (128 * 96 * 3 // 2)


@pytest.mark.slow
@needs_vspipe
def test_an_error_stops_vspipe_with_one_line_of_ours(tmp_path, small_model):
    script = tmp_path / "in.vpy"
    script.write_text(f"""
import vapoursynth as vs
from vs_gendrpix import gendrpix
clip = vs.core.std.BlankClip(format=vs.RGB24, width=32, height=32, length=4)
gendrpix(clip, 2, model_path={str(small_model)!r}, device_index=[0, 99]).set_output()
""")
    done = vspipe(script)
    assert done.returncode != 0
    lines = [line for line in done.stderr.decode().splitlines() if "Error: gendrpix: " in line]
    assert len(lines) == 1
    assert re.search(r"gendrpix: frame \d: no device 'cuda:", lines[0])


@needs_vspipe
@pytest.mark.slow
def test_a_reader_that_goes_away_ends_the_script(tmp_path, small_model):
    script = tmp_path / "in.vpy"
    script.write_text(f"""
import vapoursynth as vs
from vs_gendrpix import gendrpix
clip = vs.core.std.BlankClip(format=vs.RGB24, width=320, height=240, length=10000)
gendrpix(clip, 2, model_path={str(small_model)!r}, dedup=False).set_output()
""")
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as reader, os.fdopen(writing, "wb") as writer:
        path = os.pathsep.join([str(PROGRAMS), os.environ.get("PATH", "")])
        running = subprocess.Popen(
            [VSPIPE, str(script), "-"],
            stdout=writer,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)},
        )
        writer.close()
        assert reader.read(1000)
    assert running.wait(timeout=WATCHDOG) != 0


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc to measure by")
def test_ten_reloads_do_not_leak(small_model):
    done = subprocess.run(
        [sys.executable, "-m", "tests.vapoursynth.reload", str(small_model), "10"],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=WATCHDOG,
    )
    assert done.returncode == 0, done.stderr
    assert "leak" not in done.stderr
    memory = [int(line) for line in done.stdout.split()]
    assert len(memory) == 10
    assert min(memory[-3:]) - max(memory[:3]) < LEAK, memory
