"""Numbered pictures as a clip: find their files and names, without opening any."""

import os
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Self

from vs_gendrpix.errors import MediaError

PICTURES = (".png", ".tif", ".tiff", ".dpx", ".exr", ".jpg", ".jpeg", ".jp2", ".tga", ".bmp")
"""Extensions of files that hold one picture each."""

_PATTERN = re.compile(r"(?P<prefix>[^%]*)%(0(?P<digits>[1-9]\d?))?d(?P<suffix>[^%]*)")
_NUMBERED = re.compile(r"(?P<prefix>.*?)(?P<number>\d+)(?P<suffix>\.[^.\d][^.]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The naming scheme of numbered pictures in a folder, such as `shot.%06d.exr`.

    Attributes:
        folder: Where they are.
        prefix: What stands before the number.
        digits: To how many digits a number is filled up with zeros; 0 does not fill up.
        suffix: What stands behind the number, the extension last.
    """

    folder: Path
    prefix: str
    digits: int
    suffix: str

    @classmethod
    def of(cls, path: Path) -> Self | None:
        """Parse a pattern such as `FOLDER/%06d.png`; None if the path is no pattern."""
        found = _PATTERN.fullmatch(path.name)
        if found is None or path.suffix.lower() not in PICTURES:
            return None
        digits = int(found["digits"] or 0)
        return cls(
            folder=path.parent, prefix=found["prefix"], digits=digits, suffix=found["suffix"]
        )

    def path(self, number: int) -> Path:
        """Return the path of the picture with a number."""
        return self.folder / f"{self.prefix}{number:0{self.digits or 1}d}{self.suffix}"

    def pattern(self) -> str:
        """Return the pattern in libav's syntax, with the per cent signs of the folder escaped."""
        digits = f"0{self.digits}" if self.digits else ""
        folder = str(self.folder).replace("%", "%%")
        return os.path.join(folder, f"{self.prefix}%{digits}d{self.suffix}")  # noqa: PTH118 - text

    def numbers(self) -> list[int]:
        """List the numbers of the existing pictures, in order.

        Raises:
            OSError: The folder cannot be read.
        """
        found = []
        for name in _files_in(self.folder):
            middle = name[len(self.prefix) : len(name) - len(self.suffix)]
            if re.fullmatch(r"\d{1,9}", middle, re.ASCII) and name == self.path(int(middle)).name:
                found.append(int(middle))
        return sorted(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """Numbered pictures without a gap: `count` of them from number `first` on."""

    names: Names
    first: int
    count: int


def find_sequence(path: Path, start_number: int | None = None) -> Sequence | None:
    """Find the pictures of a pattern such as `%06d.png`, or of a folder.

    Args:
        path: What the user named. A file of this very name is no sequence, whatever it looks like.
        start_number: Number of the first picture to take; None is the lowest there is.

    Returns:
        The sequence, or None if the path is neither a pattern nor a folder.

    Raises:
        MediaError: There are no such pictures, or several sequences, or some are missing.
    """
    if path.is_file():
        return None
    try:
        names = _names_in(path) if path.is_dir() else Names.of(path)
        numbers = names.numbers() if names else []
    except OSError as error:
        raise MediaError(f"cannot read the folder of {path}: {error.strerror}") from error
    if names is None:
        return None
    if start_number is not None:
        numbers = [number for number in numbers if number >= start_number]
    if not numbers or start_number not in {None, numbers[0]}:
        raise MediaError(f"there is no picture {names.path(start_number or 0)}")
    for before, after in pairwise(numbers):
        if after != before + 1:
            lost = f"{before + 1}" if after == before + 2 else f"{before + 1} to {after - 1}"
            raise MediaError(
                f"of the pictures {names.path(numbers[0])} to {names.path(numbers[-1]).name} number"
                f" {lost} is missing: add it, or give the parts one by one"
            )
    return Sequence(names=names, first=numbers[0], count=len(numbers))


def holds_pictures(folder: Path) -> bool:
    """Tell whether a folder holds numbered pictures, of one sequence or of several.

    Raises:
        MediaError: The folder cannot be read.
    """
    try:
        return any(_numbered(name) for name in _files_in(folder))
    except OSError as error:
        raise MediaError(f"cannot read the folder {folder}: {error.strerror}") from error


def _numbered(name: str) -> re.Match[str] | None:
    """Split the name of a numbered picture into prefix, number and suffix; None if it is none."""
    parts = _NUMBERED.fullmatch(name)
    return parts if parts is not None and parts["suffix"].lower() in PICTURES else None


def _files_in(folder: Path) -> Iterator[str]:
    """Yield the names of a folder's files; a FIFO among them would be waited for without end."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_file():
                yield entry.name


def _names_in(folder: Path) -> Names:
    """Find the naming scheme of the one sequence in a folder."""
    found: dict[tuple[str, str], set[int]] = defaultdict(set)
    for name in _files_in(folder):
        parts = _numbered(name)
        if parts is not None:
            # A number that begins with 0 has all the digits that any has.
            number = parts["number"]
            found[parts["prefix"], parts["suffix"]].add(len(number) if number[0] == "0" else 0)
    if not found:
        raise MediaError(
            f"the folder {folder} has no numbered pictures ({', '.join(PICTURES)}) to read"
        )
    if len(found) > 1:
        names = ", ".join(sorted(f"{prefix}%d{suffix}" for prefix, suffix in found)[:4])
        raise MediaError(
            f"the folder {folder} has several sequences of pictures ({names}): "
            "name one by its pattern"
        )
    ((prefix, suffix), widths), *_ = found.items()
    return Names(folder=folder, prefix=prefix, digits=max(widths), suffix=suffix)
