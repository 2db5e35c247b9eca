"""`gendrpix try`: its page, its lines, its errors."""

import re
import shlex
from types import SimpleNamespace

import av
import numpy as np
import pytest

from benchmarks.try_clips import drawn, noisy, write
from tests.changing import make_changing_clip
from tests.clips import make_clip
from tests.compare.test_command import data_of, pixels
from tests.compare.test_progress import seen_on_a_terminal
from tests.libav.test_filters import moving, woven
from vs_gendrpix.cli import video
from vs_gendrpix.cli.main import main
from vs_gendrpix.errors import cancellation
from vs_gendrpix.frame.area import Area
from vs_gendrpix.frame.notes import PROGRESS, Notes
from vs_gendrpix.job.open import open_input
from vs_gendrpix.job.plan import make_plan
from vs_gendrpix.settings import ReadSettings

pytest.importorskip("cv2", reason="the extra `evaluation` is not installed")

from tests.compare.trial.test_candidates import having
from vs_gendrpix.compare.destination import in_bytes
from vs_gendrpix.compare.progress import Counted
from vs_gendrpix.compare.trial import command
from vs_gendrpix.compare.trial.candidates import candidates
from vs_gendrpix.compare.trial.estimate import in_time, of_whole
from vs_gendrpix.compare.trial.findings import findings
from vs_gendrpix.compare.trial.look import look
from vs_gendrpix.compare.trial.places import places

image = pytest.importorskip("PIL.Image", reason="the extra `evaluation` is not installed")


@pytest.fixture
def small_scale(monkeypatch):
    """Results of twice the size at most, so that a test is short."""
    monkeypatch.setattr("vs_gendrpix.compare.trial.candidates.LINES", 96)


@pytest.mark.slow
@pytest.mark.usefixtures("nearest_engine", "small_scale")
def test_a_page_compares_ways_to_restore_a_clip(tmp_path, capsys):
    pictures = noisy([drawn(each, size=(64, 64)) for each in range(40)], 6)
    clip = write(tmp_path / "my tape.mkv", pictures)
    page = tmp_path / "p.html"
    assert main(["try", str(clip), "-o", str(page)]) == 0
    told = capsys.readouterr()
    out, lines = (
        told.out.splitlines(),
        [each for each in told.err.splitlines() if "restoring" in each],
    )
    assert re.fullmatch(r"gendrpix try: restoring frame 1/116, .*, \d+ s left", lines[0])
    assert lines[-1].startswith("gendrpix try: restoring frame 116/116, ")
    assert re.match(r"Noise: [56]\.\d of 255, strong \(a clean clip has under 1.5\)", out[1])
    assert out[-1] == str(page)
    assert [line.split(":")[0] for line in out if line.startswith("Recommended")] == ["Recommended"]
    assert out[0].startswith("Looking at ")
    announced = next(n for n, line in enumerate(out) if line.startswith("Restoring 4 frames and a"))
    first, left, *others = out[announced + 1 : -1]
    assert first.startswith("default (about ")
    assert left.startswith(f"The other {len(others)} ways take about ")
    data = data_of(page)
    assert data["names"] == ["my tape.mkv", "default", "vhs (recommended)", "gentle", "base"]
    assert data["trial"]["right"] == 2
    assert [": ".join(each) for each in data["trial"]["findings"]] == out[1:13]
    assert data["trial"]["lead"].startswith("Recommended: vhs (its filters take off noise")
    first, *_ = data["trial"]["notes"]
    assert re.search(
        r"Frames 0 to 3 are single .* others are 1\.00 s of it from 0\.\d\d s on: by", first
    )
    ways = data["trial"]["ways"]
    expected = f"gendrpix-video '{clip}' 'my tape_restored.mkv' --pre-filter vhs -s 1.5"
    assert ways[1]["command"] == expected
    assert [way["side"] for way in ways] == [1, 2, 3, 4]
    assert [way["recommended"] for way in ways] == [False, True, False, False]
    assert ways[3]["why"].startswith("the other model, base")
    assert [len(caption.split(" \u00b7 ")) for caption in data["captions"][1:]] == [3] * 4
    assert data["captions"][2].startswith("--pre-filter vhs -s 1.5 \u00b7 about ")
    assert data["facts"][2]["picture"] == "96x96"
    assert data["facts"][2]["command"] == expected
    assert (data["facts"][2]["time of the whole"], data["facts"][2]["size of the whole"]) == (
        ways[1]["time"],
        ways[1]["size"],
    )
    assert all(re.match(r"about \d+ (s|min)", way["time"]) for way in ways)
    assert all(re.match(r"about [\d.]+ (kB|MB)", way["size"]) for way in ways)
    numbers = [card["number"] for card in data["shown"]]
    assert numbers[:4] == [0, 1, 2, 3]
    assert len(numbers) == 8
    assert data["frames"] == 4 + 25
    times = [card["time"] for card in data["shown"]]
    assert [round(25 * each, 2) % 1 for each in times] == [0] * 8, "when a frame is shown"
    assert data["facts"][0]["frames"] == "40"
    for card, time in zip(data["shown"], times, strict=True):
        true = pictures[round(time * 25)]
        for side in (0, 3):  # the clip, and what is restored without a filter
            shown = np.asarray(image.fromarray(pixels(card["pictures"][side])).resize((64, 64)))
            assert np.abs(shown.astype(float) - true).mean() < 12, "a picture of that moment"
    flicker = data["measures"][1]["curves"][2]
    assert flicker[:5] == [None] * 5, "single frames do not follow one another"
    assert all(value is not None for value in flicker[5:])
    assert sorted(each.name for each in tmp_path.iterdir()) == ["my tape.mkv", "p.html"]


@pytest.mark.slow
@pytest.mark.usefixtures("nearest_engine", "small_scale")
def test_one_picture_is_tried_too_and_a_terminal_shows_a_bar(tmp_path, capsys):
    image.fromarray(drawn(0, size=(64, 64)).astype(np.uint8)).save(tmp_path / "a.png")
    given = ["try", str(tmp_path / "a.png"), "-o", str(tmp_path / "p.html")]
    ended, seen = seen_on_a_terminal(lambda: main(given))
    assert ended == 0
    assert b"restoring: 100%" in seen
    assert b"3/3" in seen
    assert b"restoring frame" not in seen
    out = capsys.readouterr().out
    assert "a_restored/%06d.png" in out
    assert "size not estimated" in out
    data = data_of(tmp_path / "p.html")
    assert data["frames"] == 1
    assert data["trial"]["notes"][0] == "Frame 0 is the only one"


@pytest.mark.parametrize(
    ("given", "code", "said"),
    [
        (["none.mp4"], 3, "none.mp4"),
        (["text.mp4"], 3, "text.mp4"),
        (["-", "-o", "p.html"], 2, "a pipe cannot be tried"),
        (["a.mp4", "-o", "p.mp4"], 2, "is HTML"),
        (["a.mp4", "-o", "there.html"], 4, "overwrite (-y)"),
        (["a.mp4", "-d", "cuda:77"], 6, "cuda:77"),
        (["a.mp4", "-o", "no/p.html"], 4, "cannot write"),
    ],
)
def test_what_cannot_be_is_one_line_and_nothing_is_left(
    given, code, said, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    make_clip(tmp_path / "a.mp4", times=[0])
    (tmp_path / "text.mp4").write_text("no video")
    (tmp_path / "there.html").write_text("mine")
    before = sorted(tmp_path.iterdir())
    assert main(["try", *given]) == code
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before


def test_the_time_that_is_left_is_told_by_frames_and_not_by_the_loading_before(monkeypatch, caplog):
    clock = [0]
    monkeypatch.setattr("vs_gendrpix.job.rate.time", SimpleNamespace(monotonic=lambda: clock[0]))
    with caplog.at_level(PROGRESS, "vs_gendrpix"), Counted("restoring", 0) as counted:
        told = command._Told(counted)
        counted.expect(10)
        for start, end in ((60, 62), (90, 100)):
            clock[0] = start
            told.start(None)
            clock[0] = end
            told.frame(1, "compute")
    assert caplog.messages == [
        "restoring frame 1/10, 2.0 s/frame, 18 s left",
        "restoring frame 2/10, 20.0 s/frame, 160 s left",
    ]


def test_what_was_restored_is_gone_when_the_process_must_end_at_once():
    with command._scratch() as folder:
        (folder / "0.mkv").write_bytes(b"a picture")
        assert cancellation.abandon()
        assert not folder.exists()


def test_a_clip_whose_picture_changes_is_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    make_changing_clip(tmp_path / "a.nut", "mpeg2video", [(64, 48)] * 3 + [(96, 64)])
    assert main(["try", "a.nut"]) == 3
    assert "to 96x64 YUV 4:2:0 of 8 bits at 0.120 s: cut" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["a.nut"]


@pytest.mark.slow
@pytest.mark.usefixtures("nearest_engine", "small_scale")
def test_a_clip_whose_picture_changes_is_tried_as_its_commands_say(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    make_changing_clip(tmp_path / "a.nut", "mpeg2video", [(64, 48)] * 9 + [(96, 64)] * 9)
    assert main(["try", "a.nut", "--on-change", "scale"]) == 0
    out = capsys.readouterr().out
    commands = [line for line in out.splitlines() if "gendrpix-video" in line]
    assert len(commands) >= 3
    assert all("--on-change scale" in line for line in commands)


@pytest.mark.slow
@pytest.mark.usefixtures("nearest_engine", "small_scale")
def test_fields_in_hdr_are_tried_as_the_job_makes_them_and_the_second_may_be_short(
    tmp_path, monkeypatch
):
    """Each field becomes a frame of the output: by these all estimates count."""
    monkeypatch.setattr(command, "LONGEST", 0)
    shortened, times = command._shortened, []

    def counted(*given):
        times.append(given)
        return shortened(*given)

    monkeypatch.setattr(command, "_shortened", counted)
    options = {"x264-params": "tff=1:transfer=smpte2084:colorprim=bt2020:colormatrix=bt2020nc"}
    pictures = [np.repeat(each[..., None], 3, axis=2) for each in woven(list(moving(60)))]
    path = write(tmp_path / "a.mkv", pictures, codec="libx264", options=options)
    with open_input(path, ReadSettings(), Notes()) as clip:
        seen = look(clip)
    found = findings(seen)
    ways = candidates(found, model="tiny", device="auto")
    tried, chosen = command._try_all(path, ways, places(seen), tmp_path, print)
    for each in tried:
        counts = [part.cost.frames for part in each.parts]
        assert counts == [2, 2, 2, 2, 6]
        seconds, size = of_whole([part.cost for part in each.parts], 60)
        assert (each.time, each.bytes) == (in_time(seconds), f"about {in_bytes(size)}")
    assert len(times) == 1, "all ways show the same frames"
    with av.open(str(tried[0].parts[4].path)) as made:
        context = made.streams.video[0].codec_context
        assert (context.color_trc, context.pix_fmt) == (16, "yuv420p10le")
    note, *_ = command._told(found, tried, chosen, 1)["notes"]
    assert re.search(
        r"others are 0\.12 s of it from .* \(no more, as a frame takes long here\): by", note
    )


@pytest.mark.slow
@pytest.mark.usefixtures("nearest_engine", "small_scale")
def test_a_script_of_two_frames_is_tried_without_a_word_if_it_is_to_be_quiet(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.vpy").write_text(
        "import vapoursynth as vs\n"
        "vs.core.std.BlankClip(width=64, height=64, format=vs.YUV420P8, length=2,"
        " color=[90, 128, 128]).set_output()\n"
    )
    ended, seen = seen_on_a_terminal(lambda: main(["try", "a.vpy", "-q"]))
    assert ended == 0
    assert (seen, capsys.readouterr().out) == (b"", "")
    data = data_of(tmp_path / "a.html")
    assert data["frames"] == 4
    assert (
        "Frames 0 to 1 are single frames of the clip; the others are 0.08 s of it from 0.00 s"
        in (data["trial"]["notes"][0])
    )
    assert data["trial"]["ways"][0]["command"] == "gendrpix-video a.vpy a_restored.mkv -s 1.5"


@pytest.mark.slow
@pytest.mark.usefixtures("nearest_engine", "small_scale")
def test_of_a_damaged_clip_the_page_is_replaced_and_the_damage_told_once(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    frames = [b"FRAME\n" + bytes([level]) * (64 * 48 * 3 // 2) for level in range(100, 103)]
    content = b"YUV4MPEG2 W64 H48 F25:1 C420jpeg\n" + b"".join(frames)
    (tmp_path / "cut.y4m").write_bytes(content[:-1000])
    (tmp_path / "cut.html").write_text("an older one")
    assert main(["try", "cut.y4m", "-y"]) == 1
    told = capsys.readouterr()
    assert told.out.splitlines()[-1] == "cut.html"
    assert told.err.count("the input is damaged") == 1
    assert told.err.count("does not say its colour matrix") == 1
    assert data_of(tmp_path / "cut.html")["names"][0] == "cut.y4m"


@pytest.mark.parametrize(
    "found",
    [
        {"noise": 2},
        {"noise": 5, "picture": Area(width=640, height=264, x=0, y=48)},
        {"blocking": 2, "height": 1080, "width": 1920},
    ],
)
def test_the_command_under_each_way_says_its_settings(tmp_path, found):
    make_clip(tmp_path / "it's a tape.mp4", times=[0, 512])
    path = tmp_path / "it's a tape.mp4"
    plan = make_plan(path, tmp_path / "out.mkv")
    ways, _ = candidates(having(**found), model="tiny", device="cpu")
    for way in ways:
        program, *given = shlex.split(command._command(path, plan, way))
        options = video.COMMAND.parser(program).parse(given)
        assert video.settings(options) == way.settings
        assert given[0] == str(path)
        assert options.output == "it's a tape_restored.mkv"


@pytest.mark.parametrize(
    ("name", "count", "output"),
    [
        ("scan_%03d.png", 3, "scan_restored.mkv"),
        ("%03d.png", 3, "film_restored.mkv"),
        ("alone.png", 1, "alone_restored/%06d.png"),
    ],
)
def test_pictures_become_a_film_and_one_picture_a_picture(tmp_path, name, count, output):
    folder = tmp_path / "film"
    folder.mkdir()
    for number in range(count):
        picture = image.fromarray(drawn(0, size=(64, 64)).astype(np.uint8))
        picture.save(folder / (name % number if "%" in name else name))
    way, *_ = candidates(having(), model="tiny", device="auto")[0]
    plan = make_plan(folder / name, tmp_path / "whole.mkv")
    words = shlex.split(command._command(folder / name, plan, way))
    assert words == ["gendrpix-video", str(folder / name), output]
