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
    """What is known of the process's one command; changed under the lock."""

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
        """Whether it is to end, and can."""
        return self.event.is_set() and not self.committed


_state = _State()
_lock = Lock()
_call: ContextVar[_Call | None] = ContextVar("_call", default=None)


@contextmanager
def ends_by(event: Event | None) -> Iterator[None]:
    """End the work within where an event is set meanwhile.

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
    """End the work here, if that has been asked for; for loops, once a step.

    Raises:
        Cancelled: It has.
    """
    call = _call.get()
    if (_state.requested is not None and not _state.committed) or (call is not None and call.ends):
        raise Cancelled


def commit() -> None:
    """Say that the result gets its name now: the work ends well from here on, and in no other way.

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
    """Say that a result has its name and that more work follows, which can be ended again."""
    with _lock:
        _state.committed = False


def add_leftover(remove: Remove) -> None:
    """Name what must be removed when the process ends in the middle of the work.

    Args:
        remove: Removes it; called in another thread.

    Raises:
        Cancelled: The work has to end, and must not make anything.
    """
    with _lock:
        check()
        _state.leftovers.append(remove)


def drop_leftover(remove: Remove) -> None:
    """Say that there is nothing to be removed any more."""
    with _lock:
        _state.leftovers.remove(remove)


def keep(sentence: str) -> None:
    """Say what becomes of the work if it is cancelled from here on; by default all is lost."""
    _state.kept = sentence


def kept() -> str:
    """What becomes of the work if it is cancelled, for the line that says that it was."""
    return _state.kept


def reset() -> None:
    """Forget what was asked of a command that is over: the process may run more."""
    with _lock:
        _state.requested, _state.committed = None, False
        _state.kept = _State().kept


def request(exit_code: int) -> None:
    """Ask for the end.

    Args:
        exit_code: The process's, if it comes to that.
    """
    with _lock:
        _state.requested = exit_code


def requested() -> int | None:
    """The exit code with which the work was asked to end; None if it was not, or too late."""
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
