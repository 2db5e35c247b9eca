"""The failure of a command or a clip: its message and its exit code."""

from dataclasses import dataclass
from typing import Self

from vs_gendrpix.errors import (
    FAULT,
    INTERRUPTED,
    DeviceError,
    GendrpixError,
    OutputError,
    cancellation,
)


def why_cancelled(exit_code: int) -> str:
    """Describe how a command was cancelled and what remains of its work."""
    word = "interrupted" if exit_code == INTERRUPTED else "terminated"
    return f"{word}; {cancellation.kept()}"


@dataclass(frozen=True, slots=True)
class Failure:
    """The end of a command, or of one clip of many, that fails.

    Attributes:
        kind: Name of the exception.
        message: One line; empty if there is nothing to be said.
        exit_code: See `vs_gendrpix.errors.EXIT_CODES`.
    """

    kind: str
    message: str
    exit_code: int

    @classmethod
    def of(cls, error: BaseException) -> Self:
        """Describe an exception for the user, with the exit code that it means."""
        kind = type(error).__name__
        cancelled = cancellation.requested()
        if isinstance(error, KeyboardInterrupt):
            cancelled = INTERRUPTED
        if cancelled is not None:  # the error may come of it: Ctrl-C ends child processes too
            return cls("Cancelled", why_cancelled(cancelled), cancelled)
        if isinstance(error, GendrpixError):
            return cls(kind, str(error), error.exit_code)
        if isinstance(error, MemoryError):
            return cls(kind, "out of memory: use a smaller scale", DeviceError.exit_code)
        if isinstance(error, BrokenPipeError):  # the reader (`| head`) has seen enough
            return cls(kind, "", OutputError.exit_code)
        return cls(kind, f"a fault of the program ({kind}: {error}); run with -v", FAULT)
