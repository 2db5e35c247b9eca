"""Clips whose damage is known: what is said of each is what was set."""

import re
from dataclasses import replace
from math import nextafter

import numpy as np
import pytest

from benchmarks.try_clips import drawn, write
from benchmarks.try_findings import found_in
from tests.clips import EVEN, make_clip
from vs_gendrpix.settings import ReadSettings

pytest.importorskip("cv2", reason="the extra `evaluation` is not installed")

from vs_gendrpix.compare.trial.damage import Damage
from vs_gendrpix.compare.trial.findings import findings
from vs_gendrpix.compare.trial.look import look
from vs_gendrpix.frame.area import Area
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.job.open import open_input
from vs_gendrpix.read.look.fields import Scan

PICTURES = [drawn(number) for number in range(12)]
OTHER = [drawn(number, seed=9) for number in range(12)]


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """What is seen of a small clip, of which a test replaces what it sets."""
    path = write(tmp_path_factory.mktemp("seen") / "a.mkv", PICTURES[:3])
    with open_input(path, ReadSettings(), Notes()) as clip:
        return look(clip)


def texts(seen):
    return {each.name: each.text for each in findings(seen).said}


def damaged(seen, **measured):
    """What was seen, with other damage in its three frames; the middle one counts."""
    nothing = Damage(noise=None, blocking=None, softness=None)
    values = [
        replace(nothing, **{name: factor * value for name, value in measured.items()})
        for factor in (0, 1, 50)
    ]
    samples = (
        replace(sample, damage=each) for sample, each in zip(seen.samples, values, strict=True)
    )
    return replace(seen, samples=tuple(samples))


@pytest.mark.parametrize(
    ("name", "field", "grade", "limits", "words"),
    [
        ("Noise", "noise", "noisy", (1.5, 4), ("clean", "some", "strong")),
        ("Blocking", "blocking", "compressed", (1.2, 1.4), ("none or hidden", "slight", "strong")),
        ("Compression", "rounding", "compressed", (28, 64), ("light", "visible", "strong")),
        ("Softness", "softness", "soft", (0.8, 1.2), ("sharp", "a little soft", "soft")),
    ],
)
def test_the_word_fits_the_limits_and_the_number_beside_it(seen, name, field, grade, limits, words):
    for number, limit in enumerate(limits):
        for value, strength in (
            (nextafter(limit, 0), number),
            (0.99 * limit, number),
            (limit, number + 1),
            (1.01 * limit, number + 1),
        ):
            if field == "rounding":
                found = findings(replace(damaged(seen), rounding=value))
            else:
                found = findings(replace(damaged(seen, **{field: value}), rounding=None))
            assert getattr(found, grade) == strength
            text = {each.name: each.text for each in found.said}[name]
            shown = float(re.search(r"[\d.]+", text)[0])
            assert f", {words[strength]} (" in text
            assert sum(shown >= each for each in limits) == strength, text
            assert shown == pytest.approx(value, rel=0.06)


def test_a_number_has_no_more_digits_than_it_needs(seen):
    some = replace(damaged(seen, noise=1.463, blocking=1.034, softness=0.794), rounding=27.4)
    assert [text.split(",")[0] for text in list(texts(some).values())[:4]] == [
        "1.46 of 255",
        "steps at the edges of blocks are 1.03 times those beside them",
        "its codec has rounded by steps of 27 of 255",
        "the sharpest edges are blurred by 0.79 pixels",
    ]


@pytest.mark.parametrize(
    ("repeats", "share"), [(0, "0 %"), (1, "0.3 %"), (99, "34 %"), (286, "99.7 %"), (287, "100 %")]
)
def test_the_share_of_repeats_tells_some_from_none_and_from_all(seen, repeats, share):
    found = texts(replace(seen, repeats=repeats, steps=287))
    assert found["Repeats"] == f"{repeats} of 287 frames repeat the one before ({share})"


def test_times_that_vary_a_little_are_told_apart(seen):
    found = texts(replace(seen, spacing=(0.04, 0.04002)))["Frame rate"]
    assert found.startswith("varies: 40 to 40.02 ms from frame to frame, 25 frames/s on average")


def test_what_is_not_there_is_said_so(seen):
    one = replace(damaged(seen), info=replace(seen.info, frames=1), steps=0, rounding=None)
    found = texts(one)
    for name in ("Noise", "Blocking", "Softness"):
        assert found[name].startswith("cannot be measured, ")
    assert found["Repeats"] == found["Frame rate"] == "there is one frame"
    assert (found["Sound"], found["HDR"], found["Bars"]) == ("none", "no", "none")
    assert texts(replace(seen, info=replace(seen.info, average_rate=0)))["Frame rate"] == "unknown"


def test_bars_cuts_and_streams_are_counted(seen):
    picture = Area(width=100, height=80, x=4, y=10)
    found = texts(
        replace(seen, picture=picture, sound=("aac stereo", "ac3 5.1"), total=900, cuts=2)
    )
    assert found["Bars"] == (
        "10 rows above, 30 below, 4 columns on the left, 56 on the right: "
        "the picture is 100x80 of 160x120"
    )
    assert found["Sound"] == "2 streams (aac stereo, ac3 5.1), carried over"
    assert found["Cuts"] == "2 in the 3 frames that were looked at"


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
    film = Scan(kind="telecined", order="tff", flagged=True)
    for scan, said in (
        (tape, "interlaced, bottom field first, though the file does not say so; a frame is made"),
        (film, "telecined, top field first; it becomes 24 frames/s"),
    ):
        text = {each.name: each.text for each in findings(replace(seen, scan=scan)).said}["Scan"]
        assert text.startswith(said)


def _pq(_output, stream):
    stream.codec_context.color_trc = 16
