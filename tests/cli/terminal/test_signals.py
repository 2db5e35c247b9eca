"""Commands that get signals, as processes of their own: what is left, and how they end."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

HEAD = """
import argparse, os, signal, sys, time
from pathlib import Path
from vs_gendrpix.errors import cancellation
from vs_gendrpix.cli.terminal import signals
from vs_gendrpix.cli.command import Command, run_command
from vs_gendrpix.frame.sequence import Names
from vs_gendrpix.write import output as outputs
from vs_gendrpix.write.output import OutputFile, OutputFolder

def tell(word):
    os.write(1, word.encode() + b"\\n")

def command(work):
    made = Command(purpose="", description="", examples=(), add_arguments=lambda _: None, run=work)
    sys.exit(run_command(made, "test", [], ends_process=True))
"""

FILE = """
def work(_):
    with OutputFile(Path("out.mp4"), source=Path("in.mp4"), overwrite=False) as output:
        output.part.write_text("half")
        tell("works")
        for _ in range(1000):
            cancellation.check()
            time.sleep(0.05)

command(work)
"""

FOLDER = """
def work(_):
    names = Names.of(Path("out/%06d.png"))
    with OutputFolder(names, source=Path("in.mp4"), overwrite=False) as output:
        for number in range(10**6):
            output.names.path(number).write_text("half")
            if number == 100:
                tell("works")
        # never looks whether it is to end

command(work)
"""

STUCK = """
signals.GRACE = float(os.environ["GRACE"])

def work(_):
    with OutputFile(Path("out.mp4"), source=Path("in.mp4"), overwrite=False) as output:
        reading, writing = os.pipe()
        tell("works")
        os.read(reading, 1)  # for ever, as from a device that does not answer

command(work)
"""

PUBLISH = """
link = outputs.link

def slow(part, path):
    tell("works")
    time.sleep(0.5)
    link(part, path)
    tell("published")
    time.sleep(0.5)

outputs.link = slow

def work(_):
    with OutputFile(Path("out.mp4"), source=Path("in.mp4"), overwrite=False) as output:
        output.part.write_text("whole")
        output.publish()
    return 0

command(work)
"""

CHILD_FAILS = """
from vs_gendrpix.errors import MediaError

def work(_):
    tell("works")
    while cancellation.requested() is None:
        time.sleep(0.01)
    raise MediaError("ffmpeg ended with 255")  # Ctrl-C reaches it too

command(work)
"""

CODES = {signal.SIGINT: 130, signal.SIGTERM: 75, signal.SIGHUP: 75}


def start(folder, script, **more):
    """Start a command, and wait until it works."""
    process = subprocess.Popen(
        [sys.executable, "-c", HEAD + script],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **more,
    )
    assert process.stdout.readline() == "works\n"
    return process


def end(process):
    """The exit code, and what was said."""
    _, said = process.communicate(timeout=60)
    return process.returncode, said


@pytest.mark.slow
@pytest.mark.parametrize("number", CODES)
@pytest.mark.parametrize("spacing", [None, 0.02])
def test_one_signal_or_two_leave_nothing_and_give_their_code(tmp_path, number, spacing):
    process = start(tmp_path, FILE)
    assert len(list(tmp_path.iterdir())) == 2
    process.send_signal(number)
    if spacing is not None:
        time.sleep(spacing)
        process.send_signal(number)
    code, said = end(process)
    assert code == CODES[number]
    assert "nothing was published\n" in said
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []


def test_a_second_signal_ends_what_does_not_look(tmp_path):
    process = start(tmp_path, FOLDER)
    process.send_signal(signal.SIGTERM)
    time.sleep(0.05)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert end(process) == (75, "test: terminated; nothing was published\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("second", [True, False])
def test_a_call_that_never_returns_is_ended_by_a_second_signal_or_in_time(tmp_path, second):
    process = start(tmp_path, STUCK, env=os.environ | {"GRACE": "600" if second else "0.2"})
    process.send_signal(signal.SIGINT)
    if second:
        time.sleep(0.05)
        process.send_signal(signal.SIGINT)
    assert end(process) == (130, "test: interrupted; nothing was published\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("number", CODES)
@pytest.mark.parametrize("when", ["before", "after"])
def test_what_is_being_published_is_finished(tmp_path, number, when):
    process = start(tmp_path, PUBLISH)
    if when == "after":
        assert process.stdout.readline() == "published\n"
    for _ in range(3):
        process.send_signal(number)
        time.sleep(0.02)
    assert end(process) == (0, "")
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]


def test_a_failure_that_comes_of_the_signal_is_not_the_reason(tmp_path):
    process = start(tmp_path, CHILD_FAILS)
    process.send_signal(signal.SIGINT)
    assert end(process) == (130, "test: interrupted; nothing was published\n")


def test_a_signal_that_is_ignored_stays_so(tmp_path):
    ignored = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        process = start(tmp_path, FILE)
    finally:
        signal.signal(signal.SIGHUP, ignored)
    for _ in range(2):
        process.send_signal(signal.SIGHUP)
        time.sleep(0.1)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert end(process)[0] == 75


STUCK_WITH_EVENTS = """
from vs_gendrpix.cli import video
signals.GRACE = float(os.environ["GRACE"])

def work(_):
    reading, writing = os.pipe()
    tell("works")
    os.read(reading, 1)

made = Command(
    purpose="", description="", examples=(), run=work, failed=video.failed,
    add_arguments=lambda parser: parser.add_argument("--progress"),
)
sys.exit(run_command(made, "test", ["--progress", os.environ["KIND"]], ends_process=True))
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["json", "none"])
@pytest.mark.parametrize("second", [True, False])
def test_the_end_by_a_second_signal_or_in_time_is_an_event_too(tmp_path, second, kind):
    more = {"GRACE": "600" if second else "0.2", "KIND": kind}
    process = start(tmp_path, STUCK_WITH_EVENTS, env=os.environ | more)
    process.send_signal(signal.SIGTERM)
    if second:
        time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
    out, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (75, "test: terminated; nothing was published\n")
    message = {"kind": "Cancelled", "message": "terminated; nothing was published"}
    wanted = [{"event": "error", **message, "exit_code": 75}] if kind == "json" else []
    assert [json.loads(line) for line in out.splitlines()] == wanted


def test_a_reader_that_takes_nothing_does_not_hold_up_the_end(tmp_path):
    fill = "import fcntl\nfcntl.fcntl(1, fcntl.F_SETPIPE_SZ, 4096)\n"
    stuck = STUCK_WITH_EVENTS.replace('tell("works")', 'tell("works"); os.write(1, b"x" * 4090)')
    process = start(tmp_path, fill + stuck, env=os.environ | {"GRACE": "600", "KIND": "json"})
    for _ in range(2):
        process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
    assert process.wait(timeout=30) == 75
    process.communicate()
