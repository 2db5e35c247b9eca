import os
import time

import pytest

from vs_gendrpix.models.tensor_file import read_head
from vs_gendrpix.models.unchanged import kept_until_changed

AGO = time.time_ns() - 60 * 10**9


@pytest.fixture
def path(tmp_path):
    made = tmp_path / "a"
    made.write_text("one")
    return made


@pytest.fixture
def reading():
    """A function that reads a file, and the files that it has read."""
    read = []

    @kept_until_changed
    def text(path):
        read.append(path)
        return path.read_text()

    return text, read


def as_of_old(monkeypatch, seconds=60, since=0):
    """Let time pass, also that at which a file's inode has changed, which nobody can set."""
    now = (since or time.time_ns()) + seconds * 10**9
    monkeypatch.setattr("vs_gendrpix.models.unchanged.time.time_ns", lambda: now)


def test_a_file_that_stays_as_it_is_is_read_once(reading, path, monkeypatch):
    text, read = reading
    as_of_old(monkeypatch)
    assert [text(path) for _ in range(3)] == ["one"] * 3
    assert read == [path]


@pytest.mark.parametrize("way", ["content", "length", "replaced"])
def test_a_file_that_has_changed_is_read_anew(reading, path, monkeypatch, way):
    text, _ = reading
    os.utime(path, ns=(AGO, AGO))
    as_of_old(monkeypatch)
    assert text(path) == "one"
    other = path.with_name("b") if way == "replaced" else path
    other.write_text("longer" if way == "length" else "two")
    if way != "content":
        os.utime(other, ns=(AGO, AGO))
    if way == "replaced":
        other.replace(path)
    assert text(path) == ("longer" if way == "length" else "two")


def test_a_file_that_changed_a_moment_ago_is_read_each_time(reading, path, monkeypatch):
    """Another change might get the same time, which no test can bring about on every system."""
    text, read = reading
    os.utime(path, ns=(AGO, AGO))  # the time of its inode is now
    as_of_old(monkeypatch, seconds=1, since=path.stat().st_ctime_ns)
    assert [text(path) for _ in range(2)] == ["one"] * 2
    assert read == [path, path]


def test_errors_are_not_kept(reading, path, monkeypatch):
    text, _ = reading
    as_of_old(monkeypatch)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        text(path)
    path.write_text("two")
    assert text(path) == "two"


def test_the_head_of_a_model_is_read_once(small_model, monkeypatch):
    as_of_old(monkeypatch)
    assert read_head(small_model) is read_head(small_model)
