"""Restores places of a clip in one way, as a job of the whole clip would."""

import time
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Self

from vs_gendrpix.compare.trial.estimate import Cost
from vs_gendrpix.compare.trial.places import Place
from vs_gendrpix.errors import MediaError, cancellation
from vs_gendrpix.frame.clip import STREAM_RATE
from vs_gendrpix.frame.span import Span, Window
from vs_gendrpix.job.open import open_input
from vs_gendrpix.job.plan import Plan
from vs_gendrpix.job.progress import Progress
from vs_gendrpix.job.rate import Bound
from vs_gendrpix.job.run import notes_of, open_engine, write_frames
from vs_gendrpix.read.input import FileInput
from vs_gendrpix.write.output import OutputFile

if TYPE_CHECKING:
    from vs_gendrpix.job.report import Start

AROUND = 12
"""Frames that are read around a place for a filter that may need the whole clip."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """A place that was restored.

    Attributes:
        path: The file that it was written to.
        cost: What it took.
    """

    path: Path
    cost: Cost


class Restoring:
    """Restores places of a clip, one after the other, with one engine.

    A context manager: it holds the network. Filters get the frames around a place that they need,
    which are neither restored nor written.

    Args:
        plan: The job of the whole clip, whose output is never written.
        folder: Where the files go, which is there.

    Raises:
        ModelError: (On entry.) The model is bad.
        DeviceError: (On entry.) There is no such device.
    """

    def __init__(self, plan: Plan, folder: Path) -> None:
        self._plan, self._folder, self._count = plan, folder, 0
        self._notes = notes_of(plan)
        self._opened = ExitStack()

    def __enter__(self) -> Self:
        self._engine = self._opened.enter_context(open_engine(self._plan, self._notes))
        self._span = _spans(self._plan)
        return self

    def __exit__(self, *ended: object) -> None:
        self._opened.close()

    def restore(self, place: Place, progress: Progress) -> Restored:
        """Restore a place to a file of its own.

        Args:
            place: The place.
            progress: Is told of every frame.

        Raises:
            MediaError: There is nothing left of it to restore.
            GendrpixError: One of its kinds.
        """
        path = self._folder / f"{self._count}{self._plan.output.suffix.lower()}"
        self._count += 1
        clock = _Clock(progress)
        with OutputFile(path, source=self._plan.source, overwrite=False) as output:
            report = write_frames(
                self._plan,
                output,
                self._notes,
                progress=clock,
                engine=self._engine,
                span=self._span.of(place),
            )
        seconds = time.monotonic() - clock.began
        cancellation.go_on()  # the page is what is published, not this file
        if not report.frames_encoded:
            raise MediaError(
                f"nothing of {self._plan.source} at {float(place.moment):.1f} s can be restored: "
                "its frames there are damaged"
            )
        cost = Cost(frames=report.frames_encoded, seconds=seconds, size=path.stat().st_size)
        return Restored(path=path, cost=cost)


class _Clock(Progress):
    """Tells a progress of frames, and notes when the first one is begun."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self.began = time.monotonic()

    def start(self, start: "Start") -> None:
        """See `Progress`."""
        self.began = time.monotonic()
        self._progress.start(start)

    def frame(self, count: int, bound: Bound) -> None:
        """See `Progress`."""
        self._progress.frame(count, bound)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spans:
    """What makes spans of places; see `Span` for what is named as there.

    Attributes:
        around: Seconds around a place that filters need.
        longer: Seconds by which a frame of the output is longer than one of the input.
        like: A span whose windows do not matter.
    """

    around: Fraction
    longer: Fraction
    like: Span

    def of(self, place: Place) -> Span:
        """The span of a place."""
        like = self.like
        start, end = place.start - like.offset, place.end - like.offset + self.longer
        written = Window(start=start, end=end)
        first = start - self.around
        return Span(
            written=written,
            restored=written,
            read=Window(start=first if first > -like.offset else None, end=end + self.around),
            begin=like.begin,
            offset=like.offset,
            moved=like.moved,
            first=like.first,
            shape=like.shape,
        )


def _spans(plan: Plan) -> _Spans:
    """Look at the beginning of a plan's clip, from which the times of all spans count."""
    with open_input(plan.source, plan.settings.read, notes_of(plan)) as clip:
        frames = clip.frames(None, None)
        file = clip.clip if isinstance(clip, FileInput) else None
        first, anywhere = next(iter(frames)).timing, Window()
        like = Span(
            written=anywhere,
            restored=anywhere,
            read=anywhere,
            begin=first.pts * first.time_base,
            offset=frames.offset - (file.begin if file else 0),
            moved=frames.offset,
            first=frames.first,
            shape=file.shape if file else Fraction(0),
        )
    needed = plan.needed_before()
    step = 1 / (plan.clip.average_rate or STREAM_RATE)
    longer = 1 / (plan.filtered.average_rate or 1 / step) - step
    reach = AROUND if needed is None else needed.reach
    return _Spans(around=(reach + 1) * step, longer=max(longer, Fraction(0)), like=like)
