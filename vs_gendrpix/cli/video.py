"""`gendrpix video IN OUT`, also called `gendrpix-video`: restore a video."""

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from vs_gendrpix.cli.batch import run_batch, target_of
from vs_gendrpix.cli.command import Command, run_command
from vs_gendrpix.cli.options import add_settings
from vs_gendrpix.cli.terminal.display import ONE_CLIP, heard
from vs_gendrpix.errors import SettingsError
from vs_gendrpix.errors.failure import Failure
from vs_gendrpix.frame.sequence import PICTURES
from vs_gendrpix.job.progress import JsonLines
from vs_gendrpix.settings import ProcessSettings
from vs_gendrpix.settings.option import build
from vs_gendrpix.settings.profiles import PROFILES


def main(argv: Sequence[str] | None = None) -> int:
    """Run `gendrpix-video`; returns the exit code.

    Args:
        argv: The arguments; None takes the process's.
    """
    given = sys.argv[1:] if argv is None else argv
    return run_command(COMMAND, "gendrpix-video", given, ends_process=argv is None)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the input, the output, the flags of the settings, the profile and the progress."""
    add_paths_and_settings(parser, several=True)
    group = parser.add_argument_group("several clips")
    group.add_argument(
        "--watch",
        action="store_true",
        help="go on with the clips that arrive in the folders, until Ctrl-C",
    )
    add_progress(parser)


def add_paths_and_settings(parser: argparse.ArgumentParser, *, several: bool) -> None:
    """Add the input, or several, the output, the flags of the settings and the profile."""
    parser.usage = "%(prog)s [options] input output"
    if several:
        parser.usage += "\n       %(prog)s [options] input ... folder"
    parser.add_argument(
        "input",
        type=Path,
        nargs="+" if several else None,
        help="the video to restore: a file, numbered pictures (in/%%06d.dpx, or their folder), a "
        "VapourSynth script (.vpy), or - for the standard input"
        + ("; or several, or a folder of clips" if several else ""),
    )
    parser.add_argument(
        "output",
        help="what to write: .mp4, .m4v, .mov, .mkv, .y4m; pictures (out/%%06d.png, .tif, .dpx, "
        ".exr) in a folder of their own; or - for YUV4MPEG on the standard output"
        + ("; for several clips a folder" if several else ""),
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
    """Add the options of the progress display."""
    group = parser.add_argument_group("progress")
    group.add_argument(
        "--progress",
        choices=("auto", "bar", "plain", "json", "none"),
        default="auto",
        help="auto is a bar on a terminal and plain lines elsewhere; json writes one event a line "
        "to the standard output",
    )


def run(options: argparse.Namespace) -> int:
    """Restore the video, or the videos; returns the exit code."""
    chosen, target = settings(options), target_of(options)
    if target is not None:
        return run_batch(options, target, chosen)
    with heard(options, ONE_CLIP) as progress:
        (source,) = options.input
        progress.reading(source)
        # The job loads av, and torch once the paths are good: --help shall be quick.
        from vs_gendrpix.job.segments.process import process  # noqa: PLC0415

        return process(source, output(options), chosen, progress=progress).exit_code


def failed(given: Sequence[str], failure: Failure, stream: TextIO) -> None:
    """Write the event `error` of a failed command whose arguments had `--progress json`."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--progress")
    with suppress(argparse.ArgumentError):
        if parser.parse_known_args(given)[0].progress == "json":
            JsonLines(stream).error(failure.kind, failure.message, failure.exit_code)


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
        ("clips out --profile delivery", "all clips of a folder, and below it"),
    ),
    add_arguments=add_arguments,
    run=run,
    failed=failed,
)


def settings(options: argparse.Namespace) -> ProcessSettings:
    """Make the settings from the parsed options."""
    values = vars(options) | {"options": tuple(options.options), "model_path": None}
    if Path(options.model).suffix or os.sep in options.model:  # a file, not a name
        values |= {"model": "auto", "model_path": Path(options.model)}
    if getattr(options, "progress", "") == "json" and options.output == "-":
        raise SettingsError("the standard output cannot take the video and --progress json both")
    made = build(ProcessSettings, values)
    encode = made.write.encode
    _refuse_preset_of_filters(encode.preset)
    if options.profile is not None:
        if encode.encoder != "auto":
            raise SettingsError("give a profile or an encoder, not both")
        encode = encode.over(PROFILES[options.profile].encode)
    return replace(made, write=replace(made.write, encode=encode))


def _refuse_preset_of_filters(name: str | None) -> None:
    """Refuse the name of a filter preset where the encoder's is asked for."""
    if name is None:
        return
    from vs_gendrpix.job.prepare import presets  # noqa: PLC0415 - loads av

    if name in presets():
        raise SettingsError(
            f"--preset is the encoder's speed: for the filters of {name} use --pre-filter {name}"
        )


def output(options: argparse.Namespace) -> Path:
    """Return the output of one clip: a folder becomes a name pattern for a profile of pictures.

    Raises:
        SettingsError: The profile is not written to such a file.
    """
    path = Path(options.output)
    if options.profile is None:
        return path
    suffixes = PROFILES[options.profile].suffixes
    if suffixes[0] in PICTURES and not path.suffix:
        path /= f"%06d{suffixes[0]}"
    to_pipe = (options.profile, path) == ("y4m", Path("-"))
    if path.suffix.lower() not in suffixes and not to_pipe:
        raise SettingsError(
            f"the profile {options.profile} is written to {' or '.join(suffixes)} files, "
            f"not to {path}"
        )
    return path
