"""Temporary files beside an output, locked while their job lives, and removed later if it dies."""

import os
import re
import secrets
import shutil
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from vs_gendrpix.errors import OutputError, SettingsError, cancellation
from vs_gendrpix.settings.values import from_json, to_json

if sys.platform != "win32":
    import fcntl

_LOCK = re.compile(r".+\.[0-9a-f]{8}\.lock", re.DOTALL)
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_LONGEST_NAME = 255  # bytes, where the system does not say


class Part:
    """A temporary file or folder beside an output, under a name that no other job has.

    From `open` to `close` a lock beside it is held. After a kill both stay, and `sweep` removes
    them when the next run begins.

    A process id would not do for the name: in a container it is the same for every run.

    Args:
        target: The output.
        folder: Whether it is a folder.

    Attributes:
        path: The temporary file or folder.
        aside: Where a folder lies for a moment that the part replaces.
    """

    def __init__(self, target: Path, *, folder: bool = False) -> None:
        self._target, self._folder = target, folder
        self.path = fitted(target, f".{secrets.token_hex(4)}.part")
        self.aside = self.path.with_suffix(".old")
        self._lock = self.path.with_suffix(".lock")
        self._handle = -1
        self._kept = False

    def open(self) -> None:
        """Make the lock, and the empty file or folder.

        Raises:
            OSError: Nothing can be written there.
        """
        cancellation.add_leftover(self._abandon)
        try:
            self._handle = hold(self._lock)
            text = to_json(Owner.this(self._target.name))
            write_all(self._handle, text.encode(errors="surrogateescape"))
            os.fsync(self._handle)  # an empty one would not say what is to be swept
            if self._folder:
                self.path.mkdir()
            else:
                self.path.touch(exist_ok=False)
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """Remove the temporary file or folder, if it is still there, and its lock.

        What cannot be removed is no fault of the result, and the next run tries it again.
        """
        with suppress(OSError):
            if not self._kept:
                _remove(self.path)
            if self._kept or not self.path.exists():  # by its lock the next run finds it
                self._lock.unlink(missing_ok=True)
        if self._handle >= 0:
            os.close(self._handle)
        cancellation.drop_leftover(self._abandon)

    def keep(self) -> None:
        """Leave the temporary file where it is, as the only place of a finished result."""
        self._kept = True

    def _abandon(self) -> None:
        """Remove all at once, although another thread may still write there."""
        with suppress(OSError):
            if self._folder:  # under another name nothing can be added
                self.path.rename(self.aside)
        with suppress(OSError):
            _remove(self.aside if self._folder else self.path)
            self._lock.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The job that holds a lock.

    Attributes:
        output: Name of the output, in the lock's folder.
        host: Name of the machine, or of the container.
        boot: What the running kernel calls itself; empty where it does not.
        pid: Number of the process, on that machine or in that container.
        started: When the job began, as ISO 8601 writes it.
    """

    output: str
    host: str
    boot: str
    pid: int
    started: str

    def __post_init__(self) -> None:
        if Path(self.output).name != self.output:
            raise ValueError(f"{self.output!r} is no name of a file")

    @classmethod
    def this(cls, output: str) -> Self:
        """Describe a job of this process."""
        return cls(
            output=output,
            host=socket.gethostname(),
            boot=_boot_id(),
            pid=os.getpid(),
            started=datetime.now(UTC).isoformat(timespec="seconds"),
        )

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}, since {self.started}"

    @property
    def on_this_machine(self) -> bool:
        """Tell whether the job ran on this machine, even in a container or before a reboot."""
        return self.host == socket.gethostname() or (self.boot != "" and self.boot == _boot_id())


def sweep(target: Path) -> list[str]:
    """Remove what killed runs have left in the folder of an output.

    Args:
        target: The output that is about to be written.

    Returns:
        A sentence for each run that was killed.

    Raises:
        OutputError: Another run is writing this output.
    """
    try:
        target = target.resolve()
        names = sorted(os.listdir(target.parent))  # noqa: PTH208 - names only, of 100,000s of files
    except (OSError, RuntimeError):  # whoever writes there says why not
        return []
    locks = [target.parent / name for name in names if _LOCK.fullmatch(name)]
    said = [_sweep_one(lock, target) for lock in locks]
    return [sentence for sentence in said if sentence]


def fitted(path: Path, tail: str) -> Path:
    """Append to a file name, and shorten the name if the file system would refuse it.

    Args:
        path: The path whose name to take.
        tail: What to append.
    """
    try:
        longest = os.pathconf(path.parent, "PC_NAME_MAX")
    except (AttributeError, OSError, ValueError):
        longest = _LONGEST_NAME
    name = os.fsencode(path.name)[: longest - len(os.fsencode(tail))]
    return path.parent / (name.decode(errors="ignore") + tail)


def _sweep_one(lock: Path, target: Path) -> str | None:
    """Remove the leftovers of a lock whose job is dead; returns a message."""
    with examined(lock) as (owner, free):
        if owner is None:  # killed before it had written anything, or a file of others
            if free and lock.stat().st_size == 0:
                lock.unlink()
            return None
        if free is False and owner.output == target.name:
            raise OutputError(
                f"another run is writing {target} ({owner}): wait for it, or choose another name"
            )
        part, aside = lock.with_suffix(".part"), lock.with_suffix(".old")
        if free and owner.on_this_machine:
            try:
                said = _cleaned(part, aside, target.with_name(owner.output))
                lock.unlink(missing_ok=True)
            except OSError as error:
                return f"cannot remove {part}, which a killed run has left: {error.strerror}"
            return said
        if free is False:
            return None
        return f"{part} may be of a run that goes on ({owner}): delete it if that has ended"


def _cleaned(part: Path, aside: Path, output: Path) -> str | None:
    """Remove the leftovers of a dead job, or complete an exchange that it was killed in."""
    if not (part.exists() or aside.exists()):
        return None
    completed = aside.exists() and part.exists() and not output.exists()
    if completed:
        part.rename(output)
    for path in (aside, part):
        _remove(path)
    if completed:
        return f"{output} is now in its place: a run was killed as it published it"
    return f"removed the unfinished {part}, which a killed run had left"


@contextmanager
def examined(lock: Path) -> Iterator[tuple[Owner | None, bool | None]]:
    """Open a lock file; yields its owner, and whether nobody holds it. None is unknown.

    While the context lasts, a lock that nobody held is held.
    """
    try:
        handle = os.open(lock, os.O_RDWR)
    except OSError:  # gone by now, or of another user
        yield None, None
        return
    try:
        free = _locked(handle)
        if not _is_file(handle, lock):  # removed, and perhaps made again, since it was opened
            free = None
        text = os.read(handle, 1 << 16).decode(errors="surrogateescape")
        try:
            owner = from_json(text, Owner, "the lock")
        except SettingsError:
            owner = None
        yield owner, free
    finally:
        os.close(handle)


def hold(lock: Path) -> int:
    """Make a lock file and hold it, again if it is removed in between.

    Returns:
        The open file: the lock is held until it is closed.

    Raises:
        FileExistsError: Somebody else has it.
        OSError: It cannot be made.
    """
    while True:
        handle = os.open(lock, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666)
        if _locked(handle) is not False and _is_file(handle, lock):
            return handle
        os.close(handle)


def write_all(handle: int, content: bytes) -> None:
    """Write all bytes to an open file: one call may write fewer.

    Raises:
        OSError: They cannot all be written.
    """
    left = memoryview(content)
    while left:
        left = left[os.write(handle, left) :]


def _locked(handle: int) -> bool | None:
    """Lock an open file until it is closed; None where the file system has no locks."""
    if sys.platform == "win32":
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _is_file(handle: int, path: Path) -> bool:
    """Tell whether a path still leads to an open file."""
    try:
        return path.stat().st_ino == os.fstat(handle).st_ino
    except OSError:
        return False


def _remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _boot_id() -> str:
    """Read the kernel's identifier of the current boot."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""
