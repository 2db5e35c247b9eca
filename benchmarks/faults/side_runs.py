"""Runs of whole jobs for these benchmarks, with a resize in the place of the network."""

import logging
from fractions import Fraction
from pathlib import Path

from tests.nearest import NearestEngine, settings
from vs_gendrpix import EncodeSettings, process
from vs_gendrpix.errors import GendrpixError
from vs_gendrpix.restore import engine

H264 = EncodeSettings(encoder="libx264", preset="ultrafast")


def run(source: Path, output: Path, end: Fraction | None = None) -> tuple[int, tuple[str, ...]]:
    """Restore a clip at scale 1.

    Args:
        source: The clip.
        output: The file to write; one that is there is replaced.
        end: Second before which to stop; None is the clip's end.

    Returns:
        The exit code, and the warnings or the error's message.
    """
    engine.Engine = NearestEngine  # type: ignore[misc, assignment]  # has what a job asks of it
    logging.disable(logging.CRITICAL)
    try:
        report = process(source, output, settings(encode=H264, overwrite=True, end=end))
    except GendrpixError as error:
        return error.exit_code, (str(error),)
    return report.exit_code, report.warnings
