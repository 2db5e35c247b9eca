"""When each decoded picture is shown: in order, and made up where the file does not say."""

import av

from vs_gendrpix.frame.clip import STREAM_RATE
from vs_gendrpix.frame.format import Timing
from vs_gendrpix.read.clip import Clip


class Times:
    """The times of a clip's pictures, in the file's own ticks, each after the one before.

    Attributes:
        last: The time that was given last; None at first.

    Args:
        clip: The clip; its notes count the times that are made up.
    """

    def __init__(self, clip: Clip) -> None:
        self._clip = clip
        self.last: Timing | None = None
        self._nominal = max(1, round(1 / (clip.rate or STREAM_RATE) / clip.time_base))
        self._is_avi = clip.format_name == "avi"

    def of(self, picture: av.VideoFrame) -> Timing:
        """Return when a picture is shown; the pictures come in the decoder's order."""
        last = self.last
        duration = int(picture.duration or 0)
        pts = self._avi_time(picture) if self._is_avi else picture.pts
        if pts is None:
            pts = 0 if last is None else last.pts + (last.duration or self._nominal)
            duration = duration or self._nominal
            self._clip.notes.made_up_time()
        elif last is not None and pts <= last.pts:
            pts = last.pts + 1
            self._clip.notes.made_up_time()
        self.last = Timing(pts=pts, duration=duration, time_base=self._clip.time_base)
        return self.last

    def learn_avi_delay(self) -> None:
        """Decode the first picture of an AVI: after a search the first ones may be missing."""
        if not self._is_avi or self._clip.avi_delay is not None:
            return
        self._clip.rewind()
        picture = next(self._clip.pictures(), None)
        if picture is not None:
            self._avi_time(picture)
        self._clip.forget_damage()

    def _avi_time(self, picture: av.VideoFrame) -> int | None:
        """Return when a picture of an AVI is shown; the file says only when packets are decoded.

        libav's presentation times go back and forth with B-frames there. Pictures leave the
        decoder at its own pace, one a tick, after a delay that is the same for all.
        """
        if picture.dts is None:  # the decoder's last ones come after the last packet
            return None if self.last is None else self.last.pts + self._nominal
        if self._clip.avi_delay is None:
            self._clip.avi_delay = picture.dts - self._clip.first_dts
        return picture.dts - self._clip.avi_delay
