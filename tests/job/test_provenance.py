"""An output says what has made it, and is the same, byte for byte, when it is made again."""

from concurrent.futures import CancelledError
from dataclasses import replace
from importlib.metadata import version
from threading import Event

import av
import numpy as np
import pytest

from tests.clips import EVEN, make_clip
from tests.nearest import LOSSLESS, AtFrame, settings
from vs_gendrpix import EncodeSettings, process
from vs_gendrpix.errors import OutputError
from vs_gendrpix.job.plan import ModelFile
from vs_gendrpix.job.progress import Progress
from vs_gendrpix.job.segments import cutting
from vs_gendrpix.read.source import open_source
from vs_gendrpix.settings import ProcessSettings, StreamSettings
from vs_gendrpix.settings.option import as_flags

pytestmark = pytest.mark.usefixtures("nearest_engine")

PROGRAM = f"vs-gendrpix {version('vs-gendrpix')}"
FILES = ("out.mkv", "out.mov")
PICTURES = ("out.png", "out.tif", "out.exr", "out.dpx")


def remarked(output, _stream):
    output.metadata.update({"comment": "reel 7", "title": "A film"})


def comment_of(path):
    with av.open(str(path)) as opened:
        tags = {key.lower(): value for key, value in opened.metadata.items()}
    return tags.get("comment")


def test_the_settings_become_the_flags_of_the_command():
    assert as_flags(ProcessSettings()) == ""
    encode = EncodeSettings(encoder="libx264", crf=18, options=(("tune", "film grain"), ("b", "1")))
    chosen = settings(1.5, encode, crop=(64, 32, 0, 8), deinterlace="off", preview=0.5)
    chosen = replace_write(chosen, streams=StreamSettings(audio=False))
    assert as_flags(chosen, without={"deinterlace"}) == (
        "--preview 0.5 --crop 64:32:0:8 --scale 1.5 --encoder libx264 --crf 18 "
        "--encoder-opt 'tune=film grain' --encoder-opt b=1 --no-audio"
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_a_file_says_what_has_made_it_below_what_its_source_says(tmp_path, name):
    make_clip(tmp_path / "in.mkv", times=EVEN[:3], prepare=remarked)
    chosen = settings(1, LOSSLESS, report=tmp_path / "run.json")
    report = process(tmp_path / "in.mkv", tmp_path / name, chosen)
    assert report.warnings == ()
    model = ModelFile.of("tiny")
    remark, made = comment_of(tmp_path / name).splitlines()
    assert remark == "reel 7"
    assert made.startswith(f"{PROGRAM}, model {model.name} sha256:{model.sha256}, ")
    assert made.endswith("--encoder libx264 --crf 0 --preset ultrafast --pix-fmt yuv420p")
    assert str(tmp_path) not in made
    whole = (tmp_path / name).read_bytes()
    process(tmp_path / "in.mkv", tmp_path / name, replace_write(chosen, overwrite=True))
    assert (tmp_path / name).read_bytes() == whole
    silent = replace_write(chosen, overwrite=True, provenance=False)
    process(tmp_path / "in.mkv", tmp_path / name, silent)
    assert comment_of(tmp_path / name) == "reel 7"


def replace_write(chosen, **more):
    return replace(chosen, write=replace(chosen.write, **more))


@pytest.mark.slow
@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_says_it_where_its_format_has_a_place(tmp_path, name):
    make_clip(tmp_path / "in.mkv", times=EVEN[:3])
    paths = [tmp_path / folder / name for folder in ("one", "silent")]
    for path in paths:
        chosen = settings(1, EncodeSettings(), still=0, provenance=path.parent.name != "silent")
        process(tmp_path / "in.mkv", path, chosen)
    made, silent = (path.read_bytes() for path in paths)
    for part in (
        PROGRAM.encode(),
        b"model tiny sha256:" + ModelFile.of("tiny").sha256.encode(),
    ):
        assert part in made
        assert part not in silent
    assert np.array_equal(*(pixels(path) for path in paths))


def pixels(path):
    with open_source(path) as source:
        (frame,) = source
    return np.stack(frame.planes)


def test_a_comment_in_a_png_and_a_tiff_is_read_by_others(tmp_path):
    image = pytest.importorskip("PIL.Image")
    make_clip(tmp_path / "in.mkv", times=EVEN[:3])
    for name, read in (("a.png", lambda p: p.text["Comment"]), ("a.tif", lambda p: p.tag_v2[270])):
        process(tmp_path / "in.mkv", tmp_path / name, settings(1, EncodeSettings(), still=0))
        with image.open(tmp_path / name) as picture:
            assert read(picture).startswith(f"{PROGRAM}, model tiny sha256:")


class Size(Progress):
    """Keeps what it is told of the size."""

    def written(self, size, frames):
        self.size = size, frames


@pytest.mark.slow
def test_a_job_that_goes_on_gives_the_bytes_of_one_that_was_not_stopped(tmp_path, monkeypatch):
    name = "out.mkv"
    monkeypatch.setattr(cutting, "LENGTH", 10)
    make_clip(
        tmp_path / "in.mkv", times=[512 * n for n in range(35)], prepare=remarked, audio="aac"
    )
    chosen = settings(encode=LOSSLESS)
    told = Size()
    process(tmp_path / "in.mkv", tmp_path / "whole" / name, chosen, progress=told)
    length = (tmp_path / "whole" / name).stat().st_size
    assert told.size[0] == pytest.approx(length, rel=0.3)  # but for sound and the container
    out, asked = tmp_path / "stopped" / name, Event()
    with pytest.raises(CancelledError):
        process(tmp_path / "in.mkv", out, chosen, progress=AtFrame(15, asked.set), cancel=asked)
    with pytest.raises(OutputError, match="provenance was True, and is False"):
        process(tmp_path / "in.mkv", out, replace_write(chosen, provenance=False))
    process(tmp_path / "in.mkv", out, chosen)
    assert out.read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert comment_of(out).startswith(f"reel 7\n{PROGRAM}, model tiny")
