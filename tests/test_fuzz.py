"""Mutants of clips end in 0, 1 or 3, with a file or without one, and leave nothing behind."""

import pytest

from benchmarks.faults.fuzz import run_mutants

ONCE_WRONG = {
    122: "AAC that lost its header after MP4 had begun to take the headers off",
    329: "an FFV1 header that its decoder does not take: PyAV crashed",
    519: "sound without a format",
    1009: "a FLAC header that MP4 refuses at the end",
    1489: "the same, with chapters",
    1684: "AC-3 whose first packet MP4 drops, with damage in the picture",
    1900: "the same, without",
    100690: "sound that damage has put before the picture",
    201722: "a picture that a flipped bit has put 13 hours away, which QuickTime cannot say",
    710060: "an AVI whose frames last 97 hours, which QuickTime cannot say",
    101537: "sound that goes back in time, whose end an edit list leaves out",
}
"""Mutants that have ended otherwise, and why."""


def faults(folder, numbers, *, network):
    return [run for run in run_mutants(folder, numbers, network=network) if run["fault"]]


@pytest.mark.slow
def test_a_hundred_mutants_and_those_that_once_ended_wrongly_end_as_documented(tmp_path):
    assert faults(tmp_path, [*range(100), *ONCE_WRONG], network=False) == []


@pytest.mark.slow
def test_mutants_end_as_documented_with_the_network(tmp_path):
    """Only the frames' way through the engine is another: one mutant for each kind of output."""
    assert faults(tmp_path, range(0, 24, 5), network=True) == []
