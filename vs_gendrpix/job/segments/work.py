"""Make the segments of a job, one after the other, until none is left."""

import time
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from random import sample
from typing import TYPE_CHECKING

from vs_gendrpix.errors import (
    DeviceError,
    MediaError,
    SettingsError,
    VerificationError,
    cancellation,
)
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.frame.span import FARTHEST, Seam
from vs_gendrpix.job.progress import Progress
from vs_gendrpix.job.rate import Bound
from vs_gendrpix.job.report import Report, Start
from vs_gendrpix.job.run import notes_of, open_engine, write_frames
from vs_gendrpix.job.segments.attempt import attempt
from vs_gendrpix.job.segments.cutting import Segment
from vs_gendrpix.job.segments.folder import JobFolder, lease_name
from vs_gendrpix.job.segments.job_plan import Identity, JobPlan, present_versions
from vs_gendrpix.job.segments.lease import LOOKS, Claims
from vs_gendrpix.job.segments.manifest import Found, Manifest, digest
from vs_gendrpix.job.segments.seams import discard_misfits, expected_before, fits_what_follows
from vs_gendrpix.job.spanned import OtherPicturesError
from vs_gendrpix.write.output import output_fault
from vs_gendrpix.write.part import Owner

if TYPE_CHECKING:
    from vs_gendrpix.restore.engine import Engine

WATCHED = 2
"""Number of other workers' segments that an idle worker checks for dead owners at each look."""

type Chosen = Callable[[int], bool]
"""Whether a worker may make the segment of a number."""


def all_of_them(_number: int) -> bool:
    """Choose every segment."""
    return True


def work(
    folder: JobFolder,
    *,
    device: str | None = None,
    chosen: Chosen = all_of_them,
    progress: Progress | None = None,
    engine: "Engine | None" = None,
) -> int:
    """Make the segments of a job that nobody else makes, and wait for those of others.

    Any number of processes may do so at once, on any machines that share the folder. When this
    returns, all chosen segments are finished.

    Args:
        folder: The job's folder.
        device: Where to restore; None is as the plan says.
        chosen: The segments to make; by default all.
        progress: Is told of the frames that are finished, by whomever.
        engine: An engine of the plan's restorer, which is left open; None opens one.

    Returns:
        How many segments this process has made.

    Raises:
        GendrpixError: One of its kinds; what is finished stays.
    """
    job = folder.plan()
    worker = _Worker(folder, _on_device(job, device), progress or Progress(), engine)
    with closing(worker):
        return worker.work(chosen)


def _on_device(job: JobPlan, device: str | None) -> JobPlan:
    """Check that input and versions are those of the plan, and set the device.

    Raises:
        MediaError: The input has changed.
        SettingsError: Another version of the program or of a library is here.
    """
    missing = dict(job.versions).items() - dict(present_versions()).items()
    if missing:
        name, number = min(missing)
        raise SettingsError(
            f"the job was planned with {name} {number}, here is "
            f"{dict(present_versions()).get(name, 'none')}: all workers must have the same"
        )
    if Identity.of(job.plan) != job.source:
        raise MediaError(
            f"{job.plan.source} is not as it was when the job was planned: begin anew (-y)"
        )
    if device is None:
        return job
    settings = job.plan.settings
    restore = replace(settings.restore, device=device)
    return replace(job, plan=replace(job.plan, settings=replace(settings, restore=restore)))


def in_turn(left: Sequence[Segment], names: Container[str]) -> Iterator[Segment]:
    """The segments to try, one after the other.

    Those that nobody has claimed come first. A worker begins with the first one; if another was
    quicker there, many may be under way, and it goes to any. Then come some of those that others
    have claimed, as one may be dead.

    Args:
        left: Segments that are not finished, in their order.
        names: Names of the files in the job's folder.
    """
    free = [segment for segment in left if lease_name(segment.number) not in names]
    yield from free[:1]
    yield from sample(free[1:], max(len(free) - 1, 0))
    others = [segment for segment in left if lease_name(segment.number) in names]
    yield from sample(others, min(len(others), WATCHED))


class _Worker:
    """Makes segments with one engine."""

    def __init__(
        self, folder: JobFolder, job: JobPlan, progress: Progress, engine: "Engine | None"
    ) -> None:
        self._folder, self._job, self._plan = folder, job, job.plan
        self._progress, self._engine = progress, engine
        self._claims = Claims(job.heartbeat)
        self._notes = notes_of(job.plan)
        self._opened = ExitStack()
        self._known: dict[int, tuple[int, int]] = {}
        """Number of frames of each finished segment."""
        self._started = False

    def close(self) -> None:
        """Close the engine, unless the caller opened it."""
        self._opened.close()

    def work(self, chosen: Chosen) -> int:
        """Make segments until none is left."""
        wanted = [segment for segment in self._job.segments if chosen(segment.number)]
        made = 0
        while True:
            cancellation.check()
            names = self._folder.names()
            done = self._folder.finished(names)
            left = [segment for segment in wanted if segment.number not in done]
            if not left:
                return made
            if any(self._try(segment, done, names) for segment in in_turn(left, names)):
                made += 1
            else:
                time.sleep(self._job.heartbeat / LOOKS)

    def _try(self, segment: Segment, done: set[int], names: set[str]) -> bool:
        """Make a segment, unless another worker does; returns whether it was made here."""
        lease = self._folder.lease(segment.number)
        try:
            claimed = self._claims.claim(lease, fresh=lease.name not in names)
        except OSError as error:
            raise output_fault(error, f"cannot write {lease}") from error
        if claimed is None:
            return False
        with claimed:
            if self._folder.manifest(segment.number) is not None:  # since the look at the folder
                return False
            self._folder.record("started", segment.number)
            try:
                return self._made(segment, done)
            except Exception as error:
                self._folder.record("failed", segment.number, str(error))
                raise

    def _made(self, segment: Segment, done: set[int]) -> bool:
        """Make a segment in the job's tile size, and mark it as finished."""
        while True:
            report, output, seam = self._decoded_rightly(segment, done)
            tile = self._folder.pin(report.tile) if report.frames_encoded else report.tile
            if tile == report.tile:
                return self._committed(segment, report, output, seam)
            self._folder.drop(output.name)
            if self._plan.settings.restore.tile == tile:
                raise DeviceError(
                    f"this device takes tiles of {report.tile}, and the job is restored in "
                    f"{'whole frames' if tile is None else f'tiles of {tile}'}: let another device "
                    "work on it, or plan it anew with smaller tiles (--tile)"
                )
            self._use_tiles(tile)

    def _use_tiles(self, tile: tuple[int, int] | None) -> None:
        """Use the job's tile size from here on."""
        settings = self._plan.settings
        restore = replace(settings.restore, tile=tile)
        self._plan = replace(self._plan, settings=replace(settings, restore=restore))
        self._opened.close()
        self._engine = None

    def _decoded_rightly(self, segment: Segment, done: set[int]) -> tuple[Report, Path, Seam]:
        """Write a segment that fits the one before, decoded from further and further back.

        The last try is from the clip's beginning, and right by definition.
        """
        folder, number = self._folder, segment.number
        for back in range(FARTHEST + 1):
            known = expected_before(folder, number) if back < FARTHEST else None
            seam = Seam(expected=known, back=back)
            try:
                report, output = self._written(segment, done, seam)
            except OtherPicturesError as error:
                folder.record("decoded again", number, str(error))
                continue
            if back == FARTHEST or fits_what_follows(folder, number, seam.last):
                return report, output, seam
            folder.drop(output.name)
        raise AssertionError("the last try returns or raises")

    def _written(self, segment: Segment, done: set[int], seam: Seam) -> tuple[Report, Path]:
        """Restore and encode a segment under a name of its own."""
        known = self._notes
        notes = Notes(
            warnings=list(known.warnings),
            informed=list(known.informed),
            decided=list(known.decided),
        )
        if self._engine is None:
            self._engine = self._opened.enter_context(open_engine(self._plan, notes))
        output = attempt(self._folder, self._plan, segment.number)
        finished = [self._finished(number) for number in done]
        before = sum(frames for frames, _ in finished)
        size = sum(size for _, size in finished)
        self._progress.segment(segment.number, before)
        with output:
            report = write_frames(
                self._plan,
                output,
                notes,
                progress=_Whole(self, before, size),
                engine=self._engine,
                span=segment.span,
                seam=seam,
            )
        known.warnings, known.informed, known.decided = (
            notes.warnings,
            notes.informed,
            notes.decided,
        )
        return report, output.path

    def _finished(self, number: int) -> tuple[int, int]:
        """Return the number of frames of a finished segment, and its size in bytes."""
        if number not in self._known:
            manifest = self._folder.manifest(number)
            if manifest is None:
                return 0, 0
            self._known[number] = len(manifest.times), manifest.bytes
        return self._known[number]

    def _committed(self, segment: Segment, report: Report, output: Path, seam: Seam) -> bool:
        """Mark a written segment as finished; returns whether it counts."""
        try:
            # Damage may leave no frame of a segment: then it has no file.
            name = output.name if report.frames_encoded else ""
            length, sha256 = digest(output) if name else (0, "")
        except OSError as error:
            raise VerificationError(f"{output} cannot be read again: {error}") from error
        counts = self._folder.commit(
            Manifest(
                number=segment.number,
                name=name,
                bytes=length,
                sha256=sha256,
                times=tuple(report.times),
                durations=tuple(report.durations),
                decoded=report.frames_decoded,
                seam=seam,
                tile=report.tile,
                found=Found.of(report.notes),
                device=report.start.device,
                dtype=report.start.dtype,
                bound=report.bound,
                seconds=report.seconds,
                worker=Owner.this(self._folder.path.name),
            )
        )
        discard_misfits(self._folder, segment.number)
        return counts

    def start(self, start: Start) -> None:
        """Report the start of the work, once."""
        if not self._started:
            self._started = True
            self._progress.start(start)

    def frame(self, count: int, bound: Bound) -> None:
        """Report the number of finished frames, those of other workers included."""
        self._progress.frame(count, bound)

    def written(self, size: int, frames: int) -> None:
        """Report the size of the output so far."""
        self._progress.written(size, frames)


class _Whole(Progress):
    """Reports the frames of a segment as frames of the whole job.

    Args:
        worker: Who is told.
        before: Frames that are finished already.
        size: Their bytes.
    """

    def __init__(self, worker: _Worker, before: int, size: int) -> None:
        self._worker, self._before, self._size = worker, before, size

    def start(self, start: Start) -> None:
        """Report the start, with the frames that were finished before."""
        self._worker.start(replace(start, done=self._before))

    def frame(self, count: int, bound: Bound) -> None:
        """Report a frame, added to those that were finished before."""
        self._worker.frame(self._before + count, bound)

    def written(self, size: int, frames: int) -> None:
        """Report a size, added to that of what was finished before."""
        self._worker.written(self._size + size, self._before + frames)
