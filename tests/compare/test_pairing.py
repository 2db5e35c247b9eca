"""Which frames belong together."""

from fractions import Fraction

import pytest

from vs_gendrpix.compare.pairing import by_number, by_time


def stream(name, times):
    return ((Fraction(str(time)), f"{name}{number}") for number, time in enumerate(times))


def paired(*times):
    streams = [stream(name, given) for name, given in zip("abc", times, strict=False)]
    return ["".join(pair) for pair in by_time(streams)]


@pytest.mark.parametrize(
    ("others", "pairs"),
    [
        ((0, 0.04, 0.08), ["a0b0", "a1b1", "a2b2"]),
        ((0, 0.042, 0.083), ["a0b0", "a1b1", "a2b2"]),  # rounded to milliseconds, or a little late
        ((0, 0.02, 0.04, 0.06, 0.08, 0.1), ["a0b0", "a1b2", "a2b4"]),  # fields made to frames
        ((0, 0.08), ["a0b0", "a1b0", "a2b1"]),  # a repeated frame left out
        ((0, 0.04), ["a0b0", "a1b1"]),  # what ends first ends it
        ((0,), ["a0b0"]),  # a picture
        ((), []),
    ],
)
def test_frames_are_paired_with_what_is_shown_at_their_time(others, pairs):
    assert paired((0, 0.04, 0.08), others) == pairs


def test_three_streams_end_with_the_shortest():
    assert paired((0, 1, 2, 3), (0, 1, 2), (0, 1)) == ["a0b0c0", "a1b1c1"]


def test_numbers_know_no_time():
    streams = [stream("a", (0, 1, 2)), stream("b", (0, 7))]
    assert list(by_number(streams)) == [["a0", "b0"], ["a1", "b1"]]
