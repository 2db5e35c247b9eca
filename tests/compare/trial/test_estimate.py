"""The cost of the whole job, of what its parts took, and in words."""

import pytest

from vs_gendrpix.compare.trial.estimate import Cost, in_time, of_whole


def test_the_whole_takes_as_long_and_as_much_a_frame():
    assert of_whole([Cost(frames=10, seconds=5, size=2000)], 25) == (12.5, 5000)


def test_keyframes_are_larger_and_few():
    stills = [Cost(frames=1, seconds=9, size=size) for size in (900, 1100)]
    second = Cost(frames=11, seconds=22, size=1000 + 10 * 50)
    assert of_whole([*stills, second], 250) == (500, 1000 + 249 * 50)
    assert of_whole([*stills, second], 251) == (502, 2000 + 249 * 50)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.2, "about 1 s"),
        (89, "about 89 s"),
        (95, "about 2 min"),
        (89 * 60, "about 89 min"),
        (5400, "about 1.5 h"),
        (200_000, "about 2.3 days"),
    ],
)
def test_time_in_words(seconds, said):
    assert in_time(seconds) == said
