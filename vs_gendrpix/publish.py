"""Put a finished file under its name, whole or not at all."""

import errno
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from vs_gendrpix.errors import GendrpixError, OutputError, ResourceError

_FULL = {errno.ENOSPC, errno.EDQUOT}
_NO_HARD_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS}


def output_fault(error: OSError | Exception, what: str) -> GendrpixError:
    """The error to raise when writing failed: a full disk is temporary, all else is refused.

    Args:
        error: What the system or libav raised.
        what: What was attempted, for the message.
    """
    reason = getattr(error, "strerror", None) or str(error)
    if getattr(error, "errno", None) in _FULL:
        return ResourceError(f"{what}: {reason}; free some space and run the same command again")
    return OutputError(f"{what}: {reason}")


class Output:
    """A file that appears under its name only when it is whole.

    A context manager: on entry an empty temporary file is made beside the target, `part`, which
    proves in no time that the folder is there and writable; on exit it is removed, unless `publish`
    has moved it to its name.

    Args:
        path: Where the result is wanted. A link is followed: its target is replaced, not the link.
        source: The input, which the output must not be.
        overwrite: Whether an existing file may be replaced.

    Raises:
        OutputError: The path exists, is the input, or cannot be written.
    """

    def __init__(self, path: Path, *, source: Path, overwrite: bool) -> None:
        try:
            self.path = path.resolve()
            exists = self.path.exists()
            same = exists and source.exists() and self.path.samefile(source)
        except (OSError, RuntimeError) as error:  # a name too long, a loop of links
            raise output_fault(error, f"cannot write {path}") from error
        if same:
            raise OutputError(f"the output {path} is the input: choose another name")
        if exists and not self.path.is_file():
            raise OutputError(f"the output {path} is not a regular file: choose another name")
        if exists and not overwrite:
            raise OutputError(f"the output {path} exists: choose another name, or overwrite (-y)")
        self._name = path
        self._overwrite = overwrite
        self.part = self.path.with_name(f"{self.path.name}.{os.getpid()}.part")

    def __enter__(self) -> Self:
        try:
            self.part.touch(exist_ok=False)
        except OSError as error:
            raise output_fault(error, f"cannot write {self._name}") from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.part.unlink(missing_ok=True)

    def sync(self) -> None:
        """Wait until the temporary file is on the disk.

        Raises:
            OutputError: The system reports a write error.
            ResourceError: The disk is full.
        """
        try:
            _sync(self.part)
        except OSError as error:
            raise output_fault(error, f"cannot write {self._name}") from error

    def publish(self) -> None:
        """Give the temporary file its name, in one step.

        Raises:
            OutputError: Without `overwrite`: a file of that name has come up meanwhile. It stays.
        """
        try:
            if self._overwrite:
                self.part.replace(self.path)
            else:
                self._link()
            _sync(self.path.parent)
        except OSError as error:
            raise output_fault(error, f"cannot write {self._name}") from error

    def _link(self) -> None:
        """Rename without replacing: a hard link fails where a file exists, a rename does not."""
        try:
            self.path.hardlink_to(self.part)
        except OSError as error:
            if error.errno not in _NO_HARD_LINKS:
                raise
            if self.path.exists():
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from error
            self.part.replace(self.path)


def _sync(path: Path) -> None:
    """Flush a file or a folder to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
