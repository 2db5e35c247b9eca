"""`gendrpix plan`, `work`, `finish` and `status`: one job, made by any number of processes."""

import argparse
import json
import logging
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from vs_gendrpix.cli import video
from vs_gendrpix.cli.command import Command
from vs_gendrpix.cli.terminal.display import ONE_CLIP, heard
from vs_gendrpix.errors import OutputError, SettingsError, cancellation, one_line
from vs_gendrpix.job.progress import JsonLines

if TYPE_CHECKING:
    from vs_gendrpix.job.segments.folder import JobFolder
    from vs_gendrpix.job.segments.status import Status

log = logging.getLogger(__name__)

_SPAN = re.compile(r"(\d{1,9})(?:-(\d{1,9}))?")
_SHARD = re.compile(r"(\d{1,9})/(\d{1,9})")


def _numbers(text: str) -> frozenset[int]:
    """Numbers of segments, written 3-9 or 3,5,8-10."""
    found: set[int] = set()
    for part in text.split(","):
        span = _SPAN.fullmatch(part)
        if span is None:
            raise argparse.ArgumentTypeError(f"{part!r} are no segments: use 3-9 or 3,5,8-10")
        found |= set(range(int(span[1]), int(span[2] or span[1]) + 1))
    return frozenset(found)


def _shard(text: str) -> tuple[int, int]:
    """A share of the segments: number I of N, counted from 0."""
    found = _SHARD.fullmatch(text)
    if found is None or not int(found[1]) < int(found[2]):
        raise argparse.ArgumentTypeError(f"{text!r} is no share: use 0/4 to 3/4")
    return int(found[1]), int(found[2])


def _add_job(parser: argparse.ArgumentParser) -> None:
    """Add the job's folder."""
    parser.add_argument("job", type=Path, metavar="JOB", help="the job's folder, OUT.job")


def _folder(options: argparse.Namespace) -> "JobFolder":
    """Find the job folder that the user named, by its own path or by its output's."""
    from vs_gendrpix.job.segments.folder import JobFolder  # noqa: PLC0415 - loads av

    path: Path = options.job
    folder = JobFolder(path)
    if not folder.exists() and JobFolder.beside(path).exists():
        folder = JobFolder.beside(path)
    if not folder.exists() and not folder.is_over():
        raise OutputError(f"there is no job folder {path}: make one with gendrpix plan")
    return folder


def _is_over(folder: "JobFolder") -> bool:
    """Tell whether a job has been finished, and say so in a warning.

    Whoever is late has nothing left to do, such as a pod that has died just after that.
    """
    if folder.is_over():
        log.warning(
            "there is no %s any more, and %s is there: nothing is left to do",
            folder.path,
            folder.path.stem,
        )
        return True
    return False


def _plan(options: argparse.Namespace) -> int:
    """Plan a job, and make its folder; returns the exit code."""
    from vs_gendrpix.job.open import made_folders  # noqa: PLC0415 - loads av
    from vs_gendrpix.job.plan import make_plan  # noqa: PLC0415
    from vs_gendrpix.job.segments.job_plan import JobPlan  # noqa: PLC0415
    from vs_gendrpix.job.segments.process import prepare  # noqa: PLC0415

    output, settings = video.output(options), video.settings(options)
    with made_folders(output, settings.write.report):
        job, why_not = JobPlan.of(make_plan(options.input, output, settings, elsewhere=True))
        if job is None:
            why = why_not or "it is short"
            raise SettingsError(f"{options.input} is made in one piece ({why}): use gendrpix video")
        folder = prepare(job, anew=settings.write.overwrite)
    sys.stdout.write(one_line(f"{folder.path}: {len(job.segments)} segments") + "\n")
    return 0


def _work(options: argparse.Namespace) -> int:
    """Make segments of a job; returns the exit code."""
    from vs_gendrpix.job.segments.work import work  # noqa: PLC0415 - loads av, and torch for the work

    folder = _folder(options)
    number, count = options.shard or (0, 1)

    def chosen(segment: int) -> bool:
        return (
            segment % count == number
            and (options.segments is None or segment in options.segments)
            and segment not in options.without
        )

    cancellation.keep("what is finished is kept, and another gendrpix work goes on")
    if _is_over(folder):
        return 0
    with heard(options, ONE_CLIP) as progress:
        try:
            made = work(folder, device=options.device, chosen=chosen, progress=progress)
        except OutputError:
            if _is_over(folder):  # another has joined the segments meanwhile
                return 0
            raise
    if not isinstance(progress, JsonLines):
        sys.stdout.write(f"{made} segments made\n")
    return 0


def _finish(options: argparse.Namespace) -> int:
    """Join the segments of a job; returns the exit code."""
    from vs_gendrpix.job.segments.finish import finish  # noqa: PLC0415 - loads av

    folder = _folder(options)
    try:
        report = finish(
            folder,
            overwrite=options.overwrite or None,
            keep=options.keep_job or None,
            report=options.report,
        )
    except OutputError:
        if _is_over(folder):
            return 0
        raise
    return report.exit_code


def _status(options: argparse.Namespace) -> int:
    """Print how far a job is; returns the exit code."""
    from vs_gendrpix.job.segments.status import status  # noqa: PLC0415 - loads av

    found = status(_folder(options))
    text = json.dumps(found.as_dict(), indent=2) if options.json else _table(found)
    sys.stdout.write(text + "\n")
    return 0


def _table(found: "Status") -> str:
    """The state of a job for people: a line for what is finished, running and failed."""
    share = f"{100 * len(found.finished) / found.segments:.0f} %"
    lines = [
        one_line(found.output),
        f"finished  {len(found.finished)} of {found.segments} segments, {share}, "
        f"{found.frames_finished} frames",
    ]
    for number, owner in found.running.items():
        lines.append(f"running   segment {number}: {one_line(str(owner))}")
    for number, why in found.failed.items():
        lines.append(f"failed    segment {number}: {one_line(why)}")
    if found.rate:
        left = "" if found.seconds_left is None else f", {_spoken(found.seconds_left)} left"
        lines.append(f"rate      {found.rate:.2f} frames/s{left}")
    elif len(found.finished) == found.segments:
        lines.append(f"next      gendrpix finish {found.output}.job")
    else:
        lines.append("rate      nobody works on it")
    return "\n".join(lines)


def _spoken(seconds: float) -> str:
    """Write a time as 2 h 05 min, 5 min or 30 s."""
    minutes = round(seconds / 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60:02} min"
    return f"{minutes} min" if minutes else f"{seconds:.0f} s"


def _add_plan(parser: argparse.ArgumentParser) -> None:
    video.add_paths_and_settings(parser, several=False)


def _add_work(parser: argparse.ArgumentParser) -> None:
    _add_job(parser)
    parser.add_argument(
        "-d", "--device", metavar="NAME", help="where to restore (default: as it was planned)"
    )
    parser.add_argument(
        "--segments", type=_numbers, metavar="N-M", help="make only these, such as 3-9 or 3,5"
    )
    parser.add_argument(
        "--without",
        type=_numbers,
        default=frozenset(),
        metavar="N-M",
        help="leave these to others",
    )
    parser.add_argument(
        "--shard",
        type=_shard,
        metavar="I/N",
        help="make only every Nth segment, from number I on, counted from 0: for arrays of jobs",
    )
    video.add_progress(parser)


def _add_finish(parser: argparse.ArgumentParser) -> None:
    _add_job(parser)
    parser.add_argument("-y", "--overwrite", action="store_true", help="replace an existing output")
    parser.add_argument("--keep-job", action="store_true", help="keep the job's folder")
    parser.add_argument(
        "--report", type=Path, metavar="FILE", help="write a report of the run as JSON"
    )


def _add_status(parser: argparse.ArgumentParser) -> None:
    _add_job(parser)
    parser.add_argument("--json", action="store_true", help="print it as JSON")


PLAN = Command(
    purpose="plan a job for several processes or machines",
    description="Look at a video, decide everything, and write it into a folder OUT.job. Then any\n"
    "number of `gendrpix work OUT.job` make its segments, on any machines that see the folder.",
    examples=(
        ("in.mov out.mov", "plan it"),
        ("in.mov out.mov --height 2160 --profile prores422hq", "with options of gendrpix video"),
    ),
    add_arguments=_add_plan,
    run=_plan,
)
WORK = Command(
    purpose="make segments of a planned job",
    description="Make segments of a planned job until none is left. Any number of processes may\n"
    "do so at once; what one leaves when it dies, another makes.",
    examples=(
        ("out.mov.job", "until all are made"),
        ("out.mov.job -d cuda:1", "on another device"),
        ("out.mov.job --shard 2/8", "the share of one of 8 in an array of jobs"),
    ),
    add_arguments=_add_work,
    run=_work,
    failed=video.failed,
)
FINISH = Command(
    purpose="join the segments of a job to the output",
    description="Join the finished segments of a job, add sound and all that lies beside the\n"
    "picture, check the whole and give it its name.",
    examples=(("out.mov.job", "write out.mov"),),
    add_arguments=_add_finish,
    run=_finish,
)
STATUS = Command(
    purpose="say how far a job is",
    description="Say which segments of a job are finished, who works on others, and what failed.",
    examples=(("out.mov.job", "a table"), ("out.mov.job --json", "for programs")),
    add_arguments=_add_status,
    run=_status,
)
