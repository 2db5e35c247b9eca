"""Tell the user how far a batch is: which clip, of how many, and how far that one is."""

import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn, TextIO

from tqdm import tqdm

from vs_gendrpix.errors import UNWRITABLE, one_line
from vs_gendrpix.job.batch.summary import Summary, line_of
from vs_gendrpix.job.progress import Bar, JsonLines, Plain, Progress

if TYPE_CHECKING:
    from vs_gendrpix.errors.failure import Failure
    from vs_gendrpix.job.batch.clips import BatchClip
    from vs_gendrpix.job.report import Report


@dataclass(frozen=True, slots=True)
class Turn:
    """A clip whose turn it is.

    Attributes:
        clip: The clip.
        number: Its place among all, from 1.
        total: How many they are; 0 is unknown.
    """

    clip: "BatchClip"
    number: int
    total: int


class BatchProgress(Progress):
    """Base class of the listeners to a batch, each clip of which is a run; it does nothing."""

    def begin(self, turn: Turn) -> None:
        """Called before each clip that is to be restored."""

    def passed_over(self, turn: Turn) -> None:
        """Called for each clip that is finished already."""

    def failed(self, turn: Turn, failure: "Failure") -> None:
        """Called for each clip that has no output."""

    def ended(self, summary: Summary) -> None:
        """Called once, at the end of all."""


class BatchBar(Bar, BatchProgress):
    """Two tqdm bars on the standard error stream: one over all clips, one for each.

    Args:
        program: The name at the beginning of every line that is written between them.
    """

    def __init__(self, program: str = "gendrpix-video") -> None:
        super().__init__(program)
        self._all: tqdm[NoReturn] | None = None

    def begin(self, turn: Turn) -> None:
        """Draw the bar over all, where this clip begins."""
        self._name = one_line(str(turn.clip.name))
        self._move(turn, turn.number - 1)

    def passed_over(self, turn: Turn) -> None:
        """Move the bar over all."""
        self._move(turn, turn.number)

    def done(self, report: "Report") -> None:
        """Take the clip's bar away, and move that over all."""
        del report
        self._take_away()
        if self._all is not None:
            with suppress(*UNWRITABLE):
                self._all.update()

    def failed(self, turn: Turn, failure: "Failure") -> None:
        """Write a line above the bars, and go on as after any clip."""
        self._take_away()
        self._move(turn, turn.number)
        with suppress(*UNWRITABLE):
            tqdm.write(one_line(f"{self._program}: {line_of(turn.clip, failure)}"), file=sys.stderr)

    def decided(self, sentence: str) -> None:
        """Draw the bars again below the line that has been written."""
        del sentence
        self._redraw()

    def warning(self, sentence: str) -> None:
        """Draw the bars again below the line that has been written."""
        del sentence
        self._redraw()

    def resumed(self, finished: int, segments: int) -> None:
        """Write a line, and draw the bars again below it."""
        super().resumed(finished, segments)
        self._redraw()

    def close(self) -> None:
        """Leave the bar over all as it is, and begin a new line."""
        super().close()
        if self._all is not None:
            with suppress(*UNWRITABLE):
                self._all.close()

    def _move(self, turn: Turn, count: int) -> None:
        """Move the bar over all to `count` clips; the first time, draw it."""
        with suppress(*UNWRITABLE):
            if self._all is None:
                self._all = tqdm(total=turn.total or None, unit="clip", dynamic_ncols=True)
            self._all.update(count - self._all.n)

    def _redraw(self) -> None:
        with suppress(*UNWRITABLE):
            for bar in (self._all, self._bar):
                if bar is not None:
                    bar.refresh()

    def _take_away(self) -> None:
        """Take the clip's bar away."""
        super().close()
        self._bar = None


class BatchPlain(Plain, BatchProgress):
    """The lines of each clip on the standard error stream, below one that names it."""

    def begin(self, turn: Turn) -> None:
        """Name the clip."""
        of = f" of {turn.total}" if turn.total else ""
        self._say(f"clip {turn.number}{of}: {turn.clip.source}")

    def failed(self, turn: Turn, failure: "Failure") -> None:
        """Say which clip failed, and why."""
        self._say(line_of(turn.clip, failure))


class BatchJson(JsonLines, BatchProgress):
    """The events of each clip on the standard output, each with the clip's number and input."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._of_clip: dict[str, object] = {}

    def begin(self, turn: Turn) -> None:
        """Write the event `clip`; those that follow are of this one."""
        self._of_clip = {"clip": turn.number, "input": str(turn.clip.source)}
        self._write("clip", clips=turn.total, output=str(turn.clip.output))

    def passed_over(self, turn: Turn) -> None:
        """Write the event `passed_over`."""
        self._of_clip = {"clip": turn.number, "input": str(turn.clip.source)}
        self._write("passed_over", output=str(turn.clip.output))

    def failed(self, turn: Turn, failure: "Failure") -> None:
        """Write the event `error`."""
        self._of_clip = {"clip": turn.number, "input": str(turn.clip.source)}
        self.error(failure.kind, failure.message, failure.exit_code)

    def ended(self, summary: Summary) -> None:
        """Write the event `summary`, the last one."""
        self._of_clip = {}
        self._write(
            "summary",
            finished=summary.finished,
            passed_over=summary.passed_over,
            failed=summary.failed,
            left=summary.left,
            seconds=round(summary.seconds, 3),
            exit_code=summary.exit_code,
        )

    def _write(self, event: str, **values: object) -> None:
        super()._write(event, **self._of_clip | values)
