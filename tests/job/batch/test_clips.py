import os
from pathlib import Path

import av
import pytest
from PIL import Image

from tests.clips import add_audio, make_clip
from vs_gendrpix.errors import MediaError, OutputError, SettingsError
from vs_gendrpix.job.batch.clips import Target, find_clips, is_batch
from vs_gendrpix.read.opening import has_video


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where the clips lie; paths are relative to it, as users type them."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def make(*names):
    """Clips of these names."""
    for name in names:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        make_clip(path.with_suffix(".mp4"), times=(0, 512))
        path.with_suffix(".mp4").rename(path)


def make_pictures(pattern, count=2):
    Path(pattern).parent.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        Image.new("RGB", (16, 16)).save(pattern % number)


def found(*inputs, target=None):
    """The outputs by their inputs."""
    clips = find_clips([Path(each) for each in inputs], target or Target(folder=Path("out")))
    return {str(clip.source): str(clip.output) for clip in clips}


@pytest.mark.usefixtures("folder")
def test_the_tree_below_a_folder_is_kept():
    make("in/b.mp4", "in/a.b.mov", "in/reel 1/c.mp4", "in/reel 1/deep/d.mp4")
    make_pictures("in/scan.2/%04d.png")
    assert found("in") == {
        "in/a.b.mov": "out/a.b.mkv",
        "in/b.mp4": "out/b.mkv",
        "in/reel 1/c.mp4": "out/reel 1/c.mkv",
        "in/reel 1/deep/d.mp4": "out/reel 1/deep/d.mkv",
        "in/scan.2": "out/scan.2.mkv",
    }


@pytest.mark.usefixtures("folder")
def test_of_several_folders_the_names_are_kept_too():
    make("a/1.mp4", "b/1.mp4", "2.mp4")
    make_pictures("c/%d.png")
    assert list(found("a", "./b/", "2.mp4", "c").values()) == [
        "out/a/1.mkv",
        "out/b/1.mkv",
        "out/2.mkv",
        "out/c.mkv",
    ]


def test_a_folder_is_found_from_within(folder, monkeypatch):
    make("in/a.mp4")
    make_pictures("in/scan/%d.png")
    monkeypatch.chdir(folder / "in")
    assert found(".", target=Target(folder=Path("../out"))) == {
        "a.mp4": "../out/a.mkv",
        "scan": "../out/scan.mkv",
    }
    monkeypatch.chdir("scan")
    assert found(".") == {".": "out/scan.mkv"}


@pytest.mark.usefixtures("folder")
def test_a_clip_is_what_opens_with_a_video():
    make("in/no extension", "in/odd.bin", "in/upper.MP4")
    Path("in/broken.mov").write_text("a broken one is told, not passed over")
    Path("in/notes.txt").write_text("just words\n" * 200)
    Path("in/list.m3u8").write_text("#EXTM3U\n#EXTINF:1,\nodd.bin\n#EXT-X-ENDLIST\n")
    Path("in/script.vpy").write_text("raise SystemExit('a folder was made to run this')")
    Path("in/empty").touch()
    Path("in/cover.jpg").write_bytes(b"")
    Image.new("RGB", (16, 16)).save("in/still", format="png")
    os.mkfifo("in/pipe")
    with av.open("in/sound.m4a", "w") as output:
        add_audio(output)()
    assert list(found("in")) == ["in/broken.mov", "in/no extension", "in/odd.bin", "in/upper.MP4"]


@pytest.mark.usefixtures("folder")
def test_what_lies_beside_outputs_and_what_is_hidden_is_passed_over():
    make("in/a.mp4")
    for name in (
        *(".hidden.mp4", "b.mkv.part", "b.mkv.1234abcd.part", ".trash/c.mp4"),
        *("b.mkv.job/segment.mkv", "d.1234abcd.old/1.mkv", "e.mkv.lock"),
    ):
        path = Path("in", name)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(Path("in/a.mp4").read_bytes())
    assert list(found("in")) == ["in/a.mp4"]


@pytest.mark.usefixtures("folder")
def test_outputs_in_the_input_folder_are_no_inputs():
    make("in/a.mp4", "in/out/a.mkv", "in/sub/out/b.mp4")
    inside = Target(folder=Path("in/out"))
    assert list(found("in", target=inside)) == ["in/a.mp4", "in/sub/out/b.mp4"]
    Path("link").symlink_to("in")
    assert list(found("link", target=inside)) == ["link/a.mp4", "link/sub/out/b.mp4"]
    with pytest.raises(OutputError, match="is the input"):
        found("in", target=Target(folder=Path("link")))


@pytest.mark.usefixtures("folder")
def test_links_to_folders_are_not_followed_but_those_to_clips_are():
    make("in/a.mp4", "else/b.mp4")
    Path("in/loop").symlink_to(".")
    Path("in/b.mp4").symlink_to("../else/b.mp4")
    assert list(found("in")) == ["in/a.mp4", "in/b.mp4"]


@pytest.mark.usefixtures("folder")
def test_pictures_get_a_folder_for_each_clip_and_reports_a_tree_of_their_own():
    make("in/sub/a.mp4")
    target = Target(folder=Path("out"), suffix=".exr", reports=Path("reports"))
    (clip,) = find_clips([Path("in")], target)
    assert str(clip.output) == "out/sub/a/%06d.exr"
    assert str(clip.report) == "reports/sub/a.json"


@pytest.mark.usefixtures("folder")
def test_files_that_are_named_are_clips_whatever_they_are():
    make_pictures("shots/take1.%04d.png")
    make_pictures("scan/%04d.png")
    assert found("missing.mp4", "notes.txt", "shots/take1.%04d.png", "scan/%04d.png") == {
        "missing.mp4": "out/missing.mkv",
        "notes.txt": "out/notes.mkv",
        "shots/take1.%04d.png": "out/take1.mkv",
        "scan/%04d.png": "out/scan.mkv",
    }


@pytest.mark.parametrize("place", ["in", "in/sub"])
@pytest.mark.usefixtures("folder")
def test_a_folder_with_both_pictures_and_clips_is_refused(place):
    make(f"{place}/a.mp4")
    make_pictures(f"{place}/%d.png")
    with pytest.raises(MediaError, match=rf"{place} holds both .*'a.mp4'.*{place}/\*\.mp4"):
        found("in")


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("inputs", "output", "several"),
    [
        (["a.mp4"], "out.mp4", False),
        (["a.mp4"], "out/%06d.png", False),
        (["a.mp4"], "-", False),
        (["-"], "out.mkv", False),
        (["scan"], "out.mp4", False),
        (["a.mp4", "b.mp4"], "out", True),
        (["clips"], "out", True),
        (["clips"], "out.mp4", True),  # refused later: there is no such folder
        (["a.mp4"], "out", True),
        (["a.mp4"], "out.d/", True),
        (["a.mp4"], "there.d", True),
        (["scan"], "out", True),
    ],
)
def test_several_clips_or_one(inputs, output, several):
    make("a.mp4", "clips/a.mp4")
    make_pictures("scan/%d.png")
    Path("there.d").mkdir()
    assert is_batch([Path(each) for each in inputs], output, pictures=False) == several


@pytest.mark.usefixtures("folder")
def test_one_clip_as_pictures_has_a_folder_of_its_own_as_before():
    make("a.mp4", "clips/a.mp4")
    assert not is_batch([Path("a.mp4")], "out", pictures=True)
    assert is_batch([Path("clips")], "out", pictures=True)


@pytest.mark.parametrize(("inputs", "output"), [(["a", "-"], "out"), (["a", "b"], "-")])
def test_a_pipe_is_for_one_clip(inputs, output):
    with pytest.raises(SettingsError, match="one clip alone"):
        is_batch([Path(each) for each in inputs], output, pictures=False)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("target", "said"),
    [
        (Target(folder=Path("file")), "outputs of several clips need a folder: file is a file"),
        (Target(folder=Path("out"), reports=Path("file")), "reports of several clips"),
        (Target(folder=Path("out.mp4")), "give a folder, not out.mp4"),
    ],
)
def test_the_outputs_need_a_folder(target, said):
    Path("file").touch()
    with pytest.raises(OutputError, match=said):
        target.check()


def test_a_folder_named_like_a_file_may_be_there(tmp_path):
    (tmp_path / "out.mp4").mkdir()
    Target(folder=tmp_path / "out.mp4").check()


def test_a_still_is_no_video(tmp_path):
    Image.new("RGB", (16, 16)).save(tmp_path / "x", format="tiff")
    assert not has_video(tmp_path / "x")
