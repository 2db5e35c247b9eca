"""What a run met and what it made: warnings, damage and the figures of the result."""

import logging
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Literal

from vs_gendrpix.bound import Bound
from vs_gendrpix.frames import ClipInfo

log = logging.getLogger(__name__)

EXAMPLES = 5
"""How many of libav's lines a report quotes; all are counted."""

PLACES = 100
"""How many damaged places a report names."""


@dataclass(slots=True, kw_only=True)
class Notes:
    """What a source or a sink has to say about its file, gathered while it works.

    Attributes:
        warnings: Sentences for the user, each said once.
        errors: Error lines and exceptions of libav.
        corrupt_frames: Frames that the decoder flagged as damaged, but gave.
        made_up_times: Frames and packets whose time was missing or not after the one before.
        examples: The first few error lines.
        places: Seconds from the clip's beginning at which errors and corrupt frames were met, the
            first hundred; an error comes up to a few frames early.
        now: Seconds from the clip's beginning of what was read last, for `places`.
    """

    warnings: list[str] = field(default_factory=list)
    errors: int = 0
    corrupt_frames: int = 0
    made_up_times: int = 0
    examples: list[str] = field(default_factory=list)
    places: list[Fraction] = field(default_factory=list)
    now: Fraction = Fraction(0)
    _told: set[str] = field(default_factory=set)

    def inform(self, sentence: str) -> None:
        """Log what is good to know, once: a clip that is read in any order is opened often."""
        if sentence not in self._told:
            self._told.add(sentence)
            log.info(sentence)

    def warn(self, sentence: str) -> None:
        """Log a warning and keep it for the report, unless it has been said before."""
        if sentence not in self.warnings:
            self.warnings.append(sentence)
            log.warning(sentence)

    def error(self, line: str) -> None:
        """Count an error line of libav."""
        self.errors += 1
        self._mark()
        log.info("libav: %s", line)
        if len(self.examples) < EXAMPLES and line not in self.examples:
            self.examples.append(line)

    def corrupt_frame(self) -> None:
        """Count a frame that the decoder calls corrupt."""
        self.corrupt_frames += 1
        self._mark()

    def _mark(self) -> None:
        """Keep the place of what was met."""
        if len(self.places) < PLACES and self.now not in self.places:
            self.places.append(self.now)

    def forget_damage(self) -> None:
        """Begin to count anew."""
        self.errors = self.corrupt_frames = self.made_up_times = 0
        self.examples.clear()
        self.places.clear()

    @property
    def damaged(self) -> bool:
        """Whether anything was broken or had to be made up."""
        return bool(self.errors or self.corrupt_frames or self.made_up_times)

    def damage_in_words(self) -> str:
        """One line that counts the damage."""
        counts = [
            (self.errors, "decoding or reading errors"),
            (self.corrupt_frames, "frames that the decoder calls corrupt"),
            (self.made_up_times, "times that were missing or not in order, so they were made up"),
        ]
        line = "the input is damaged: " + ", ".join(f"{n} {what}" for n, what in counts if n)
        return line + (f" (first: {self.examples[0]})" if self.examples else "")


Action = Literal["restored", "copied", "converted", "attached", "timecode", "dropped", "left out"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamAction:
    """What became of one stream of the input.

    Attributes:
        index: Its number in the input.
        kind: FFmpeg's name of its media type; `cover` for a picture that belongs to the file.
        codec: FFmpeg's name of its decoder; empty if there is none.
        language: Its language tag; empty if it says none.
        action: `dropped` is what the container cannot hold, `left out` what the user did not want,
            and `timecode` a track that the output's own timecode stands for.
        output: Its number in the output, if it has one there.
        to: The codec that it was converted to.
    """

    index: int
    kind: str
    codec: str
    language: str
    action: Action
    output: int | None = None
    to: str = ""

    def __str__(self) -> str:
        """The stream as the user knows it: kind, number, codec, language."""
        words = ", ".join(word for word in (self.codec, self.language) if word)
        return f"{self.kind} stream {self.index}" + (f" ({words})" if words else "")


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
        model_file: Where it was loaded from.
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
    model_file: Path
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
        notes: Warnings and damage, in the order source, sink.
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
