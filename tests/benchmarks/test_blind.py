"""Blind pairs: nothing but the key tells a side, and answers are counted by it."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks import blind
from benchmarks.crops import SIZE, Crop
from tests.clips import make_clip

RIVAL = np.uint8(200)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_model: Path) -> Path:
    """Pairs of two places and two models. The rival is a grey that no model gives."""
    good = tmp_path / "data" / "video" / "good"
    good.mkdir(parents=True)
    make_clip(good / "a.mp4", size=(360, 360), times=(0,))
    places = [Crop(clip="a.mp4", frame=0, left=x, top=0, scale=4, kind="grass") for x in (8, 16)]
    other = [Crop(clip="a.mp4", frame=0, left=0, top=0, scale=1, kind="sky")]
    monkeypatch.setattr(blind, "CROPS", (*places, *other))

    def grey(low, scale):
        height, width = (side * scale for side in low.shape[-2:])
        return low.new_full((1, 3, height, width), int(RIVAL) / 255)

    monkeypatch.setattr(blind, "peer", lambda *_: grey)
    given = ["pairs", "--shared", str(tmp_path), "--scales", "4", "-d", "cpu", "--seed", "1"]
    models = [f"one={small_model}", f"two={small_model}"]
    out = tmp_path / "out"
    assert blind.main([*given, "--models", *models, "--out", str(out)]) == 0
    return out


@pytest.mark.slow
def test_the_key_alone_tells_the_sides(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = json.loads((folder / "key.json").read_text())
    pictures = sorted((folder / "pictures").iterdir())
    assert [path.stem for path in pictures] == sorted(key) == ["000", "001", "002", "003"]
    height, width = (side * 3 // 2 for side in SIZE)
    for path in pictures:
        with Image.open(path) as image:
            pixels = np.asarray(image)
        assert pixels.shape == (height, 2 * width + blind.GAP, 3)
        sides = {"left": pixels[:, :width], "right": pixels[:, -width:]}
        greys = [side for side, part in sides.items() if (part == RIVAL).all()]
        assert greys == [side for side in sides if key[path.stem][side] == blind.RIVAL]
    pairs = {(pair["place"], pair["left"], pair["right"]) for pair in key.values()}
    assert {frozenset(names) - {blind.RIVAL} for _, *names in pairs} == {
        frozenset({"one"}),
        frozenset({"two"}),
    }
    sides = {pair["left"] == blind.RIVAL for pair in key.values()}
    assert sides == {True, False}

    answers = folder / "answers.txt"
    ones = [number for number, pair in key.items() if "one" in pair.values()]
    lines = []
    for number, pair in key.items():
        if number == ones[0]:
            lines.append(f"{number} = the same")
        else:
            side = "L" if pair["left"] != blind.RIVAL else "R"
            lines.append(f"{number} {side}2 crisper")
    answers.write_text("\n".join(lines) + "\nthanks\n")
    assert blind.main(["count", str(folder)]) == 0
    counted = capsys.readouterr().out
    assert "one: 1 of 2, general-wdn 0, neither 1" in counted
    assert "two: 2 of 2, general-wdn 0, neither 0" in counted
    answers.write_text("\n".join(lines[1:]))
    assert blind.main(["count", str(folder)]) == 2
    assert "no line for 000" in capsys.readouterr().err
    answers.write_text("\n".join([*lines, "007 L"]))
    assert blind.main(["count", str(folder)]) == 2
    assert "007, which is none" in capsys.readouterr().err


def test_errors_are_one_line_and_a_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert blind.main(["count", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith("blind.py: cannot read")
    for models in (["tiny", "tiny"], ["general-wdn=tiny"]):
        given = ["pairs", "--shared", str(tmp_path), "-d", "cpu", "--out", str(tmp_path / "out")]
        assert blind.main([*given, "--models", *models]) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1
