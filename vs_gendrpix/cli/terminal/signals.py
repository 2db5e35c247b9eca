"""Signals as cancellation: the first asks the work to end, the second ends the process."""

import os
import select
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from vs_gendrpix.cli.terminal.console import last_word
from vs_gendrpix.errors import INTERRUPTED, TERMINATED, cancellation
from vs_gendrpix.errors.failure import Failure

GRACE = 10.0
"""Seconds for the work to end by itself; then the process ends as by a second signal."""

EXIT_CODES = {signal.SIGINT: INTERRUPTED, signal.SIGTERM: TERMINATED}
if hasattr(signal, "SIGHUP"):  # Windows has none
    EXIT_CODES[signal.SIGHUP] = TERMINATED


@contextmanager
def signals_cancel(
    program: str, ended: Callable[[Failure], None], *, to_the_end: bool
) -> Iterator[None]:
    """Let SIGINT, SIGTERM and SIGHUP cancel the work; a signal that is ignored stays so.

    A thread waits for them: whatever the main thread does, in Python or in a library, it hears
    them. In other threads than the main one the caller handles signals, and nothing is done.

    Args:
        program: The name at the beginning of a line that is written at the end.
        ended: Is told, in another thread, of an end in the middle of the work, after that line.
        to_the_end: Whether the process ends with this block: then signals change nothing after it,
            neither the exit code nor what was published.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    reading, writing = socket.socketpair()  # Windows cannot wait for a pipe
    writing.setblocking(False)
    fd = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
    ours = [number for number in EXIT_CODES if callable(signal.getsignal(number))]
    ours += [number for number in EXIT_CODES if signal.getsignal(number) is signal.SIG_DFL]
    before = {number: signal.signal(number, _only_wake) for number in ours}
    thread = threading.Thread(target=_listen, args=(reading, program, ended), daemon=True)
    thread.start()  # now that nothing can interrupt it; what came meanwhile waits in the socket
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_IGN if to_the_end else handler)
        signal.set_wakeup_fd(fd)
        writing.close()
        thread.join()
        reading.close()


def _only_wake(number: int, frame: FrameType | None) -> None:
    """Do nothing: Python needs a handler to write the signal's number to the wake-up socket."""
    del number, frame


def _listen(reading: socket.socket, program: str, ended: Callable[[Failure], None]) -> None:
    """Cancel the work at the first signal, and end the process at the second, or after a while."""
    try:
        number = _next_signal(reading)
        exit_code = EXIT_CODES[signal.Signals(number or 0)]
        cancellation.request(exit_code)
        _next_signal(reading, GRACE)
    except EOFError:  # the work is over
        return
    if cancellation.abandon():
        failure = Failure.of(cancellation.Cancelled())
        last_word(program, failure.message)
        try:
            ended(failure)
        finally:
            os._exit(exit_code)


def _next_signal(reading: socket.socket, seconds: float | None = None) -> int | None:
    """Wait for one of the signals that cancel; returns None when the time is over.

    Raises:
        EOFError: The other end is closed.
    """
    end = None if seconds is None else time.monotonic() + seconds
    while True:
        left = None if end is None else max(end - time.monotonic(), 0)
        ready, *_ = select.select([reading], [], [], left)
        if not ready:
            return None
        number = reading.recv(1)
        if not number:
            raise EOFError
        if number[0] in EXIT_CODES:
            return number[0]
