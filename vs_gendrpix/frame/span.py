"""A part of a clip's frames, by time, with the frames around it that filters need."""

from dataclasses import dataclass
from fractions import Fraction

from vs_gendrpix.frame.format import Timing


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A range of time.

    Attributes:
        start: First second that belongs to it; None is no limit.
        end: Second before which it ends; None is no limit.
    """

    start: Fraction | None = None
    end: Fraction | None = None

    def holds(self, timing: Timing) -> bool:
        """Whether a frame is shown within the range."""
        shown = timing.pts * timing.time_base
        return (self.start is None or shown >= self.start) and (
            self.end is None or shown < self.end
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A part of a job's frames, cut by the times that they have in the output.

    Attributes:
        written: The frames that are written.
        restored: The frames that are restored: filters behind the restoration may need more.
        read: The frames that are read: filters before it may need more still.
        offset: Seconds from where the clip begins to time 0 of the output.
        moved: Seconds that are taken off the input's times, as for the whole job.
    """

    written: Window
    restored: Window
    read: Window
    offset: Fraction
    moved: Fraction

    def seconds(self, moment: Fraction | None) -> Fraction | None:
        """Seconds from where the clip begins to a moment of the output; None stays None."""
        return None if moment is None else moment + self.offset
