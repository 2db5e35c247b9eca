"""The steps by which a process changes what is on the disk: counted, cut off, and replayed.

A kill leaves all that was written. A power cut leaves less: of a file what was flushed, and of a
folder the names that it had when it was flushed. What the system has written by itself beyond that
is left to chance, so two disks are made of every moment: one with all names, one with the flushed
ones.
"""

import errno
import json
import os
import shutil
import signal
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

_WRAPPED = ("fsync", "link", "rename", "replace", "unlink", "remove", "mkdir", "rmdir")

type Thing = tuple[int, int]
"""A file or folder: its inode, and how often that had been freed before."""


class Steps:
    """Records the file operations of this process in a folder.

    Args:
        root: The folder.
        die_at: The number of the step before which the process group is killed; None is none.
        fail_at: The number of the step that fails as on a broken disk; None is none.
        store: Where to keep what is flushed; None keeps nothing.
    """

    def __init__(
        self, root: Path, *, die_at: int | None, fail_at: int | None, store: Path | None
    ) -> None:
        self._root, self._store = root, store
        self._die_at, self._fail_at = die_at, fail_at
        self._lock = threading.RLock()
        self._freed: Counter[int] = Counter()
        self._contents: dict[Thing, str] = {}
        self._names: dict[Thing, dict[str, Thing]] = {}
        self._folders: set[Thing] = set()
        self.taken: list[dict[str, Any]] = []
        """The steps: what each was, and both disks that a power cut before it may leave."""

    def watch(self) -> None:
        """Watch the functions of the system from now on."""
        if self._store is not None:
            self._flushed_folder(self._root)
        for name in _WRAPPED:
            setattr(os, name, self._wrapped(name, getattr(os, name)))
        os.open = self._wrapped("open", os.open)

    def write(self, path: Path) -> None:
        """Write the steps as JSON, the end of the process as the last of them."""
        with self._lock:
            self._take("end")
        path.write_text(json.dumps(self.taken))

    def _wrapped(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def step(*given: Any, **named: Any) -> Any:  # noqa: ANN401 - of any function
            if name == "open" and not (given[1] & os.O_CREAT and given[1] & os.O_EXCL):
                return real(*given, **named)
            with self._lock:
                self._take(f"{name} {given[0]}")
                freed = self._gone(name, given, named) if self._store is not None else None
                result = real(*given, **named)
                if freed is not None:
                    self._freed[freed] += 1
                if name == "fsync" and self._store is not None:
                    self._flushed(given[0])
                return result

        return step

    def _take(self, what: str) -> None:
        if len(self.taken) == self._die_at:
            os.killpg(0, signal.SIGKILL)
        failing = len(self.taken) == self._fail_at
        seen = {"step": what}
        if self._store is not None:
            seen |= {"now": self._now(), "flushed": self._listed(self._thing(self._root))}
            seen |= {"finished": self._finished()}
        self.taken.append(seen)
        if failing:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    def _finished(self) -> int:
        """List the segments that are recorded as finished."""
        ledgers = self._root.glob("*.job/ledger.jsonl")
        return sum(path.read_text().count('"finished"') for path in ledgers)

    def _thing(self, path: Path | int) -> Thing:
        number = os.stat(path).st_ino  # noqa: PTH116 - or an open file
        return number, self._freed[number]

    @staticmethod
    def _gone(name: str, given: tuple[Any, ...], named: dict[str, Any]) -> int | None:
        """Return the inode that a step frees; None if it frees none."""
        target = given[1] if name in {"rename", "replace"} else given[0]
        if name not in {"unlink", "remove", "rmdir", "rename", "replace"}:
            return None
        try:
            found = os.stat(target, dir_fd=named.get("dir_fd"), follow_symlinks=False)
        except OSError:
            return None
        return found.st_ino if found.st_nlink <= 1 or name in {"rmdir", "rename"} else None

    def _flushed(self, handle: int) -> None:
        path = Path(f"/proc/self/fd/{handle}").readlink()
        if path.is_dir():
            self._flushed_folder(path)
        elif self._store is not None and path.exists():
            name = str(len(list(self._store.iterdir())))
            shutil.copy2(path, self._store / name)
            self._contents[self._thing(handle)] = name

    def _flushed_folder(self, path: Path) -> None:
        made: dict[str, Thing] = {}
        for each in path.iterdir():
            made[each.name] = self._thing(each)
            if each.is_dir():
                self._folders.add(made[each.name])
        self._names[self._thing(path)] = made

    def _now(self) -> dict[str, Any]:
        """Describe the disk with its present names and the flushed content of each file."""
        found: dict[str, Any] = {}
        for path in sorted(self._root.rglob("*")):
            name = str(path.relative_to(self._root))
            found[name] = "/" if path.is_dir() else self._contents.get(self._thing(path))
        return found

    def _listed(self, folder: Thing, before: str = "") -> dict[str, Any]:
        """Describe the disk with only those names that were flushed."""
        found: dict[str, Any] = {}
        for name, thing in self._names.get(folder, {}).items():
            if thing in self._folders:
                found |= {before + name: "/"} | self._listed(thing, f"{before}{name}/")
            else:
                found[before + name] = self._contents.get(thing)
        return found


def put_back(disk: dict[str, Any], store: Path, root: Path) -> None:
    """Restore a folder to the state after a power cut."""
    shutil.rmtree(root)
    root.mkdir()
    for name, content in sorted(disk.items()):
        if content == "/":
            (root / name).mkdir(parents=True)
        elif content is None:
            (root / name).touch()
        else:
            shutil.copy2(store / content, root / name)
