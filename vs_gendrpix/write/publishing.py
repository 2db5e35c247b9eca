"""Give finished files and folders their names in one step: each is there whole or not at all."""

import ctypes
import errno
import os
import sys
from contextlib import suppress
from pathlib import Path

from vs_gendrpix.write.part import fitted

TAKEN = {errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR, errno.EISDIR}
"""Errors that mean that a name is in use."""

_NO_HARD_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS}
_NO_EXCHANGE = {errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP}

_AT_FDCWD = -100  # the constants of Linux
_RENAME_EXCHANGE = 2

_TRIED_NAMES = 100


def link(part: Path, path: Path) -> None:
    """Give a file a second name, which must not exist: unlike a rename, a hard link fails then.

    Where the file system has no hard links, it is renamed.

    Raises:
        FileExistsError: The name exists.
        OSError: The name cannot be given.
    """
    try:
        path.hardlink_to(part)
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        if path.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from error
        part.replace(path)


def exchange(part: Path, path: Path, aside: Path) -> None:
    """Exchange two folders.

    Linux does it in one step. Elsewhere the folder in the way is renamed first. A run that is
    killed between the steps leaves `aside`, by which the next one sees what to do (`sweep`).

    Args:
        part: The new folder; afterwards it is the old one.
        path: The old folder; afterwards it is the new one.
        aside: A third name, for a moment.

    Raises:
        OSError: It is not possible; all stands as it was.
    """
    if _exchanged_at_once(part, path):
        return
    path.rename(aside)
    try:
        part.rename(path)
    except OSError:
        aside.rename(path)
        raise
    aside.rename(part)


def kept_name(part: Path, path: Path) -> Path:
    """Give a finished result the next free name like the wanted one: `film-2.mkv`.

    Args:
        part: The result.
        path: The name that was wanted.

    Returns:
        The new name, or the old one, if no other can be given.
    """
    for number in range(2, _TRIED_NAMES):
        other = fitted(path.with_name(path.stem), f"-{number}{path.suffix}")
        try:
            if part.is_dir():
                part.rename(other)
            else:
                link(part, other)
        except OSError as error:
            if error.errno not in TAKEN:
                break
        else:
            return other
    return part


def sync(path: Path) -> None:
    """Flush a file or a folder to the disk.

    Raises:
        OSError: The system reports a write error.
    """
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_names(folder: Path) -> None:
    """Flush the names in a folder to the disk, if the file system can.

    What has been published stands under its name, and is no failure any more.
    """
    with suppress(OSError):
        sync(folder)


def _exchanged_at_once(first: Path, second: Path) -> bool:
    """Exchange two names in one step; returns False if the system cannot.

    Raises:
        OSError: It can, but not these.
    """
    if sys.platform != "linux":
        return False
    library = ctypes.CDLL(None, use_errno=True)
    call = getattr(library, "renameat2", None)
    if call is None:
        return False
    names = (os.fsencode(first), os.fsencode(second))
    if call(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in _NO_EXCHANGE:
        return False
    raise OSError(number, os.strerror(number), str(first), None, str(second))
