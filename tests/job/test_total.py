"""The number of frames that a run says it will write."""

from fractions import Fraction

import pytest

from tests.clips import UNEVEN, make_clip
from tests.nearest import settings
from vs_gendrpix import process
from vs_gendrpix.job.progress import Progress

pytestmark = pytest.mark.usefixtures("nearest_engine")

EVEN = tuple(512 * n for n in range(60))
LONG_UNEVEN = tuple(sorted(base + 8000 * n for n in range(5) for base in UNEVEN))


class Totals(Progress):
    """What is expected at each frame."""

    def __init__(self):
        self.total, self.heard = 0, []

    def start(self, start):
        self.total = start.frames
        self.heard.append((0, self.total))

    def expect(self, total):
        self.total = total

    def frame(self, count, _bound):
        self.heard.append((count, self.total))


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts", "avi"])
@pytest.mark.parametrize("times", [EVEN, LONG_UNEVEN], ids=["even", "uneven"])
@pytest.mark.parametrize(
    "part",
    [
        {"end": Fraction(777, 1000)},
        {"start": Fraction(333, 1000), "end": Fraction(1111, 1000)},
        {"preview": Fraction(41, 100)},
        {},
    ],
    ids=["end", "both", "preview", "all"],
)
def test_the_total_of_a_part_is_right_from_the_start(tmp_path, suffix, times, part):
    if suffix == "avi" and times is LONG_UNEVEN:
        pytest.skip("an AVI has no such times")
    make_clip(tmp_path / f"in.{suffix}", times=times, options={"g": "12"})
    totals = Totals()
    report = process(
        tmp_path / f"in.{suffix}", tmp_path / "out.mkv", settings(**part), progress=totals
    )
    assert {total for _, total in totals.heard} == {report.frames_encoded}


@pytest.mark.slow
@pytest.mark.parametrize("graph", ["select=not(mod(n\\,3))", "fps=60", "select=lt(n\\,20)"])
def test_the_total_follows_a_filter_that_drops_or_adds(tmp_path, graph):
    make_clip(tmp_path / "in.mp4", times=tuple(512 * n for n in range(200)), options={"g": "50"})
    totals = Totals()
    report = process(
        tmp_path / "in.mp4", tmp_path / "out.mkv", settings(pre_filter=graph), progress=totals
    )
    assert all(count <= total for count, total in totals.heard)
    assert totals.total == report.frames_encoded
    if "mod" in graph:  # long before the end
        halfway = totals.heard[len(totals.heard) // 2][1]
        assert halfway < 100
