"""Tell the user how far a run has come: a bar, plain lines, or events for a program.

Whether anybody hears it makes no difference to the run: a reader that leaves does not end it.
"""

import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TextIO

from tqdm import tqdm

from vs_gendrpix.errors import UNWRITABLE, one_line
from vs_gendrpix.job.rate import Bound, Meter

if TYPE_CHECKING:
    from vs_gendrpix.job.report import Report, Start

PLAIN_INTERVAL = 10.0
"""Seconds between two lines of plain progress."""

EVENT_INTERVAL = 0.2
"""Seconds between two progress events, so that a small clip does not flood the reader."""


class Progress:
    """Base class of the listeners to a run; it does nothing itself."""

    def reading(self, source: Path) -> None:
        """Called at once, before the input is opened."""

    def start(self, start: "Start") -> None:
        """Called once, when the first frame is about to be restored."""

    def frame(self, count: int, bound: Bound) -> None:
        """Called after each frame: `count` are written, and the stage `bound` limits the rate."""

    def written(self, size: int, frames: int) -> None:
        """Called with each frame: `size` bytes of the output are there, of so many frames."""

    def expect(self, total: int) -> None:
        """Called when the expected number of frames changes; 0 is an unknown one."""

    def decided(self, sentence: str) -> None:
        """Called for each thing that is decided for the user."""

    def warning(self, sentence: str) -> None:
        """Called for each warning."""

    def segment(self, number: int, before: int) -> None:
        """Called when a segment of a job is begun, and `before` frames of the job are finished."""

    def resumed(self, finished: int, segments: int) -> None:
        """Called before a continued job starts, with its number of finished segments."""

    def done(self, report: "Report") -> None:
        """Called once, when the output stands under its name."""

    def close(self) -> None:
        """Called at the end of the program, after an error too."""


class _Metered(Progress):
    """A listener with a meter, from the start on."""

    _meter: Meter | None = None

    def written(self, size: int, frames: int) -> None:
        """Keep the size of the output so far."""
        if self._meter is not None:
            self._meter.written(size, frames)

    def expect(self, total: int) -> None:
        """Count up to another number of frames."""
        if self._meter is not None:
            self._meter.total = total


class Bar(_Metered):
    """A tqdm bar on the standard error stream: frames a second, or seconds a frame below 1.

    Args:
        program: The name at the beginning of a line beside the bar.
    """

    def __init__(self, program: str = "gendrpix-video") -> None:
        self._program = program
        self._bar: tqdm[NoReturn] | None = None
        self._name: str | None = None

    def reading(self, source: Path) -> None:
        """Name the input: opening it and loading the network take some seconds."""
        name = "the standard input" if source == Path("-") else source
        _say(self._program, f"reading {name}")

    def start(self, start: "Start") -> None:
        """Draw the empty bar, for one clip below a line that says what is done."""
        if self._name is None:
            _say(self._program, _started(start))
        self._meter = Meter(start.frames, 0, start.done)
        with suppress(*UNWRITABLE):
            # Below another bar it is taken away at its end, alone it stays.
            self._bar = tqdm(
                desc=self._name,
                total=start.frames or None,
                initial=start.done,
                unit="frame",
                dynamic_ncols=True,
                leave=None,
            )

    def frame(self, count: int, bound: Bound) -> None:
        """Move the bar; there may be more frames than were expected."""
        if self._bar is None:
            return
        with suppress(*UNWRITABLE):
            if self._bar.total is not None and count > self._bar.total:
                self._bar.total = count
            said = f"{bound}-bound{_size(self._meter)}"
            self._bar.set_postfix_str(said, refresh=False)
            self._bar.update(count - self._bar.n)

    def resumed(self, finished: int, segments: int) -> None:
        """Write a line above the bar."""
        _say(self._program, _resumed(finished, segments))

    def expect(self, total: int) -> None:
        """Make the bar longer or shorter."""
        super().expect(total)
        if self._bar is not None:
            with suppress(*UNWRITABLE):
                self._bar.total = total or None
                self._bar.refresh()

    def close(self) -> None:
        """Leave the bar as it is and begin a new line."""
        if self._bar is not None:
            with suppress(*UNWRITABLE):
                self._bar.close()


class Plain(_Metered):
    """A line every ten seconds on the standard error stream, for logs.

    Args:
        program: The name at the beginning of every line.
    """

    def __init__(self, program: str = "gendrpix-video") -> None:
        self._program = program

    def start(self, start: "Start") -> None:
        """Write the number of frames, the size, the model and the device."""
        self._meter = Meter(start.frames, PLAIN_INTERVAL, start.done)
        self._say(_started(start))

    def frame(self, count: int, bound: Bound) -> None:
        """Write the position, the rate and the time left, if a line is due."""
        if self._meter is None or not self._meter.due(count):
            return
        speed, left = self._meter.speed(count), self._meter.seconds_left(count)
        total = f"/{self._meter.total}" if self._meter.total else ""
        eta = "" if left is None else f", {left:.0f} s left"
        self._say(f"frame {count}{total}, {speed}, {bound}-bound{_size(self._meter)}{eta}")

    def done(self, report: "Report") -> None:
        """Write the number of frames, the time and the output."""
        self._say(
            f"{report.frames_encoded} frames in {report.seconds:.1f} s: {report.start.plan.output}"
        )

    def resumed(self, finished: int, segments: int) -> None:
        """Write where the work goes on."""
        self._say(_resumed(finished, segments))

    def _say(self, line: str) -> None:
        """Write a line to the standard error stream."""
        _say(self._program, line)


class JsonLines(_Metered):
    """One JSON object a line on the standard output: start, progress, warning, done or error."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def start(self, start: "Start") -> None:
        """Write the event `start`."""
        self._meter = Meter(start.frames, EVENT_INTERVAL, start.done)
        self._write(
            "start",
            input=str(start.plan.source),
            output=str(start.plan.output),
            frames=start.frames,
            fps=float(start.average_rate),
            width=start.size[0],
            height=start.size[1],
            model=start.plan.model.name,
            device=start.device,
            dtype=start.dtype,
        )

    def frame(self, count: int, bound: Bound) -> None:
        """Write the event `progress`, if one is due."""
        if self._meter is not None and self._meter.due(count):
            left = self._meter.seconds_left(count)
            self._write(
                "progress",
                frame=count,
                total=self._meter.total,
                fps=round(self._meter.rate(count), 3),
                eta_s=None if left is None else round(left, 1),
                size=self._meter.size(),
                bound=bound,
            )

    def segment(self, number: int, before: int) -> None:
        """Write the event `segment`."""
        self._write("segment", segment=number, before=before)

    def resumed(self, finished: int, segments: int) -> None:
        """Write the event `resumed`."""
        self._write("resumed", finished=finished, segments=segments)

    def decided(self, sentence: str) -> None:
        """Write the event `decided`."""
        self._write("decided", message=sentence)

    def warning(self, sentence: str) -> None:
        """Write the event `warning`."""
        self._write("warning", message=sentence)

    def done(self, report: "Report") -> None:
        """Write the event `done`."""
        self._write(
            "done",
            output=str(report.start.plan.output),
            frames_in=report.frames_decoded,
            frames_out=report.frames_encoded,
            warnings=len(report.warnings),
            seconds=round(report.seconds, 3),
            exit_code=report.exit_code,
        )

    def error(self, kind: str, message: str, exit_code: int) -> None:
        """Write the event `error`, the last one of a run that fails.

        Args:
            kind: Name of the exception.
            message: What is said of it.
            exit_code: The exit code of the process.
        """
        self._write("error", kind=kind, message=message, exit_code=exit_code)

    def _write(self, event: str, **values: object) -> None:
        with suppress(*UNWRITABLE):
            self._stream.write(json.dumps({"event": event, **values}) + "\n")
            self._stream.flush()


def _started(start: "Start") -> str:
    width, height = start.size
    return (
        f"{start.frames or 'unknown number of'} frames to {width}x{height}, "
        f"model {start.plan.model.name} in {start.dtype} on {start.device}"
    )


def _size(meter: Meter | None) -> str:
    """Say how large the output will be, as soon as that can be estimated."""
    size = meter and meter.size()
    return f", about {tqdm.format_sizeof(size, 'B')}" if size else ""


def _resumed(finished: int, segments: int) -> str:
    return f"goes on where it stopped: {finished} of {segments} segments are finished"


def _say(program: str, line: str) -> None:
    """Write a line to the standard error stream."""
    with suppress(*UNWRITABLE):
        sys.stderr.write(one_line(f"{program}: {line}") + "\n")
