"""A part of a clip's frames, by time, with the frames around it that filters need."""

from dataclasses import dataclass
from fractions import Fraction

from vs_gendrpix.frame.format import FrameFormat, Timing


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
        return not (self.begins_after(shown) or self.ends_before(shown))

    def begins_after(self, moment: Fraction) -> bool:
        """Whether the range begins after a moment."""
        return self.start is not None and moment < self.start

    def ends_before(self, moment: Fraction) -> bool:
        """Whether the range ends at a moment or before it."""
        return self.end is not None and moment >= self.end


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A part of a job's frames, cut by the times that they have in the output.

    Attributes:
        written: The frames that are written.
        restored: The frames that are restored: filters behind the restoration may need more.
        read: The frames that are read: filters before it may need more still.
        begin: Time of the whole's first frame, in seconds of the output's.
        offset: Seconds from where the clip begins to time 0 of the output.
        moved: Seconds that are taken off the input's times, as for the whole job.
        first: Format of the whole clip's first picture, as it is decoded.
        shape: Its pixel aspect ratio, as its codec states it; 0 if it does not.
    """

    written: Window
    restored: Window
    read: Window
    begin: Fraction
    offset: Fraction
    moved: Fraction
    first: FrameFormat
    shape: Fraction

    def seconds(self, window: Window) -> Window:
        """A range of the output's times in seconds from where the clip begins."""
        start, end = (t if t is None else t + self.offset for t in (window.start, window.end))
        return Window(start=start, end=end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Within:
    """Settings to read a part of a clip exactly as when the whole clip is read.

    Attributes:
        counted: The frames whose damage counts, in seconds from where the clip begins: what lies
            around them others read too.
        first: Format of the whole's first picture, as it is decoded: all are made like it.
        shape: Its pixel aspect ratio, as its codec states it; 0 if it does not.
        back: From how far back to decode: 0 is the keyframe before, `FARTHEST` the beginning.
    """

    counted: Window
    first: FrameFormat
    shape: Fraction
    back: int = 0


FARTHEST = 3
"""Largest value of `Within.back`: decode from the clip's beginning."""


@dataclass(slots=True, kw_only=True)
class Seam:
    """The border between two spans: both decode the frame before it, and must get the same pixels.

    Keyframes may lie: from one that others depend on in ways that the file does not say, decoding
    gives other pictures.

    Attributes:
        expected: Digest of the frame before the span, by whoever has made the one before; None if
            that is not known yet.
        back: From how far back to decode; see `Within`.
        before: Digest of the frame before the span, as it was decoded here; None at the beginning.
        last: Digest of the span's last frame.
    """

    expected: str | None = None
    back: int = 0
    before: str | None = None
    last: str | None = None
