"""The clips in the inputs of a batch, and the name of each one's output."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from vs_gendrpix.errors import MediaError, OutputError, SettingsError, cancellation
from vs_gendrpix.frame.sequence import PICTURES, Names, holds_pictures
from vs_gendrpix.read.opening import STDIN, has_video
from vs_gendrpix.write.container import CONTAINERS
from vs_gendrpix.write.output import STDOUT

SUFFIX = ".mkv"
"""Extension of outputs where no profile decides it: Matroska holds the most kinds of streams."""

_VIDEOS = frozenset(
    {
        *(".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".vob", ".m2ts"),
        *(".mts", ".mxf", ".wmv", ".flv", ".y4m"),
    }
)
"""Extensions of videos. A file with one of them that cannot be opened is reported. A file with any
other extension is a clip only if it opens as a video."""

_STILLS = frozenset({*PICTURES, ".webp", ".heic", ".heif", ".avif", ".ico"})
"""Extensions of pictures, which are clips only if they are numbered."""

_UNFINISHED = re.compile(r"\..*|.*\.(part|lock|job)|.*\.[0-9a-f]{8}\.old", re.DOTALL)
"""Names that are passed over: hidden files, and temporary files and folders of running jobs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchClip:
    """A clip of a batch.

    Attributes:
        source: The input, as `process` takes it.
        name: Its place in the tree that is kept below the output folder, with its extension.
        output: The output, as `process` takes it.
        report: The file of its report; None writes none.
    """

    source: Path
    name: Path
    output: Path
    report: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The place for the outputs of a batch.

    Attributes:
        folder: The output folder; it need not exist.
        suffix: The extension of each output. One of pictures makes a folder for each clip.
        reports: The folder of the reports, one for each clip; None writes none.
    """

    folder: Path
    suffix: str = SUFFIX
    reports: Path | None = None

    def check(self) -> None:
        """Check that the outputs and the reports can have a folder.

        Raises:
            OutputError: One of them is a file, or has the name of one that we would write.
        """
        for what, folder in (("output", self.folder), ("report", self.reports)):
            if folder is not None and folder.exists() and not folder.is_dir():
                raise OutputError(f"{what}s of several clips need a folder: {folder} is a file")
        if self.folder.suffix.lower() in CONTAINERS and not self.folder.exists():
            raise OutputError(
                f"several clips do not fit into one file: give a folder, not {self.folder}"
            )

    def clip(self, source: Path, name: Path, stem: Path) -> BatchClip:
        """Name the output and the report of a clip.

        Args:
            source: The input.
            name: Its place in the tree.
            stem: The same without an extension.
        """
        output = self.folder / stem.with_name(stem.name + self.suffix)
        if self.suffix in PICTURES:
            output = self.folder / stem / f"%06d{self.suffix}"
        reports = self.reports
        report = None if reports is None else reports / stem.with_name(f"{stem.name}.json")
        return BatchClip(source=source, name=name, output=output, report=report)


def is_batch(inputs: Sequence[Path], output: str, *, pictures: bool) -> bool:
    """Tell whether a command's inputs and output are those of a batch, not of one clip.

    Args:
        inputs: What the user named: files, folders, patterns.
        output: The output as it was typed, with a slash at its end if there is one.
        pictures: Whether pictures are asked for, so that the output of one clip is a folder.

    Raises:
        MediaError: The input is a folder that holds both clips and numbered pictures.
        SettingsError: The standard input or output is among several.
    """
    piped = STDIN in inputs or Path(output) == STDOUT
    if len(inputs) > 1:
        if piped:
            raise SettingsError("the standard input and output are for one clip alone")
        return True
    (source,) = inputs
    if source.is_dir() and not _is_pictures(source, _visible(source)):
        return True
    if piped or pictures:
        return False
    folder = Path(output)
    return folder.is_dir() or output.endswith(os.sep) or not folder.suffix


def find_clips(inputs: Sequence[Path], target: Target) -> list[BatchClip]:
    """Find the clips of files and folders, with all folders below these, in the order of names.

    Links to folders are not followed, and the output folder is left out. The tree below an input
    folder is kept; of several inputs, its name too. Files that are named are clips, whatever they
    are. Of those in a folder, see `_VIDEOS`. Scripts in a folder are not run.

    Raises:
        MediaError: A folder cannot be read, or holds both clips and numbered pictures.
        OutputError: The output folder is an input.
    """
    outputs, found = target.folder.resolve(), []
    for path in inputs:
        if not path.is_dir():
            name = _name(path)
            found.append(target.clip(path, name, name.with_name(name.stem)))
            continue
        if path.resolve() == outputs:
            raise OutputError(f"the output folder {target.folder} is the input: choose another")
        above = Path(path.resolve().name) if len(inputs) > 1 else Path()
        for source in _below(path, outputs):
            name = above / source.relative_to(path)
            if source == path:  # a folder of pictures, which has only its own name
                name = Path(path.resolve().name)
            stem = name if source.is_dir() else name.with_name(name.stem)
            found.append(target.clip(source, name, stem))
    return found


def _name(path: Path) -> Path:
    """The name of a file that the user named; of pictures what stands before their number."""
    names = None if path.exists() else Names.of(path)
    if names is None:
        return Path(path.name)
    prefix = names.prefix.rstrip(" ._-") or names.folder.resolve().name or "pictures"
    return Path(prefix + names.suffix[names.suffix.rindex(".") :])


def _below(folder: Path, outputs: Path) -> Iterator[Path]:
    """Yield the clips in a folder and below it: files, and folders of pictures."""
    cancellation.check()
    entries = _visible(folder)
    if _is_pictures(folder, entries):
        yield folder
    else:
        yield from (Path(entry.path) for entry in entries if _is_clip(entry))
    for entry in entries:
        if entry.is_dir(follow_symlinks=False) and Path(entry.path).resolve() != outputs:
            yield from _below(Path(entry.path), outputs)


def _visible(folder: Path) -> list[os.DirEntry[str]]:
    """List what is in a folder and not passed over, in the order of names.

    Raises:
        MediaError: The folder cannot be read.
    """
    try:
        with os.scandir(folder) as entries:
            kept = [entry for entry in entries if not _UNFINISHED.fullmatch(entry.name)]
    except OSError as error:
        raise MediaError(f"cannot read the folder {folder}: {error.strerror}") from error
    return sorted(kept, key=lambda entry: entry.name)


def _is_pictures(folder: Path, entries: Sequence[os.DirEntry[str]]) -> bool:
    """Tell whether a folder holds numbered pictures.

    Raises:
        MediaError: It holds clips too.
    """
    if not holds_pictures(folder):
        return False
    clip = next((entry.name for entry in entries if _is_clip(entry)), None)
    if clip is not None:
        raise MediaError(
            f"the folder {folder} holds both numbered pictures and clips ({clip!r}): name the "
            f"clips one by one ({folder / ('*' + Path(clip).suffix)}), or give the pictures a "
            "folder of their own"
        )
    return True


def _is_clip(entry: os.DirEntry[str]) -> bool:
    """Tell whether a file in a folder is a clip."""
    suffix = Path(entry.name).suffix.lower()
    if suffix in _STILLS or not entry.is_file():
        return False
    if suffix in _VIDEOS:
        return True
    try:
        found = entry.stat()
    except OSError:  # gone by now
        return False
    return _has_video(Path(entry.path), (found.st_size, found.st_mtime_ns))


@lru_cache(maxsize=1 << 16)
def _has_video(path: Path, state: tuple[int, int]) -> bool:
    """Tell whether a file of a size and a time has a video: it is opened once, when watched too."""
    del state
    return has_video(path)
