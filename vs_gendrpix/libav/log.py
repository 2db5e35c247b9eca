"""Lines of libav's log, captured."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Self

import av

from vs_gendrpix.libav.values import line_of

_listening = Lock()
_before: list[tuple[int | None, bool]] = []
"""The log level and repeat setting before the first `LibavLog`, once for each that is active.

Logs may end in any order, so only the last one restores the settings."""


class LibavLog:
    """A context manager that captures libav's errors and warnings.

    Without it, they would go to the standard error stream. A decoder logs from libav's own threads,
    so its lines are those that no `LibavLog` with `this_thread` captures. The thread that copies
    streams and encodes captures its own lines with such a log.

    Args:
        this_thread: Capture the lines of the calling thread only; otherwise those of all threads
            without such a log.
    """

    def __init__(self, *, this_thread: bool = False) -> None:
        self._capture = av.logging.Capture(local=this_thread)
        self._lines: list[tuple[int, str, str]] = []

    def __enter__(self) -> Self:
        with _listening:
            found = av.logging.get_level(), av.logging.get_skip_repeated()
            _before.append(_before[0] if _before else found)
            av.logging.set_level(av.logging.WARNING)
            av.logging.set_skip_repeated(False)  # so that the count is right
            self._lines = self._capture.__enter__()
        return self

    def __exit__(self, *ended: object) -> None:
        with _listening:
            self._capture.__exit__(None, None, None)
            level, skip_repeated = _before.pop()
            if not _before:
                av.logging.set_level(level)
                av.logging.set_skip_repeated(skip_repeated)

    def take(self, *names: str) -> list[tuple[int, str]]:
        """Remove the lines captured since the last call, and return those of some components.

        Args:
            names: FFmpeg's names of decoders, demuxers or encoders; lines of others are dropped.

        Returns:
            Level and text of each line, in order.
        """
        return _of(self.drain(), names)

    def drain(self) -> list[tuple[int, str, str]]:
        """Remove the lines captured since the last call: level, component and text of each."""
        count = len(self._lines)
        taken, self._lines[:count] = self._lines[:count], []
        return taken

    def reason(self, error: Exception) -> str:
        """Say why a call of libav failed: its first line in the log, and the text of its error."""
        said = [line_of(text).rstrip(".!") for _, _, text in self.drain()]
        return ": ".join([*said[:1], getattr(error, "strerror", None) or str(error)])


_threads = Lock()
"""Held by the one input whose decoder uses threads of its own."""


class InputLog:
    """A context manager that captures the lines of one input's demuxer and decoder, of no other.

    libav does not say whose a line is, only the kind of decoder and the thread. So of all inputs
    that are open in a process one has a decoder with threads, and gets all lines that no thread
    captures for itself. The others decode in the thread that reads them, which captures its own.

    Attributes:
        threaded: Whether this input's decoder may have threads.
    """

    def __init__(self) -> None:
        self._log = LibavLog()
        self._lines: list[tuple[int, str, str]] = []
        self.threaded = False

    def __enter__(self) -> Self:
        self.threaded = _threads.acquire(blocking=False)
        if self.threaded:
            self._log.__enter__()
        return self

    def __exit__(self, *ended: object) -> None:
        if self.threaded:
            self._log.__exit__()
            _threads.release()

    @contextmanager
    def hearing(self) -> Iterator[None]:
        """Capture libav's messages in the `with` block, which goes around every call of libav."""
        if self.threaded:
            yield
            return
        with LibavLog(this_thread=True) as log:
            try:
                yield
            finally:
                self._lines += log.drain()

    def take(self, *names: str) -> list[tuple[int, str]]:
        """Remove the lines captured since the last call; see `LibavLog.take`."""
        if self.threaded:
            return self._log.take(*names)
        taken, self._lines = self._lines, []
        return _of(taken, names)


def _of(lines: list[tuple[int, str, str]], names: tuple[str, ...]) -> list[tuple[int, str]]:
    """Level and text of the lines of some components."""
    return [(level, line_of(text)) for level, name, text in lines if name in names]
