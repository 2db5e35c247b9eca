"""Put a finished file, or a folder of pictures, under its name, whole or not at all."""

import errno
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Protocol, Self

from vs_gendrpix.errors import GendrpixError, OutputError, ResourceError, cancellation
from vs_gendrpix.frame.sequence import Names
from vs_gendrpix.write.part import Part
from vs_gendrpix.write.publishing import TAKEN, exchange, kept_name, link, sync, sync_names

_FULL = {errno.ENOSPC, errno.EDQUOT}

STDOUT = Path("-")
"""The path that stands for the standard output."""


def output_fault(error: OSError | Exception, what: str, reason: str = "") -> GendrpixError:
    """Make the error for a failed write: a full disk is temporary, other failures are not.

    Args:
        error: What the system or libav raised.
        what: What was attempted, for the message.
        reason: Why it failed; empty is what the error says.
    """
    reason = reason or getattr(error, "strerror", None) or str(error)
    if comes_of_full_disk(error):
        return ResourceError(f"{what}: {reason}; free some space and run the same command again")
    return OutputError(f"{what}: {reason}")


def comes_of_full_disk(error: BaseException | None) -> bool:
    """Tell whether an error, or one that it was raised from, says that the disk is full."""
    while error is not None:
        if getattr(error, "errno", None) in _FULL:
            return True
        error = error.__cause__
    return False


class Output(Protocol):
    """The destination of a result: a temporary place that gets its name only when all is well.

    A context manager: on entry the temporary place is made, on exit it is gone.
    """

    @property
    def path(self) -> Path:
        """The name that the result will have; `-` is the standard output."""

    @property
    def part(self) -> Path:
        """The temporary file or folder; `-` is the standard output."""

    @property
    def url(self) -> str:
        """The temporary place, for libav."""

    @property
    def suffix(self) -> str:
        """The extension of the result, in lower case, such as `.mkv`."""

    @property
    def names(self) -> Names | None:
        """The names of the pictures in the temporary folder; None for one file."""

    @property
    def readable(self) -> bool:
        """Whether the result can be read again, to check it."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *ended: object) -> None: ...

    def sync(self) -> None:
        """Wait until the result is on the disk.

        Raises:
            OutputError: The system reports a write error.
            ResourceError: The disk is full.
        """

    def publish(self) -> None:
        """Give the result its name, in one step.

        Raises:
            OutputError: Something has come up under the name meanwhile, or the name cannot be
                given. The result is kept under another name, which the message says.
        """


class OutputFile:
    """A file that appears under its name only when it is whole.

    A context manager: on entry an empty temporary file is made beside the target, `part`, which
    proves in no time that the folder is there and writable; on exit it is removed, unless `publish`
    has moved it to its name. A lock beside it says whose it is; see `Part`.

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
        self._place = Part(self.path)
        self.part = self._place.path
        self.url = f"file:{self.part}"
        self.suffix = self.path.suffix.lower()
        self.names: Names | None = None
        self.readable = True

    def __enter__(self) -> Self:
        try:
            self._place.open()
        except OSError as error:
            raise output_fault(error, f"cannot write {self._name}") from error
        return self

    def __exit__(self, *ended: object) -> None:
        self._place.close()

    def sync(self) -> None:
        """Wait until the temporary file is on the disk.

        Raises:
            OutputError: The system reports a write error.
            ResourceError: The disk is full.
        """
        try:
            sync(self.part)
        except OSError as error:
            raise output_fault(error, f"cannot write {self._name}") from error

    def publish(self) -> None:
        """Give the temporary file its name, in one step.

        Raises:
            OutputError: The name could not be given; the message says where the file is.
        """
        cancellation.commit()
        try:
            if self._overwrite:
                self.part.replace(self.path)
            else:
                link(self.part, self.path)
        except OSError as error:
            raise _kept(self._place, self.path, error) from error
        sync_names(self.path.parent)


class OutputFolder:
    """A folder of numbered pictures that appears only when it is whole.

    A context manager like `OutputFile`: the pictures are written to a folder beside the target,
    `part`.

    Args:
        names: How the pictures are to be named. Their folder is made; if it is there already, it
            must be empty, or hold nothing but pictures of such names and `overwrite` be set.
        source: The input, which must not lie in the folder.
        overwrite: Whether such pictures may be replaced, all of them.

    Raises:
        OutputError: The folder holds other things, or the input, or cannot be written.
    """

    def __init__(self, names: Names, *, source: Path, overwrite: bool) -> None:
        folder = names.folder
        try:
            self.path = folder.resolve()
            found = sorted(os.listdir(self.path)) if self.path.exists() else []  # noqa: PTH208
            inside = self.path in {source.resolve(), *source.resolve().parents}
            ours = {names.path(number).name for number in names.numbers()} if found else set()
        except (OSError, RuntimeError) as error:
            raise output_fault(error, f"cannot write {folder}") from error
        if found and inside:
            raise OutputError(f"the output folder {folder} holds the input: choose another one")
        self._refuse_contents(folder, found, ours, overwrite=overwrite)
        self._folder, self._overwrite = folder, overwrite
        self._place = Part(self.path, folder=True)
        self.part = self._place.path
        self._names = replace(names, folder=self.part)
        self.names: Names | None = self._names
        self.url = f"file:{self._names.pattern()}"
        self.suffix = Path(f"x{names.suffix}").suffix.lower()
        self.readable = True

    @staticmethod
    def _refuse_contents(
        folder: Path, found: list[str], ours: set[str], *, overwrite: bool
    ) -> None:
        """Refuse a folder of other things, or of pictures that must not be replaced."""
        strangers = [name for name in found if name not in ours]
        if strangers:
            raise OutputError(
                f"the folder {folder} holds other things ({strangers[0]!r}): "
                "give the pictures a folder of their own, such as out/%06d.png"
            )
        if found and not overwrite:
            raise OutputError(
                f"the folder {folder} holds pictures: choose another name, or overwrite (-y)"
            )

    def __enter__(self) -> Self:
        try:
            self._place.open()
        except OSError as error:
            raise output_fault(error, f"cannot write {self._folder}") from error
        return self

    def __exit__(self, *ended: object) -> None:
        self._place.close()

    def sync(self) -> None:
        """Wait until all pictures are on the disk.

        Raises:
            OutputError: The system reports a write error.
            ResourceError: The disk is full.
        """
        try:
            for path in self.part.iterdir():
                cancellation.check()
                sync(path)
            sync(self.part)
        except OSError as error:
            raise output_fault(error, f"cannot write {self._folder}") from error

    def publish(self) -> None:
        """Give the temporary folder its name, in one step.

        Pictures that it replaces are removed after that, with the temporary folder.

        Raises:
            OutputError: The name could not be given; the message says where the folder is.
        """
        cancellation.commit()
        try:
            if self._overwrite and self.path.exists():
                self._see_only_ours()
                exchange(self.part, self.path, self._place.aside)
            else:
                self.part.rename(self.path)  # an empty folder gives way, a full one does not
        except OSError as error:
            raise _kept(self._place, self.path, error) from error
        sync_names(self.path.parent)

    def _see_only_ours(self) -> None:
        """Check once more that the replaced folder holds nothing that must stay.

        Raises:
            FileExistsError: Something has.
        """
        names = replace(self._names, folder=self.path)
        if len(os.listdir(self.path)) > len(names.numbers()):  # noqa: PTH208 - as above
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))


class StandardOutput:
    """The standard output as a destination: for the video alone, with nothing to be undone.

    A context manager: until it ends, whatever else is printed goes to the standard error stream,
    also what libraries print by themselves.
    """

    def __init__(self) -> None:
        self.path = self.part = STDOUT
        self.suffix = ".y4m"
        self.names: Names | None = None
        self.readable = False

    @property
    def url(self) -> str:
        """The address of the standard output, for libav."""
        return f"pipe:{self._kept}"

    def __enter__(self) -> Self:
        sys.stdout.flush()
        self._kept = os.dup(1)
        os.dup2(2, 1)
        return self

    def __exit__(self, *ended: object) -> None:
        sys.stdout.flush()
        os.dup2(self._kept, 1)
        os.close(self._kept)

    def sync(self) -> None:
        """Do nothing: whoever reads the standard output has it already."""

    def publish(self) -> None:
        """Commit the work, as the standard output has no name to be given."""
        cancellation.commit()


def _kept(place: Part, path: Path, error: OSError) -> OutputError:
    """Keep a finished result under another name, and make the error to raise."""
    found = kept_name(place.path, path)
    if found == place.path:
        place.keep()
    taken = error.errno in TAKEN
    why = f"{path} exists by now" if taken else f"cannot write {path} ({error.strerror})"
    return OutputError(f"{why}: the finished result is {found}")
