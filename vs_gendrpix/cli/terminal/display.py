"""The display of progress that the options ask for, with the log's warnings in it."""

import argparse
import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from vs_gendrpix.frame.notes import DECISION
from vs_gendrpix.job.progress import Bar, JsonLines, Plain, Progress

type Displays[P: Progress] = Mapping[str, Callable[[str], P]]
"""Makes a display of each kind, `bar`, `plain`, `json` and `none`, for a program of a name."""

ONE_CLIP: Displays[Progress] = {
    "bar": Bar,
    "plain": Plain,
    "json": lambda _: JsonLines(sys.stdout),
    "none": lambda _: Progress(),
}
"""The displays of one clip."""


@contextmanager
def heard[P: Progress](options: argparse.Namespace, displays: Displays[P]) -> Iterator[P]:
    """Open the display that the options ask for, and send it what the log has for the user."""
    kind = options.progress
    if kind == "auto":
        kind = "bar" if sys.stderr.isatty() else "plain"
    progress = displays["none" if options.quiet and kind != "json" else kind](options.program)
    handler = _Heard(progress, level=logging.ERROR if options.quiet else DECISION)
    loggers = [logging.getLogger(name) for name in ("vs_gendrpix", "py.warnings")]
    for logger in loggers:
        logger.addHandler(handler)
    try:
        yield progress
    finally:
        progress.close()
        for logger in loggers:
            logger.removeHandler(handler)


class _Heard(logging.Handler):
    """Passes the decisions and warnings of the log to a progress, as events."""

    def __init__(self, progress: Progress, level: int) -> None:
        super().__init__(level)
        self._progress = progress

    def emit(self, record: logging.LogRecord) -> None:
        """Pass a decision or a warning on."""
        if record.levelno == DECISION:
            self._progress.decided(record.getMessage())
        elif record.levelno == logging.WARNING:
            self._progress.warning(record.getMessage())
