"""What has been read from a model file, kept for the next clip until the file changes."""

import time
from collections.abc import Callable
from functools import lru_cache, wraps
from pathlib import Path

_COARSE = 2_000_000_000
"""Nanoseconds within which two changes of a file may get the same time; FAT counts by 2 s."""

_FILES = 8
"""Number of files that are remembered. A process rarely has more models."""


def kept_until_changed[T](read: Callable[[Path], T]) -> Callable[[Path], T]:
    """Keep what a function has read from a file, for as long as the file stays as it is.

    A file that has changed a moment ago is read anew each time, as Git does it with its index:
    another change might not show in its times. Errors are not kept.

    Args:
        read: A function of a file's contents alone; what it returns is shared, and never changed.
    """

    @lru_cache(maxsize=_FILES)
    def kept(path: Path, state: tuple[int, ...]) -> T:
        del state
        return read(path)

    @wraps(read)
    def wrapped(path: Path) -> T:
        try:
            found = path.stat()
        except OSError:  # `read` says it
            return read(path)
        times = found.st_mtime_ns, found.st_ctime_ns
        if time.time_ns() - max(times) < _COARSE:
            return read(path)
        return kept(path, (found.st_dev, found.st_ino, found.st_size, *times))

    return wrapped
