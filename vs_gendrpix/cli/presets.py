"""`gendrpix presets`: list the filter presets for kinds of material."""

import argparse
import sys

from vs_gendrpix.cli.command import Command


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add nothing: the command only lists."""


def run(_options: argparse.Namespace) -> int:
    """Print each preset with its purpose; returns the exit code."""
    from vs_gendrpix.job.prepare import presets  # noqa: PLC0415 - loads av

    listed = presets()
    width = max(map(len, listed))
    for name, purpose in listed.items():
        sys.stdout.write(f"{name:<{width}}  {purpose}\n")
    return 0


COMMAND = Command(
    purpose="list the filter presets for tapes, discs, film and old web video",
    description="List the presets that --pre-filter and --post-filter take.",
    examples=(
        ("", "all presets"),
        ("| grep film", "those for film"),
    ),
    add_arguments=add_arguments,
    run=run,
)
