"""What `gendrpix compare` tells while it works, and at its end."""

import os
import pty
import re
import subprocess
import sys
import termios

import pytest

from tests.compare.conftest import FRAMES
from vs_gendrpix.cli.main import main

pytest.importorskip("cv2", reason="the extra `evaluation` is not installed")
pytest.importorskip("PIL.Image", reason="the extra `evaluation` is not installed")


def run(*given):
    return main(["compare", *map(str, given)])


def test_lines_tell_what_is_compared_how_far_it_is_and_where_the_page_lies(
    tmp_path, clips, monkeypatch, capsys
):
    monkeypatch.setattr("vs_gendrpix.compare.making.WITHIN", 0)
    page = tmp_path / "p.html"
    assert run(*clips, "-o", page, "--frames", 4) == 0
    lines = capsys.readouterr().err.splitlines()
    size = sum(each.stat().st_size for each in (tmp_path / "p_files").iterdir())
    patterns = [
        r"comparing clean, worn and half at 128x96",
        rf"measuring frame 1/{FRAMES}, [\d.]+ (frames/s|s/frame), \d+ s left",
        rf"measuring frame {FRAMES}/{FRAMES}, [\d.]+ (frames/s|s/frame)",
        r"writing the pictures of frame 1/4, [\d.]+ (frames/s|s/frame), \d+ s left",
        r"writing the pictures of frame 4/4, [\d.]+ (frames/s|s/frame)",
        rf"{re.escape(str(page))}, with 12 pictures of {size / 1e3:.0f} kB in p_files",
    ]
    assert len(lines) == len(patterns)
    for line, pattern in zip(lines, patterns, strict=True):
        assert re.fullmatch(f"gendrpix compare: {pattern}", line), line


def test_a_page_without_a_folder_is_named_alone_and_quiet_is_silent(tmp_path, clips, capsys):
    page = tmp_path / "p.html"
    assert run(*clips[:2], "-o", page, "--frames", 1) == 0
    size = f"{page.stat().st_size / 1e3:.0f} kB"
    assert capsys.readouterr().err.splitlines()[-1] == f"gendrpix compare: {page}, of {size}"
    assert run(*clips[:2], "-o", page, "--frames", 1, "-q", "-y") == 0
    assert capsys.readouterr() == (f"{page}\n", "")


@pytest.mark.slow
@pytest.mark.parametrize("quiet", [False, True])
def test_a_terminal_shows_a_bar_unless_it_is_to_be_quiet(tmp_path, clips, quiet):
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 100))
    program = "import sys; from vs_gendrpix.cli.main import main; sys.exit(main())"
    given = [*map(str, clips[:2]), "-o", str(tmp_path / "p.html"), *["-q"] * quiet]
    command = [sys.executable, "-c", program, "compare", *given]
    with subprocess.Popen(command, stderr=theirs, stdout=subprocess.DEVNULL) as process:
        os.close(theirs)
        seen = b""
        try:
            while part := os.read(ours, 4096):
                seen += part
        except OSError:  # Linux ends a terminal so
            pass
        os.close(ours)
    assert process.returncode == 0
    if quiet:
        assert seen == b""
    else:
        assert f"{FRAMES}/{FRAMES}".encode() in seen
        assert b"measuring: 100%" in seen
        assert b"measuring frame" not in seen
