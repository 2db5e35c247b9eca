from pathlib import Path

import pytest

from vs_gendrpix.errors import MediaError, cancellation
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.job.batch import arrivals
from vs_gendrpix.job.batch.clips import Target, find_clips
from vs_gendrpix.settings import ReadSettings


class Clock:
    """A clock that goes on when it is slept by, and does what is due; at the end, all ends."""

    def __init__(self, end, **due):
        self.now = 0.0
        self.due = {float(at.removeprefix("at_")): do for at, do in due.items()}
        self.due[end] = lambda: cancellation.request(130)

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds
        for at in [at for at in self.due if at <= self.now]:
            self.due.pop(at)()


@pytest.fixture
def arrived(tmp_path, monkeypatch):
    """Watches a folder, where things are done at seconds; returns each clip with its second."""

    def watched(end, find=None, notes=None, *, taking=0.0, **due):
        clock = Clock(end, **due)
        monkeypatch.setattr(arrivals, "time", clock)
        find = find or (lambda: find_clips([Path("in")], Target(folder=Path("out"))))
        found = []
        for clip in arrivals.arriving(find, ReadSettings(), notes or Notes()):
            found.append((str(clip.name), round(clock.now)))
            clock.sleep(taking)
        return found

    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    yield watched
    cancellation.reset()


def append(name, text="more"):
    def do():
        with Path("in", name).open("a") as file:
            file.write(text)

    return do


def test_what_is_there_and_what_arrives_is_yielded_once(arrived):
    append("a.mp4")()
    found = arrived(60, at_20=append("b.mp4"))
    assert [name for name, _ in found] == ["a.mp4", "b.mp4"]
    assert 5 <= found[0][1] <= 7
    assert 25 <= found[1][1] <= 27


def test_a_file_that_is_still_being_written_is_waited_for(arrived):
    grows = {f"at_{second}": append("a.mp4") for second in range(0, 40, 3)}
    ((name, second),) = arrived(60, **grows)
    assert name == "a.mp4"
    assert 44 <= second <= 46


def test_a_file_that_grew_while_another_was_restored_is_waited_for(arrived):
    append("a.mp4")()
    append("b.mp4")()
    found = arrived(200, taking=50, at_20=append("b.mp4"))
    assert [name for name, _ in found] == ["a.mp4", "b.mp4"]
    assert found[1][1] >= 60


def test_a_clip_that_changes_arrives_again(arrived):
    append("a.mp4")()
    assert [name for name, _ in arrived(60, at_30=append("a.mp4"))] == ["a.mp4", "a.mp4"]


def test_pictures_arrive_when_the_last_is_there(arrived):
    Path("in/scan").mkdir()
    grows = {f"at_{second}": append(f"scan/{second:04}.png") for second in range(10, 30)}
    ((name, second),) = arrived(60, **grows)
    assert name == "scan"
    assert 34 <= second <= 36


def test_what_is_gone_again_is_forgotten(arrived):
    append("a.mp4")()
    assert arrived(30, at_3=Path("in/a.mp4").unlink) == []


def test_a_look_that_fails_is_told_once_and_nothing_arrives_twice(arrived):
    append("a.mp4")()
    notes, fails = Notes(), {"now": False}

    def find():
        if fails["now"]:
            raise MediaError("cannot read the folder in")
        return find_clips([Path("in")], Target(folder=Path("out")))

    found = arrived(
        60,
        find,
        notes,
        at_20=lambda: fails.update(now=True),
        at_30=lambda: fails.update(now=False),
        at_40=append("b.mp4"),
    )
    assert [name for name, _ in found] == ["a.mp4", "b.mp4"]
    assert notes.warnings == ["cannot read the folder in"]


def test_the_end_is_heard_between_two_clips(arrived):
    append("a.mp4")()
    append("b.mp4")()
    assert [name for name, _ in arrived(30, taking=50)] == ["a.mp4"]
