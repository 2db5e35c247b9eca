"""Read a clip's frames in any order: by number, exactly those that reading it through gives."""

from collections import OrderedDict
from fractions import Fraction
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from vs_gendrpix.errors import MediaError
from vs_gendrpix.frame.captions import LOST_CAPTIONS
from vs_gendrpix.frame.format import Frame
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.read.clip import Clip
from vs_gendrpix.read.source import Source

if TYPE_CHECKING:
    from collections.abc import Iterator

REACH = 32
"""Frames up to which decoding on is cheaper than opening the file again."""
KEPT = 16
"""Number of frames kept in memory: several threads ask for neighbours in no fixed order."""


class Reader:
    """A clip's frames by number.

    Opening decodes the whole clip once, as only that tells how many frames there are and when each
    is shown. Any thread may read.

    Attributes:
        info: What is known of the clip.
        times: When each frame is shown, in seconds from the clip's beginning.

    Raises:
        MediaError: The file cannot be read, gives no frame, or changes its format.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._clip: Clip | None = None
        self._source: Source | None = None
        self._frames: Iterator[Frame] = iter(())
        self._next = 0
        self._kept: OrderedDict[int, Frame] = OrderedDict()
        self._lock = Lock()
        self._notes = Notes()
        with Clip(path, notes=self._notes) as clip:
            source = Source(clip)
            self.info = source.info
            zero = clip.begin - source.offset
            times = []
            # The index of packets would be read in a tenth of the time. But it does not know what
            # becomes of a packet: it may be damaged, lack the pictures before it, or hold a
            # reference that is never shown. One that gives no frame moves all numbers behind it,
            # and a jump would give other frames than reading through.
            for frame in source:
                times.append(frame.timing.pts * frame.timing.time_base)
                if frame.captions:
                    self._notes.warn(LOST_CAPTIONS)
            self._notes.tell_damage()
            self.times = tuple(time - zero for time in times)
            # A made-up time or a damaged picture depends on the frames before: a jump would give
            # another one.
            self._can_jump = not self._notes.damaged

    def __del__(self) -> None:
        # Whoever drops the last reference, a script's clip, knows nothing of closing.
        self._leave()

    def __len__(self) -> int:
        return len(self.times)

    def read(self, number: int) -> Frame:
        """Frame `number`, counted from 0.

        Raises:
            MediaError: The frame has been there, but is not any more.
        """
        with self._lock:
            if number not in self._kept:
                self._go_to(number)
                while self._next <= number:
                    self._keep(self._step())
            return self._kept[number]

    def close(self) -> None:
        """Close the file; reading opens it again."""
        with self._lock:
            self._leave()
            self._kept.clear()

    def _go_to(self, number: int) -> None:
        """Go to frame `number`, or to a place before it."""
        if self._source is not None and self._next <= number < self._next + REACH:
            return
        if number >= REACH and self._can_jump:
            self._open(self.times[number])
            self._next = number
            frame = next(self._frames, None)
            if frame is not None and self._time(frame) == self.times[number]:
                self._keep(frame)
                return
        self._open(None)  # the long way is always right
        self._next = 0

    def _open(self, start: Fraction | None) -> None:
        self._leave()
        self._clip = Clip(self.path, notes=self._notes)
        self._source = Source(self._clip, start=start)
        self._frames = iter(self._source)

    def _leave(self) -> None:
        if self._clip is not None:
            self._clip.close()
        self._clip = self._source = None

    def _step(self) -> Frame:
        frame = next(self._frames, None)
        if frame is None:
            raise MediaError(f"frame {self._next} of {self.path} cannot be decoded again")
        return frame

    def _keep(self, frame: Frame) -> None:
        """Keep the frame that comes next."""
        self._kept[self._next] = frame
        self._next += 1
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)

    def _time(self, frame: Frame) -> Fraction:
        """Return when a frame of the open source is shown, in seconds from the clip's beginning."""
        if self._clip is None or self._source is None:
            raise MediaError(f"{self.path} is closed")
        shown = frame.timing.pts * frame.timing.time_base + self._source.offset
        return shown - self._clip.begin
