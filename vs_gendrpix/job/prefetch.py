"""Run an iterator ahead of its consumer, in a thread: bounded, in order, errors in their place."""

from collections.abc import Generator, Iterable
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Event, Semaphore, Thread


@dataclass(frozen=True, slots=True)
class _End:
    """The end of the queue, with the iterator's error if it had one."""

    error: BaseException | None


def prefetch[T](iterable: Iterable[T], depth: int) -> Generator[T, None, None]:
    """Yield the items of `iterable`, which a thread makes up to `depth` ahead.

    The thread starts with the first item that is asked for. It ends when the iterable does, or when
    the consumer stops early: closes this iterator or drops it. Then it also closes the iterable's
    iterator, if that can be closed, so that a generator's `finally` runs in the thread it ran in.

    Args:
        iterable: Where the items come from; only the thread touches it.
        depth: How many items may be ready before the consumer asks for them, at least 1.

    Yields:
        The items in their order.

    Raises:
        BaseException: What the iterable raised, the very object, after the items before it.
    """
    ready: SimpleQueue[tuple[T] | _End] = SimpleQueue()
    room = Semaphore(depth)
    stop = Event()
    thread = Thread(target=_produce, args=(iterable, ready, room, stop), daemon=True)
    thread.start()
    try:
        while not isinstance(entry := ready.get(), _End):
            room.release()
            yield entry[0]
        if entry.error is not None:
            raise entry.error
    finally:
        stop.set()
        room.release()  # the thread may wait for room
        thread.join()


def _produce[T](
    iterable: Iterable[T], ready: SimpleQueue[tuple[T] | _End], room: Semaphore, stop: Event
) -> None:
    """Fill `ready` until the iterable ends or `stop` is set; then close the iterator."""
    error: BaseException | None = None
    try:
        iterator = iter(iterable)
        try:
            # Wait for room before making an item: else one more than `depth` would be ready.
            while room.acquire() and not stop.is_set():
                ready.put((next(iterator),))
        except StopIteration:
            pass
        finally:
            close = getattr(iterator, "close", None)
            if close is not None:
                close()
    except BaseException as fault:  # noqa: BLE001 - a thread's boundary: the consumer raises it
        error = fault
    ready.put(_End(error))
