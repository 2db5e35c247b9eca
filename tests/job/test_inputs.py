"""What may be an input beside a plain file: streams, changes, pipes, raw video and scripts."""

import os
from contextlib import contextmanager, suppress
from fractions import Fraction
from threading import Thread

import av
import numpy as np
import pytest

from tests.choices import process_settings
from tests.clips import EVEN, TICK, UNEVEN, make_clip, make_frames, read
from tests.joined import make_joined, steps
from vs_gendrpix import EncodeSettings, ReadSettings, RestoreSettings, process
from vs_gendrpix.cli.video import main
from vs_gendrpix.errors import MediaError, SettingsError
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.job.open import open_input
from vs_gendrpix.libav.pixels import to_picture
from vs_gendrpix.read.pipe import Pipe
from vs_gendrpix.read.source import open_source
from vs_gendrpix.write.writer import FileWriter

SAME = RestoreSettings(scale=Fraction(1))
LOSSLESS = EncodeSettings(encoder="ffv1", pix_fmt="yuv420p")
PLAYABLE = process_settings(
    restore=SAME,
    encode=EncodeSettings(encoder="libx264", pix_fmt="yuv420p", preset="ultrafast"),
)
QUICK = ["-s", "1", "--preset", "ultrafast", "--progress", "none"]


pytestmark = pytest.mark.usefixtures("nearest_engine")


def chosen(**more):
    return process_settings(read=ReadSettings(**more), restore=SAME, encode=LOSSLESS)


def test_one_of_several_video_streams_can_be_chosen(tmp_path):
    with av.open(str(tmp_path / "in.mkv"), "w") as output:
        streams = []
        for size in ((64, 48), (128, 96)):
            stream = output.add_stream("libx264", rate=25)
            stream.width, stream.height = size
            stream.time_base = stream.codec_context.time_base = TICK
            streams.append((stream, make_frames(size=size)))
        for stream, frames in streams:
            for frame in frames:
                output.mux(stream.encode(to_picture(frame, "yuv420p")))
            output.mux(stream.encode(None))
    for number, size, other in [(0, (64, 48), 1), (1, (128, 96), 0), (None, (64, 48), 1)]:
        out = tmp_path / f"out{number}.mkv"
        report = process(tmp_path / "in.mkv", out, chosen(video_stream=number))
        assert read(out).size == size
        assert report.warnings == (f"not carried over: video stream {other} (h264)",)
    with pytest.raises(SettingsError, match="no video stream 2, 0 to 1"):
        process(tmp_path / "in.mkv", tmp_path / "out.mkv", chosen(video_stream=2))


def change(path, codec="libx264", sizes=((64, 48), (32, 48)), container="h264", **more):
    """A raw stream whose picture changes its size; each part begins with a keyframe."""
    parts = []
    for size in sizes:
        part = path.with_name(f"part{len(parts)}.{container}")
        make_clip(
            part,
            codec=codec,
            size=size,
            container=container,
            times=EVEN[:6],
            options={"bf": "0"},
            **more,
        )
        parts.append(part.read_bytes())
    path.write_bytes(b"".join(parts))


def test_a_change_of_size_is_refused_before_the_work(tmp_path, monkeypatch):
    change(tmp_path / "in.h264")
    monkeypatch.setattr(FileWriter, "write", lambda *_: pytest.fail("the work has begun"))
    with pytest.raises(MediaError, match=r"64x48 .* to 32x48 .* --on-change scale"):
        process(tmp_path / "in.h264", tmp_path / "out.mkv", chosen())
    assert not list(tmp_path.glob("out*"))


def test_a_change_after_the_range_does_not_matter(tmp_path):
    change(tmp_path / "in.h264")
    with av.open(str(tmp_path / "in.h264")) as clip, av.open(str(tmp_path / "in.ts"), "w") as out:
        stream = out.add_stream_from_template(clip.streams.video[0])
        for number, packet in enumerate(p for p in clip.demux() if p.size):
            packet.pts = packet.dts = 3600 * number
            packet.time_base, packet.stream = Fraction(1, 90_000), stream
            out.mux(packet)
    cut = process_settings(restore=SAME, encode=LOSSLESS, end=Fraction(16, 100))
    assert process(tmp_path / "in.ts", tmp_path / "out.mkv", cut).frames_encoded == 4
    with pytest.raises(MediaError, match="32x48"):
        process(tmp_path / "in.ts", tmp_path / "two.mkv", chosen())


def test_frames_of_another_size_can_be_scaled(tmp_path):
    change(tmp_path / "in.h264")
    report = process(tmp_path / "in.h264", tmp_path / "out.mkv", chosen(on_change="scale"))
    assert report.frames_encoded == 12
    assert "64x48 YUV 4:2:0 of 8 bits to" in report.warnings[0]
    # One warning for all six frames; the other one is of times that a raw stream does not have.
    assert [warning for warning in report.warnings if "changes from 64x48" in warning] == [
        report.warnings[0]
    ]
    found = read(tmp_path / "out.mkv")
    assert found.size == (64, 48)
    # The parts show the same, but the second one's shape fills only the middle of the first one's.
    assert found.means[6:] == pytest.approx([mean / 2 for mean in found.means[:6]], abs=3)


@pytest.mark.parametrize(
    ("size", "inner"),
    [
        ((32, 24), (64, 48, 0, 0)),  # the same shape
        ((128, 96), (64, 48, 0, 0)),
        ((126, 94), (64, 48, 0, 0)),  # less than a chroma sample is missing
        ((32, 48), (32, 48, 16, 0)),
        ((96, 48), (64, 32, 0, 8)),
    ],
)
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv444p"])
def test_frames_of_another_shape_keep_it_between_black_bars(tmp_path, size, inner, pix_fmt):
    change(tmp_path / "in.h264", sizes=((64, 48), size), pix_fmt=pix_fmt)
    path = tmp_path / "in.h264"
    with open_source(path, ReadSettings(on_change="scale")) as source:
        frames = list(source)
    assert len(frames) == 12
    assert {frame.format for frame in frames} == {source.info.format}
    width, height, x, y = inner
    light, chroma = (frames[-1].planes[n].astype(int) for n in (0, 1))
    shown = np.zeros(light.shape, bool)
    shown[y : y + height, x : x + width] = True
    assert light[shown].min() > 70
    assert (light[~shown] == 16).all()
    across, down = source.info.format.layout.chroma_step
    assert (chroma[~shown[::down, ::across]] == 128).all()
    warned = [line for line in source.notes.warnings if "changes from" in line]
    assert len(warned) == 1
    assert ("black bars" in warned[0]) == (inner != (64, 48, 0, 0))


def test_a_change_that_no_keyframe_shows_does_not_cost_the_work(tmp_path):
    """AV1 may change the size of its pictures at any of them."""
    resized = "resize-mode=4:frame-resz-events=[4]:frame-resz-denoms=[16]"
    options = {"preset": "10", "svtav1-params": resized}
    times = tuple(512 * n for n in range(16))
    make_clip(tmp_path / "in.mkv", codec="libsvtav1", size=(128, 96), times=times, options=options)
    with av.open(str(tmp_path / "in.mkv")) as clip:
        sizes = [(picture.width, picture.height) for picture in clip.decode(video=0)]
    assert len(set(sizes)) == 2
    report = process(tmp_path / "in.mkv", tmp_path / "out.mkv", chosen())
    assert report.exit_code == 1
    assert [line for line in report.warnings if "128x96 YUV" in line] == list(report.notes.faults)
    found = read(tmp_path / "out.mkv")
    assert found.size == (128, 96)
    assert found.means == sorted(found.means)
    assert len(found.means) == 16


def test_a_change_of_family_cannot_be_scaled(tmp_path):
    make_clip(tmp_path / "a.h264", container="h264", times=EVEN[:6])
    make_clip(
        tmp_path / "b.h264", codec="libx264rgb", pix_fmt="rgb24", container="h264", times=EVEN[:6]
    )
    data = (tmp_path / "a.h264").read_bytes() + (tmp_path / "b.h264").read_bytes()
    (tmp_path / "in.h264").write_bytes(data)
    with pytest.raises(MediaError, match=r"from 64x48 YUV .* to 64x48 RGB .* restore the parts$"):
        process(tmp_path / "in.h264", tmp_path / "out.mkv", chosen(on_change="scale"))


@contextmanager
def standing_in(number, descriptor):
    """One of the process's own open files replaced: pipes are theirs, not Python's objects."""
    kept = os.dup(number)
    os.dup2(descriptor, number)
    try:
        yield
    finally:
        os.dup2(kept, number)
        os.close(kept)


def run(folder, *arguments, stdin=b""):
    """The command's exit code, and what is on its standard output, with pipes on both sides."""
    read_end, write_end = os.pipe()

    def feed():
        with suppress(BrokenPipeError), os.fdopen(write_end, "wb") as pipe:
            pipe.write(stdin)

    feeder = Thread(target=feed)
    feeder.start()
    with (
        (folder / "stdout").open("w+b") as out,
        standing_in(0, read_end),
        standing_in(1, out.fileno()),
    ):
        code = main([*arguments, "--progress", "none"])
    os.close(read_end)
    feeder.join()
    data = (folder / "stdout").read_bytes()
    (folder / "stdout").unlink()
    return code, data


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where a command runs."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def undecided(capfd):
    """What is said beside decisions, such as a colour matrix that no tag states."""
    lines = capfd.readouterr().err.splitlines(keepends=True)
    return "".join(line for line in lines if "decided: " not in line)


def test_a_pipe_in_and_a_pipe_out(folder, capfd):
    made = make_clip(folder / "in.mkv", codec="ffv1", pix_fmt="yuv422p10le", audio="flac")
    code, data = run(folder, "in.mkv", "-", "-s", "1")
    warned = "gendrpix-video: warning: not carried over: audio stream 1 (flac, eng)\n"
    assert (code, undecided(capfd)) == (0, warned)
    assert data.startswith(b"YUV4MPEG2 W64 H48 F25:1 Ip A0:0 C422p10")
    for frame, part in zip(made, data.split(b"FRAME\n")[1:], strict=True):
        assert part == b"".join(plane.tobytes() for plane in frame.planes)
    arguments = ["-", "out.mkv", "-s", "1", "-c", "ffv1", "--pix-fmt", "source"]
    assert run(folder, *arguments, stdin=data) == (0, b"")
    assert undecided(capfd) == ""
    with open_source(folder / "out.mkv") as source:
        for was, now in zip(made, source, strict=True):
            for a, b in zip(was.planes, now.planes, strict=True):
                np.testing.assert_array_equal(b, a)


@pytest.mark.slow
@pytest.mark.parametrize(("mode", "frames"), [("auto", 24), ("bwdif", 24), ("off", 12)])
def test_a_preset_takes_care_of_the_fields_of_a_pipe_which_cannot_be_looked_at(
    folder, mode, frames
):
    make_clip(folder / "in.mkv", codec="ffv1")
    arguments = ["-", "out.mkv", *QUICK[:4], "--pre-filter", "vhs", "--deinterlace", mode]
    assert run(folder, *arguments, stdin=(folder / "in.mkv").read_bytes()) == (0, b"")
    with open_source(folder / "out.mkv") as source:
        assert len(list(source)) == frames


def test_a_change_in_a_pipe_does_not_cost_the_work(folder, capfd):
    change(folder / "in.h264")
    data = (folder / "in.h264").read_bytes()
    assert run(folder, "-", "out.mkv", *QUICK[:4], stdin=data) == (1, b"")
    assert "64x48 YUV 4:2:0 of 8 bits to 32x48" in capfd.readouterr().err
    assert len(read(folder / "out.mkv").means) == 12


def test_what_a_pipe_has_beside_its_video_is_named(folder, capfd):
    make_clip(folder / "in.mkv", audio="flac")
    data = (folder / "in.mkv").read_bytes()
    assert run(folder, "-", "out.mkv", *QUICK[:4], stdin=data) == (0, b"")
    assert "not carried over from a pipe: audio stream 1" in capfd.readouterr().err
    assert len(read(folder / "out.mkv").times) == 12


@pytest.mark.parametrize("suffix", [".ts", ".vob"])
def test_a_pipe_whose_clock_starts_again(folder, capfd, suffix):
    make_joined(folder / f"in{suffix}", (1, 5000, 1, 1))
    data = (folder / f"in{suffix}").read_bytes()
    assert run(folder, "-", "out.mkv", *QUICK[:4], stdin=data) == (0, b"")
    said = capfd.readouterr().err
    assert "the clock of - starts again, first at 0.730 s" in said
    assert "made up" not in said
    assert steps(read(folder / "out.mkv").times) == {40.0}


def test_a_part_of_a_pipe(folder):
    data = run(folder, make_clip(folder / "in.mkv") and "in.mkv", "-", "-s", "1")[1]
    cut = ["--start", "0.2", "--end", "0.36"]
    assert run(folder, "-", "out.mov", *QUICK[:4], *cut, stdin=data) == (0, b"")
    assert read(folder / "out.mov").times == [Fraction(n, 25) for n in range(4)]


@pytest.mark.slow
def test_of_a_pipe_only_its_first_frame_is_kept_to_plan_by(folder, monkeypatch):
    """An hour of frames before the start would fill the memory."""
    make_clip(folder / "in.mkv", codec="ffv1", times=range(0, 512 * 300, 512), size=(160, 128))
    data = run(folder, "in.mkv", "-", "-s", "1")[1]
    kept, rewind = [], Pipe.rewind

    def watched(pipe, *, keeps):
        kept.append(len(pipe._kept))
        rewind(pipe, keeps=keeps)

    monkeypatch.setattr(Pipe, "rewind", watched)
    cut = ["--start", "11.92", "--end", "11.99"]
    assert run(folder, "-", "out.mov", *QUICK[:4], *cut, stdin=data) == (0, b"")
    assert read(folder / "out.mov").times == [Fraction(0), Fraction(1, 25)]
    assert len(data) > 5e6
    assert max(kept) < 1e6


def test_raw_video_from_a_pipe(folder, capfd):
    made = make_frames("yuv444p", times=range(5))
    data = b"".join(plane.tobytes() for frame in made for plane in frame.planes)
    raw = ["--raw", "64x48:yuv444p", "--fps", "29.97"]
    arguments = ["-", "out.mkv", "-s", "1", *raw, "-c", "ffv1", "--pix-fmt", "yuv444p"]
    assert run(folder, *arguments, stdin=data) == (0, b"")
    assert undecided(capfd) == ""
    with open_source(folder / "out.mkv") as source:
        for was, now in zip(made, source, strict=True):
            for a, b in zip(was.planes, now.planes, strict=True):
                np.testing.assert_array_equal(b, a)
    (folder / "in.yuv").write_bytes(data)
    arguments = ["in.yuv", "out.mov", *QUICK[:4], *raw]
    assert run(folder, *arguments) == (0, b"")
    assert read(folder / "out.mov").times == [Fraction(n * 1001, 30000) for n in range(5)]


@pytest.mark.parametrize("data", [b"", b"nothing that is a video" * 100])
def test_a_pipe_that_is_no_video_is_refused(folder, capfd, data):
    assert run(folder, "-", "out.mp4", stdin=data) == (3, b"")
    err = capfd.readouterr().err
    assert err.count("\n") == 1
    assert "cannot read -" in err
    assert not list(folder.iterdir())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--raw", "64x48"], "no raw format: use 720x576:yuv420p"),
        (["--raw", "64x48:nonsense"], "no pixel format 'nonsense'"),
        (["--raw", "0x48:gray"], "0x48 are out of range"),
        (["--raw", "99999x99999:gray"], "out of range"),
        (["--fps", "0"], "no rate: use"),
        (["--fps", "25"], "a rate is for pictures and raw video"),
        (["--start-number", "-1"], "start number -1 is out of range"),
        (["--video-stream", "-1"], "video stream -1 is out of range"),
        (["--profile", "nonsense"], "invalid choice: 'nonsense'"),
        (["--profile", "web", "-c", "libx264"], "a profile or an encoder, not both"),
        (["--profile", "prores422hq"], "is written to .mov files, not to out.mp4"),
    ],
)
def test_a_choice_that_is_wrong_is_one_clear_line(folder, capfd, arguments, said):
    make_clip(folder / "in.mp4", times=EVEN[:1])
    assert main(["in.mp4", "out.mp4", *arguments]) == 2
    err = capfd.readouterr().err
    assert said in err
    assert err.count("\n") == 1
    assert [path.name for path in folder.iterdir()] == ["in.mp4"]


def test_a_profile_of_pictures_makes_their_folder(folder):
    make_clip(folder / "in.mp4", times=EVEN[:2])
    assert main(["in.mp4", "out", "--profile", "tiff", *QUICK[:2]]) == 0
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["000001.tif", "000002.tif"]


def test_json_and_the_video_cannot_share_the_standard_output(capfd):
    assert main(["in.mp4", "-", "--progress", "json"]) == 2
    assert "both" in capfd.readouterr().err


def test_a_reader_that_goes_away_ends_the_run(folder, capfd):
    make_clip(folder / "in.mp4", size=(640, 480))
    read_end, write_end = os.pipe()
    os.close(read_end)
    with standing_in(1, write_end):
        code = main(["in.mp4", "-", "-s", "1", "--progress", "none"])
    os.close(write_end)
    assert code == 4
    assert undecided(capfd) == "gendrpix-video: cannot write -: Broken pipe\n"


def test_what_is_printed_goes_elsewhere_while_the_video_has_the_standard_output(
    tmp_path, capfdbinary, monkeypatch
):
    make_clip(tmp_path / "in.mp4", times=EVEN[:2])
    write = FileWriter.write

    def chatty(self, frame):
        os.write(1, b"from a library\n")
        write(self, frame)

    monkeypatch.setattr(FileWriter, "write", chatty)
    process(tmp_path / "in.mp4", "-", process_settings(restore=SAME))
    os.write(1, b"after\n")
    out, err = capfdbinary.readouterr()
    assert out.startswith(b"YUV4MPEG2 ")
    assert out.endswith(b"after\n")
    assert b"from" not in out
    assert err.count(b"from a library") == 2


@pytest.mark.slow
@pytest.mark.parametrize("form", ["yuv411p", "yuv410p", "gray", "yuv440p", "yuva420p", "ya8"])
@pytest.mark.parametrize("size", [(63, 47), (33, 65)])
def test_unusual_planes_of_odd_sizes_pass(tmp_path, form, size):
    make_clip(
        tmp_path / "in.mkv",
        codec="ffv1",
        pix_fmt=form,
        size=size,
        times=EVEN[:3],
    )
    encode = EncodeSettings(encoder="ffv1", pix_fmt="source")
    report = process(
        tmp_path / "in.mkv", tmp_path / "out.mkv", process_settings(restore=SAME, encode=encode)
    )
    assert report.frames_encoded == 3
    with open_source(tmp_path / "in.mkv") as was, open_source(tmp_path / "out.mkv") as now:
        assert now.info.format.layout.family == was.info.format.layout.family
        assert now.info.format.layout.alpha == was.info.format.layout.alpha
        shift = now.info.format.layout.bits - was.info.format.layout.bits
        sizes = [(form.width, form.height) for form in (was.info.format, now.info.format)]
        assert max(abs(a - b) for a, b in zip(*sizes, strict=True)) <= 1  # to whole chroma
        if now.info.format.plane_shapes == was.info.format.plane_shapes:
            for before, after in zip(was, now, strict=True):
                for a, b in zip(before.planes, after.planes, strict=True):
                    np.testing.assert_array_equal(b >> shift, a)


@pytest.mark.parametrize(
    ("name", "late"), [("in.mkv", -2000), ("in.mkv", 6400), ("in.mp4", 0), ("in.mp4", 6400)]
)
def test_every_beginning_keeps_its_distances(tmp_path, name, late):
    """Matroska may begin below 0 here, and MP4 late by an edit list."""
    times = [tick + late for tick in UNEVEN]
    make_clip(tmp_path / name, times=times, options={"bf": "2"})
    report = process(tmp_path / name, tmp_path / "out.mp4", PLAYABLE)
    assert report.frames_encoded == 12
    found = read(tmp_path / "out.mp4").times
    assert found[0] == 0 if late <= 0 else abs(found[0] - late * TICK) < Fraction(1, 1000)
    for now, was in zip(found, times, strict=True):
        # Matroska's grid is a millisecond, and of two frames in one the second moves on.
        assert abs(now - found[0] - (was - times[0]) * TICK) <= Fraction(2, 1000) * (
            name[-1] == "v"
        )


SCRIPT = """
import vapoursynth as vs
print("a script may talk")
core = vs.core
clip = core.std.BlankClip(format=vs.{form}, width=64, height=48, length=12, fpsnum=25,
                          fpsden=1, color={color}, keep=True)
{more}
clip.set_output({extra})
"""


def write_script(path, *, form="YUV420P10", color="[64 * 4, 512, 512]", more="", extra=""):
    path.write_text(SCRIPT.format(form=form, color=color, more=more, extra=extra))
    return path


@pytest.mark.slow
def test_a_script_is_an_input(tmp_path, capfd):
    more = "clip = clip.std.ModifyFrame(clip, brighter)"
    brighter = """
def brighter(n, f):
    made = f.copy()
    import numpy
    numpy.asarray(made[0])[:] = 64 * 4 + 8 * n
    made.props.update(_SARNum=16, _SARDen=15, _Transfer=1, _Primaries=1)
    return made
"""
    script = write_script(tmp_path / "in.vpy", more=brighter + more)
    encode = EncodeSettings(encoder="ffv1", pix_fmt="source")
    out = tmp_path / "out.mkv"
    report = process(script, out, process_settings(restore=SAME, encode=encode))
    assert report.frames_encoded == 12
    assert report.start.plan.clip.sample_aspect_ratio == Fraction(16, 15)
    # Once when the job is planned, once when it runs.
    assert capfd.readouterr() == ("", 2 * "a script may talk\n")
    with open_source(out) as source:
        frames = list(source)
        assert source.info.format.color.matrix == 6  # unsaid, and 48 lines
        assert source.info.format.color.primaries == 1
    assert [int(frame.planes[0][0, 0]) for frame in frames] == [256 + 8 * n for n in range(12)]
    cut = process_settings(
        restore=SAME, encode=encode, start=Fraction(21, 100), end=Fraction(36, 100)
    )
    process(script, tmp_path / "cut.mkv", cut)
    with open_source(tmp_path / "cut.mkv") as source:
        found = [int(frame.planes[0][0, 0]) for frame in source]
    assert found == [256 + 8 * n for n in (6, 7, 8)]


@pytest.mark.slow
def test_a_script_of_variable_rate_keeps_its_times(tmp_path):
    more = """
def timed(n, f):
    made = f.copy()
    made.props.update(_DurationNum=1 + n % 3, _DurationDen=50)
    return made
clip = core.std.Splice([clip[:6], clip[6:].std.AssumeFPS(fpsnum=30)], mismatch=True)
clip = clip.std.ModifyFrame(clip, timed)
"""
    script = write_script(tmp_path / "in.vpy", more=more)
    process(script, tmp_path / "out.mp4", PLAYABLE)
    steps = [Fraction(1 + n % 3, 50) for n in range(12)]
    assert read(tmp_path / "out.mp4").times == [sum(steps[:n]) for n in range(12)]


@pytest.mark.slow
def test_the_alpha_clip_of_a_script_is_kept(tmp_path):
    extra = "alpha=core.std.BlankClip(clip, format=vs.GRAY8, color=77)"
    script = write_script(tmp_path / "in.vpy", form="RGB24", color="[10, 20, 30]", extra=extra)
    out = tmp_path / "out" / "%02d.png"
    process(script, out, process_settings(restore=SAME))
    with av.open(str(tmp_path / "out" / "01.png")) as picture:
        found = next(picture.decode(video=0)).to_ndarray()
    assert [int(value) >> 8 for value in found[0, 0]] == [10, 20, 30, 77]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import vapoursynth\n1 / 0\n", "line 2: ZeroDivisionError: division by zero"),
        ("import vapoursynth\nx = (\n", "SyntaxError"),
        ("import sys\nsys.exit(3)\n", "SystemExit"),
        ("import vapoursynth\n", "no video"),
        (
            SCRIPT.format(
                form="YUV420P8",
                color="[0, 0, 0]",
                more="clip = clip.std.SetFieldBased(2)",
                extra="",
            ),
            "deinterlace",
        ),
        (
            SCRIPT.format(
                form="YUV420P8",
                color="[0, 0, 0]",
                extra="",
                more="clip = core.std.Splice([clip, clip[:3].resize.Point(32, 32)], mismatch=True)",
            ),
            "size of this clip varies",
        ),
        (
            SCRIPT.format(
                form="YUV420P8",
                color="[0, 0, 0]",
                extra="",
                more="whole = clip\ndef f(n):\n    assert n < 4, 'too far'\n    return whole\n"
                "clip = clip.std.FrameEval(f)",
            ),
            "a filter of the script .* fails: .*too far",
        ),
    ],
)
def test_a_script_that_fails_is_one_clear_line(tmp_path, text, said):
    (tmp_path / "in.vpy").write_text(text)
    with pytest.raises(MediaError, match=said) as caught:
        process(tmp_path / "in.vpy", tmp_path / "out.mkv", chosen())
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["in.vpy"]


@pytest.mark.parametrize(
    ("prop", "said"),
    [
        ("_Matrix='rec709'", "invalid literal"),
        ("_Matrix=[1, 1]", "TypeError"),
        ("_SARNum=[4, 3]", "TypeError"),
        ("_Range=b'x'", "invalid literal"),
        ("_Primaries=1e30", "_Primaries of this clip is 10"),
        ("_Transfer=10**15", "_Transfer of this clip is 10"),
    ],
)
def test_a_property_of_the_wrong_kind_is_one_clear_line(tmp_path, prop, said):
    more = f"clip = clip.std.SetFrameProps({prop})"
    script = write_script(tmp_path / "in.vpy", more=more)
    with pytest.raises(MediaError, match=rf"^the output of the script .*{said}") as caught:
        process(script, tmp_path / "out.mkv", chosen())
    assert "\n" not in str(caught.value)


def test_a_script_takes_no_choices_and_must_be_there(tmp_path):
    script = write_script(tmp_path / "in.vpy")
    with pytest.raises(SettingsError, match="opens its input itself"):
        open_input(script, chosen(rate=Fraction(24)).read, Notes())
    with pytest.raises(MediaError, match="no file"):
        open_input(tmp_path / "no.vpy", chosen().read, Notes())
    with (
        pytest.raises(MediaError, match="no frames between"),
        open_input(script, chosen().read, Notes()) as clip,
    ):
        clip.frames(Fraction(100), None)
