"""What `gendrpix compare` tells while it works, and at its end."""

import os
import pty
import re
import sys
import termios
from contextlib import suppress
from threading import Thread

import pytest

from tests.compare.conftest import FRAMES
from vs_gendrpix.cli.main import main

pytest.importorskip("cv2", reason="the extra `evaluation` is not installed")
pytest.importorskip("PIL.Image", reason="the extra `evaluation` is not installed")

from vs_gendrpix.compare.destination import in_bytes


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


@pytest.mark.parametrize(
    ("size", "said"),
    [(10, "1 kB"), (31_400, "31 kB"), (3.14e7, "31.4 MB"), (2e9, "2 GB")],
)
def test_size_in_words(size, said):
    assert in_bytes(size) == said


def seen_on_a_terminal(work):
    """What some work returns, and what a terminal shows of its standard error stream."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 100))
    seen = bytearray()

    def read():
        with suppress(OSError):  # Linux ends a terminal so
            while part := os.read(ours, 4096):
                seen.extend(part)

    reader = Thread(target=read)
    reader.start()
    with os.fdopen(theirs, "w") as terminal, pytest.MonkeyPatch.context() as patched:
        patched.setattr(sys, "stderr", terminal)
        returned = work()
    reader.join()
    os.close(ours)
    return returned, bytes(seen)


@pytest.mark.parametrize("quiet", [False, True])
def test_a_terminal_shows_a_bar_unless_it_is_to_be_quiet(tmp_path, clips, quiet):
    given = [*clips[:2], "-o", tmp_path / "p.html", *["-q"] * quiet]
    ended, seen = seen_on_a_terminal(lambda: run(*given))
    assert ended == 0
    if quiet:
        assert seen == b""
    else:
        assert f"{FRAMES}/{FRAMES}".encode() in seen
        assert b"measuring: 100%" in seen
        assert b"measuring frame" not in seen
