"""The folder of a job: its plan, its finished segments and their manifests, and its ledger.

The folder is the only state there is. A file gets its name when it is whole and on the disk. A
segment counts when its manifest stands there, which names its file and digest.
"""

import json
import os
import secrets
import shutil
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from vs_gendrpix.errors import OutputError, SettingsError
from vs_gendrpix.frame.sequence import Names
from vs_gendrpix.job.segments.job_plan import JobPlan
from vs_gendrpix.job.segments.manifest import Manifest
from vs_gendrpix.read.timing.index_text import kept_index, know_index
from vs_gendrpix.settings.values import from_json, to_json
from vs_gendrpix.write.output import output_fault
from vs_gendrpix.write.part import Owner, Part, examined, fitted
from vs_gendrpix.write.publishing import link, sync, sync_names

PLAN = "plan.json"
LEDGER = "ledger.jsonl"
INDEX = "index.json"
PINNED = "tile.json"
PUBLISHED = "published.json"
LEASE = ".lease"
FINISH = f"finish{LEASE}"
"""Name of the lease for joining the segments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pinned:
    """The tile size of a job, which all its frames share."""

    tile: tuple[int, int] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """Size and time of a file or folder, which a rename does not change.

    Attributes:
        bytes: Its length.
        changed: When it was changed, in nanoseconds of the file system's clock.
    """

    bytes: int
    changed: int

    @classmethod
    def of(cls, path: Path) -> Self:
        """Look at a file or folder."""
        found = path.stat()
        return cls(bytes=found.st_size, changed=found.st_mtime_ns)


class JobFolder:
    """The folder of a job.

    Args:
        path: The folder.

    Attributes:
        path: The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def beside(cls, output: Path) -> Self:
        """Return the folder for an output's job: `OUT.job` beside it. It need not exist."""
        return cls(fitted(target_of(output).resolve(), ".job"))

    def exists(self) -> bool:
        """Tell whether the folder exists."""
        return self.path.is_dir()

    def is_over(self) -> bool:
        """Tell whether the job is finished: its output exists, and the folder is gone."""
        return not self.exists() and self.path.with_name(self.path.stem).exists()

    def create(self, job: JobPlan) -> None:
        """Make the folder with its plan, in one step.

        Raises:
            OutputError: It exists, or cannot be written.
            ResourceError: The disk is full.
        """
        place = Part(self.path, folder=True)  # what a kill leaves of it is swept
        try:
            place.open()
            try:
                _write(place.path / PLAN, to_json(job))
                index = kept_index(job.plan.source, job.plan.settings.read)
                if index is not None:
                    _write(place.path / INDEX, index)
                sync(place.path)
                place.path.rename(self.path)
            finally:
                place.close()
        except OSError as error:
            raise output_fault(error, f"cannot write the job folder {self.path}") from error
        sync_names(self.path.parent)

    def plan(self) -> JobPlan:
        """Read the plan, and the index of the input's packets, which then is not read again.

        Raises:
            OutputError: There is none, it is damaged, or of another version of the program.
        """
        try:
            job = from_json(_read(self.path / PLAN), JobPlan, "the plan of the job")
        except (OSError, ValueError) as error:
            raise OutputError(
                f"{self.path} is no job folder of this version ({error}): begin anew (-y), or "
                "delete it"
            ) from error
        with suppress(OSError):
            know_index(job.plan.source, (self.path / INDEX).read_text(encoding="utf-8"))
        return job

    def remove(self) -> None:
        """Remove the folder and all that is in it; it is gone in one step."""
        place = Part(self.path, folder=True)
        with suppress(OSError):
            place.open()
            try:
                self.path.rename(place.path)  # what a kill leaves of it is swept
                sync_names(self.path.parent)
            finally:
                place.close()

    def publishing(self, part: Path) -> None:
        """Record size and time of the finished output, before it gets its name.

        A run that is killed before it has removed the folder knows it again by that.

        Args:
            part: The output under its temporary name.

        Raises:
            OutputError: It cannot be said.
            ResourceError: The disk is full.
        """
        path = self.path / PUBLISHED
        made = path.with_suffix(f".{secrets.token_hex(4)}.part")
        try:
            _write(made, to_json(_Look.of(part)))
            made.replace(path)
        except OSError as error:
            raise output_fault(error, f"cannot write {path}") from error
        sync_names(self.path)

    def published(self, output: Path) -> bool:
        """Tell whether the file under the output's name is this job's finished output."""
        try:
            text = _read(self.path / PUBLISHED)
            return from_json(text, _Look, PUBLISHED) == _Look.of(target_of(output))
        except (OSError, ValueError):
            return False

    def workers(self) -> list[Owner]:
        """List the owners of leases that do not look dead."""
        found: list[Owner] = []
        for name in sorted(self.names()):
            if name.endswith(LEASE):
                with examined(self.path / name) as (owner, free):
                    if owner is not None and not (free and owner.on_this_machine):
                        found.append(owner)
        return found

    def names(self) -> set[str]:
        """List the names of all files in the folder. A claim takes one such list.

        Raises:
            OutputError: It is gone.
        """
        try:
            return set(os.listdir(self.path))  # noqa: PTH208 - names only
        except OSError as error:
            raise output_fault(error, f"cannot read the job folder {self.path}") from error

    def lease(self, number: int) -> Path:
        """Return the path of a segment's lease: its file stands for the right to work on it."""
        return self.path / lease_name(number)

    def attempt(self, number: int, suffix: str) -> Path:
        """Return a path for a segment's file that no other attempt has."""
        return self.path / f"{number:05d}.{secrets.token_hex(4)}{suffix}"

    def manifest(self, number: int) -> Manifest | None:
        """Read a segment's manifest; None if it is not there, or damaged."""
        try:
            text = _read(self.path / _manifest(number))
            return from_json(text, Manifest, "the manifest")
        except (OSError, ValueError):
            return None

    def commit(self, manifest: Manifest) -> bool:
        """Mark a segment as finished by writing its manifest, once its file is on the disk.

        Returns:
            Whether it counts; not if another worker was quicker. Then its file is removed.

        Raises:
            OutputError: The manifest cannot be written.
            ResourceError: The disk is full.
        """
        path = self.path / _manifest(manifest.number)
        part = path.with_suffix(f".{secrets.token_hex(4)}.part")
        try:
            _write(part, to_json(manifest))
            try:
                link(part, path)
            except FileExistsError:
                self.drop(manifest.name)
                return False
            finally:
                part.unlink(missing_ok=True)
        except OSError as error:
            raise output_fault(error, f"cannot write {path}") from error
        sync_names(self.path)
        self.record("finished", manifest.number)
        return True

    def drop(self, name: str) -> None:
        """Remove a file or folder of pictures that belongs to no finished segment."""
        path = self.path / name
        if not name:
            return
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)

    def discard(self, number: int, reason: str) -> None:
        """Unmark a finished segment and remove its file, so that it is made again."""
        manifest = self.manifest(number)
        (self.path / _manifest(number)).unlink(missing_ok=True)
        if manifest is not None:
            self.drop(manifest.name)
        self.record("discarded", number, reason)

    def finished(self, names: Iterable[str]) -> set[int]:
        """Return the numbers of the segments whose manifests are among some names."""
        return {
            int(name[:5])
            for name in names
            if len(name) == 10 and name.endswith(".json") and name[:5].isdecimal()
        }

    def pin(self, tile: tuple[int, int] | None) -> tuple[int, int] | None:
        """Record the first segment's tile size, unless one is recorded; returns the recorded one.

        Raises:
            OutputError: It cannot be said.
            ResourceError: The disk is full.
        """
        path = self.path / PINNED
        part = path.with_suffix(f".{secrets.token_hex(4)}.part")
        try:
            if not path.exists():
                _write(part, to_json(_Pinned(tile=tile)))
                with suppress(FileExistsError):
                    link(part, path)
                part.unlink(missing_ok=True)
            return from_json(_read(path), _Pinned, str(path)).tile
        except SettingsError as error:
            raise OutputError(f"{path} is damaged ({error}): delete it") from error
        except OSError as error:
            raise output_fault(error, f"cannot write {path}") from error

    def pinned(self) -> bool:
        """Tell whether the job's tile size is recorded."""
        return (self.path / PINNED).exists()

    def ledger(self) -> list[str]:
        """Read the lines of the ledger."""
        try:
            return (self.path / LEDGER).read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return []

    def record(self, event: str, number: int | None = None, what: str = "") -> None:
        """Append a line to the ledger, which only people read."""
        owner = Owner.this(self.path.name)
        line = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "event": event,
            "segment": number,
            "what": what,
            "host": owner.host,
            "pid": owner.pid,
        }
        text = json.dumps({key: value for key, value in line.items() if value not in {None, ""}})
        with suppress(OSError), (self.path / LEDGER).open("a", encoding="utf-8") as file:
            file.write(text + "\n")


def target_of(output: Path) -> Path:
    """Return the file of an output, or the folder of its pictures."""
    names = Names.of(output)
    return output if names is None else names.folder


def lease_name(number: int) -> str:
    """Return the name of a segment's lease file."""
    return f"{number:05d}{LEASE}"


def _manifest(number: int) -> str:
    return f"{number:05d}.json"


def _read(path: Path) -> str:
    """Read a file that `_write` has written; it may hold names that are no UTF-8."""
    return path.read_text(encoding="utf-8", errors="surrogateescape")


def _write(path: Path, text: str) -> None:
    """Write a file, and wait until it is on the disk."""
    path.write_text(text, encoding="utf-8", errors="surrogateescape")
    sync(path)
