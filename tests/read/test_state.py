"""An input that is replaced, or still being written, while it is read."""

import os

import pytest

from tests.clips import make_clip
from tests.nearest import AtFrame, settings
from vs_gendrpix import process
from vs_gendrpix.read.opening import STDIN
from vs_gendrpix.read.state import InputState
from vs_gendrpix.settings import ReadSettings


def grow(path):
    with path.open("ab") as file:
        file.write(b"more")


def replace(path):
    other = path.with_name("other")
    other.write_bytes(path.read_bytes())
    os.utime(other, (1, 1))
    other.replace(path)


@pytest.mark.usefixtures("nearest_engine")
@pytest.mark.parametrize(
    ("spoil", "said"),
    [(grow, "has changed while"), (replace, "bytes of 1970"), (os.unlink, "is gone by now")],
)
def test_an_input_that_changes_is_said(tmp_path, spoil, said):
    path = tmp_path / "in.mp4"
    make_clip(path)
    spoiling = AtFrame(3, lambda: spoil(path))
    report = process(path, tmp_path / "out.mp4", settings(), progress=spoiling)
    assert report.exit_code == 1
    assert said in report.warnings[-1]
    assert (tmp_path / "out.mp4").exists()


@pytest.mark.usefixtures("nearest_engine")
def test_pictures_that_are_added_are_said(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(1, 6):
        make_clip(
            folder / f"{number:03d}.png",
            codec="png",
            container="image2",
            pix_fmt="rgb24",
            times=(0,),
        )
    added = AtFrame(3, lambda: (folder / "006.png").write_bytes((folder / "005.png").read_bytes()))
    report = process(folder, tmp_path / "out.mp4", settings(), progress=added)
    assert (report.exit_code, report.frames_encoded) == (1, 5)
    assert "was 5 files of" in report.warnings[-1]


def test_a_pipe_has_no_state(tmp_path):
    assert InputState.of(STDIN, ReadSettings()) is None
    assert InputState.of(tmp_path / "missing", ReadSettings()) is None
