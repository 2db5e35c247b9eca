"""The contract of an input: opened, read by ranges, and examined beforehand."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Protocol, Self

from vs_gendrpix.frame.clip import ClipInfo
from vs_gendrpix.frame.format import Frame, FrameFormat
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.frame.span import Within
from vs_gendrpix.libav.faults import reading
from vs_gendrpix.read.clip import Clip
from vs_gendrpix.read.look.changes import refuse_changes
from vs_gendrpix.read.look.fields import PROGRESSIVE, UNSEEN, Scan, scan
from vs_gendrpix.read.opening import STDIN
from vs_gendrpix.read.source import Source
from vs_gendrpix.settings import ReadSettings


class Frames(Protocol):
    """The frames of a range of time, in order, once, as in `read.source.Source`."""

    info: ClipInfo
    first: FrameFormat
    offset: Fraction
    decoded: int

    def __iter__(self) -> Iterator[Frame]: ...


class Input(Protocol):
    """An opened input: a context manager.

    Attributes:
        path: What the user named.
        length: Seconds of the pictures by the container; 0 when unknown.
        delay: Seconds from where the clip begins to its first picture.
        rereadable: Whether it can be opened again: a pipe cannot.
    """

    path: Path
    length: Fraction
    delay: Fraction
    rereadable: bool

    def __enter__(self) -> Self: ...

    def __exit__(self, *ended: object) -> None: ...

    def frames(
        self, start: Fraction | None, end: Fraction | None, within: Within | None = None
    ) -> Frames:
        """Begin to read the frames from one second on and before another; None is no limit.

        Args:
            start: The second, counted from where the clip begins.
            end: The other one.
            within: The longer reading of which they are a part; None if they are all.

        Raises:
            MediaError: There are none.
        """

    def fields(self, start: Fraction | None, end: Fraction | None) -> Scan:
        """Examine whether the pictures of a range are interlaced."""

    def refuse_changes(self, first: FrameFormat, end: Fraction | None) -> None:
        """Search the clip for pictures of another format than the first one's.

        Raises:
            MediaError: The picture changes its size or format.
        """


class FileInput:
    """A file, numbered pictures or the standard input as an `Input`.

    Attributes:
        clip: The opened video, for what looks at the file's other streams.

    Args:
        path: What the user named.
        chosen: How to read it.
        notes: Where damage and warnings go.
        reopened: Whether the standard input will be opened once more.

    Raises:
        MediaError: The input cannot be read.
        SettingsError: A choice does not fit this input.
    """

    def __init__(
        self, path: Path, chosen: ReadSettings, notes: Notes, *, reopened: bool = False
    ) -> None:
        self.path, self.rereadable = path, path != STDIN
        self.clip = Clip(path, chosen, notes, reopened=reopened)
        self.length, self.delay = self.clip.length, self.clip.delay

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *ended: object) -> None:
        self.clip.close()

    def frames(
        self, start: Fraction | None, end: Fraction | None, within: Within | None = None
    ) -> Source:
        """Begin to read a range of frames, converted to match the clip's first."""
        return Source(self.clip, start=start, end=end, within=within, refuses=False)

    def fields(self, start: Fraction | None, end: Fraction | None) -> Scan:
        """Examine whether a file's pictures are interlaced. Numbered pictures are not."""
        if not self.path.is_file():
            return PROGRESSIVE if self.rereadable else UNSEEN
        with reading(self.path):
            return scan(self.clip, start=start, end=end)

    def refuse_changes(self, first: FrameFormat, end: Fraction | None) -> None:
        """Search the clip for a change of format. A pipe is not searched: it is read only once."""
        if self.rereadable:
            with reading(self.path):
                refuse_changes(self.clip, first, end)
