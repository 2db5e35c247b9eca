"""Standard streams that are closed, full, or read by nobody: they change nothing else."""

import io
import os
import subprocess
import sys

import pytest

from tests.cli.terminal.test_signals import HEAD
from tests.clips import make_clip, read
from tests.nearest import left_behind
from vs_gendrpix.cli.video import main

QUICK = ["-s", "1", "--preset", "ultrafast"]

WORK = """
import contextlib, logging
from vs_gendrpix.errors import MediaError

def work(_):
    with OutputFile(Path("out.mp4"), source=Path("in.mp4"), overwrite=False) as output:
        logging.getLogger("vs_gendrpix").warning("something is odd")
        with contextlib.suppress(OSError):
            os.write(2, b"a library says something")
        output.part.write_text("whole")
        output.publish()
    if os.environ["FAILS"] == "yes":
        raise MediaError("the input is bad")
    return 0

command(work)
"""

STREAMS = {
    "closed": "1>&- 2>&-",
    "all closed": "0<&- 1>&- 2>&-",
    "full": "1>/dev/full 2>/dev/full",
    "read by nobody": "2>&1",
}


@pytest.fixture
def nobody():
    """The end of a pipe whose reader is gone."""
    reading, writing = os.pipe()
    os.close(reading)
    yield writing
    os.close(writing)


@pytest.mark.slow
@pytest.mark.parametrize(("fails", "code"), [("no", 0), ("yes", 3)])
@pytest.mark.parametrize("streams", STREAMS)
def test_streams_that_nobody_reads_change_no_exit_code(tmp_path, nobody, streams, fails, code):
    (tmp_path / "work.py").write_text(HEAD + WORK)
    line = f"exec {sys.executable} work.py {STREAMS[streams]}"
    done = subprocess.run(
        ["/bin/sh", "-c", line],
        cwd=tmp_path,
        env=os.environ | {"FAILS": fails},
        stdout=nobody,
        check=False,
    )
    assert done.returncode == code
    assert (tmp_path / "out.mp4").read_text() == "whole"  # not what was said on stream 2


CLOSED = """
from vs_gendrpix.write.output import StandardOutput

def work(options):
    with StandardOutput() as output:
        Path("out.y4m").touch()  # gets no number of a standard stream
        try:
            os.write(int(output.url.removeprefix("pipe:")), b"video")
        except OSError:
            return 4
    return 0

command(work)
"""


def test_a_closed_standard_output_takes_no_video(tmp_path):
    (tmp_path / "work.py").write_text(HEAD + CLOSED)
    line = f"exec {sys.executable} work.py 1>&-"
    done = subprocess.run(["/bin/sh", "-c", line], cwd=tmp_path, check=False)
    assert done.returncode == 4


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["bar", "plain", "json"])
@pytest.mark.parametrize("stream", ["full", "nobody", "none"])
@pytest.mark.usefixtures("nearest_engine")
def test_progress_that_nobody_reads_ends_no_work(tmp_path, monkeypatch, nobody, kind, stream):
    monkeypatch.chdir(tmp_path)
    make_clip(tmp_path / "in.mp4")
    handle = os.open("/dev/full", os.O_WRONLY) if stream == "full" else os.dup(nobody)
    with io.TextIOWrapper(os.fdopen(handle, "wb", 0), write_through=True) as broken:
        for name in ("stdout", "stderr"):
            monkeypatch.setattr(sys, name, None if stream == "none" else broken)
        assert main(["in.mp4", "out.mp4", *QUICK, "--progress", kind]) == 0
        assert main(["in.mp4", "out.mp4", *QUICK, "--progress", kind]) == 4  # it exists
    monkeypatch.undo()
    assert len(read(tmp_path / "out.mp4").times) == 12
    assert left_behind(tmp_path) == ["out.mp4"]


@pytest.mark.parametrize("arguments", [["models"], ["--help"], ["nonsense"]])
def test_a_command_whose_reader_has_left_is_not_finished_with_warnings(nobody, arguments):
    done = subprocess.run(
        [sys.executable, "-m", "vs_gendrpix", *arguments],
        stdout=nobody,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.returncode in ({2} if arguments == ["nonsense"] else {0, 4})
    assert "Error" not in done.stderr


SCRIPT = """
import sys
import vapoursynth as vs
for _ in range(2000):
    print("ein Skript sagt etwas", flush=True)
    sys.stderr.write("auch hier\\n")
sys.stderr.flush()
vs.core.std.BlankClip(width=64, height=48, format=vs.YUV420P8, length=3).set_output()
"""


@pytest.mark.slow
@pytest.mark.parametrize("stream", ["full", "nobody", "none"])
@pytest.mark.usefixtures("nearest_engine")
def test_what_a_script_prints_ends_no_work(tmp_path, monkeypatch, nobody, stream):
    pytest.importorskip("vapoursynth")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.vpy").write_text(SCRIPT)
    handle = os.open("/dev/full", os.O_WRONLY) if stream == "full" else os.dup(nobody)
    with io.TextIOWrapper(os.fdopen(handle, "wb", 0), write_through=True) as broken:
        monkeypatch.setattr(sys, "stderr", None if stream == "none" else broken)
        assert main(["in.vpy", "out.mp4", *QUICK, "--progress", "none"]) == 0
        monkeypatch.undo()
    assert len(read(tmp_path / "out.mp4").times) == 3
