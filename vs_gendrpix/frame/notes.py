"""Notes of a job: information, warnings and damage, gathered while it works."""

import logging
from dataclasses import dataclass, field
from fractions import Fraction
from threading import Lock

log = logging.getLogger(__name__)

DECISION = 25
"""Level of the log, between information and warnings, of what was decided for the user."""
logging.addLevelName(DECISION, "DECIDED")
PROGRESS = 26
"""Level of the log of how far work has come, where no display of progress is handed down to it."""
logging.addLevelName(PROGRESS, "PROGRESS")

EXAMPLES = 5
"""Largest number of libav's lines that a report quotes. All are counted."""

PLACES = 100
"""Largest number of damaged places that a report names."""

_lock = Lock()
"""Held while notes change. One for all of them, so that they stay plain values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """The amount of damage known at a moment.

    Attributes:
        counts: Errors, corrupt frames and made-up times.
        examples: Error lines that are kept.
        places: Places that are kept.
    """

    counts: tuple[int, int, int] = (0, 0, 0)
    examples: int = 0
    places: int = 0


@dataclass(slots=True, kw_only=True)
class Notes:
    """Information, warnings and damage of a job: plain values, which its parts add to.

    All parts tell the same notes, from threads of their own: readers, the engine, writers. What
    parts in other processes had to tell is merged.

    Attributes:
        warnings: Sentences for the user, each said once.
        errors: Error lines and exceptions of libav.
        corrupt_frames: Frames that the decoder flagged as damaged, but gave.
        made_up_times: Frames and packets whose time was missing or not after the one before.
        cut_off: Sentences on how the input ends early.
        lost: Frames that are not there, or could not be shown.
        shown: Frames that were there.
        faults: Sentences on what else is not as it was asked for, in the input or the output.
        examples: The first few error lines.
        places: Seconds from the clip's beginning at which errors and corrupt frames were met, the
            first hundred; an error comes up to a few frames early.
        now: Seconds from the clip's beginning of what was read last, for `places`.
        informed: Sentences that were only logged, each once.
        decided: Sentences on what was decided for the user.
    """

    warnings: list[str] = field(default_factory=list)
    errors: int = 0
    corrupt_frames: int = 0
    made_up_times: int = 0
    cut_off: list[str] = field(default_factory=list)
    lost: int = 0
    shown: int = 0
    faults: list[str] = field(default_factory=list)
    examples: list[str] = field(default_factory=list)
    places: list[Fraction] = field(default_factory=list)
    now: Fraction = Fraction(0)
    informed: list[str] = field(default_factory=list)
    decided: list[str] = field(default_factory=list)

    def inform(self, sentence: str) -> None:
        """Log information and keep it for the report, unless it has been logged before."""
        with _lock:
            said = sentence in self.informed
            if not said:
                self.informed.append(sentence)
        if not said:
            log.info(sentence)

    def decide(self, sentence: str) -> None:
        """Keep what was decided where the user has left it open, once."""
        with _lock:
            if sentence not in self.decided:
                self.decided.append(sentence)

    def tell_decided(self) -> None:
        """Log what was decided: when all is, so that a refusal is one line."""
        for sentence in self.decided:
            log.log(DECISION, sentence)

    def warn(self, sentence: str) -> None:
        """Log a warning and keep it for the report, unless it has been said before."""
        with _lock:
            said = sentence in self.warnings
            if not said:
                self.warnings.append(sentence)
        if not said:
            log.warning(sentence)

    def error(self, line: str) -> None:
        """Count an error line of libav."""
        with _lock:
            self.errors += 1
            self._mark()
            self._quote(line)
        log.info("libav: %s", line)

    def corrupt_frame(self) -> None:
        """Count a frame that the decoder calls corrupt."""
        with _lock:
            self.corrupt_frames += 1
            self._mark()

    def made_up_time(self) -> None:
        """Count a time that was missing or out of order."""
        with _lock:
            self.made_up_times += 1

    def miss(self, sentence: str) -> None:
        """Keep a sentence on how the input ends early."""
        with _lock:
            if sentence not in self.cut_off:
                self.cut_off.append(sentence)

    def count_frames(self, shown: int, lost: int) -> None:
        """Count the frames of a reading, when it has ended, and those that were not there."""
        with _lock:
            self.shown += shown
            self.lost += lost

    def fault(self, sentence: str) -> None:
        """Warn that the result differs from what was asked for, without damage to the input."""
        self.warn(sentence)
        with _lock:
            if sentence not in self.faults:
                self.faults.append(sentence)

    def _mark(self) -> None:
        """Keep the current position as a place of damage, up to a limit."""
        if len(self.places) < PLACES and self.now not in self.places:
            self.places.append(self.now)

    def _quote(self, line: str) -> None:
        """Keep an error line, if it is one of the first few."""
        if len(self.examples) < EXAMPLES and line not in self.examples:
            self.examples.append(line)

    def merge(self, other: "Notes") -> None:
        """Add the notes of another part of the job, which has logged them already."""
        with _lock:
            self.warnings += [said for said in other.warnings if said not in self.warnings]
            self.faults += [said for said in other.faults if said not in self.faults]
            self.decided += [said for said in other.decided if said not in self.decided]
            self.errors += other.errors
            self.corrupt_frames += other.corrupt_frames
            self.made_up_times += other.made_up_times
            self.cut_off += [said for said in other.cut_off if said not in self.cut_off]
            self.lost += other.lost
            self.shown += other.shown
            for line in other.examples:
                self._quote(line)
            places = [place for place in other.places if place not in self.places]
            self.places += places[: PLACES - len(self.places)]

    def forget_damage(self) -> None:
        """Forget all damage, before the input is read again."""
        self.back_to(Mark())
        self.lost = self.shown = 0
        self.cut_off.clear()

    def mark(self) -> Mark:
        """Return the damage so far, to go back to with `back_to`."""
        counts = self.errors, self.corrupt_frames, self.made_up_times
        return Mark(counts=counts, examples=len(self.examples), places=len(self.places))

    def back_to(self, mark: Mark) -> None:
        """Forget the damage since a mark."""
        with _lock:
            self.errors, self.corrupt_frames, self.made_up_times = mark.counts
            del self.examples[mark.examples :], self.places[mark.places :]

    @property
    def missing(self) -> list[str]:
        """List, as sentences, the frames that are not there or could not be decoded."""
        lost = [f"expected {self.shown + self.lost} frames, got {self.shown}"] if self.lost else []
        return [*self.cut_off, *lost]

    @property
    def damaged(self) -> bool:
        """Whether any part of the input was broken or had to be made up."""
        return bool(self.errors or self.corrupt_frames or self.made_up_times or self.missing)

    def tell_damage(self) -> None:
        """Warn of the damage, if there is any. To be called at the end, when no more can come."""
        if self.damaged:
            self.warn(self.damage_in_words())

    def damage_in_words(self) -> str:
        """Describe the damage in one line."""
        counts = [
            (self.errors, "decoding or reading errors"),
            (self.corrupt_frames, "frames that the decoder calls corrupt"),
            (self.made_up_times, "times that were missing or not in order, so they were made up"),
        ]
        parts = [*self.missing, *(f"{n} {what}" for n, what in counts if n)]
        line = "the input is damaged: " + ", ".join(parts)
        return line + (f" (first: {self.examples[0]})" if self.examples else "")
