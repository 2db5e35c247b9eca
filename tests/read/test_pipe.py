"""The standard input, whose beginning is read to plan a job and again to run it."""

import os
from contextlib import contextmanager

from vs_gendrpix.read.pipe import standard_input

DATA = bytes(range(256)) * 40


@contextmanager
def on_standard_input(data):
    """The process's own standard input replaced by a pipe that holds `data` and ends."""
    before = os.dup(0)
    read_end, write_end = os.pipe()
    os.write(write_end, data)
    os.close(write_end)
    os.dup2(read_end, 0)
    os.close(read_end)
    try:
        yield
    finally:
        os.dup2(before, 0)
        os.close(before)


def all_of(pipe):
    return b"".join(iter(lambda: pipe.read(1000), b""))


def test_what_was_read_comes_again_and_then_the_rest():
    with on_standard_input(DATA):
        planned = standard_input(keeps=True)
        assert planned.read(300) + planned.read(300) == DATA[:600]
        assert all_of(standard_input(keeps=False)) == DATA


def test_it_can_be_planned_twice():
    with on_standard_input(DATA):
        assert standard_input(keeps=True).read(100) == DATA[:100]
        assert standard_input(keeps=True).read(500)[:100] == DATA[:100]
        assert all_of(standard_input(keeps=False)) == DATA


def test_nothing_is_kept_once_the_beginning_has_been_read_again():
    with on_standard_input(DATA):
        standard_input(keeps=True).read(4000)
        running = standard_input(keeps=False)
        running.read(4000)
        running.read(100)
        assert not running._kept


def test_another_pipe_is_not_taken_for_the_one_that_was_planned():
    with on_standard_input(DATA):
        standard_input(keeps=True).read(100)
    with on_standard_input(DATA[::-1]):
        assert all_of(standard_input(keeps=False)) == DATA[::-1]
