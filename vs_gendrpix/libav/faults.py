"""Errors of PyAV as ours: whatever it raises while an input is read."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av

from vs_gendrpix.errors import GendrpixError, MediaError


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Raise what goes wrong in libav, or in what is made of its values, as `MediaError`.

    A broken file can make any call fail, and with any exception: a rate of 0 divides, a text is no
    Unicode, a size needs more memory than there is.

    Args:
        path: The input, for the message.

    Raises:
        MediaError: Anything was raised that is no error of ours.
    """
    try:
        yield
    except GendrpixError:
        raise
    except Exception as error:
        # Memory that numpy lacks is the machine's fault, what libav asks for is the file's.
        if isinstance(error, MemoryError) and not isinstance(error, av.FFmpegError):
            raise
        raise MediaError(f"cannot read {path}: {reason(error)}") from error


def reason(error: Exception) -> str:
    """Say in a few words why libav failed."""
    if isinstance(error, MemoryError):
        return "it asks for more memory than there is, so it is broken or too large"
    if isinstance(error, av.FFmpegError):
        return error.strerror or str(error)
    return f"{type(error).__name__}: {error}"
