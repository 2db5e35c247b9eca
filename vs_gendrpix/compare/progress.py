"""Tell how far the making of a page has come: a bar on a terminal, otherwise a line now and then.

The lines go through the log, so that the command under whose name they appear decides whether they
are shown.
"""

import logging
import sys
from contextlib import suppress
from typing import NoReturn, Self

from tqdm import tqdm

from vs_gendrpix.errors import UNWRITABLE
from vs_gendrpix.frame.notes import PROGRESS
from vs_gendrpix.job.progress import PLAIN_INTERVAL
from vs_gendrpix.job.rate import Meter

log = logging.getLogger(__name__)


def tell(line: str) -> None:
    """Tell a line, which the log shows unless it is asked to be quiet."""
    log.log(PROGRESS, line)


class Counted:
    """Counts the frames of a step of the work, and tells how many are finished.

    A context manager.

    Attributes:
        count: The finished frames.

    Args:
        doing: What the step does, such as `measuring`.
        total: Frames that are expected; 0 is an unknown number.
    """

    def __init__(self, doing: str, total: int) -> None:
        self._doing, self._total = doing, total
        self.count = 0

    def __enter__(self) -> Self:
        self._meter = Meter(self._total, PLAIN_INTERVAL)
        self._bar: tqdm[NoReturn] | None = None
        if sys.stderr.isatty() and _is_shown():
            total = self._total or None
            self._bar = tqdm(desc=self._doing, total=total, unit="frame", dynamic_ncols=True)
        return self

    def __exit__(self, *ended: object) -> None:
        if self._bar is not None:
            with suppress(*UNWRITABLE):
                self._bar.close()

    def expect(self, total: int) -> None:
        """Count up to another number of frames."""
        self._meter.total = total
        if self._bar is not None:
            with suppress(*UNWRITABLE):
                self._bar.total = total
                self._bar.refresh()

    def restart(self) -> None:
        """Take the time from now on: none of it was for frames, but for loading a network."""
        self._meter = Meter(self._meter.total, PLAIN_INTERVAL, self.count)
        if self._bar is not None:
            with suppress(*UNWRITABLE):
                self._bar.unpause()

    def clear(self) -> None:
        """Take the bar away until the next frame, so that a line can be written in its place."""
        if self._bar is not None:
            with suppress(*UNWRITABLE):
                self._bar.clear()

    def add(self) -> None:
        """Count a frame that is finished."""
        self.count += 1
        if self._bar is not None:
            with suppress(*UNWRITABLE):
                self._bar.update()
        elif self._meter.due(self.count):
            total = f"/{self._meter.total}" if self._meter.total else ""
            left = self._meter.seconds_left(self.count)
            eta = f", {left:.0f} s left" if left else ""
            speed = self._meter.speed(self.count)
            tell(f"{self._doing} frame {self.count}{total}, {speed}{eta}")


def _is_shown() -> bool:
    """Whether the log shows progress: a bar must not appear where lines would not."""
    handlers = logging.getLogger("vs_gendrpix").handlers
    return any(handler.level <= PROGRESS for handler in handlers)
