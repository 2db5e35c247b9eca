"""`gendrpix compare`: its page, its folder, its errors."""

import base64
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest

from tests.clips import make_clip
from tests.compare.conftest import FRAMES, WORST, codes
from vs_gendrpix.cli.main import main
from vs_gendrpix.compare.sides import names

pytest.importorskip("cv2", reason="the extra `evaluation` is not installed")
image = pytest.importorskip("PIL.Image", reason="the extra `evaluation` is not installed")


def data_of(page):
    text = page.read_text(encoding="utf-8")
    return json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1])


def pixels(address):
    kind, _, content = address.partition(",")
    assert kind == "data:image/png;base64"
    return np.asarray(image.open(io.BytesIO(base64.b64decode(content))))


def run(*given):
    return main(["compare", *map(str, given)])


def test_a_page_holds_the_frames_exactly_and_the_worst_among_them(tmp_path, clips, capsys):
    page = tmp_path / "page.html"
    assert run(*clips[:2], "-o", page, "--frames", 4) == 0
    assert capsys.readouterr().out == f"{page}\n"
    data = data_of(page)
    assert data["names"] == ["clean", "worn"]
    assert (data["frames"], data["step"], len(data["shown"])) == (FRAMES, 1, 4)
    assert WORST in {card["number"] for card in data["shown"]}
    for card in data["shown"]:
        for worn, address in enumerate(card["pictures"]):
            assert (pixels(address) == codes(card["number"], worn=bool(worn))).all()
    assert list(tmp_path.iterdir()) == [page]


def test_what_differs_in_size_is_scaled_and_said_so(tmp_path, clips):
    make_clip(tmp_path / "small.mp4")
    assert run(tmp_path / "small.mp4", clips[0], "-o", tmp_path / "p.html", "--frames", 1) == 0
    data = data_of(tmp_path / "p.html")
    assert data["size"] == {"width": 128, "height": 96}
    assert data["remarks"] == [["scaled from 64x48 to 128x96 by Lanczos"], []]
    assert pixels(data["shown"][0]["pictures"][0]).shape == (96, 128, 3)
    assert data["facts"][0]["codec"].startswith("h264")
    assert data["facts"][0]["picture"] == "64x48"


@pytest.mark.slow
def test_a_reference_is_shown_last_and_adds_its_measures(tmp_path, clips):
    clean, worn, half = clips
    assert run(worn, half, "--reference", clean, "-o", tmp_path / "p.html", "--frames", 1) == 0
    data = data_of(tmp_path / "p.html")
    assert data["names"] == ["worn", "half", "clean"]
    assert data["anchor"] == 2
    assert data["referenced"]
    names = [measure["name"] for measure in data["measures"]]
    assert names == ["SSIMULACRA2", "VMAF", "XPSNR", "difference", "flicker"]
    assert all(len(measure["curves"][0]) == FRAMES for measure in data["measures"])


def test_large_pictures_lie_in_a_folder_beside_the_page(tmp_path, clips, monkeypatch, capsys):
    monkeypatch.setattr("vs_gendrpix.compare.making.WITHIN", 0)
    page = tmp_path / "a 100% #1.html"
    assert run(*clips[:2], "-o", page) == 0
    folder = tmp_path / "a 100% #1_files"
    assert sorted(tmp_path.iterdir()) == [page, folder]
    assert len(list(folder.iterdir())) == 2 * FRAMES
    assert data_of(page)["shown"][0]["pictures"][1] == "a%20100%25%20%231_files/000001.png"
    assert (np.asarray(image.open(folder / "000001.png")) == codes(0, worn=True)).all()
    capsys.readouterr()
    assert run(*clips[:2], "-o", page) == 4
    assert "overwrite (-y)" in capsys.readouterr().err
    assert run(*clips[:2], "-o", page, "-y", "--frames", 3) == 0
    assert len(list(folder.iterdir())) == 6


def test_long_clips_are_measured_in_steps(tmp_path, clips, monkeypatch):
    monkeypatch.setattr("vs_gendrpix.compare.making.MEASURED", 4)
    assert run(*clips[:2], "-o", tmp_path / "p.html", "--frames", 2) == 0
    data = data_of(tmp_path / "p.html")
    assert (data["step"], len(data["times"]), data["frames"]) == (3, 4, FRAMES)
    for card in data["shown"]:
        assert card["number"] == 3 * card["place"]
        assert (pixels(card["pictures"][0]) == codes(card["number"])).all()


@pytest.mark.slow
def test_scripts_and_pictures_are_compared_too(tmp_path, clips):
    script = tmp_path / "a.vpy"
    script.write_text(
        "import vapoursynth as vs\n"
        "vs.core.std.BlankClip(width=128, height=96, format=vs.RGB24, length=2,"
        " color=[9, 8, 7]).set_output()\n"
    )
    picture = clips[0] / "003.png"
    alone = tmp_path / "alone.png"
    alone.write_bytes(picture.read_bytes())
    assert run(script, alone, "-o", tmp_path / "p.html") == 0
    data = data_of(tmp_path / "p.html")
    assert data["frames"] == 1
    assert data["facts"][0]["kind"] == "VapourSynth script"
    shown = [pixels(address) for address in data["shown"][0]["pictures"]]
    assert (shown[0] == (9, 8, 7)).all()
    assert (shown[1] == codes(3)).all()


def test_clips_of_unequal_length_are_compared_as_far_as_both_go(tmp_path, capsys):
    make_clip(tmp_path / "a.mp4")
    make_clip(tmp_path / "b.mp4", times=[512 * n for n in range(5)])
    assert run(tmp_path / "a.mp4", tmp_path / "b.mp4", "-o", tmp_path / "p.html") == 0
    said = "a.mp4 has 12 frames, but they have 5 in common"
    assert said in capsys.readouterr().err
    assert data_of(tmp_path / "p.html")["notes"][0].startswith(said)


def test_a_picture_is_turned_as_a_player_turns_it(tmp_path):
    make_clip(tmp_path / "flat.mp4", times=[0])
    make_clip(
        tmp_path / "turned.mp4",
        times=[0],
        prepare=lambda _, stream: stream.set_display_rotation(90),  # counterclockwise
    )
    given = tmp_path / "turned.mp4", tmp_path / "flat.mp4"
    assert run(given[0], given[0], "-o", tmp_path / "p.html") == 0
    turned = pixels(data_of(tmp_path / "p.html")["shown"][0]["pictures"][0])
    assert run(given[1], given[1], "-o", tmp_path / "q.html") == 0
    flat = pixels(data_of(tmp_path / "q.html")["shown"][0]["pictures"][0])
    assert turned.shape == (64, 48, 3)
    assert (turned == np.rot90(flat)).all()


def test_damage_is_told_and_the_page_is_made_all_the_same(tmp_path, capsys):
    frames = [b"FRAME\n" + bytes([level]) * (64 * 48 * 3 // 2) for level in range(100, 112)]
    content = b"YUV4MPEG2 W64 H48 F25:1 C420jpeg\n" + b"".join(frames)
    (tmp_path / "whole.y4m").write_bytes(content)
    (tmp_path / "cut.y4m").write_bytes(content[:-1000])
    assert run(tmp_path / "cut.y4m", tmp_path / "whole.y4m", "-o", tmp_path / "p.html") == 1
    assert "the input is damaged" in capsys.readouterr().err
    assert data_of(tmp_path / "p.html")["frames"] in {11, 12}


def test_no_clip_is_written_over(tmp_path, clips, capsys):
    inside = tmp_path / "p_files"
    inside.mkdir()
    (inside / "000000.png").write_bytes((clips[0] / "000.png").read_bytes())
    assert run(clips[0], inside, "-o", tmp_path / "p.html", "-y") == 4
    assert "holds the input" in capsys.readouterr().err
    assert len(list(inside.iterdir())) == 1


def test_clips_of_one_name_are_told_apart():
    paths = [Path("a/in.mp4"), Path("b/in.mp4"), Path("c\n.mp4")]
    assert names(paths) == ["a/in.mp4", "b/in.mp4", "c .mp4"]


@pytest.mark.parametrize(
    ("given", "code", "said"),
    [
        (["A", "-o", "p.html"], 2, "1 clips cannot be compared: name 2 to 6 in all"),
        ([*["A"] * 6, "--reference", "B", "-o", "p.html"], 2, "7 clips cannot be compared"),
        (["A", "B", "-o", "p.mp4"], 2, "is HTML"),
        (["A", "B", "-o", "p.html", "--frames", "0"], 2, "use 1 or more"),
        (["A", "-", "-o", "p.html"], 2, "a pipe cannot be compared"),
        (["A", "none.mp4", "-o", "p.html"], 3, "none.mp4"),
        (["A", "B", "-o", "no/p.html"], 4, "cannot write"),
    ],
)
def test_what_cannot_be_is_one_line_and_nothing_is_left(
    given, code, said, tmp_path, clips, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    named = {"A": str(clips[0]), "B": str(clips[1])}
    assert run(*[named.get(each, each) for each in given]) == code
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
