import copy
import pickle
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

from vs_gendrpix.frame.notes import EXAMPLES, PLACES, Notes


def told(*warnings: str, errors: int = 0, begin: int = 0) -> Notes:
    notes = Notes()
    for sentence in warnings:
        notes.warn(sentence)
    for number in range(errors):
        notes.now = Fraction(begin + number)
        notes.error(f"line {begin + number}")
    return notes


def test_a_warning_is_logged_and_kept_once_whoever_says_it(caplog):
    notes = Notes()
    with ThreadPoolExecutor(4) as threads:
        for number in range(100):
            threads.submit(notes.warn, f"sentence {number % 7}")
    assert sorted(notes.warnings) == sorted(caplog.messages) == [f"sentence {n}" for n in range(7)]


def test_errors_of_several_threads_are_all_counted():
    notes = Notes()
    with ThreadPoolExecutor(4) as threads:
        for number in range(1000):
            threads.submit(notes.error, f"line {number % 9}")
    assert notes.errors == 1000
    assert len(notes.examples) == EXAMPLES


def test_merged_notes_are_those_of_all_parts(caplog):
    notes, other = told("one", "two", errors=4), told("two", "three", errors=PLACES, begin=2)
    other.corrupt_frame()
    other.made_up_times += 3
    before = copy.deepcopy(other)
    caplog.clear()
    notes.merge(other)
    assert caplog.messages == []  # each part has logged its own
    assert notes.warnings == ["one", "two", "three"]
    assert (notes.errors, notes.corrupt_frames, notes.made_up_times) == (4 + PLACES, 1, 3)
    assert notes.examples == [f"line {n}" for n in range(EXAMPLES)]
    assert notes.places == [Fraction(n) for n in range(PLACES)]
    assert other == before


def test_notes_travel_between_processes():
    notes = told("one", errors=2)
    assert pickle.loads(pickle.dumps(notes)) == notes  # noqa: S301 - our own bytes


def test_damage_is_told_once_at_the_end_and_only_if_there_is_some():
    notes = Notes()
    notes.tell_damage()
    assert notes.warnings == []
    notes.error("a packet is broken")
    notes.corrupt_frame()
    notes.tell_damage()
    assert notes.warnings == [
        "the input is damaged: 1 decoding or reading errors, 1 frames that the decoder calls "
        "corrupt (first: a packet is broken)"
    ]
