"""The summary of a batch: a value, and the lines that are printed at its end."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vs_gendrpix.errors.failure import Failure, why_cancelled

if TYPE_CHECKING:
    from vs_gendrpix.job.batch.clips import BatchClip


@dataclass(slots=True, kw_only=True)
class Summary:
    """The results of a batch so far: counts, and the clips with problems.

    Attributes:
        finished: How many clips were restored; those of exit code 1 too.
        passed_over: How many were finished before.
        troubled: Each clip whose exit code is not 0, with the reason.
        left: How many clips were not begun, or not finished, as the batch ended early.
        again: What goes on with those that are left.
        cancelled: Exit code of the signal that ended the batch within a clip; None if none did.
        seconds: Wall time.
    """

    finished: int = 0
    passed_over: int = 0
    troubled: list[tuple["BatchClip", Failure]] = field(default_factory=list)
    left: int = 0
    again: str = "the same command goes on"
    cancelled: int | None = None
    seconds: float = 0.0

    @property
    def failed(self) -> int:
        """Number of clips that have no output."""
        return sum(failure.exit_code != 1 for _, failure in self.troubled)

    @property
    def exit_code(self) -> int:
        """The highest exit code of all clips, or that of the signal that ended the batch."""
        codes = [failure.exit_code for _, failure in self.troubled]
        return self.cancelled or max(codes, default=0)

    def lines(self) -> list[str]:
        """A line for each clip that failed or was damaged, and one for all."""
        lines = [line_of(clip, failure) for clip, failure in self.troubled]
        counts = [f"{_clips(self.finished)} finished"]
        if self.passed_over:
            counts.append(f"{self.passed_over} passed over, as finished before")
        if self.failed:
            counts.append(f"{self.failed} failed")
        if self.left:
            counts.append(f"{self.left} left: {self.again}")
        line = f"{', '.join(counts)}; {self.seconds:.1f} s"
        if self.cancelled is not None:
            line = f"{why_cancelled(self.cancelled).partition(';')[0]}: {line}"
        return [*lines, line]


def line_of(clip: "BatchClip", failure: Failure) -> str:
    """Say in one line which clip failed, with which exit code, and why."""
    return f"{clip.source}: exit code {failure.exit_code}: {failure.message}"


def _clips(count: int) -> str:
    return f"{count} clip" if count == 1 else f"{count} clips"
