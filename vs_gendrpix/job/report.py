"""The start and the result of a run, as values."""

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.job.plan import Plan
from vs_gendrpix.job.rate import Bound
from vs_gendrpix.write.carry.actions import StreamAction

if TYPE_CHECKING:
    from array import array


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """The facts of a run before its first frame is restored.

    Attributes:
        plan: What will be done.
        device: Where the network runs.
        dtype: Its arithmetic.
        done: Frames that an earlier run of the job has finished.
    """

    plan: Plan
    device: str
    dtype: str
    done: int = 0

    @property
    def frames(self) -> int:
        """Number of frames to come by the container or an estimate; 0 when unknown."""
        return self.plan.result.frames

    @property
    def average_rate(self) -> Fraction:
        """Frames a second; 0 when unknown."""
        return self.plan.result.average_rate

    @property
    def size(self) -> tuple[int, int]:
        """Output width and height in pixels."""
        return self.plan.result.format.width, self.plan.result.format.height


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The result of a run.

    Attributes:
        start: What was known at its beginning.
        frames_decoded: Frames that the input gave.
        frames_encoded: Frames in the output: those decoded, or what filters made of them.
        times: Ticks of the output at which each of them is shown.
        durations: Ticks that each lasts; 0 is unknown.
        streams: What became of each stream of the input.
        copied: Packets written to each further stream of the output, by its index.
        notes: Warnings and damage.
        tile: Width and height in pixels of the tiles that were used; None is whole frames.
        bound: What limited the rate.
        seconds: Wall time from opening the input to publishing the output.
    """

    start: Start
    frames_decoded: int
    frames_encoded: int
    times: "array[int]"
    durations: "array[int]"
    streams: tuple[StreamAction, ...]
    copied: dict[int, int]
    notes: Notes
    tile: tuple[int, int] | None
    bound: Bound
    seconds: float

    @property
    def warnings(self) -> tuple[str, ...]:
        """All warnings, each a sentence."""
        return tuple(self.notes.warnings)

    @property
    def exit_code(self) -> int:
        """0, or 1 if the input was damaged, or something else is not as it was asked for."""
        return int(self.notes.damaged or bool(self.notes.faults))
