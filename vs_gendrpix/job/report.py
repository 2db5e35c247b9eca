"""The result of a run, as values."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from vs_gendrpix.carry.actions import StreamAction
from vs_gendrpix.frame.clip import ClipInfo
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.job.waits import Bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What is known when the first frame is about to be restored.

    Attributes:
        source: The input file.
        output: The output file.
        source_clip: What the input is.
        output_clip: What the output will be.
        frames: Number of frames to come by the container or an estimate; 0 when unknown.
        average_rate: Frames a second of the clip; 0 when unknown.
        size: Output width and height in pixels.
        model: Name of the model.
        model_file: Where it was loaded from; None if from no file.
        device: Where it runs.
        dtype: The arithmetic of the network.
    """

    source: Path
    output: Path
    source_clip: ClipInfo
    output_clip: ClipInfo
    frames: int
    average_rate: Fraction
    size: tuple[int, int]
    model: str
    model_file: Path | None
    device: str
    dtype: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The result of a run.

    Attributes:
        start: What was known at its beginning.
        frames_decoded: Frames that the source gave.
        frames_encoded: Frames in the output: those decoded, or what filters made of them.
        streams: What became of each stream of the input.
        copied: Packets written to each further stream of the output, by its index.
        notes: Warnings and damage, in the order source, engine, side streams, sink.
        bound: What limited the rate.
        seconds: Wall time from opening the input to publishing the output.
    """

    start: Start
    frames_decoded: int
    frames_encoded: int
    streams: tuple[StreamAction, ...]
    copied: dict[int, int]
    notes: tuple[Notes, ...]
    bound: Bound
    seconds: float

    @property
    def warnings(self) -> tuple[str, ...]:
        """All warnings, each a sentence."""
        return tuple(sentence for notes in self.notes for sentence in notes.warnings)

    @property
    def exit_code(self) -> int:
        """0, or 1 if the input was damaged or times had to be made up."""
        return int(any(notes.damaged for notes in self.notes))
