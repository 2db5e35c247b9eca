"""The state of an input's files at a moment, to notice later changes."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from vs_gendrpix.errors import MediaError
from vs_gendrpix.frame.sequence import find_sequence
from vs_gendrpix.read.opening import STDIN
from vs_gendrpix.settings import ReadSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class InputState:
    """Number, size and time of the files of an input.

    Attributes:
        files: How many they are: one, or as many as there are pictures.
        size: Bytes of all of them.
        modified: When the newest was written, in nanoseconds since 1970.
    """

    files: int
    size: int
    modified: int

    @classmethod
    def of(cls, path: Path, read: ReadSettings) -> Self | None:
        """Look at an input; None for the standard input, and for one that is gone.

        Args:
            path: What the user named.
            read: How it is read.
        """
        if path == STDIN:
            return None
        try:
            pictures = find_sequence(path, read.start_number)
            paths = [path]
            if pictures is not None:
                numbers = range(pictures.first, pictures.first + pictures.count)
                paths = [pictures.names.path(number) for number in numbers]
            found = [each.stat() for each in paths]
        except (OSError, MediaError):
            return None
        return cls(
            files=len(found),
            size=sum(each.st_size for each in found),
            modified=max(each.st_mtime_ns for each in found),
        )

    def __str__(self) -> str:
        when = datetime.fromtimestamp(self.modified / 1e9, UTC).isoformat(timespec="milliseconds")
        pictures = f"{self.files} files of " if self.files > 1 else ""
        return f"{pictures}{self.size} bytes of {when}"
