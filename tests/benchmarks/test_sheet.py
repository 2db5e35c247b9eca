"""The sheet of crops: its command, on a clip of ours."""

from pathlib import Path

import pytest
from PIL import Image

from benchmarks import sheet
from benchmarks.crops import SIZE, Crop
from tests.clips import make_clip
from vs_gendrpix.evaluation.sheet import GAP, HEAD


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one clip, of which the sheet shows two places."""
    good = tmp_path / "data" / "video" / "good"
    good.mkdir(parents=True)
    make_clip(good / "a.mp4", size=(360, 360), times=(0, 512))
    places = [Crop(clip="a.mp4", frame=1, left=8, top=0, scale=s, kind="grass") for s in (4, 1)]
    monkeypatch.setattr(sheet, "CROPS", tuple(places))
    return tmp_path


@pytest.mark.slow
def test_whole_crops_as_png_and_parts_as_jpeg(
    shared: Path, small_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    png, jpeg = shared / "a.png", shared / "a.jpg"
    given = ["--shared", str(shared), "--models", f"ours={small_model}", "-d", "cpu"]
    assert sheet.main([*given, "--out", str(png), str(jpeg)]) == 0
    for path, (height, width) in ((png, SIZE), (jpeg, sheet.PART)):
        with Image.open(path) as image:
            down = HEAD + height + GAP
            assert image.size == (3 * (width + GAP) - GAP, HEAD + 2 * down - GAP)
    said = capsys.readouterr().err
    assert "no general-wdn" in said
    assert "no x4plus" in said


def test_errors_are_one_line_and_a_code(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--shared", str(shared), "-d", "cpu", "--out", str(shared / "absent" / "a.png")]
    assert sheet.main(given) == 4
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("sheet.py: cannot write the sheet")
