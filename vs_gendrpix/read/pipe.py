"""The standard input, whose beginning can be read twice: to plan a job, and to run it."""

import os
from typing import BinaryIO

from vs_gendrpix.read.cut import TAIL


class Pipe:
    """The standard input as a file that is read once through, or from its beginning again.

    Attributes:
        length: Bytes that have come so far.
        tail: The last of them, up to `TAIL`.

    Args:
        file: The standard input, unbuffered.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._kept = bytearray()
        self._at = 0
        self._keeps = True
        self.identity = _identity()
        self.length, self.tail = 0, b""

    def read(self, size: int) -> bytes:
        """Read up to `size` bytes; none at the end."""
        data = bytes(self._kept[self._at : self._at + size])
        if not data:
            if not self._keeps:
                self._kept.clear()
                self._at = 0
            data = self._file.read(size) or b""
            self.length += len(data)
            self.tail = (self.tail + data)[-TAIL:]
            if not self._keeps:
                return data
            self._kept += data
        self._at += len(data)
        return data

    def rewind(self, *, keeps: bool) -> None:
        """Stand at the beginning.

        Args:
            keeps: Whether what is read is kept for one more rewind.
        """
        self._at, self._keeps = 0, keeps


_last: list[Pipe] = []
"""The standard input whose beginning is kept, if one is."""


def standard_input(*, keeps: bool) -> Pipe:
    """Open the standard input at its beginning.

    Args:
        keeps: Whether it will be opened once more. What is read until then stays in memory.
    """
    kept = _last.pop() if _last else None
    if kept is None or kept.identity != _identity():
        kept = Pipe(open(0, "rb", buffering=0, closefd=False))  # noqa: SIM115 - no path
    kept.rewind(keeps=keeps)
    if keeps:
        _last.append(kept)
    return kept


def _identity() -> tuple[int, int]:
    """Device and inode of what the standard input is now: another pipe has another."""
    found = os.fstat(0)
    return found.st_dev, found.st_ino
