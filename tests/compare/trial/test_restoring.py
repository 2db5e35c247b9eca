"""A place is restored as the whole job restores it; of a slow machine the second is shortened."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from ffmpeg_filters import apply
from tests.clips import make_clip
from tests.job.segments.jobs import frames_of
from tests.libav.test_filters import moving, write
from tests.nearest import LOSSLESS, settings
from vs_gendrpix import process
from vs_gendrpix.errors import MediaError, cancellation
from vs_gendrpix.job.plan import make_plan
from vs_gendrpix.job.progress import Progress

pytest.importorskip("cv2", reason="the extra `evaluation` is not installed")

from vs_gendrpix.compare.trial.command import _shortened
from vs_gendrpix.compare.trial.estimate import Cost
from vs_gendrpix.compare.trial.places import Place
from vs_gendrpix.compare.trial.restoring import Restored, Restoring

pytestmark = pytest.mark.usefixtures("nearest_engine")
STEP = Fraction(1, 25)


def place(first, count):
    start = (first - Fraction(1, 4)) * STEP
    return Place(moment=first * STEP, start=start, end=start + count * STEP)


@pytest.mark.slow
@pytest.mark.parametrize(
    "given",
    [
        {},
        {"pre_filter": "film_16mm"},
        {"deinterlace": "bwdif"},
        # How many frames around one it needs is not known: some are read in any case.
        {"pre_filter": "tmidequalizer=radius=4"},
    ],
)
def test_the_frames_of_a_place_are_those_of_the_whole_job(tmp_path, given):
    source, chosen = tmp_path / "in.mkv", settings(2, LOSSLESS, **given)
    make_clip(source, times=[512 * number for number in range(30)])
    process(source, tmp_path / "whole.mkv", chosen)
    whole = [pixels for _, pixels in frames_of(tmp_path / "whole.mkv")]
    per = len(whole) // 30  # a frame is made of each field
    with Restoring(make_plan(source, tmp_path / "never.mkv", chosen), tmp_path) as restoring:
        for first, count in ((0, 1), (14, 5), (29, 1)):
            made = restoring.restore(place(first, count), Progress())
            found = [pixels for _, pixels in frames_of(made.path)]
            expected = whole[per * first : per * (first + count)]
            assert len(found) == made.cost.frames == len(expected)
            assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))
            assert made.cost.size == made.path.stat().st_size
        with pytest.raises(MediaError, match=r"at 9\.0 s"):
            restoring.restore(place(225, 1), Progress())


@pytest.mark.slow
def test_of_telecined_film_a_place_of_one_frame_holds_one(tmp_path):
    """A frame of the film is longer than one of the clip, and may begin behind it."""
    film = apply("telecine=first_field=top:pattern=23", moving(24), pix_fmt="gray", rate=24)
    write(tmp_path / "in.mp4", list(film), 30)
    plan = make_plan(tmp_path / "in.mp4", tmp_path / "never.mkv", settings(1, deinterlace="ivtc"))
    with Restoring(plan, tmp_path) as restoring:
        for first in range(10, 15):
            start = (first - Fraction(1, 4)) / 30
            chosen = Place(moment=start, start=start, end=start + Fraction(1, 30))
            assert restoring.restore(chosen, Progress()).cost.frames == 1


@pytest.fixture
def _heard():
    """The request to end that a test makes is forgotten behind it."""
    cancellation.reset()
    yield
    cancellation.reset()


@pytest.mark.usefixtures("_heard")
def test_a_trial_may_be_ended_between_its_parts(tmp_path):
    """To give a part its name is no end of the work, as it is of a job."""
    make_clip(tmp_path / "in.mkv")
    plan = make_plan(tmp_path / "in.mkv", tmp_path / "never.mkv", settings(1))
    with Restoring(plan, tmp_path) as restoring:
        restoring.restore(place(2, 1), Progress())
        cancellation.request(130)
        with pytest.raises(cancellation.Cancelled):
            restoring.restore(place(4, 1), Progress())


@pytest.mark.parametrize(("seconds", "frames"), [(0.1, 25), (8, 15), (100, 6)])
def test_the_second_is_shortened_to_what_two_minutes_allow(tmp_path, seconds, frames):
    make_clip(tmp_path / "in.mkv")
    plan = make_plan(tmp_path / "in.mkv", tmp_path / "never.mkv", settings(2))
    took = Restored(path=tmp_path, cost=Cost(frames=1, seconds=seconds, size=1))
    short = _shortened(place(7, 25), [took, took], plan)
    assert short == replace(place(7, 25), end=place(7, frames).end)
