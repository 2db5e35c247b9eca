"""Which ways are tried, which one is recommended, and the options that say each."""

from fractions import Fraction

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
