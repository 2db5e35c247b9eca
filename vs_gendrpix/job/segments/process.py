"""Restore a video: in one piece, or as a job of segments that goes on where it stopped."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from vs_gendrpix.errors import OutputError, ResourceError, cancellation, needs_extra
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.job.open import made_folders
from vs_gendrpix.job.plan import Plan, make_plan
from vs_gendrpix.job.progress import Progress
from vs_gendrpix.job.report import Report
from vs_gendrpix.job.run import run
from vs_gendrpix.job.segments.finish import finish
from vs_gendrpix.job.segments.folder import JobFolder
from vs_gendrpix.job.segments.job_plan import JobPlan, differences
from vs_gendrpix.job.segments.local_workers import LocalCrew
from vs_gendrpix.job.segments.supervisor import Crew, Supervisor
from vs_gendrpix.job.segments.work import work
from vs_gendrpix.settings import ProcessSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from vs_gendrpix.restore.engine import Engine

    type Opened = Callable[[Plan], Engine]

TRIES = 3
"""Number of times that segments are made again if they are found damaged when joined."""


def process(
    src: str | Path,
    dst: str | Path,
    settings: ProcessSettings | None = None,
    *,
    progress: Progress | None = None,
    engine: "Engine | None" = None,
    cancel: Event | None = None,
) -> Report:
    """Restore a video file.

    Decoding, restoring and encoding overlap; a few frames are in memory at a time, however long the
    clip is. The output appears when it is whole and checked; on any error, none does.

    A clip of more than 360 frames is made in segments, in a folder `OUT.job` beside the
    output. After a crash, an interruption or a power cut the same call goes on where that stopped.

    Args:
        src: The input: a file, a pattern such as `%06d.png` or a folder of pictures, a VapourSynth
            script, or `-`, the standard input.
        dst: The output: a file, .mp4, .m4v, .mov, .mkv or .y4m; pictures in a folder of their own,
            such as `out/%06d.exr`; or `-`, YUV4MPEG on the standard output. Its folder is made.
        settings: What to do; None is a restoration to 4 times the size, encoded as the output's
            name asks for.
        progress: Is told of the start, of every frame and of the end.
        engine: An engine with the settings' restorer, which is left open; None opens one.
        cancel: Ends the work when another thread sets it. Nothing is published then; of a clip in
            segments the finished ones stay, and the same call goes on.

    Returns:
        What was done, with all warnings and the damage that was met.

    Raises:
        concurrent.futures.CancelledError: `cancel` was set.
        OutputError: A job of other settings has been begun for this output.
        GendrpixError: One of its kinds, see `vs_gendrpix.errors`; nothing has been published.
    """
    settings, progress = ProcessSettings.of(settings), progress or Progress()
    check_workers(settings)
    opened = None if engine is None else lambda _: engine
    with cancellation.ends_by(cancel):
        earlier = _finished_before(src, dst, settings, progress)
        if earlier is not None:
            return earlier
        with made_folders(Path(dst), settings.write.report):
            return process_plan(make_plan(src, dst, settings), progress, opened)


def process_plan(
    plan: Plan, progress: Progress | None = None, opened: "Opened | None" = None
) -> Report:
    """Restore a video as a plan says, in segments if it is long.

    Args:
        plan: The plan.
        progress: Is told of the start, of every frame and of the end.
        opened: Gives an engine of the plan's restorer, which is left open: asked for only where
            this process restores. None opens one.
    """
    progress = progress or Progress()
    job, why_not = JobPlan.of(plan) if plan.settings.job.segments else (None, "")
    if job is None:
        if why_not:
            Notes(informed=list(plan.informed)).inform(
                f"restored in one piece, from its beginning after a crash: {why_not}"
            )
        return run(plan, progress, opened and opened(plan))
    with _crew(plan, here=opened is not None) as crew:  # workers that cannot be had leave no folder
        folder = prepare(job, anew=plan.settings.write.overwrite, progress=progress)
        cancellation.keep("the same command goes on where this has stopped")
        for tries_left in reversed(range(TRIES)):
            _work(folder, plan, progress, opened, crew)
            try:
                return finish(
                    folder,
                    overwrite=plan.settings.write.overwrite,
                    keep=plan.settings.job.keep,
                    report=plan.settings.write.report,
                    progress=progress,
                )
            except ResourceError:
                if not tries_left or len(folder.finished(folder.names())) == len(job.segments):
                    raise
    raise AssertionError("the last try returns or raises")


def _finished_before(
    src: str | Path, dst: str | Path, settings: ProcessSettings, progress: Progress
) -> Report | None:
    """Finish a job that was killed after its output got its name; None for any other."""
    folder = JobFolder.beside(Path(dst))
    if not folder.published(Path(dst)):
        return None
    anyway = replace(settings, write=replace(settings.write, overwrite=True))
    job, _ = JobPlan.of(make_plan(src, dst, anyway))
    if job is None or differences(folder.plan(), job) or not folder.finished(folder.names()):
        return None
    return finish(folder, keep=settings.job.keep, report=settings.write.report, progress=progress)


def check_workers(settings: ProcessSettings) -> None:
    """Refuse workers that need an extra which is not installed, before anything is made.

    Raises:
        SettingsError: The extra that they need is missing.
    """
    if settings.job.on_ray:
        with needs_extra("ray"):
            import vs_gendrpix.job.segments.ray_workers  # noqa: F401, PLC0415 - an extra


def _work(
    folder: JobFolder, plan: Plan, progress: Progress, opened: "Opened | None", crew: Crew | None
) -> None:
    """Make the segments, by a crew or in this process."""
    if crew is not None:
        Supervisor(folder, crew, progress).run()
        return
    engine = opened and opened(plan)
    work(folder, device=plan.settings.restore.device, progress=progress, engine=engine)


@contextmanager
def _crew(plan: Plan, *, here: bool) -> Iterator[Crew | None]:
    """Open the workers that a plan's settings ask for; None for this process alone.

    Args:
        plan: The plan.
        here: Whether this process has an engine to work with, whatever the devices are.

    Raises:
        DeviceError: Ray does not start, or the cluster is not reached.
    """
    folder = JobFolder.beside(plan.output.absolute())
    device, workers = plan.settings.restore.device, plan.settings.job.workers
    devices = device.split(",")
    if workers is None and (len(devices) == 1 or here):
        yield None
        return
    crew: Crew
    if plan.settings.job.on_ray:
        from vs_gendrpix.job.segments.ray_workers import RayCrew  # noqa: PLC0415 - an extra

        crew = RayCrew(folder, workers or "", device)
    else:
        count = len(devices) if workers is None else int(workers)
        crew = LocalCrew(folder, [devices[number % len(devices)] for number in range(count)])
    with closing(crew):
        yield crew


def prepare(job: JobPlan, *, anew: bool = False, progress: Progress | None = None) -> JobFolder:
    """Make the folder of a job, or continue with an existing one.

    Args:
        job: The job.
        anew: Whether a folder of another job for the same output may be removed.
        progress: Is told where the work goes on.

    Raises:
        OutputError: The folder is of another job, or cannot be written.
        ResourceError: The disk is full.
    """
    folder = JobFolder.beside(job.plan.output)
    if folder.exists():
        try:
            found = differences(folder.plan(), job)
        except OutputError:
            if not anew:
                raise
            found = ["its plan cannot be read"]
        if found and not anew:
            more = f", and {len(found) - 1} more" if len(found) > 1 else ""
            raise OutputError(
                f"{folder.path} was begun otherwise: {found[0]}{more}; use the settings of then, "
                "begin anew (-y), or choose another name"
            )
        if found:
            _refuse_workers(folder)
            folder.remove()
    if folder.exists():
        done = len(folder.finished(folder.names()))
        (progress or Progress()).resumed(done, len(job.segments))
    else:
        folder.create(job)
    return folder


def _refuse_workers(folder: JobFolder) -> None:
    """Refuse to replace a job that others work on.

    Raises:
        OutputError: Somebody does.
    """
    workers = folder.workers()
    if workers:
        raise OutputError(
            f"somebody works on {folder.path} ({workers[0]}): wait for its end, or delete that "
            "folder if it has died"
        )
