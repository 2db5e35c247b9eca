"""Cancellation: a flag that a signal sets, and that long work looks at between two steps.

A signal that raises an exception raises it in any line: in a callback of a library, which takes it
for a failure of its own, in the middle of a cleanup, or after the result has got its name. So the
command line only asks for an end here (`request`), and the work ends where it can (`check`). A
program that uses the library has its signals for itself, and asks by an event of each call
(`ends_by`).
"""

from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from threading import Event, Lock

type Remove = Callable[[], None]


class Cancelled(BaseException):
    """The work ends because it was asked to.

    Not an `Exception`, so that no code takes it for a failure of its own.
    """


@dataclass(slots=True)
class _State:
    """The state of the process's one command, changed under the lock."""

    requested: int | None = None
    committed: bool = False
    leftovers: list[Remove] = field(default_factory=list)
    kept: str = "nothing was published"


@dataclass(slots=True)
class _Call:
    """A call of the library that an event ends."""

    event: Event
    committed: bool = False

    @property
    def ends(self) -> bool:
        """Whether the call is to end now: its event is set, and its result has no name yet."""
        return self.event.is_set() and not self.committed


_state = _State()
_lock = Lock()
_call: ContextVar[_Call | None] = ContextVar("_call", default=None)


@contextmanager
def ends_by(event: Event | None) -> Iterator[None]:
    """Cancel the work in the `with` block when an event is set.

    Args:
        event: Set by another thread; None is never set.

    Raises:
        CancelledError: It was set, and nothing had got its name before.
    """
    call = None if event is None else _Call(event)
    token = _call.set(call)
    try:
        yield
    except Cancelled:
        if call is None or not call.ends:
            raise
        raise CancelledError("the caller ended the work") from None
    finally:
        _call.reset(token)


def check() -> None:
    """Raise if the work has been asked to end. Loops call this once a step.

    Raises:
        Cancelled: It has.
    """
    call = _call.get()
    if (_state.requested is not None and not _state.committed) or (call is not None and call.ends):
        raise Cancelled


def commit() -> None:
    """Mark the result as about to get its name: from here on the work cannot be cancelled.

    Raises:
        Cancelled: Another end has been asked for before.
    """
    with _lock:
        check()
        _state.committed = True
        call = _call.get()
        if call is not None:
            call.committed = True


def go_on() -> None:
    """Allow cancellation again: a result has its name, and more work follows."""
    with _lock:
        _state.committed = False


def add_leftover(remove: Remove) -> None:
    """Register what must be removed if the process ends in the middle of the work.

    Args:
        remove: Removes it; called in another thread.

    Raises:
        Cancelled: The work has to end, and must not make anything.
    """
    with _lock:
        check()
        _state.leftovers.append(remove)


def drop_leftover(remove: Remove) -> None:
    """Unregister what no longer has to be removed."""
    with _lock:
        _state.leftovers.remove(remove)


def keep(sentence: str) -> None:
    """Set the sentence that says what remains if the work is cancelled from here on."""
    _state.kept = sentence


def kept() -> str:
    """Return the sentence that says what remains of cancelled work; see `keep`."""
    return _state.kept


def reset() -> None:
    """Forget all requests, before another command runs in this process."""
    with _lock:
        _state.requested, _state.committed = None, False
        _state.kept = _State().kept


def request(exit_code: int) -> None:
    """Ask the work to end.

    Args:
        exit_code: The process's, if it comes to that.
    """
    with _lock:
        _state.requested = exit_code


def requested() -> int | None:
    """Return the exit code of a request to end the work; None without one that is in time."""
    return None if _state.committed else _state.requested


def abandon() -> bool:
    """Remove what the work would leave, so that the process can end at any moment.

    Returns:
        Whether that is possible: not when the result gets its name already.
    """
    with _lock:
        if _state.committed:
            return False
        for remove in _state.leftovers:
            remove()
        return True
