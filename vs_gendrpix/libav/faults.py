"""Errors of PyAV as ours, and no other errors."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import walk_tb

import av

from vs_gendrpix.errors import GendrpixError, MediaError


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn errors of PyAV and the file system in the `with` block into `MediaError`.

    A broken file can make any call of PyAV fail, and with any exception: a text is no Unicode, a
    size needs more memory than there is. What our own code raises is a fault of ours, and stays.

    Args:
        path: The input, for the message.

    Raises:
        MediaError: PyAV has raised something, or the system something about a file.
    """
    try:
        yield
    except GendrpixError:
        raise
    except Exception as error:
        if not isinstance(error, av.FFmpegError | OSError) and not _is_of_pyav(error):
            raise
        raise MediaError(f"cannot read {path}: {reason(error)}") from error


def _is_of_pyav(error: Exception) -> bool:
    """Tell whether PyAV itself raised an exception, and not something that it called."""
    names = [frame.f_code.co_name for frame, _ in walk_tb(error.__traceback__)]
    return bool(names) and names[-1].startswith("av.")  # as Cython names its functions


def reason(error: Exception) -> str:
    """Say in a few words why libav failed."""
    if isinstance(error, MemoryError):
        return "it asks for more memory than there is, so it is broken or too large"
    if isinstance(error, av.FFmpegError):
        return error.strerror or str(error)
    return f"{type(error).__name__}: {error}"
