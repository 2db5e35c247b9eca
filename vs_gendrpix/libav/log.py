"""Lines of libav's log, captured."""

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
        count = len(self._lines)
        taken, self._lines[:count] = self._lines[:count], []
        return [(level, line_of(text)) for level, name, text in taken if name in names]
