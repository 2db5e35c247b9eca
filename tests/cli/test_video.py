import json
import os
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import av
import pytest

from tests.clips import make_clip, read
from vs_gendrpix.cli.video import COMMAND, main, settings
from vs_gendrpix.errors import DeviceError, SettingsError
from vs_gendrpix.settings import StreamSettings
from vs_gendrpix.write.writer import FileWriter

QUICK = ["-s", "1", "--preset", "ultrafast", "--progress", "none"]
TAGGED = {"x264-params": "colormatrix=smpte170m"}
"""Nothing is left to decide: what is said is then of something else."""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where a command runs, with a good clip in it."""
    make_clip(tmp_path / "in.mp4", audio="aac", options=TAGGED)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def left_behind(folder):
    return sorted(path.name for path in folder.iterdir() if path.name.startswith("out"))


def make_sound(path):
    with av.open(str(path), "w") as output:
        stream = output.add_stream("aac", rate=44100)
        frame = av.AudioFrame(format="fltp", layout="stereo", samples=1024)
        frame.sample_rate, frame.pts = 44100, 0
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        output.mux([*stream.encode(frame), *stream.encode(None)])


def make_bad_inputs(folder):
    (folder / "nothing").mkdir()
    (folder / "empty.mp4").touch()
    (folder / "text.txt").write_text("just words\n" * 200)
    (folder / "text.mp4").write_text("just words\n" * 200)
    (folder / "list.m3u8").write_text("#EXTM3U\n#EXTINF:1,\nin.mp4\n#EXT-X-ENDLIST\n")
    (folder / "list.ffconcat").write_text("ffconcat version 1.0\nfile in.mp4\n")
    (folder / "random.mkv").write_bytes(bytes(range(256)) * 40)
    (folder / "half.mp4").write_bytes((folder / "in.mp4").read_bytes()[:900])
    make_sound(folder / "sound.m4a")
    os.mkfifo(folder / "pipe.mp4")
    # A packet that no decoder can use: the frames are there, but none decodes.
    data = bytearray((folder / "in.mp4").read_bytes())
    begin = data.index(b"mdat") + 4
    data[begin : begin + 6000] = bytes(len(data[begin : begin + 6000]))
    (folder / "zeros.mp4").write_bytes(data)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nothing.mp4", "out.mp4"], 3, "there is no file nothing.mp4"),
        (["nothing", "out.mp4"], 3, "has no clips and no numbered pictures"),
        ([".", "out.mp4"], 4, "several clips do not fit into one file"),
        (["pipe.mp4", "out.mp4"], 3, "not a regular file"),
        (["empty.mp4", "out.mp4"], 3, "empty.mp4 is empty"),
        (["text.txt", "out.mp4"], 3, "text.txt"),
        (["text.mp4", "out.mp4"], 3, "cannot read text.mp4"),
        (["list.m3u8", "out.mp4"], 3, "list.m3u8"),
        (["list.ffconcat", "out.mp4"], 3, "list.ffconcat"),
        (["random.mkv", "out.mp4"], 3, "cannot read random.mkv"),
        (["half.mp4", "out.mp4"], 3, "cannot read half.mp4"),
        (["sound.m4a", "out.mp4"], 3, "has no video, only audio"),
        (["zeros.mp4", "out.mp4"], 3, "no frame of zeros.mp4 can be decoded"),
        (["concat:in.mp4|in.mp4", "out.mp4"], 3, "there is no file"),
        (["http://127.0.0.1:9/in.mp4", "out.mp4"], 3, "there is no file"),
        (["in.mp4", "in.mp4/out.mp4"], 4, "cannot make the folder in.mp4"),
        (["in.mp4", "in.mp4"], 4, "is the input"),
        (["in.mp4", "in.mp4", "-y"], 4, "is the input"),
        (["in.mp4", "link.mp4", "-y"], 4, "is the input"),
        (["in.mp4", "hard.mp4", "-y"], 4, "is the input"),
        (["in.mp4", "there.mp4"], 4, "exists"),
        (["in.mp4", "pipe.mp4", "-y"], 4, "not a regular file"),
        (["in.mp4", "out.txt"], 2, "cannot write .txt files"),
        (["in.mp4", "out.mp4", "-c", "nonsense"], 2, "these work"),
        (["in.mp4", "out.mp4", "-c", "libx264", "--pix-fmt", "gbrp"], 2, "refuses"),
        (["in.mp4", "out.mp4", "-s", "9"], 2, "scale 9 is out of range"),
        (["in.mp4", "out.mp4", "-s", "0"], 2, "scale 0 is out of range"),
        (["in.mp4", "out.mp4", "-s", "1e999999999"], 2, "no scale"),
        (["in.mp4", "out.mp4", "-s", "nan"], 2, "no scale"),
        (["in.mp4", "out.mp4", "-s", "2", "--height", "96"], 2, "not both"),
        (["in.mp4", "out.mp4", "--height", "99998"], 2, "out of range"),
        (["in.mp4", "out.mp4", "--height", "97"], 2, "multiple of 2"),
        (["in.mp4", "out.mp4", "--strength", "nan"], 2, "strength"),
        (["in.mp4", "out.mp4", "--grain", "2.1"], 2, "grain 2.1 is out of range"),
        (["in.mp4", "out.mp4", "--tile", "100"], 2, "tile 100 must be a multiple of 8"),
        (["in.mp4", "out.mp4", "--tile", "32"], 2, "at least 64"),
        (["in.mp4", "out.mp4", "--tile", "64", "--overlap", "36"], 2, "half the tile size 64"),
        (["in.mp4", "out.mp4", "--overlap", "6"], 2, "tile overlap 6 must be a multiple of 4"),
        (["in.mp4", "out.mp4", "--attention", "some"], 2, "attention"),
        (["in.mp4", "out.mp4", "--start", "soon"], 2, "no time"),
        (["in.mp4", "out.mp4", "--start", "2", "--end", "1"], 2, "not after start"),
        (["in.mp4", "out.mp4", "--start", "100"], 3, "no frames between"),
        (["in.mp4", "out.mp4", "--crop", "10:10"], 2, "use auto or WIDTH:HEIGHT:X:Y"),
        (["in.mp4", "out.mp4", "--crop", "0:10:0:0"], 2, "no crop"),
        (["in.mp4", "out.mp4", "--crop", "10:10:60:0"], 2, "lies beyond the picture of 64x48"),
        (["in.mp4", "out.mp4", "--crop", "10:10:1:0"], 2, "multiples of 2 and 2"),
        (["in.mp4", "out.mp4", "--keep-bars"], 2, "give --crop too"),
        (["in.mp4", "out.mp4", "--preview", "0"], 2, "empty"),
        (["in.mp4", "out.mp4", "--preview", "1", "--end", "2"], 2, "not both"),
        (["in.mp4", "out.mp4", "--heigh", "96"], 2, "--heigh 96 (did you mean --height?)"),
        (["in.mp4", "out.mp4", "--color-fix", "lowbnd"], 2, "(did you mean lowband?)"),
        (["in.mp4", "out.webm"], 2, "cannot write .webm files: use .mp4 with --profile web"),
        (["in.mp4", "out.gif"], 2, "cannot write .gif files: use .mp4"),
        (["in.mp4", "out.avi"], 2, "cannot write .avi files: use .mkv"),
        (["in.mp4", "out.mxf"], 2, "cannot write .mxf files: use .mov with --profile dnxhr-hqx"),
        (["in.mp4", "out.jpg"], 2, "cannot write .jpg pictures: use .png"),
        (["in.mp4", "out.mp4", "--still", "0"], 2, "a still is a picture"),
        (["in.mp4", "out.png", "--still", "9"], 3, "no frame of in.mp4 at 9 s"),
        (["in.mp4", "out.mov", "--profile", "prores"], 2, "(did you mean prores422hq?)"),
        (["in.mp4", "out.mp4", "--profile", "zzz"], 2, "(see gendrpix-video --help)"),
        (["in.mp4", "out.mp4", "--preset", "vhs"], 2, "use --pre-filter vhs"),
        (["in.mp4", "out.mp4", "--pre-filter", "vsh"], 2, "did you mean vhs?"),
        (["in.mp4", "out.mp4", "--height", "99998p"], 2, "out of range"),
        (["in.mp4", "out.mp4", "--height", "p"], 2, "is no height: use one such as 720"),
        (["in.mp4", "out.mp4", "-e", "nonsense"], 2, "KEY=VALUE"),
        (["in.mp4"], 2, "required: output"),
        (["in.mp4", "out.mp4", "-m", "broken.safetensors"], 5, "broken.safetensors"),
        (["in.mp4", "out.mp4", "-m", "missing.safetensors"], 5, "missing.safetensors"),
        (["in.mp4", "out.mp4", "-m", "weights.pth"], 5, "weights.pth"),
        (["in.mp4", "out.mp4", "-m", "nonsense"], 5, "nonsense"),
        (["in.mp4", "out.mp4", "-d", "cuda:99"], 6, "cuda:99"),
        (["in.mp4", "out.mp4", "-d", "mps:9"], 6, "no device 'mps:9'"),
        (["in.mp4", "out.mp4", "-d", "xpu:99"], 6, "no device 'xpu:99'"),
        (["in.mp4", "out.mp4", "-d", "toaster"], 6, "toaster"),
    ],
)
def test_bad_input_is_one_clear_line(folder, capfd, arguments, code, said):
    make_bad_inputs(folder)
    (folder / "link.mp4").symlink_to("in.mp4")
    (folder / "hard.mp4").hardlink_to("in.mp4")
    (folder / "there.mp4").write_text("old")
    (folder / "broken.safetensors").write_bytes(b"\xff" * 64)
    (folder / "weights.pth").write_bytes(b"PK\x03\x04" + bytes(64))
    before = sorted(path.name for path in folder.iterdir())
    assert main(arguments) == code
    out, err = capfd.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert len(lines) == 1, err
    assert lines[0].startswith("gendrpix-video: ")
    assert said in lines[0]
    assert sorted(path.name for path in folder.iterdir()) == before
    assert (folder / "there.mp4").read_text() == "old"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_refused(folder, capfd):
    (folder / "locked").mkdir(mode=0o500)
    assert main(["in.mp4", "locked/out.mp4"]) == 4
    assert capfd.readouterr().err.count("\n") == 1


def test_a_clip_is_restored_by_the_real_engine(folder, small_model, capfd):
    code = main(["in.mp4", "out.mkv", *QUICK, "-s", "2", "-m", str(small_model), "-d", "cpu"])
    assert (code, *capfd.readouterr()) == (0, "", "")
    was, now = read(folder / "in.mp4"), read(folder / "out.mkv")
    assert now.size == (128, 96)
    assert len(now.times) == 12
    assert now.means == pytest.approx(was.means, abs=4)
    assert [data for data, _ in now.sides[1]] == [data for data, _ in was.sides[1]]


@pytest.mark.usefixtures("nearest_engine")
def test_an_existing_output_is_replaced_with_y(folder):
    (folder / "out.mp4").write_text("old")
    assert main(["in.mp4", "out.mp4", *QUICK]) == 4
    assert (folder / "out.mp4").read_text() == "old"
    assert main(["in.mp4", "out.mp4", *QUICK, "-y"]) == 0
    assert len(read(folder / "out.mp4").times) == 12


@pytest.mark.slow
@pytest.mark.usefixtures("nearest_engine")
def test_odd_names_are_only_names(folder, capfd):
    names = ["-in\n\udcff.mp4", "file:x.mp4", "a%03d.mp4"]
    for name in names:
        (folder / name).write_bytes((folder / "in.mp4").read_bytes())
        assert main([*QUICK, "--", name, f"out{name}"]) == 0
        assert main([*QUICK, "--", name, f"out{name}"]) == 4
        assert capfd.readouterr().err.count("\n") == 1
    assert left_behind(folder) == sorted(f"out{name}" for name in names)


@pytest.mark.usefixtures("nearest_engine")
def test_json_events_are_one_object_a_line(folder, capfd):
    make_clip(folder / "in.h264", container="h264", options=TAGGED)
    assert main(["in.h264", "out.mp4", *QUICK, "--progress", "json"]) == 1
    out, err = capfd.readouterr()
    events = [json.loads(line) for line in out.splitlines()]
    kinds = [event["event"] for event in events]
    assert kinds[0] == "start"
    assert kinds[-1] == "done"
    assert set(kinds) == {"start", "progress", "warning", "done"}
    assert events[0]["width"] == 64
    assert events[-1]["frames_in"] == events[-1]["frames_out"] == 12
    assert events[-1]["exit_code"] == 1
    assert err.startswith("gendrpix-video: warning: the input is damaged")


@pytest.mark.parametrize(
    ("arguments", "kind", "code"),
    [
        (["missing.mp4", "out.mp4"], "MediaError", 3),
        (["in.mp4", "in.mp4"], "OutputError", 4),
        (["in.mp4", "out.mp4", "-s", "9"], "SettingsError", 2),
        (["in.mp4", "out.mp4", "--nonsense"], "SettingsError", 2),
        (["in.mp4", "out.mp4", "-c", "bug"], "KeyError", 70),
        (["in.mp4", "out.mp4", "-c", "stop"], "Cancelled", 130),
    ],
)
@pytest.mark.usefixtures("folder")
def test_a_failure_is_an_event_too(capfd, monkeypatch, arguments, kind, code):
    def fail(settings, *_):
        raise {"bug": KeyError("x"), "stop": KeyboardInterrupt()}[settings.encoder]

    if "-c" in arguments:
        monkeypatch.setattr("vs_gendrpix.job.plan.with_encoder", fail)
    assert main([*arguments, "--progress", "json"]) == code
    out, err = capfd.readouterr()
    (event,) = [json.loads(line) for line in out.splitlines()]
    message = err.removeprefix("gendrpix-video: ").rstrip("\n")
    assert event == {"event": "error", "kind": kind, "message": message, "exit_code": code}


@pytest.mark.usefixtures("nearest_engine", "folder")
@pytest.mark.parametrize("kind", ["auto", "plain", "bar", "none"])
def test_progress_is_for_people_on_the_error_stream(capfd, kind):
    assert main(["in.mp4", "out.mp4", *QUICK[:-2], "--progress", kind]) == 0
    out, err = capfd.readouterr()
    assert out == ""
    assert ("12/12" in err) == (kind != "none")


@pytest.mark.slow
@pytest.mark.usefixtures("nearest_engine")
def test_what_is_decided_is_said_once_and_quiet_says_nothing(folder, capfd):
    make_clip(folder / "in.mkv")
    asked = ["--crop", "auto", "--preview", "0.4", "--report", "run.json"]
    assert main(["in.mkv", "out.mp4", *QUICK, *asked]) == 0
    said = capfd.readouterr().err.splitlines()
    decided = json.loads(Path("run.json").read_text())["decided"]
    assert said == [f"gendrpix-video: decided: {sentence}" for sentence in decided]
    for part in ("--start 0.04", "taken as BT.601", "no black bars"):
        assert sum(part in line for line in said) == 1, part
    assert main(["in.mkv", "out.mp4", *QUICK[:-1], "json", "-y"]) == 0
    events = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [event["event"] for event in events[:2]] == ["decided", "start"]
    assert main(["in.mkv", "out.mp4", *QUICK, "-q", "-y"]) == 0
    make_clip(folder / "in.h264", container="h264")
    assert main(["in.h264", "out.mp4", *QUICK, "-q", "-y"]) == 1
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("error", "code"),
    [(KeyboardInterrupt(), 130), (MemoryError(), 6), (DeviceError("full"), 6), (KeyError("x"), 70)],
)
@pytest.mark.usefixtures("nearest_engine")
def test_whatever_happens_midway_is_one_line_and_a_code(folder, capfd, monkeypatch, error, code):
    def fail(*_):
        raise error

    monkeypatch.setattr(FileWriter, "write", fail)
    assert main(["in.mp4", "out.mp4", *QUICK]) == code
    err = capfd.readouterr().err
    assert err.count("\n") == 1
    assert "Traceback" not in err
    assert left_behind(folder) == []
    if code == 70:
        assert main(["in.mp4", "out.mp4", *QUICK, "-v"]) == code
        assert "Traceback" in capfd.readouterr().err


@pytest.mark.slow
@pytest.mark.usefixtures("nearest_engine")
def test_sigterm_is_temporary(folder, capfd, monkeypatch):
    def terminate(*_):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)

    monkeypatch.setattr(FileWriter, "write", terminate)
    before = signal.getsignal(signal.SIGTERM)
    assert main(["in.mp4", "out.mp4", *QUICK]) == 75
    assert "terminated" in capfd.readouterr().err
    assert signal.getsignal(signal.SIGTERM) == before
    assert left_behind(folder) == []


@pytest.mark.slow
def test_bad_paths_load_no_torch(tmp_path):
    script = (
        "import sys\n"
        "from vs_gendrpix.cli.video import main\n"
        "code = main(sys.argv[1:])\n"
        "sys.exit('loaded torch' if 'torch' in sys.modules else code)"
    )
    make_clip(tmp_path / "in.mp4")
    for arguments, code in [(["no.mp4", "out.mp4"], 3), (["in.mp4", "in.mp4/out.mp4"], 4)]:
        done = subprocess.run(
            [sys.executable, "-c", script, *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
        )
        assert done.returncode == code, done.stderr


@pytest.mark.slow
def test_the_installed_command_runs(tmp_path, small_model):
    make_clip(tmp_path / "in.mp4", audio="aac", options=TAGGED)
    command = Path(sys.executable).with_name("gendrpix-video")
    arguments = ["in.mp4", "out.mp4", *QUICK, "-m", str(small_model), "-d", "cpu"]
    done = subprocess.run(
        [command, *arguments], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert len(read(tmp_path / "out.mp4").times) == 12


def test_arguments_become_settings():
    chosen = settings(
        COMMAND.parser("gendrpix-video").parse_args(
            [
                *["a", "b", "-y", "-s", "3/2", "-m", "x.safetensors", "--guidance", "1.5"],
                *["--pad-seed", "7", "--strength", "0.5", "--color-fix", "none", "--dtype", "fp32"],
                *[
                    "--grain",
                    "0.8",
                    "--attention",
                    "full",
                    "--tile",
                    "512",
                    "--overlap",
                    "64",
                    "--compile",
                ],
                *["-d", "cpu", "-c", "libx264", "--crf", "17.5", "--preset", "slow"],
                *["--pix-fmt", "yuv420p", "-e", "tune=film", "-e", "x264-params=a=b:c=d"],
                *["--start", "1:02:03.25", "--end", "1:02:04", "--no-audio", "--no-chapters"],
                *["--crop", "720:432:0:72", "--keep-bars", "--batch-size", "4", "--no-dedup"],
            ]
        )
    )
    assert chosen.restore.scale == Fraction(3, 2)
    assert chosen.restore.model_path == Path("x.safetensors")
    assert (chosen.restore.guidance, chosen.restore.pad_seed) == (1.5, 7)
    assert (chosen.restore.strength, chosen.restore.color_fix) == (0.5, "none")
    assert chosen.restore.grain == 0.8
    assert (chosen.restore.batch_size, chosen.restore.dedup) == (4, False)
    assert (chosen.restore.tile, chosen.restore.overlap) == ((512, 512), (64, 64))
    assert (chosen.restore.attention, chosen.restore.compile) == ("full", True)
    assert (chosen.restore.dtype, chosen.restore.device) == ("fp32", "cpu")
    assert chosen.write.encode.options == (("tune", "film"), ("x264-params", "a=b:c=d"))
    assert (chosen.write.encode.crf, chosen.write.encode.preset) == (17.5, "slow")
    assert (chosen.read.start, chosen.read.end) == (Fraction(372325, 100), Fraction(3724))
    assert (chosen.prepare.crop, chosen.finish.keep_bars) == ((720, 432, 0, 72), True)
    assert chosen.write.streams == StreamSettings(audio=False, chapters=False)
    assert chosen.write.overwrite
    with pytest.raises(SettingsError, match="see gendrpix-video --help"):
        COMMAND.parser("gendrpix-video").parse_args(["a"])
