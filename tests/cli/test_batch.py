"""Several clips by the command, mostly as a process of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.clips import make_clip, read
from vs_gendrpix.cli.video import main

QUICK = ["-s", "1", "-c", "libx264", "--preset", "ultrafast"]
LONG = tuple(512 * i for i in range(400))
COMMAND = (
    "import sys; from vs_gendrpix.job.batch import arrivals; "
    "from vs_gendrpix.cli.video import main; "
    "arrivals.SETTLED = 1.0; sys.exit(main())"
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Two clips in a folder; the first is short."""
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    make_clip(Path("in/a.mp4"), times=(0, 512, 1024), audio="aac")
    make_clip(Path("in/b.mp4"))
    return tmp_path


@pytest.fixture
def start(folder, small_model):
    """Starts the command in that folder, with a small model; what still runs is killed."""
    running = []

    def started(*arguments):
        model = ["-m", str(small_model), "-d", "cpu"]
        process = subprocess.Popen(
            [sys.executable, "-c", COMMAND, *arguments, *model, "-c", "libx264"],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        return process

    yield started
    for process in running:
        process.kill()
        process.communicate()


def outputs():
    return sorted(path.name for path in Path("out").iterdir() if path.name[0] != ".")


def until(process, event, **wanted):
    """Read events until one of a kind, with some values, comes; returns it."""
    for line in process.stdout:
        found = json.loads(line)
        if found["event"] == event and wanted.items() <= found.items():
            return found
    raise AssertionError(process.communicate())


@pytest.mark.usefixtures("folder", "nearest_engine")
def test_files_with_options_between_them_and_the_folder(capfd):
    assert main(["in/a.mp4", "in/b.mp4", *QUICK, "out/"]) == 0
    assert outputs() == ["a.mkv", "b.mkv"]
    out, err = capfd.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert "gendrpix-video: clip 2 of 2: in/b.mp4" in lines
    assert lines[-1].startswith("gendrpix-video: 2 clips finished; ")


@pytest.mark.usefixtures("folder", "nearest_engine")
def test_names_that_begin_with_a_dash_come_behind_two():
    Path("in/a.mp4").rename("-a.mp4")
    Path("in/b.mp4").rename("-b.mp4")
    assert main([*QUICK, "--", "-a.mp4", "-b.mp4", "out"]) == 0
    assert outputs() == ["-a.mkv", "-b.mkv"]


@pytest.mark.usefixtures("folder", "nearest_engine")
def test_one_clip_goes_into_a_folder_by_its_name(capfd):
    assert main(["in/a.mp4", "out/", *QUICK]) == 0
    assert main(["in/b.mp4", "out", *QUICK]) == 0
    assert outputs() == ["a.mkv", "b.mkv"]
    capfd.readouterr()
    assert main(["in/b.mp4", "out/b.mkv", *QUICK]) == 4
    assert "exists" in capfd.readouterr().err


@pytest.mark.usefixtures("folder", "nearest_engine")
def test_the_profile_decides_the_extension(capfd):
    assert main(["in", "out", "-s", "1", "--profile", "prores422hq"]) == 0
    assert outputs() == ["a.mov", "b.mov"]
    assert main(["in", "pictures", "-s", "1", "--profile", "png", "--report", "reports"]) == 0
    assert len(list(Path("pictures/b").glob("*.png"))) == 12
    assert json.loads(Path("reports/b.json").read_text())["frames"]["encoded"] == 12
    capfd.readouterr()
    assert main(["in", "out", "--profile", "png", "-c", "libx264"]) == 2
    assert "not both" in capfd.readouterr().err


@pytest.mark.usefixtures("folder", "nearest_engine")
def test_the_summary_names_what_failed_and_the_code_is_the_worst(capfd):
    Path("in/0.mov").write_text("broken")
    assert main(["in", "out", *QUICK, "--progress", "none"]) == 3
    err = capfd.readouterr().err.splitlines()
    err = [line for line in err if "decided: " not in line]
    assert len(err) == 2
    assert err[0].startswith("gendrpix-video: in/0.mov: exit code 3: cannot read in/0.mov")
    assert err[1].startswith("gendrpix-video: 2 clips finished, 1 failed; ")
    assert main(["in", "out", *QUICK, "-q"]) == 3
    assert len(capfd.readouterr().err.splitlines()) == 2  # what failed is said all the same
    Path("in/0.mov").unlink()
    assert main(["in", "out", *QUICK, "-q"]) == 0
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
@pytest.mark.usefixtures("folder", "nearest_engine")
def test_a_fault_shows_its_trace_with_v(capfd, monkeypatch):
    def fail(*_):
        raise KeyError("x")

    monkeypatch.setattr("vs_gendrpix.write.writer.FileWriter.write", fail)
    assert main(["in", "out", *QUICK]) == 70
    assert "Traceback" not in capfd.readouterr().err
    assert main(["in", "out", *QUICK, "-v"]) == 70
    assert "Traceback" in capfd.readouterr().err


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["in", "in"], 4, "is the input"),
        (["in", "out.mkv"], 4, "give a folder, not out.mkv"),
        (["in/a.mp4", "in/b.mp4", "in/both.mov"], 4, "in/both.mov is a file"),
        (["in/a.mp4", "-", "out"], 2, "one clip alone"),
        (["in/a.mp4", "in/b.mp4", "-"], 2, "one clip alone"),
        (["in/a.mp4", "out", "--watch"], 2, "only folders can be watched"),
        (["in", "out.mp4", "--watch"], 4, "give a folder"),
        (["mixed", "out"], 3, "both numbered pictures and clips ('a.mp4')"),
        (["mixed", "out.mp4"], 3, "both numbered pictures and clips ('a.mp4')"),
        (["in/a.mp4", "in/both.mov", "in", "out"], 4, "would both be written to out/in"),
        (["in/a.mp4", "in/a.mkv", "out"], 4, "would both be written to out/a.mkv"),
        (["in/a.mp4", "in/b.mp4", "out", "--report", "in/both.mov"], 4, "need a folder"),
        (["in/a.mp4", "in/b.mp4", "-s", "2", "out", "--nonsense"], 2, "unrecognized"),
    ],
)
def test_bad_input_is_one_line_before_the_work(capfd, arguments, code, said):
    Path("in/both.mov").touch()
    Path("in/both.mp4").touch()
    Path("mixed").mkdir()
    Path("mixed/a.mp4").touch()
    Path("mixed/1.png").touch()
    assert main(arguments) == code
    out, err = capfd.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert said in err
    assert not Path("out").exists()


@pytest.mark.slow
def test_finished_clips_are_passed_over_without_torch(folder, small_model):
    model = ["-m", str(small_model), "-d", "cpu"]
    assert main(["in", "out", *QUICK, *model, "--progress", "none"]) == 0
    script = (
        "import sys\nfrom vs_gendrpix.cli.video import main\ncode = main(sys.argv[1:])\n"
        "sys.exit('loaded torch' if 'torch' in sys.modules else code)"
    )
    Path("in/b.mp4").unlink()
    Path("out/.gendrpix.jsonl").unlink()
    done = subprocess.run(
        [sys.executable, "-c", script, "in", "out"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "0 clips finished, 1 passed over" in done.stderr
    assert folder.is_dir()


@pytest.mark.slow
@pytest.mark.usefixtures("folder")
def test_a_signal_ends_all_and_the_same_command_goes_on(start):
    make_clip(Path("in/c.mp4"), times=LONG)
    arguments = ["in", "out", "-s", "1", "--progress", "json"]
    process = start(*arguments)
    until(process, "progress", clip=3)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate()
    assert process.returncode == 75
    assert json.loads(out.splitlines()[-1])["left"] == 1
    assert "2 clips finished, 1 left: the same command goes on" in err
    assert outputs() == ["a.mkv", "b.mkv", "c.mkv.job"]
    process = start(*arguments)
    assert until(process, "clip")["input"] == "in/c.mp4"
    assert until(process, "resumed")["clip"] == 3
    _, err = process.communicate()
    assert process.returncode == 0, err
    assert outputs() == ["a.mkv", "b.mkv", "c.mkv"]
    assert len(read(Path("out/c.mkv")).times) == len(LONG)


@pytest.mark.slow
@pytest.mark.usefixtures("folder")
def test_a_second_signal_does_not_deny_what_was_published(start):
    make_clip(Path("in/c.mp4"), times=LONG)
    process = start("in", "out", "-s", "1", "--progress", "json")
    until(process, "progress", clip=3)
    os.kill(process.pid, signal.SIGSTOP)  # both signals are there when it goes on
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    os.kill(process.pid, signal.SIGCONT)
    _, err = process.communicate()
    assert process.returncode in {130, 75}
    assert "nothing was published" not in err
    assert outputs() == ["a.mkv", "b.mkv", "c.mkv.job"]


@pytest.mark.slow
@pytest.mark.usefixtures("folder")
def test_a_watched_folder_goes_on_until_it_is_ended(start):
    whole = Path("in/b.mp4").read_bytes()
    process = start("in", "out", "-s", "1", "--watch", "--progress", "json")
    until(process, "done", clip=2)
    half = len(whole) // 2
    with Path("in/late.mp4").open("wb") as file:  # as a slow copy does it
        file.write(whole[:half])
        file.flush()
        time.sleep(0.7)
        file.write(whole[half:])
    assert until(process, "done", clip=3)["frames_out"] == 12
    Path("in/broken.mp4").write_text("broken")
    assert until(process, "error", clip=4)["exit_code"] == 3
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert process.returncode == 3  # the worst of its clips: this is how a watch ends
    assert json.loads(out.splitlines()[-1])["event"] == "summary"
    assert "3 clips finished, 1 failed;" in err
    assert len(read(Path("out/late.mkv")).times) == 12
