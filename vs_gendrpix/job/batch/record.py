"""The record of a folder's finished outputs: their inputs and their settings."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path

from vs_gendrpix.errors import OutputError, SettingsError
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.frame.sequence import Names
from vs_gendrpix.job.batch.clips import BatchClip
from vs_gendrpix.read.state import InputState
from vs_gendrpix.settings import ProcessSettings
from vs_gendrpix.settings.values import from_json, to_json

NAME = ".gendrpix.jsonl"
"""Name of the record in the output folder."""

_OF_NO_PICTURE = frozenset({"device", "overwrite", "report", "segments", "keep", "workers"})
"""Settings that may differ between two runs that finish a folder together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A finished output.

    Attributes:
        output: Its path in the output folder.
        source: The place of its input in the tree.
        state: How the input's files stood before the work; None was not known.
        settings: What was asked for.
    """

    output: str
    source: str
    state: InputState | None
    settings: ProcessSettings


class Record:
    """The record of an output folder: a hidden file in it, to which a line is added per output.

    An output appears only when it is whole and checked, so one that exists is finished. The record
    tells whether it is the one that is asked for. Without a line, as after a kill between the two
    steps, an output is taken as that.

    Args:
        folder: The output folder.
        settings: What is asked for.
        notes: Is told if the record cannot be written.
    """

    def __init__(self, folder: Path, settings: ProcessSettings, notes: Notes) -> None:
        self._folder, self._settings, self._notes = folder, settings, notes
        self._path = folder / NAME
        self._finished = {each.output: each for each in _read(self._path)}

    def finished(self, clip: BatchClip) -> Finished:
        """Describe a clip's output for the record. Called before the work: inputs may change."""
        return Finished(
            output=str(_shown(clip.output).relative_to(self._folder)),
            source=str(clip.name),
            state=InputState.of(clip.source, self._settings.read),
            settings=self._settings,
        )

    def holds(self, clip: BatchClip) -> bool:
        """Tell whether the output of a clip is finished.

        Raises:
            OutputError: It was made from another input, or with other settings.
        """
        output = _shown(clip.output)
        if not output.exists():
            return False
        now = self.finished(clip)
        was = self._finished.get(now.output, now)
        why = ""
        if was.source != now.source:
            why = f"from {was.source}, not from {now.source}"
        elif was.state != now.state:
            why = f"from another state of {clip.source} (it was {was.state}, and is {now.state})"
        elif found := list(_differences(was.settings, now.settings)):
            why = f"with other settings ({', '.join(found)})"
        if why:
            raise OutputError(
                f"{output} was made {why}: make it anew (-y), or choose another folder"
            )
        return True

    def add(self, finished: Finished) -> None:
        """Add a finished output. A record that cannot be written is a warning, not a failure."""
        self._finished[finished.output] = finished
        line = json.dumps(json.loads(to_json(finished))) + "\n"
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(line)
        except OSError as error:
            self._notes.warn(
                f"cannot write {self._path} ({error.strerror}): a later run will not know how the "
                "outputs were made"
            )


def _shown(output: Path) -> Path:
    """The file of an output, or the folder of its pictures."""
    names = Names.of(output)
    return output if names is None else names.folder


def _read(path: Path) -> Iterator[Finished]:
    """Read a record; lines that are cut off, or of another version, are passed over."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return
    for line in text.splitlines():
        try:
            yield from_json(line, Finished, "the record")
        except SettingsError:
            continue


def _differences(was: object, now: object) -> Iterator[str]:
    """Say in words how settings differ, as far as a picture may differ by it."""
    if not is_dataclass(was):
        return
    for field in fields(was):
        old, new = getattr(was, field.name), getattr(now, field.name)
        if is_dataclass(old):
            yield from _differences(old, new)
        elif old != new and field.name not in _OF_NO_PICTURE:
            yield f"{field.name.replace('_', ' ')} was {_said(old)}, and is {_said(new)}"


def _said(value: object) -> str:
    """Describe a setting's value in words. None stands for a default that the run decides."""
    return "left open" if value is None else str(value)
