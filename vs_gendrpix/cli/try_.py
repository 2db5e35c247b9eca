"""`gendrpix try IN`: looks at a clip, and makes a page of a few ways to restore it."""

import argparse
import logging
import sys
from pathlib import Path

from vs_gendrpix.cli.command import Command
from vs_gendrpix.cli.options import add_some
from vs_gendrpix.errors import needs_extra, one_line
from vs_gendrpix.settings import ReadSettings, RestoreSettings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the clip, the page, and where to restore."""
    parser.add_argument(
        "clip",
        type=Path,
        metavar="IN",
        help="a video, a picture, numbered pictures or a VapourSynth script (.vpy)",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="PAGE",
        help="the page, an .html file (default: the clip's name, here)",
    )
    add_some(parser, RestoreSettings, "device")
    add_some(parser, ReadSettings, "on_change")
    parser.add_argument(
        "-y", "--overwrite", action="store_true", help="replace an existing page and its pictures"
    )


def run(options: argparse.Namespace) -> int:
    """Try the clip, say what was found, and print the path of the page; returns the exit code."""

    def say(line: str) -> None:
        if not options.quiet:
            sys.stdout.write(one_line(line) + "\n")
            sys.stdout.flush()

    say(f"Looking at {options.clip}")  # before torch is loaded, which takes seconds
    with needs_extra("evaluation", "PIL"):
        from vs_gendrpix.compare.trial.command import try_clip  # noqa: PLC0415

    for handler in logging.getLogger("vs_gendrpix").handlers:
        handler.addFilter(_Once())
    output = options.output or Path(f"{options.clip.stem.split('%')[0] or 'page'}.html")
    whole = try_clip(
        options.clip,
        output,
        device=options.device,
        on_change=options.on_change,
        overwrite=options.overwrite,
        say=say,
    )
    say(f"{output}")
    return 0 if whole else 1


class _Once(logging.Filter):
    """Lets each message of the log through once: every way is planned, and says the same."""

    def __init__(self) -> None:
        super().__init__()
        self._said: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a message is new."""
        message = record.getMessage()
        new = message not in self._said
        self._said.add(message)
        return new


COMMAND = Command(
    purpose="look at a clip, and try a few ways to restore it",
    description="Look at a clip and say what is wrong with it, restore four frames and one second "
    "of it\nin 3 to 5 ways, and make a page for the browser that compares them: with the command, "
    "the\ntime and the size of the whole job under each. One is recommended, by a rule.",
    examples=(
        ("tape.mpg", "the page is tape.html"),
        ("in.mp4 -o page.html -d cuda", "on a GPU"),
    ),
    add_arguments=add_arguments,
    run=run,
)
