"""The main path of a batch: clip after clip with one engine, past the failure of any."""

import logging
import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from vs_gendrpix.errors import (
    DeviceError,
    MediaError,
    ModelError,
    OutputError,
    SettingsError,
    cancellation,
)
from vs_gendrpix.errors.failure import Failure
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.job.batch.arrivals import arriving
from vs_gendrpix.job.batch.clips import BatchClip, Target, find_clips
from vs_gendrpix.job.batch.progress import BatchProgress, Turn
from vs_gendrpix.job.batch.record import Record
from vs_gendrpix.job.batch.summary import Summary
from vs_gendrpix.job.open import made_folders
from vs_gendrpix.job.plan import ModelFile, Plan, make_plan
from vs_gendrpix.job.report import Report
from vs_gendrpix.job.run import open_engine
from vs_gendrpix.job.segments.process import check_workers, process_plan
from vs_gendrpix.settings import ProcessSettings, RestoreSettings
from vs_gendrpix.write.output import comes_of_full_disk

if TYPE_CHECKING:
    from vs_gendrpix.restore.engine import Engine

log = logging.getLogger(__name__)

_OF_ONE_CLIP = (MediaError, OutputError, SettingsError)
"""Errors that leave the engine as it was."""


def process_all(
    inputs: Sequence[Path],
    target: Target,
    settings: ProcessSettings,
    *,
    watch: bool = False,
    progress: BatchProgress | None = None,
) -> Summary:
    """Restore many clips, one after the other, with one engine.

    A clip that fails is told, and the others follow. A clip whose output is finished is passed
    over, unless `overwrite` is set: so a batch that was ended goes on when it is run again. A full
    disk, a bad model or a missing device ends it, and so does a signal, at the next frame.

    Args:
        inputs: Files, patterns of numbered pictures, and folders; see `find_clips`.
        target: Where the outputs go.
        settings: What to do with each clip; its `report` is not looked at.
        watch: Go on with what arrives in the folders, until a signal ends it; see `arriving`.
        progress: Is told of every clip, and of its start, frames and end.

    Returns:
        How it went.

    Raises:
        GendrpixError: One of its kinds: what is refused before the work. Two clips would have the
            same output, an output was made with other settings, or there are no clips.
    """
    progress, notes = progress or BatchProgress(), Notes()
    check_workers(settings)
    if watch and not all(path.is_dir() for path in inputs):
        raise SettingsError("only folders can be watched")
    find = partial(find_clips, inputs, target)
    clips = find()
    if not clips and not watch:
        raise MediaError(
            f"the folder {inputs[0]} has no clips and no numbered pictures to read"
            if len(inputs) == 1
            else "the folders have no clips and no numbered pictures to read"
        )
    target.check()
    with closing(_Batch(target, settings, progress, notes)) as batch:
        batch.refuse(clips)
        if watch:
            return batch.restore(arriving(find, settings.read, notes), 0)
        return batch.restore(clips, len(clips))


class _Over(Exception):  # noqa: N818 - not an error: what went wrong is told already
    """Raised to end a batch early, after the reason has been told."""


class _Batch:
    """The clips of a batch, as they are restored."""

    def __init__(
        self, target: Target, settings: ProcessSettings, progress: BatchProgress, notes: Notes
    ) -> None:
        self._settings, self._progress = settings, progress
        self._record = Record(target.folder, settings, notes)
        self._sources: dict[Path, Path] = {}
        self._engine = _SharedEngine()
        anew = settings.write.overwrite
        self._summary = Summary(again=f"the same command {'without -y ' if anew else ''}goes on")
        self._began = time.monotonic()

    def close(self) -> None:
        """Close the engine."""
        self._engine.close()

    def refuse(self, clips: Sequence[BatchClip]) -> None:
        """Refuse what would go wrong between clips before any is begun.

        Raises:
            OutputError: Two clips would have the same output, an output is an input, or an output
                was made otherwise.
        """
        sources = {clip.source.absolute() for clip in clips}
        for clip in clips:
            cancellation.check()
            self._claim(clip)
            if clip.output.absolute() in sources:
                raise OutputError(f"the output {clip.output} is an input: choose another folder")
            if not self._settings.write.overwrite:
                self._record.holds(clip)

    def restore(self, clips: Iterable[BatchClip], total: int) -> Summary:
        """Restore clips, and sum up how it went.

        Args:
            clips: The clips.
            total: How many they are; 0 is unknown.
        """
        summary, count = self._summary, 0
        try:
            for count, clip in enumerate(clips, 1):
                cancellation.keep(f"clips that are finished stay, and {summary.again}")
                self._restore(Turn(clip, count, total))
                cancellation.go_on()
                if count < total:
                    cancellation.check()
        except cancellation.Cancelled:
            summary.cancelled = cancellation.requested()
        except _Over as error:
            log.info("the batch ends: %s", error)
        done = summary.finished + summary.passed_over + summary.failed
        summary.left = max(total, count) - done
        summary.seconds = time.monotonic() - self._began
        self._progress.ended(summary)
        return summary

    def _restore(self, turn: Turn) -> None:
        """Restore a clip, unless that was done before; a failure is told and summed up.

        Raises:
            Cancelled: The batch is to end.
            _Over: It must end.
        """
        clip = turn.clip
        try:
            self._claim(clip)
            if not self._settings.write.overwrite and self._record.holds(clip):
                self._summary.passed_over += 1
                self._progress.passed_over(turn)
                return
            self._progress.begin(turn)
            with made_folders(clip.output, clip.report):
                finished = self._record.finished(clip)
                report = self._process(clip)
        except Exception as error:  # noqa: BLE001 - of any kind: the other clips follow
            self._fail(turn, error)
            return
        self._record.add(finished)
        self._summary.finished += 1
        if report.exit_code:
            said = (report.notes.faults or [report.notes.damage_in_words()])[0]
            self._summary.troubled.append((clip, Failure("Warning", said, report.exit_code)))

    def _process(self, clip: BatchClip) -> Report:
        """Restore a clip with the engine of all."""
        write = replace(self._settings.write, report=clip.report)
        plan = make_plan(clip.source, clip.output, replace(self._settings, write=write))
        return process_plan(plan, self._progress, self._engine.of)

    def _fail(self, turn: Turn, error: Exception) -> None:
        """Report a failure of one clip, and decide whether the batch goes on.

        Raises:
            Cancelled: It does.
            _Over: The next clip would fail too: a full disk, a bad model, no such device.
        """
        if cancellation.requested() is not None:
            raise cancellation.Cancelled from error
        failure = Failure.of(error)
        log.info("%s failed", turn.clip.source, exc_info=error)
        self._summary.troubled.append((turn.clip, failure))
        self._progress.failed(turn, failure)
        if not isinstance(error, _OF_ONE_CLIP):
            self._engine.close()
        no_device = isinstance(error, DeviceError) and not self._engine.was_opened
        if no_device or isinstance(error, ModelError) or comes_of_full_disk(error):
            raise _Over(str(error)) from error

    def _claim(self, clip: BatchClip) -> None:
        """Note that an output belongs to a clip.

        Raises:
            OutputError: It is that of another clip.
        """
        source = self._sources.setdefault(clip.output, clip.source)
        if source != clip.source:
            raise OutputError(
                f"{source} and {clip.source} would both be written to {clip.output}: rename one, "
                "or restore it by itself"
            )


class _SharedEngine:
    """The engine of all clips, opened for the first and again for other settings or models."""

    def __init__(self) -> None:
        self._engine: Engine | None = None
        self._opened_for: tuple[RestoreSettings, ModelFile] | None = None

    @property
    def was_opened(self) -> bool:
        """Whether an engine was ever opened: the device exists and had room for the model."""
        return self._opened_for is not None

    def of(self, plan: Plan) -> "Engine":
        """Return the engine for a plan's settings and model, opened if need be."""
        wanted = plan.settings.restore, plan.model
        if self._engine is None or self._opened_for != wanted:
            self.close()
            self._engine, self._opened_for = open_engine(plan, Notes()), wanted
        return self._engine

    def close(self) -> None:
        """Close the engine, if it is open."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None
