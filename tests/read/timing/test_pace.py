"""The rate of a clip, and times that a container has rounded."""

from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.clips import TICK, UNEVEN, make_clip
from vs_gendrpix.read.source import open_source
from vs_gendrpix.read.timing.pace import USUAL, has_fields_apart, pace_of

NONE = Fraction(0)
FILM = Fraction(24000, 1001)
FIELD = Fraction(1001, 60000)


def stated(times, tick, guessed=NONE, average=NONE):
    return pace_of(times, Fraction(tick), guessed=guessed, average=average)


def rounded(rate, count=300, tick=Fraction(1, 1000), start=0):
    return [round((start + n / rate) / tick) for n in range(count)]


@pytest.mark.parametrize("rate", [rate for rate in USUAL if rate < 200], ids=str)
@pytest.mark.parametrize("tick", [Fraction(1, 1000), Fraction(1, 90000), Fraction(1, 600)], ids=str)
def test_rounded_times_become_those_of_the_rate(rate, tick):
    if rate * tick > Fraction(1, 5):
        pytest.skip("so coarse a clock could hide a varying rate")
    times = rounded(rate, tick=tick, start=Fraction(7, 1000), count=400)
    found = stated(times, tick)
    assert found.rate == rate
    steps = set(np.diff([found.at(time) for time in times]))
    assert len(steps) == 1
    assert steps.pop() * found.time_base == 1 / rate
    worst = max(abs(found.at(time) * found.time_base - time * tick) for time in times)
    assert worst <= 2 * tick


def test_missing_frames_leave_a_gap():
    times = rounded(FILM)
    del times[100:103]
    found = stated(times, Fraction(1, 1000))
    steps = np.diff([found.at(time) for time in times])
    assert sorted(set(steps)) == [1001, 4 * 1001]


@given(st.lists(st.integers(20, 60), min_size=20, max_size=60), st.integers(0, 40))
def test_a_varying_rate_stays_as_it_is(gaps, first):
    times = [first, *(first + np.cumsum([20, 60, 31, *gaps])).tolist()]
    found = stated(times, Fraction(1, 1000))
    assert [found.at(time) for time in times] == times
    assert found.time_base == Fraction(1, 1000)


@pytest.mark.parametrize(
    ("step", "tick", "guessed", "average", "rate"),
    [
        (2400, Fraction(1, 60000), 25, 60000, 25),  # DV
        (2, Fraction(1, 50), 25, 50, 25),  # GXF counts fields
        (1, Fraction(1, 25), 25, Fraction(25, 2), 25),  # MXF that is cut off
        (3001, Fraction(1, 90000), 0, 0, Fraction(90000, 3001)),
    ],
)
def test_the_frames_own_spacing_decides(step, tick, guessed, average, rate):
    times = range(0, 40 * step, step)
    found = stated(times, tick, Fraction(guessed), Fraction(average))
    assert (found.rate, found.time_base) == (rate, tick)


def test_without_times_the_guess_counts_unless_it_is_a_clock():
    assert stated([], 1, Fraction(25), Fraction(60000)).rate == 25
    assert stated([], 1, Fraction(25600), Fraction(25)).rate == 25
    assert stated([0], 1, Fraction(25600), NONE).rate == 0


def test_a_varying_rate_is_told_on_average():
    times = [0, 30, 90, 100, 180, 200]
    assert stated(times, Fraction(1, 1000), Fraction(60)).rate == 25
    assert stated(times, Fraction(1, 1000), Fraction(60), Fraction(251, 10)).rate == Fraction(
        251, 10
    )


@pytest.mark.parametrize("tick", [Fraction(1, 90000), Fraction(1, 1000)])
def test_film_for_two_and_three_fields_is_even(tick):
    shown = [Fraction(5 * (n // 2) + 3 * (n % 2)) * FIELD for n in range(400)]
    found = stated([round(time / tick) for time in shown], tick, Fraction(30000, 1001))
    assert (found.rate, found.soft_telecine, found.counted) == (FILM, True, Fraction(30000, 1001))
    times = [found.at(round(time / tick)) * found.time_base for time in shown]
    assert set(np.diff(times)) == {1 / FILM}
    assert max(abs(a - b) for a, b in zip(times, shown, strict=True)) <= FIELD


def test_film_and_video_in_turn_stays_as_it_is():
    """A DVD whose extras are video: 30 frames a second there."""
    fields = [3, 2] * 60 + [2] * 120 + [3, 2] * 60
    times = [round(Fraction(int(n)) * FIELD * 90000) for n in np.cumsum([0, *fields])]
    found = stated(times, Fraction(1, 90000), Fraction(30000, 1001))
    assert not found.soft_telecine
    assert [found.at(time) for time in times] == times


def test_a_matroska_file_of_23_976_is_even(tmp_path):
    make_clip(tmp_path / "in.mkv", times=[round(n / FILM / TICK) for n in range(100)])
    with open_source(tmp_path / "in.mkv") as source:
        times = [frame.timing.pts * frame.timing.time_base for frame in source]
    assert set(np.diff(times)) == {1 / FILM}
    assert (times[0], source.info.average_rate, source.info.frames) == (0, FILM, 100)


def test_a_matroska_file_of_varying_rate_stays_as_it_is(tmp_path):
    make_clip(tmp_path / "in.mkv", times=[time for time in UNEVEN if time not in {1801, 4100}])
    with av.open(str(tmp_path / "in.mkv")) as clip:
        wanted = [picture.pts for picture in clip.decode(video=0)]
    with open_source(tmp_path / "in.mkv") as source:
        assert [frame.timing.pts for frame in source] == wanted


@pytest.mark.parametrize(
    ("order", "step", "apart"), [(2, 1800, True), (2, 3600, False), (1, 1800, False)]
)
def test_fields_in_packets_of_their_own_are_told_from_frames(order, step, apart):
    """A broadcast of 25 frames in 50 fields a second, and one of 50 frames."""
    found = stated(range(0, 90000, step), Fraction(1, 90000), Fraction(25))
    assert has_fields_apart(found, Fraction(25), order) is apart
