"""The lines that libav logs, kept for us."""

from threading import Lock
from typing import Self

import av

from vs_gendrpix.libav.values import line_of

_listening = Lock()
_before: list[tuple[int | None, bool]] = []
"""What libav's log was set to, once for each log that is entered: only the last one out resets it,
for they may be left in any order."""


class LibavLog:
    """The errors and warnings that libav has written since it was entered.

    A decoder logs from libav's own threads, so its lines are those that no thread has claimed. What
    the thread that reads other streams and encodes has to say is kept apart by a log of its own.
    Without any, the lines would go to the standard error stream.

    Args:
        this_thread: Take the lines of the calling thread; otherwise those that none has claimed.
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
        """Level and text of the lines of `names` since the last call; the others are dropped.

        Args:
            names: FFmpeg's names of the decoders, demuxers or encoders that are listened to.
        """
        count = len(self._lines)
        taken, self._lines[:count] = self._lines[:count], []
        return [(level, line_of(text)) for level, name, text in taken if name in names]
