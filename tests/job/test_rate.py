import itertools

import pytest

from vs_gendrpix.job import rate as bound
from vs_gendrpix.job.rate import Waits


class Clock:
    def __init__(self):
        self.now = 0.0

    def perf_counter(self):
        return self.now


@pytest.mark.parametrize(
    ("seconds", "named"),
    [
        ({"decoded": 3, "results": 1, "restored": 4, "encode": 1}, "decode"),
        ({"decoded": 1, "results": 3, "restored": 4, "encode": 1}, "compute"),
        # Where encoding is slow, both others wait for room, and neither for the other.
        ({"decoded": 0, "results": 0, "restored": 0.1, "encode": 4}, "encode"),
        ({"decoded": 2, "results": 1, "restored": 1, "encode": 4}, "encode"),
    ],
)
def test_the_slowest_part_is_named(monkeypatch, seconds, named):
    clock, waits = Clock(), Waits()
    monkeypatch.setattr(bound, "time", clock)
    for what, length in seconds.items():
        with waits.on(what):
            clock.now += length
    assert waits.bound == named


def test_the_time_until_an_item_is_there_counts_and_the_time_after_does_not(monkeypatch):
    clock, waits = Clock(), Waits()
    monkeypatch.setattr(bound, "time", clock)

    def slow():
        for number in range(3):
            clock.now += 1
            yield number

    for number, expected in zip(waits.for_each("decoded", slow()), itertools.count(), strict=False):
        clock.now += 100
        assert number == expected
    assert waits._seconds == {"decoded": 3}
