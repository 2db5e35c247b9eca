"""The frames of a span on their way: moved to their times, compared at the seam, counted."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

import numpy as np

from vs_gendrpix.errors import MediaError
from vs_gendrpix.frame.captions import Captions
from vs_gendrpix.frame.clip import ClipInfo
from vs_gendrpix.frame.format import Frame
from vs_gendrpix.frame.span import Seam, Span, Window
from vs_gendrpix.read.input import Frames


class OtherPicturesError(MediaError):
    """Raised when decoding from a keyframe gives other pixels than decoding from further back."""


class NoFrames:
    """The empty `Frames` of a part of a clip in which nothing can be decoded."""

    decoded = 0

    def __init__(self, info: ClipInfo, span: Span) -> None:
        self.info, self.first, self.offset = info, span.first, span.moved

    def __iter__(self) -> Iterator[Frame]:
        yield from ()


class Given:
    """The decoded frames of a span, moved to the times that they have in the whole clip.

    Attributes:
        count: The frames so far that belong to the span, and are not there for the filters alone.
    """

    def __init__(self, source: Frames, span: Span | None, seam: Seam) -> None:
        self.count = 0
        self._seam, self._is_part = seam, span is not None
        self._source = source
        self._moved = Fraction(0) if span is None else source.offset - span.moved
        self._window = Window() if span is None else span.written

    def __iter__(self) -> Iterator[Frame]:
        last: Frame | None = None
        for frame in self._source:
            timing = frame.timing
            if self._moved:
                timing = replace(timing, pts=timing.pts + int(self._moved / timing.time_base))
            if self._window.holds(timing):
                if not self.count:
                    self._meet(last)
                self.count += 1
                last = frame
            elif not self.count:
                last = frame
            yield replace(frame, timing=timing)
        if self._is_part and self.count and last is not None:
            self._seam.last = _digest(last)

    def _meet(self, before: Frame | None) -> None:
        """Compare the frame before the span with the digest that was expected.

        Raises:
            OtherPicturesError: It is another.
        """
        seam = self._seam
        seam.before = None if before is None else _digest(before)
        if seam.before is not None and seam.expected not in {None, seam.before}:
            raise OtherPicturesError("decoding from a keyframe gives other pictures than before it")


class Chosen:
    """Counts the frames of a span that are to be restored, and leaves out all others.

    Those before them take their captions with them.

    Attributes:
        count: The frames so far.
    """

    def __init__(self, span: Span | None, frames: Iterator[Frame], captions: Captions) -> None:
        self.count, self._captions = 0, captions
        self._window, self._frames = Window() if span is None else span.restored, frames

    def __iter__(self) -> Iterator[Frame]:
        for frame in self._frames:
            if self._window.holds(frame.timing):
                self.count += 1
                yield frame
            elif not self.count:
                self._captions.onto(frame)


def _digest(frame: Frame) -> str:
    """A digest of a frame's values, in hexadecimal digits."""
    found = hashlib.sha256()
    for plane in frame.planes:
        found.update(np.ascontiguousarray(plane))
    return found.hexdigest()
