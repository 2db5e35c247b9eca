"""`gendrpix try`: its page, its lines, its errors."""

import re

import numpy as np
import pytest

from benchmarks.try_clips import drawn, noisy, write
from tests.clips import make_clip
from tests.compare.test_command import data_of, pixels
from vs_gendrpix.cli.main import main

image = pytest.importorskip("PIL.Image", reason="the extra `evaluation` is not installed")
pytest.importorskip("cv2", reason="the extra `evaluation` is not installed")


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
    out = capsys.readouterr().out.splitlines()
    assert re.match(r"Noise: [56]\.\d of 255, strong \(a clean clip has under 1.5\)", out[0])
    assert out[-1] == str(page)
    assert [line.split(":")[0] for line in out if line.startswith("Recommended")] == ["Recommended"]
    data = data_of(page)
    assert data["names"] == ["my tape.mkv", "default", "vhs (recommended)", "gentle", "base"]
    assert data["trial"]["right"] == 2
    assert [": ".join(each) for each in data["trial"]["findings"]] == out[:12]
    assert data["trial"]["lead"].startswith("Recommended: vhs (its filters take off noise")
    first, *_ = data["trial"]["notes"]
    assert re.search(r"Frames 0 to 3 are single .* others are 1 s from 0\.\d\d s on by", first)
    ways = data["trial"]["ways"]
    expected = f"gendrpix-video '{clip}' 'my tape_restored.mkv' --pre-filter vhs -s 1.5"
    assert ways[1]["command"] == expected
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
def test_one_picture_is_tried_too(tmp_path, capsys):
    image.fromarray(drawn(0, size=(64, 64)).astype(np.uint8)).save(tmp_path / "a.png")
    assert main(["try", str(tmp_path / "a.png"), "-o", str(tmp_path / "p.html")]) == 0
    out = capsys.readouterr().out
    assert "a_restored/%06d.png" in out
    assert "size not estimated" in out
    assert data_of(tmp_path / "p.html")["frames"] == 1


@pytest.mark.parametrize(
    ("given", "code", "said"),
    [
        (["none.mp4"], 3, "none.mp4"),
        (["text.mp4"], 3, "text.mp4"),
        (["-", "-o", "p.html"], 2, "a pipe cannot be tried"),
        (["a.mp4", "-o", "p.mp4"], 2, "is HTML"),
        (["a.mp4", "-o", "there.html"], 4, "overwrite (-y)"),
        (["a.mp4", "-d", "cuda:77"], 6, "cuda:77"),
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
