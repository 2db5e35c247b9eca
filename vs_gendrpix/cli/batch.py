"""Several clips, for `gendrpix video IN ... FOLDER`: where they go, and how they are shown."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from vs_gendrpix.cli.terminal.console import say
from vs_gendrpix.cli.terminal.display import Displays, heard
from vs_gendrpix.frame.sequence import PICTURES
from vs_gendrpix.job.batch.progress import BatchBar, BatchJson, BatchPlain, BatchProgress
from vs_gendrpix.settings import ProcessSettings
from vs_gendrpix.settings.profiles import PROFILES

if TYPE_CHECKING:
    from vs_gendrpix.job.batch.clips import Target

CLIPS: Displays[BatchProgress] = {
    "bar": BatchBar,
    "plain": BatchPlain,
    "json": lambda _: BatchJson(sys.stdout),
    "none": lambda _: BatchProgress(),
}
"""The displays of several clips."""


def target_of(options: argparse.Namespace) -> "Target | None":
    """Return the folder for the outputs of several clips; None for one clip with its own output.

    Raises:
        GendrpixError: The inputs do not go together, or not with the output.
    """
    # It loads av, to see whether files are clips: --help shall be quick.
    from vs_gendrpix.job.batch.clips import SUFFIX, Target, is_batch  # noqa: PLC0415

    suffix = PROFILES[options.profile].suffixes[0] if options.profile else SUFFIX
    several = is_batch(options.input, options.output, pictures=suffix in PICTURES)
    if not (several or options.watch):
        return None
    return Target(folder=Path(options.output), suffix=suffix, reports=options.report)


def run_batch(options: argparse.Namespace, target: "Target", settings: ProcessSettings) -> int:
    """Restore several clips; returns the exit code."""
    # As above; torch too, once there is a clip to restore.
    from vs_gendrpix.job.batch.run import process_all  # noqa: PLC0415

    with heard(options, CLIPS) as progress:
        summary = process_all(
            options.input, target, settings, watch=options.watch, progress=progress
        )
    if summary.exit_code or not options.quiet:
        for line in summary.lines():
            say(options.program, line)
    return summary.exit_code
