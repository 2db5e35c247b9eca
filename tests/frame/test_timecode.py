from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vs_gendrpix.frame.timecode import at_rate, moved

RATES = [Fraction(24000, 1001), Fraction(24), Fraction(25), Fraction(30000, 1001), Fraction(60)]
DROP = [Fraction(30000, 1001), Fraction(60000, 1001)]


def numbers(rate, minutes, mark):
    """Every number of so many minutes, one after the other, by the rule of ST 12-1 itself."""
    left_out = {0, 1} if rate < 40 else {0, 1, 2, 3}
    for minute in range(minutes):
        for second in range(60):
            for frame in range(round(rate)):
                dropped = mark == ";" and second == 0 and minute % 10 and frame in left_out
                if not dropped:
                    yield f"00:{minute:02}:{second:02}{mark}{frame:02}"


@pytest.mark.parametrize(
    ("rate", "mark"), [*((rate, ":") for rate in RATES), *((rate, ";") for rate in DROP)]
)
def test_counting_frame_by_frame_gives_the_same(rate, mark):
    known = list(numbers(rate, 21, mark))
    first = known[0]
    for count in [0, 1, 2, 1797, 1798, 1799, 1800, 1801, 3597, 3598, 17981, 17982, 17983, 19780]:
        assert moved(first, count, rate) == known[count]
    for begin in range(0, len(known) - 2000, 997):
        assert moved(known[begin], 1999, rate) == known[begin + 1999]


@given(
    st.integers(0, 2_500_000),
    st.integers(0, 2_500_000),
    st.sampled_from(RATES + DROP),
    st.booleans(),
)
def test_two_moves_are_one(first, second, rate, drop):
    begin = "10:00:00;00" if drop and rate in DROP else "10:00:00:00"
    there = moved(begin, first, rate)
    assert moved(there, second, rate) == moved(begin, first + second, rate)


def test_a_day_has_an_end():
    assert moved("23:59:59:24", 1, Fraction(25)) == "00:00:00:00"
    assert moved("23:59:59;29", 1, Fraction(30000, 1001)) == "00:00:00;00"
    assert moved("00:00:00;00", 107892 * 24 + 5, Fraction(30000, 1001)) == "00:00:00;05"


@pytest.mark.parametrize("text", ["", "nonsense", "01:00:00", "01:60:00:00", "01:00:00:25"])
def test_what_is_no_timecode_of_this_rate_is_refused(text):
    assert moved(text, 0, Fraction(25)) is None
    assert moved("01:00:00:00", 0, Fraction(0)) is None


@pytest.mark.parametrize(
    ("timecode", "was", "now", "wanted"),
    [
        ("01:02:03:22", 25, 25, "01:02:03:22"),
        ("01:02:03:22", 25, 50, "01:02:03:44"),
        ("01:02:03:44", 50, 25, "01:02:03:22"),
        ("01:01:00;02", DROP[0], DROP[1], "01:01:00;04"),
        ("01:02:03;10", DROP[0], RATES[0], "01:02:03:08"),
        ("01:02:03:110", 120, 60, "01:02:03:55"),
    ],
)
def test_the_same_moment_at_another_rate(timecode, was, now, wanted):
    assert at_rate(timecode, Fraction(was), Fraction(now)) == wanted
