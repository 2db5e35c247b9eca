"""Join the segments of a job without encoding again, add what lies beside the picture, publish."""

import os
import shutil
import time
from array import array
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Self

from vs_gendrpix.errors import (
    MediaError,
    OutputError,
    ResourceError,
    VerificationError,
    cancellation,
)
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.frame.sequence import Names
from vs_gendrpix.job.open import open_outputs
from vs_gendrpix.job.plan import Plan
from vs_gendrpix.job.progress import Progress
from vs_gendrpix.job.record import keep_report
from vs_gendrpix.job.report import Report, Start
from vs_gendrpix.job.run import notes_of
from vs_gendrpix.job.segments.folder import FINISH, JobFolder
from vs_gendrpix.job.segments.job_plan import JobPlan
from vs_gendrpix.job.segments.lease import LOOKS, Claims, Lease
from vs_gendrpix.job.segments.manifest import Manifest, digest
from vs_gendrpix.job.segments.seams import doubtful, misfit
from vs_gendrpix.write.carry.copy import SideStreams
from vs_gendrpix.write.joining import Encoded, write_joined
from vs_gendrpix.write.output import Output, OutputFile, output_fault


def finish(
    folder: JobFolder,
    *,
    overwrite: bool | None = None,
    keep: bool | None = None,
    report: Path | None = None,
    progress: Progress | None = None,
) -> Report:
    """Join the finished segments of a job, check the whole and give it its name.

    Sound, subtitles, chapters, attached files and tags are copied from the input, once. The job's
    folder is removed after that.

    Args:
        folder: The job's folder.
        overwrite: Whether an existing output may be replaced; None is as the plan says.
        keep: Whether the job's folder stays; None is as the plan says.
        report: Where to write the report; None is as the plan says.
        progress: Is told of the end.

    Returns:
        What was done, by all workers together. Of several who do this, at once or one after the
        other, one joins the segments, and the others find that it is done.

    Raises:
        ResourceError: Segments are missing, or were damaged on the disk: they are to be made.
        GendrpixError: One of its kinds; nothing has been published.
    """
    job = folder.plan()
    write = job.plan.settings.write
    write = replace(
        write,
        overwrite=write.overwrite if overwrite is None else overwrite,
        report=write.report if report is None else report,
    )
    plan = replace(job.plan, settings=replace(job.plan.settings, write=write))
    known = _known(folder, job)
    try:
        with _right_to_publish(folder, job.heartbeat):
            done = _published(folder, plan, known) or _joined(folder, replace(job, plan=plan))
        # Not before: a file in it that is open may keep a network's file system from removing it.
        if not (plan.settings.job.keep if keep is None else keep):
            folder.remove()
    except (OutputError, ResourceError):
        if not folder.is_over() or len(known) < len(job.segments):
            raise
        done = _report(plan, known, None, _notes(plan, known), 0.0)  # another has finished it
    (progress or Progress()).done(done)
    return done


def _right_to_publish(folder: JobFolder, heartbeat: float) -> Lease:
    """Claim the right to join a job's segments, and wait while somebody else has it.

    Raises:
        OutputError: The folder is gone, or cannot be written.
        ResourceError: The disk is full.
    """
    claims = Claims(heartbeat)
    while True:
        cancellation.check()
        try:
            lease = claims.claim(folder.path / FINISH)
        except OSError as error:
            raise output_fault(error, f"cannot write {folder.path / FINISH}") from error
        if lease is not None:
            return lease
        time.sleep(heartbeat / LOOKS)


def _published(folder: JobFolder, plan: Plan, known: Sequence[Manifest]) -> Report | None:
    """Return the report of a job that was killed after its output got its name; else None."""
    if not (known and folder.published(plan.output)):
        return None
    done = _report(plan, known, None, _notes(plan, known), 0.0)
    record = plan.settings.write.report
    if record is not None and not record.exists():
        with OutputFile(record, source=plan.source, overwrite=False) as target:
            keep_report(target, done)
    return done


def _joined(folder: JobFolder, job: JobPlan) -> Report:
    """Join the segments, check the whole, and give it its name.

    Raises:
        GendrpixError: See `finish`.
    """
    began, plan, write = time.monotonic(), job.plan, job.plan.settings.write
    manifests = _whole(folder, job)
    if not any(manifest.times for manifest in manifests):
        raise MediaError(f"no frame of {plan.source} can be decoded")
    notes = _notes(plan, manifests)
    for number in doubtful(manifests):
        notes.fault(
            f"the frame before segment {number} is another one each time it is decoded: the "
            "pictures around it may be wrong"
        )
    with ExitStack() as stack:
        stack.callback(notes.tell_damage)
        opened, record = stack.enter_context(open_outputs(plan.source, plan.output, write, notes))
        output = _Recorded(opened, folder)
        paths = [folder.path / manifest.name for manifest in manifests]
        side = None
        if Names.of(plan.output) is not None:
            _gather(plan, output, paths, manifests)
        else:
            side = stack.enter_context(_side_streams(job, notes))
            files = [
                Encoded(path=path, times=each.times, durations=each.durations)
                for path, each in zip(paths, manifests, strict=True)
            ]
            write_joined(files, output, plan.result, carried=side, notes=notes)
        notes.tell_damage()
        done = _report(plan, manifests, side, notes, time.monotonic() - began)
        keep_report(record, done)
    return done


def _known(folder: JobFolder, job: JobPlan) -> list[Manifest]:
    """Read the manifests of all finished segments."""
    found = (folder.manifest(segment.number) for segment in job.segments)
    return [manifest for manifest in found if manifest is not None]


def _notes(plan: Plan, manifests: Sequence[Manifest]) -> Notes:
    """Merge the notes of the planning and of all segments."""
    notes = notes_of(plan)
    for manifest in manifests:
        notes.merge(manifest.found.notes())
    return notes


class _Recorded:
    """An output whose size and time are written to the job's folder before it gets its name.

    Args:
        output: The output, entered already.
        folder: The folder.
    """

    def __init__(self, output: Output, folder: JobFolder) -> None:
        self._output, self._folder = output, folder
        self.path, self.part, self.url = output.path, output.part, output.url
        self.suffix, self.names, self.readable = output.suffix, output.names, output.readable

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *ended: object) -> None:
        """Do nothing: the caller that opened the output closes it."""

    def sync(self) -> None:
        """Wait until the output is on the disk."""
        self._output.sync()

    def publish(self) -> None:
        """Record the finished output in the job's folder, and give it its name."""
        self._folder.publishing(self.part)
        self._output.publish()


def _whole(folder: JobFolder, job: JobPlan) -> list[Manifest]:
    """Read all manifests, and check that the segments' files are unchanged.

    Raises:
        ResourceError: Some are missing, or not so: these are discarded.
    """
    found: list[Manifest] = []
    missing = 0
    for segment in job.segments:
        cancellation.check()
        manifest = folder.manifest(segment.number)
        if manifest is not None and _is_whole(folder, manifest):
            found.append(manifest)
            continue
        missing += 1
        folder.discard(segment.number, "it is not as it was written")
    for before, after in pairwise(found):
        wrong = misfit(before, after) if before.number + 1 == after.number else None
        if wrong is not None:
            missing += 1
            folder.discard(wrong.number, "the frame between two segments was decoded otherwise")
    if missing:
        raise ResourceError(
            f"{missing} of {len(job.segments)} segments of {folder.path} are not made, or were "
            f"damaged on the disk: run gendrpix work {folder.path}"
        )
    return found


def _is_whole(folder: JobFolder, manifest: Manifest) -> bool:
    """Tell whether a segment's file is as it was written, by size and digest."""
    if not manifest.times:
        return not manifest.name
    try:
        return digest(folder.path / manifest.name) == (manifest.bytes, manifest.sha256)
    except OSError:
        return False


def _side_streams(job: JobPlan, notes: Notes) -> SideStreams:
    """Open the streams beside the picture, with the times of the whole job's frames."""
    plan = job.plan
    moved = job.segments[0].span.moved
    return SideStreams(
        plan.source,
        plan.carried,
        notes,
        chosen=plan.settings.read,
        offset=moved,
        provenance=plan.provenance,
    )


def _gather(
    plan: Plan, output: Output, paths: Sequence[Path], manifests: Sequence[Manifest]
) -> None:
    """Put the pictures of all segments into one folder, under their numbers, and publish it.

    Raises:
        OutputError: They cannot be put there.
        VerificationError: Some are missing.
    """
    if output.names is None:
        raise VerificationError(f"{output.path} is no folder of pictures")
    times = [tick for manifest in manifests for tick in manifest.times]
    parts = [
        replace(output.names, folder=path)
        for path, manifest in zip(paths, manifests, strict=True)
        if manifest.times
    ]
    pictures = [part.path(number) for part in parts for number in part.numbers()]
    if len(pictures) != len(times):
        raise VerificationError(f"there are {len(pictures)} pictures, not {len(times)}")
    clip, number = plan.result, 1
    try:
        for place, (picture, tick) in enumerate(zip(pictures, times, strict=True)):
            cancellation.check()
            number = place + 1
            if clip.first_number is not None:  # pictures of a sequence keep their numbers
                frames = (tick - times[0]) * clip.time_base * clip.average_rate
                number = clip.first_number + round(frames)
            _link_or_copy(picture, output.names.path(number))
    except OSError as error:
        raise output_fault(error, f"cannot write {output.path}") from error
    output.sync()
    output.publish()


def _link_or_copy(picture: Path, path: Path) -> None:
    """Give a picture a second name; the first one stays, so that a kill loses nothing."""
    try:
        os.link(picture, path)
    except FileExistsError:
        raise
    except OSError:  # no hard links here
        shutil.copyfile(picture, path)


def _report(
    plan: Plan,
    manifests: Sequence[Manifest],
    side: SideStreams | None,
    notes: Notes,
    seconds: float,
) -> Report:
    """Make one report of the work of all workers."""
    first = manifests[0]
    slowest = max(manifests, key=lambda manifest: manifest.seconds)
    return Report(
        start=Start(
            plan=plan,
            device=",".join(sorted({manifest.device for manifest in manifests})),
            dtype=first.dtype,
        ),
        frames_decoded=sum(manifest.decoded for manifest in manifests),
        frames_encoded=sum(len(manifest.times) for manifest in manifests),
        times=array("q", [tick for manifest in manifests for tick in manifest.times]),
        durations=array("q", [each for manifest in manifests for each in manifest.durations]),
        streams=plan.carried.streams if side is None else side.plan.streams,
        copied={} if side is None else side.copied,
        notes=notes,
        tile=first.tile,
        bound=slowest.bound,
        seconds=seconds + sum(manifest.seconds for manifest in manifests),
    )
