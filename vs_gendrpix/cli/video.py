"""`gendrpix video IN OUT`, also called `gendrpix-video`: restore a video."""

import argparse
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from vs_gendrpix.cli.command import Command, Failure, run_command
from vs_gendrpix.cli.options import add_settings
from vs_gendrpix.errors import SettingsError
from vs_gendrpix.job.progress import Bar, JsonLines, Plain, Progress
from vs_gendrpix.read.sequence import PICTURES
from vs_gendrpix.settings import EncodeSettings, ProcessSettings
from vs_gendrpix.settings.option import build
from vs_gendrpix.write.profiles import PROFILES


def main(argv: Sequence[str] | None = None) -> int:
    """Run `gendrpix-video`; returns the exit code.

    Args:
        argv: The arguments; None takes the process's.
    """
    given = sys.argv[1:] if argv is None else argv
    return run_command(COMMAND, "gendrpix-video", given, ends_process=argv is None)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the input, the output, the flags of the settings, the profile and the progress."""
    add_paths_and_settings(parser)
    add_progress(parser)


def add_paths_and_settings(parser: argparse.ArgumentParser) -> None:
    """Add the input, the output, the flags of the settings and the profile."""
    parser.usage = "%(prog)s [options] input output"
    parser.add_argument(
        "input",
        type=Path,
        help="the video to restore: a file, numbered pictures (in/%%06d.dpx, or their folder), a "
        "VapourSynth script (.vpy), or - for the standard input",
    )
    parser.add_argument(
        "output",
        type=Path,
        help="what to write: .mp4, .m4v, .mov, .mkv, .y4m; pictures (out/%%06d.png, .tif, .dpx, "
        ".exr) in a folder of their own; or - for YUV4MPEG on the standard output",
    )
    add_settings(parser)
    group = parser.add_argument_group("write: profile")
    group.add_argument(
        "--profile",
        choices=PROFILES,
        metavar="NAME",
        help="encoder and options by purpose, if the output's extension leaves them open: "
        + "; ".join(f"{name}: {profile.purpose}" for name, profile in PROFILES.items()),
    )


def add_progress(parser: argparse.ArgumentParser) -> None:
    """Add how the progress is shown."""
    group = parser.add_argument_group("progress")
    group.add_argument(
        "--progress",
        choices=("auto", "bar", "plain", "json", "none"),
        default="auto",
        help="auto is a bar on a terminal and plain lines elsewhere; json writes one event a line "
        "to the standard output",
    )


def run(options: argparse.Namespace) -> int:
    """Restore the video; returns the exit code."""
    chosen = settings(options)
    with progress_of(options) as progress:
        # The job loads av, and torch once the paths are good: --help shall be quick.
        from vs_gendrpix.segments.process import process  # noqa: PLC0415

        report = process(options.input, output(options), chosen, progress=progress)
        return report.exit_code


def failed(given: Sequence[str], failure: Failure) -> None:
    """Write the event `error`, if events are wanted: of wrong arguments, too."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--progress")
    with suppress(argparse.ArgumentError):
        if parser.parse_known_args(given)[0].progress == "json":
            JsonLines(sys.stdout).error(failure.kind, failure.message, failure.exit_code)


COMMAND = Command(
    purpose="restore a video",
    description="Restore a video with a one-step diffusion model: sharper, cleaner, larger.\n"
    "Sound, subtitles, chapters, colour and timing are carried over.",
    examples=(
        ("in.mp4 out.mp4", "4 times the size"),
        ("tape.mpg out.mkv --height 1080", "to 1080 lines"),
        ("in.mov out.mov -s 1 --profile prores422hq", "restored at its own size"),
        ("scan/%06d.dpx out/%06d.exr --fps 24", "numbered pictures"),
        ("script.vpy - | ffplay -", "a VapourSynth script, to a player"),
        ("in.mp4 try.mp4 --preview 10", "10 seconds, to try options"),
    ),
    add_arguments=add_arguments,
    run=run,
    failed=failed,
)


def settings(options: argparse.Namespace) -> ProcessSettings:
    """The settings that the options say."""
    values = vars(options) | {"options": tuple(options.options), "model_path": None}
    if Path(options.model).suffix or os.sep in options.model:  # a file, not a name
        values |= {"model": "auto", "model_path": Path(options.model)}
    if getattr(options, "progress", "") == "json" and options.output == Path("-"):
        raise SettingsError("the standard output cannot take the video and --progress json both")
    made = build(ProcessSettings, values)
    encode = _by_profile(options, made.write.encode)
    return replace(made, write=replace(made.write, encode=encode))


def output(options: argparse.Namespace) -> Path:
    """The output's path; a folder for a profile of pictures becomes a pattern in that folder."""
    path: Path = options.output
    suffix = PROFILES[options.profile].suffixes[0] if options.profile else ""
    return path / f"%06d{suffix}" if suffix in PICTURES and not path.suffix else path


def _by_profile(options: argparse.Namespace, chosen: EncodeSettings) -> EncodeSettings:
    """The settings of the encoder, over those of the profile if one is given."""
    if options.profile is None:
        return chosen
    if chosen.encoder != "auto":
        raise SettingsError("give a profile or an encoder, not both")
    profile, path = PROFILES[options.profile], output(options)
    to_pipe = (options.profile, path) == ("y4m", Path("-"))
    if path.suffix.lower() not in profile.suffixes and not to_pipe:
        raise SettingsError(
            f"the profile {options.profile} is written to {' or '.join(profile.suffixes)} files, "
            f"not to {path}"
        )
    return chosen.over(profile.encode)


@contextmanager
def progress_of(options: argparse.Namespace) -> Iterator[Progress]:
    """Open the display of the progress; warnings of the log go to it too."""
    kind = options.progress
    if kind == "auto":
        kind = "bar" if sys.stderr.isatty() else "plain"
    if kind == "json":
        progress: Progress = JsonLines(sys.stdout)
    elif kind == "none" or options.quiet:
        progress = Progress()
    else:
        progress = Bar(options.program) if kind == "bar" else Plain(options.program)
    handler = _Warnings(progress, level=logging.ERROR if options.quiet else logging.WARNING)
    loggers = [logging.getLogger(name) for name in ("vs_gendrpix", "py.warnings")]
    for logger in loggers:
        logger.addHandler(handler)
    try:
        yield progress
    finally:
        progress.close()
        for logger in loggers:
            logger.removeHandler(handler)


class _Warnings(logging.Handler):
    """Passes the warnings of the log to a progress, as events."""

    def __init__(self, progress: Progress, level: int) -> None:
        super().__init__(level)
        self._progress = progress

    def emit(self, record: logging.LogRecord) -> None:
        """Pass a warning on."""
        if record.levelno == logging.WARNING:
            self._progress.warning(record.getMessage())
