import gc
import inspect
import threading
from contextlib import closing
from threading import Semaphore

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vs_gendrpix.job.prefetch import prefetch


class TroubleError(Exception):
    pass


def failing(items, error):
    yield from items
    raise error


@settings(max_examples=60)
@given(st.lists(st.integers()), st.integers(1, 5))
def test_items_keep_their_order(items, depth):
    assert list(prefetch(iter(items), depth)) == items


@settings(max_examples=60)
@given(st.lists(st.integers()), st.integers(1, 5))
def test_an_error_comes_in_its_place_and_is_the_very_object(items, depth):
    error = TroubleError("here")
    seen = []
    with pytest.raises(TroubleError) as caught:
        seen.extend(prefetch(failing(items, error), depth))
    assert seen == items
    assert caught.value is error
    assert any(entry.name == "failing" for entry in caught.traceback)


@settings(max_examples=40)
@given(st.integers(1, 4), st.lists(st.integers(0, 2), max_size=12))
def test_never_more_than_depth_items_are_ahead(depth, pauses):
    made = Semaphore(0)
    count = 0

    def source():
        nonlocal count
        for i in range(20):
            count += 1
            made.release()
            yield i

    with closing(prefetch(source(), depth)) as items:
        for taken, _ in enumerate(pauses):
            assert next(items) == taken
            # An item leaves the queue when it is taken, so `depth` more may be under way.
            assert count <= taken + 1 + depth


def test_the_thread_runs_ahead_up_to_depth():
    made = Semaphore(0)

    def source():
        for i in range(9):
            made.release()
            yield i

    with closing(prefetch(source(), 3)) as items:
        next(items)
        for _ in range(4):
            assert made.acquire(timeout=10)
        assert not made.acquire(timeout=0.05)


def test_an_early_close_ends_the_thread_and_closes_the_inner_generator():
    where = []

    def source():
        try:
            yield from range(1000)
        finally:
            where.append(threading.current_thread())

    inner = source()
    before = set(threading.enumerate())
    items = prefetch(inner, 2)
    assert next(items) == 0
    assert len(set(threading.enumerate()) - before) == 1
    items.close()
    assert inspect.getgeneratorstate(inner) == inspect.GEN_CLOSED
    assert where[0] is not threading.current_thread()
    assert not set(threading.enumerate()) - before


def test_dropping_the_iterator_closes_it():
    inner = (i for i in range(1000))
    before = set(threading.enumerate())
    items = prefetch(inner, 2)
    next(items)
    del items
    gc.collect()
    assert inspect.getgeneratorstate(inner) == inspect.GEN_CLOSED
    assert not set(threading.enumerate()) - before


def test_the_inner_generator_is_closed_after_the_last_item():
    inner = (i for i in range(3))
    items = prefetch(inner, 8)
    assert list(items) == [0, 1, 2]
    assert inspect.getgeneratorstate(inner) == inspect.GEN_CLOSED
    assert inspect.getgeneratorstate(items) == inspect.GEN_CLOSED


def test_an_error_while_closing_is_raised():
    def source():
        try:
            yield 1
        finally:
            raise TroubleError

    with pytest.raises(TroubleError):
        list(prefetch(source(), 1))


def test_an_iterable_that_cannot_start_raises():
    with pytest.raises(TypeError, match="not iterable"):
        list(prefetch(7, 1))


def test_nothing_happens_before_the_first_item_is_asked_for():
    started = []

    def source():
        started.append(1)
        yield 1

    items = prefetch(source(), 2)
    assert not started
    assert list(items) == [1]
