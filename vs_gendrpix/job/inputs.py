"""Open what the user names as input: a file, numbered pictures, a pipe or a script."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from vs_gendrpix.carry.copy import NoSideStreams, SideStreams
from vs_gendrpix.errors import SettingsError
from vs_gendrpix.frame.clip import ClipInfo
from vs_gendrpix.frame.format import Frame
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.read.look.changes import refuse_changes
from vs_gendrpix.read.look.fields import Scan, scan
from vs_gendrpix.read.opening import STDIN
from vs_gendrpix.read.source import Source
from vs_gendrpix.settings import ProcessSettings, ReadSettings


class Input(Protocol):
    """A clip's frames, in order, once; see `vs_gendrpix.read.source.Source` for what is what."""

    path: Path
    report: Notes
    decoded: int
    begin: Fraction
    offset: Fraction
    info: ClipInfo

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def __iter__(self) -> Iterator[Frame]: ...


def is_script(path: Path) -> bool:
    """Whether an input is a VapourSynth script."""
    return path.suffix.lower() == ".vpy"


def open_source(path: Path, settings: ProcessSettings) -> Input:
    """Open an input, which is to be closed by leaving it as a context.

    Args:
        path: What the user named.
        settings: How to read it, and which part.

    Raises:
        MediaError: It cannot be read, gives no frame, or changes its size or format on the way.
        SettingsError: A choice does not fit this input.
    """
    chosen = settings.read
    start, end = chosen.start, chosen.end
    if is_script(path):
        if _says_how(chosen):
            raise SettingsError(f"the script {path} says by itself what it reads: give no choices")
        # VapourSynth is loaded for those who have a script.
        from vs_gendrpix.vapoursynth.script import ScriptSource  # noqa: PLC0415

        return ScriptSource(path, start=start, end=end)
    source = Source(path, chosen=chosen, start=start, end=end)
    if chosen.on_change == "error" and path != STDIN:
        try:
            refuse_changes(path, chosen, source.info.format, end)
        except BaseException:
            source.__exit__(None, None, None)
            raise
    return source


def _says_how(chosen: ReadSettings) -> bool:
    """Whether a user says what a script says by itself."""
    return (chosen.video_stream, chosen.rate, chosen.start_number, chosen.raw) != (None,) * 4


def look_for_fields(source: Input, settings: ProcessSettings) -> Scan:
    """Look whether an input is interlaced, if it is a file: pictures and scripts are not."""
    if not source.path.is_file() or is_script(source.path):
        return Scan(kind="progressive", order="auto", flagged=False)
    return scan(source.path, settings.read, start=settings.read.start, end=settings.read.end)


def open_glance(path: Path, settings: ProcessSettings, start: Fraction, notes: Notes) -> Input:
    """Open an input to look at the frame of a moment, and at no more: nothing else is checked.

    Args:
        path: What the user named.
        settings: How to read it.
        start: The moment, in seconds from where the clip begins.
        notes: Where notes go; warnings that it holds are not said again.

    Raises:
        MediaError: There is no frame.
        SettingsError: The input can be read only once.
    """
    if path == STDIN:
        raise SettingsError(
            "the standard input can be read only once: for a preview give --start too, and for a "
            "crop its place"
        )
    if is_script(path):
        return open_source(
            path, replace(settings, read=replace(settings.read, start=start, end=None))
        )
    return Source(path, chosen=settings.read, start=start or None, report=notes)


def open_side_streams(source: Input, settings: ProcessSettings) -> SideStreams | NoSideStreams:
    """Open what lies beside an input's video, if it can be read a second time."""
    if source.path == STDIN or is_script(source.path):
        return NoSideStreams()
    return SideStreams(
        source.path,
        chosen=settings.read,
        offset=source.offset,
        start=settings.read.start,
        end=settings.read.end,
        keep=settings.write.streams,
    )
