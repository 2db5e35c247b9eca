"""The timecode and the rate of film scans, by the headers of their pictures or by their numbers."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Self

from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.frame.scan_header import SCANS, read_scan_header
from vs_gendrpix.frame.sequence import Sequence
from vs_gendrpix.frame.timecode import moved


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """Pictures whose headers may hold a timecode: a sequence, or a single one.

    Attributes:
        first: The first picture.
        last: The last one.
        count: How many there are.
        number: Number of the first one; None for a single picture.
    """

    first: Path
    last: Path
    count: int = 1
    number: int | None = None

    @classmethod
    def of(cls, path: Path, sequence: Sequence | None) -> Self | None:
        """Take an input as a scan; None if it is not DPX or OpenEXR.

        Args:
            path: The input, as the user named it.
            sequence: The numbered pictures that it means; None for a file.
        """
        if sequence is None:
            return cls(first=path, last=path) if path.suffix.lower() in SCANS else None
        first, last = sequence.first, sequence.first + sequence.count - 1
        paths = sequence.names.path(first), sequence.names.path(last)
        if paths[0].suffix.lower() not in SCANS:
            return None
        return cls(first=paths[0], last=paths[1], count=sequence.count, number=first)

    @property
    def rate(self) -> Fraction:
        """Frames a second by the first picture's header; 0 if it does not say."""
        return read_scan_header(self.first).rate

    def timecode(self, rate: Fraction, notes: Notes) -> tuple[str, bool]:
        """The timecode of the first picture.

        Scanners leave a field that they do not know at zero: a timecode that is the same at both
        ends is none. Numbers count from 0, as timecodes do: 86400 is 01:00:00:00 at 24 frames/s.

        Args:
            rate: Frames a second that the timecode counts.
            notes: Is told if the last picture's does not follow from it.

        Returns:
            The timecode, empty if there is none; and whether the header says it.
        """
        first, last = (read_scan_header(path).timecode for path in (self.first, self.last))
        if first and (self.count == 1 or first != last):
            if moved(first, self.count - 1, rate) not in {None, last}:
                notes.warn(
                    f"the timecodes of {self.count} pictures go from {first} to {last or 'none'}, "
                    "which is not one a picture: they are counted from the first"
                )
            return first, True
        counted = None if self.number is None else moved("00:00:00:00", self.number, rate)
        return counted or "", False
