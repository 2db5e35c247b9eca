"""Frames that have packets but that no decoder gives."""

from fractions import Fraction
from typing import TYPE_CHECKING

import av

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.stream import VideoStream

_APART = Fraction(6, 10)
"""Share of a frame's duration from which two times are those of two frames: a field's is half."""


class Missing:
    """Counts the frames whose packets were read and which the decoder did not give.

    A packet counts whose time lies in a gap between two frames, away from both. Packets of one
    field, and those of references that are never shown, have their times beside a frame's. Leading
    pictures that cannot be decoded after a search lie in no gap.

    Attributes:
        count: Frames found missing so far.
        packets: Packets read.
        places: Byte positions of the first and the last of them; -1 when unknown.
        size: Bytes of the last one.
        dts: Latest decoding time.

    Args:
        nominal: Ticks from one frame to the next; 0 when unknown, and then none is missed.
    """

    def __init__(self, nominal: Fraction) -> None:
        self.count = self.packets = self.size = self.dts = 0
        self.places = (-1, -1)
        self._apart = nominal * _APART
        self._announced: set[int] = set()
        self._last: int | None = None

    def read(self, packet: "Packet[VideoStream]") -> None:
        """Note a packet with data."""
        place = -1 if packet.pos is None else packet.pos
        self.places = (self.places[0] if self.packets else place, place)
        self.packets += 1
        self.size = packet.size
        self.dts = max(self.dts, packet.dts or 0)
        if packet.pts is not None and not packet.is_discard:
            self._announced.add(packet.pts)

    def shown(self, picture: av.VideoFrame) -> None:
        """Note a decoded picture. Pictures come in the order of their times."""
        if picture.pts is None:
            return
        if self._last is not None:
            self._find(self._last, picture.pts)
        self._announced = {pts for pts in self._announced if pts > picture.pts}
        self._last = picture.pts

    def at_end(self) -> None:
        """Note the end: packets with times after the last picture are missing frames."""
        if self._last is not None:
            self._find(self._last, None)
        self._announced.clear()

    def _find(self, last: int, following: int | None) -> None:
        """Count the packets whose times lie between two pictures, apart from both."""
        if not self._apart:
            return
        self.count += sum(
            pts - last > self._apart and (following is None or following - pts > self._apart)
            for pts in self._announced
        )
