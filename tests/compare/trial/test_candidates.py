"""Which ways are tried, which one is recommended, and the options that say each."""

import re
from fractions import Fraction
from pathlib import Path

import pytest

pytest.importorskip("cv2", reason="the extra `evaluation` is not installed")

from vs_gendrpix.compare.trial.candidates import candidates
from vs_gendrpix.compare.trial.findings import Findings
from vs_gendrpix.frame.area import Area


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
        ({"height": 576}, "default", "-s 3.75"),
        ({"height": 590}, "default", "-s 3.5"),
        ({"rounding": 40, "noise": 5}, "vhs", "--pre-filter vhs"),
        ({"rounding": 63.9, "blocking": 1.39}, "default", ""),
        ({"noise": 5, "rate": Fraction(24000, 1001)}, "film_16mm", "--pre-filter film_16mm"),
        ({"noise": 5, "rate": Fraction(25)}, "vhs", "--pre-filter vhs"),
        ({"noise": 5, "kind": "telecined"}, "film_16mm", "--pre-filter film_16mm"),
        ({"noise": 2, "grey": True, "softness": 0.5}, "default", ""),
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


@pytest.mark.parametrize(
    ("found", "added"),
    [
        ({}, []),
        ({"noise": 2}, ["grain"]),
        ({"noise": 2, "rounding": 40}, []),
        ({"noise": 2, "blocking": 1.3}, []),
        ({"noise": 5}, ["vhs"]),
        ({"noise": 5, "grey": True, "rate": Fraction(24)}, ["silent_film"]),
        ({"noise": 2, "blocking": 1.4}, ["old_web"]),
    ],
)
def test_the_ways_that_are_tried(found, added):
    ways, _ = candidates(having(**found), model="tiny", device="auto")
    assert [way.name for way in ways] == ["default", *added, "gentle", "base", "twice"]
    middle, _ = candidates(having(**found, height=576), model="tiny", device="auto")
    assert middle[-1].name == "twice"
    large, _ = candidates(having(**found, height=1080, width=1920), model="base", device="auto")
    assert [way.name for way in large] == ["default", *added, "gentle", "tiny"]


def test_the_guide_advises_for_a_webcam_what_is_tried_and_recommended():
    """As what `webcam_man_640x428_bt601.mov` is found to be, of which the page has a picture."""
    found = having(width=640, height=428, noise=0.1, blocking=1.07, rounding=5, softness=0.56)
    ways, best = candidates(found, model="tiny", device="auto")
    guide = (Path(__file__).parents[3] / "docs" / "materials.md").read_text(encoding="utf-8")
    section = guide.split("## A phone or webcam clip")[1].split("\n## ")[0]
    advised = set(re.findall(r"gendrpix-video clip\.mov clip\.mp4 (.*)", section))
    tried = {way.options: way.name for way in ways}
    assert {tried[options] for options in advised} == {"twice", best}
    large, _ = candidates(having(width=1920, height=1080), model="tiny", device="auto")
    assert large[0].options == "-s 2"
    assert "A clip of 1080 lines `try` makes twice as large" in section


def test_each_way_differs_in_one_thing_and_says_why():
    found = having(noise=2, picture=Area(width=640, height=264, x=0, y=48))
    ways, _ = candidates(found, model="tiny", device="cuda:1")
    usual, *others = [way.options for way in ways]
    assert usual == "--crop 640:264:0:48 -d cuda:1 --keep-bars"
    for way, option in zip(others, ("--grain 1", "--strength 0.6", "-m base", "-s 2"), strict=True):
        assert option in way
        assert way.replace(f" {option}", "") == usual
    whys = {way.name: way.why for way in ways}
    assert (
        whys["base"] == "the other model, base: more texture above 2.5 times the size, calmer below"
    )
    ways, _ = candidates(found, model="base", device="cuda:1")
    whys |= {way.name: way.why for way in ways}
    assert whys["tiny"] == "the other model, tiny: firmer outlines"
    assert len(set(whys.values())) == len(whys)
