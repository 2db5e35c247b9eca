"""Leases of segments: files that only one worker can make, touched while the work goes on.

No service and no clock are shared. Making a file that must not exist (O_EXCL) is one step on local
file systems, and on NFS from version 3 on. A worker shows that it lives by touching its file.
Others see by their own clock for how long nothing has changed. On one machine the system's lock
tells at once that a process has died. Should two work on one segment nonetheless, the first one to
finish it counts.
"""

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import Self

from vs_gendrpix.settings.values import to_json
from vs_gendrpix.write.part import Owner, examined, hold, write_all

MISSED = 6
"""Number of missed heartbeats after which a worker counts as dead: usually a minute."""

LOOKS = 4
"""Looks per heartbeat of a worker that waits for others."""


class Lease:
    """The right to work on a segment: a context manager, which gives it back.

    Args:
        path: The lease's file, which this process has made.
        handle: The open file.
        heartbeat: Seconds between two signs of life.
    """

    def __init__(self, path: Path, handle: int, heartbeat: float) -> None:
        self._path, self._handle, self._heartbeat = path, handle, heartbeat
        self._ended = Event()
        self._thread = Thread(target=self._beat, name="lease", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()
        with suppress(OSError):
            if self._is_ours():  # another may have taken it over
                self._path.unlink()
        os.close(self._handle)

    def _is_ours(self) -> bool:
        return self._path.stat().st_ino == os.fstat(self._handle).st_ino

    def _beat(self) -> None:
        while not self._ended.wait(self._heartbeat):
            with suppress(OSError):  # a file system that is away for a while is no reason to stop
                os.utime(self._handle)


@dataclass(slots=True)
class _Seen:
    """Inode and time of a lease's file when last seen, and since when they are unchanged."""

    look: tuple[int, int]
    since: float


class Claims:
    """Claims segments for one worker, and watches the claims of others.

    Args:
        heartbeat: Seconds between two signs of life of every worker.
    """

    def __init__(self, heartbeat: float) -> None:
        self._heartbeat = heartbeat
        self._seen: dict[Path, _Seen] = {}

    def claim(self, path: Path, *, fresh: bool = False) -> Lease | None:
        """Claim the right that a lease's file stands for.

        Args:
            path: The file.
            fresh: Whether there was none a moment ago: if there is one, who made it lives.

        Returns:
            The lease; None if somebody else has it, and lives as far as can be seen.

        Raises:
            OSError: The file cannot be made.
        """
        try:
            return self._made(path)
        except FileExistsError:
            pass
        if not fresh and self._removed(path):
            with suppress(FileExistsError):  # somebody else was quicker
                return self._made(path)
        return None

    def _made(self, path: Path) -> Lease:
        handle = hold(path)
        try:
            write_all(handle, to_json(Owner.this(path.name)).encode(errors="surrogateescape"))
            os.fsync(handle)  # so that other machines can read it too
        except OSError:
            path.unlink(missing_ok=True)
            os.close(handle)
            raise
        return Lease(path, handle, self._heartbeat)

    def _removed(self, path: Path) -> bool:
        """Remove a lease whose worker is dead; returns whether it was removed."""
        with examined(path) as (owner, free):  # held meanwhile: of two who see it, one removes it
            local = owner is not None and owner.on_this_machine
            # A lease that says nothing is of one who died as it made it, or makes it just now.
            patience = 1 if free and owner is None else MISSED
            if not (free and local) and not self._silent(path, patience * self._heartbeat):
                return False
            self._seen.pop(path, None)
            with suppress(FileNotFoundError):
                path.unlink()
        return True

    def _silent(self, path: Path, seconds: float) -> bool:
        """Tell whether a lease's file has not been touched for some seconds of our own clock."""
        try:
            found = path.stat()
        except OSError:
            return False
        look = (found.st_ino, found.st_mtime_ns)
        seen = self._seen.get(path)
        if seen is None or seen.look != look:
            self._seen[path] = _Seen(look, time.monotonic())
            return False
        return time.monotonic() - seen.since > seconds
