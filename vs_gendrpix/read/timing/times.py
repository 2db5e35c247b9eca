"""Presentation times of decoded pictures: in order, and made up where the file states none."""

import av

from vs_gendrpix.frame.clip import STREAM_RATE
from vs_gendrpix.frame.format import Timing
from vs_gendrpix.read.clip import Clip


class Times:
    """Gives the pictures of a clip their times, each after the one before.

    They are the file's own, in its ticks, or those of the even rate that the file has rounded.

    Attributes:
        time_base: Seconds of a tick.
        last: The time that was given last; None at first.

    Args:
        clip: The clip; its notes count the times that are made up.
    """

    def __init__(self, clip: Clip) -> None:
        self._clip, self._pace = clip, clip.pace
        self.last: Timing | None = None
        self.time_base = clip.pace.time_base
        self._nominal = max(1, round(1 / (clip.rate or STREAM_RATE) / self.time_base))
        self._is_avi = clip.format_name == "avi"

    def of(self, picture: av.VideoFrame) -> Timing:
        """Return the time of a picture. Pictures come in the decoder's order."""
        last = self.last
        pts, duration = self._pts(picture), self._duration(picture)
        if pts is None:
            pts = 0 if last is None else last.pts + (last.duration or self._nominal)
            duration = duration or self._nominal
            self._clip.notes.made_up_time()
        elif last is not None and pts <= last.pts:
            pts = last.pts + 1
            self._clip.notes.made_up_time()
        self.last = Timing(pts=pts, duration=duration, time_base=self.time_base)
        return self.last

    def _pts(self, picture: av.VideoFrame) -> int | None:
        """Return the presentation time that the file states, in our ticks; None without one."""
        found = self._avi_time(picture) if self._is_avi else picture.pts
        return None if found is None else self._pace.at(found)

    def _duration(self, picture: av.VideoFrame) -> int:
        """Return the ticks that a picture lasts; 0 if the file does not state it."""
        # After a search libav says it of frames of which it says nothing else.
        said = int(picture.duration or 0) or (self._nominal if self._pace.even else 0)
        if self._pace.first is None:
            return said
        return self._pace.steps(max(1, round(said * self._pace.tick * self._pace.rate)))

    def learn_avi_delay(self) -> None:
        """Learn the decoder's delay from the first picture of an AVI."""
        if not self._is_avi or self._clip.avi_delay is not None:
            return
        self._clip.rewind()
        picture = next(self._clip.pictures(), None)
        if picture is not None:
            self._avi_time(picture)
        self._clip.forget_damage()

    def _avi_time(self, picture: av.VideoFrame) -> int | None:
        """Return the presentation time of a picture of an AVI, which states only decoding times.

        libav's presentation times go back and forth with B-frames there. Pictures leave the
        decoder at its own pace, one a tick, after a delay that is the same for all.
        """
        if picture.dts is None:  # the decoder's last ones come after the last packet
            return None if self.last is None else self.last.pts + self._nominal
        if self._clip.avi_delay is None:
            self._clip.avi_delay = picture.dts - self._clip.first_dts
        return picture.dts - self._clip.avi_delay
