"""The standard streams of a command: a closed or full stream never ends the work."""

import io
import os
import select
import sys
from contextlib import suppress

from vs_gendrpix.errors import UNWRITABLE, one_line


def say(program: str, message: str) -> None:
    """Write one line to the standard error stream; characters that it lacks are escaped."""
    with suppress(*UNWRITABLE):
        sys.stderr.write(_line(program, message, sys.stderr.encoding or "utf-8") + "\n")


def last_word(program: str, message: str) -> None:
    """Write one line to the standard error stream as the process ends, unless that would block."""
    with suppress(*UNWRITABLE):
        LastLines(2).write(_line(program, message, "ascii") + "\n")


class LastLines(io.StringIO):
    """A standard stream for a process that ends: a line that would block is dropped.

    Lines go past Python's buffer, which another thread may hold.

    Args:
        number: Of the stream: 1 is the output, 2 the errors.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self._number = number

    def write(self, line: str) -> int:
        """Write a line, or drop it if the stream would block."""
        if select.select([], [self._number], [], 0)[1]:
            os.write(self._number, line.encode())
        return len(line)


def open_missing_streams() -> None:
    """Open standard streams that were closed when the process began, so that using them fails.

    The next file that is opened would get the number of a closed one. Were it the output, then
    what a library says on stream 2 would be written into it. A closed stream is still no input and
    no output: it can be written where it should be read, and the other way round.
    """
    for number, mode in enumerate((os.O_WRONLY, os.O_RDONLY, os.O_RDONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, mode), True)  # gets the lowest that is free
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123


def flush_streams() -> None:
    """Write what the standard streams hold, or drop it where nobody takes it.

    Python would try it again as it exits, fail, and change the exit code.
    """
    for number, stream in ((1, sys.stdout), (2, sys.stderr)):
        try:
            if stream is not None:
                stream.flush()
        except UNWRITABLE:
            os.dup2(os.open(os.devnull, os.O_WRONLY), number)


def _line(program: str, message: str, encoding: str) -> str:
    """Make one line of text for an encoding, with escapes for characters that it lacks."""
    line = one_line(f"{program}: {message}")
    return line.encode(encoding, "backslashreplace").decode(encoding)
