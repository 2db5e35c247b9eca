"""Clips whose damage is known: what is said of each is what was set."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from benchmarks.try_clips import drawn, write
from benchmarks.try_findings import found_in
from tests.clips import EVEN, make_clip
from vs_gendrpix.settings import ReadSettings

pytest.importorskip("cv2", reason="the extra `evaluation` is not installed")

from vs_gendrpix.compare.trial.candidates import candidates
from vs_gendrpix.compare.trial.findings import Findings, findings
from vs_gendrpix.compare.trial.look import look
from vs_gendrpix.compare.trial.places import places
from vs_gendrpix.frame.area import Area
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.job.open import open_input
from vs_gendrpix.read.look.fields import Scan

PICTURES = [drawn(number) for number in range(12)]
OTHER = [drawn(number, seed=9) for number in range(12)]


def said(path, *names):
    texts = {each.name: each.text for each in found_in(path).said}
    return [texts[name] for name in names]


def test_each_is_found_where_it_was_set(tmp_path):
    path = write(tmp_path / "a.mkv", PICTURES[:6], graph="pad=iw:ih+48:0:24")
    assert found_in(path).picture == Area(width=160, height=120, x=0, y=24)
    write(path, [*PICTURES[:4], *OTHER[4:8]])
    assert said(path, "Cuts", "Bars", "Colour", "Frame rate") == [
        "1 in the 8 frames that were looked at",
        "none",
        "yes",
        "25 frames/s, even",
    ]
    twice = [each for each in PICTURES[:4] for _ in range(2)]
    write(path, twice, graph="hue=s=0,format=yuv420p")
    repeats, colour = said(path, "Repeats", "Colour")
    assert repeats == "4 of 7 frames repeat the one before (57 %)"
    assert colour.startswith("none, it is black and white")
    assert said(path, "Compression") == ["its codec does not tell how much it has taken away"]
    write(path, PICTURES[:6], codec="libx264", options={"qp": "45"})
    assert "of 255, strong" in said(path, "Compression")[0]
    write(path, PICTURES[:6], times=[40 * each + 15 * (each % 3) for each in range(6)])
    assert said(path, "Frame rate")[0].startswith("varies: 10 to 55 ms from frame to frame")


def test_a_black_clip_and_a_dark_scene_are_no_bars(tmp_path):
    black = [np.zeros_like(PICTURES[0])] * 3
    found = found_in(write(tmp_path / "black.mkv", black))
    assert (found.noise, found.softness, found.picture) == (None, None, None)
    dark = [each.copy() for each in PICTURES[:3]]
    for each in dark:
        each[:, :60] = 0
    assert found_in(write(tmp_path / "dark.mkv", dark)).picture is None


def test_four_frames_are_taken_of_four_scenes_and_none_is_black(tmp_path):
    scenes = [[drawn(each, seed=seed) for each in range(8)] for seed in (1, 4, 9, 7)]
    dark = [np.zeros_like(PICTURES[0])] * 5
    path = write(tmp_path / "a.mkv", [*scenes[0], *dark, *scenes[1], *scenes[2], *scenes[3]])
    with open_input(path, ReadSettings(), Notes()) as clip:
        seen = look(clip)
    assert seen.cuts == 4
    *frames, second = places(seen)
    numbers = [round(float(place.start * 25) + 0.25) for place in frames]
    begins = (0, 13, 21, 29)
    assert [max(b for b in begins if b <= number) for number in numbers] == list(begins)
    assert not any(8 <= number < 13 for number in numbers)
    assert second.end - second.start == 1


def test_of_a_clip_that_is_mostly_black_the_rest_is_shown(tmp_path):
    shown, black = [0.2 * each for each in PICTURES], [np.zeros_like(PICTURES[0])] * 36
    path = write(tmp_path / "a.mkv", [*black[:24], *shown, *black])
    with open_input(path, ReadSettings(), Notes()) as clip:
        *frames, second = places(look(clip))
    assert len(frames) == 4
    assert all(24 / 25 <= place.moment < 36 / 25 for place in [*frames, second])


def test_fields_sound_and_hdr_are_said(tmp_path):
    path = tmp_path / "a.mkv"
    make_clip(path, size=(64, 64), times=EVEN[:3], audio="flac", pix_fmt="yuv420p10le", prepare=_pq)
    with open_input(path, ReadSettings(), Notes()) as clip:
        seen = look(clip)
    words = {each.name: each.text for each in findings(seen).said}
    assert words["Scan"] == "progressive, whole frames"
    assert words["Sound"] == "1 stream (flac stereo), carried over"
    assert words["HDR"] == "PQ in 10 bits, kept as it is"
    tape = Scan(kind="interlaced", order="bff", flagged=False)
    film = Scan(kind="telecined", order="auto", flagged=True)
    for scan, said in (
        (tape, "interlaced, bottom field first, though the file does not say so; a frame is made"),
        (film, "telecined; it becomes 24 frames/s"),
    ):
        text = {each.name: each.text for each in findings(replace(seen, scan=scan)).said}["Scan"]
        assert text.startswith(said)


def _pq(_output, stream):
    stream.codec_context.color_trc = 16


def test_a_frame_within_a_fade_is_not_taken(tmp_path):
    with open_input(write(tmp_path / "a.mkv", PICTURES), ReadSettings(), Notes()) as clip:
        seen = look(clip)
    textures = [(3.0, False), (9.0, True), (5.0, False)] * 4
    samples = tuple(
        replace(each, texture=texture, fades=fades)
        for each, (texture, fades) in zip(seen.samples, textures, strict=True)
    )
    *frames, _ = places(replace(seen, samples=samples))
    assert [round(25 * place.moment) for place in frames] == [2, 5, 8, 11]


def having(**found):
    usual = {
        "width": 640,
        "height": 360,
        "rate": Fraction(30),
        "frames": 100,
        "noise": 0.5,
        "blocking": 1.0,
        "rounding": 9.0,
        "softness": 1.0,
        "kind": "progressive",
        "picture": None,
        "grey": False,
        "said": (),
    }
    return Findings(**{**usual, **found})


@pytest.mark.parametrize(
    ("found", "best", "options"),
    [
        ({}, "default", ""),
        ({"softness": 0.5}, "gentle", "--strength 0.6"),
        ({"noise": None, "blocking": None, "softness": None}, "default", ""),
        ({"blocking": 1.5, "noise": 9}, "old_web", "--pre-filter old_web"),
        ({"rounding": 100, "softness": 0.5}, "old_web", "--pre-filter old_web"),
        ({"rounding": 40, "softness": 0.5}, "default", ""),
        ({"rounding": 40, "noise": 2, "rate": Fraction(24)}, "default", ""),
        ({"rounding": None, "softness": 0.5}, "gentle", "--strength 0.6"),
        ({"noise": 5}, "vhs", "--pre-filter vhs"),
        ({"noise": 5, "rate": Fraction(24)}, "film_16mm", "--pre-filter film_16mm"),
        ({"noise": 5, "grey": True}, "silent_film", "--pre-filter silent_film"),
        ({"noise": 2, "kind": "telecined"}, "grain", "--grain 1"),
        ({"noise": 2}, "default", ""),
        ({"softness": 0.5, "height": 1080, "width": 1920}, "gentle", "-s 2 --strength 0.6"),
        ({"height": 4320, "width": 7680}, "default", "-s 1"),
        (
            {"picture": Area(width=640, height=264, x=0, y=48)},
            "default",
            "--crop 640:264:0:48 --keep-bars",
        ),
    ],
)
def test_the_rule(found, best, options):
    ways, chosen = candidates(having(**found), model="tiny", device="auto")
    assert chosen == best
    assert [way.options for way in ways if way.name == best] == [options]
    assert 3 <= len(ways) <= 5
    assert len({way.options for way in ways}) == len(ways)
