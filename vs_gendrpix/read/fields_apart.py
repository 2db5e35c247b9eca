"""Find out whether each field of a video has its own packet, as H.264 allows."""

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import av

from vs_gendrpix.libav.values import fraction

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.stream import VideoStream

_LOOKED_AT = 24
"""Number of packets that are decoded."""

_FASTEST_FILM = 47
"""Pictures a second below which packets are no fields: television has 50 or 60 of those."""


class FieldProbe:
    """Decodes the first packets of a video: two packets of fields give one picture.

    What parses the stream says so by the order of fields. In MP4 and QuickTime nothing does.

    Args:
        video: The stream, whose decoder nobody else uses.
    """

    def __init__(self, video: "VideoStream") -> None:
        fast = fraction(video.guessed_rate) >= _FASTEST_FILM
        self._left = _LOOKED_AT if video.codec_context.name == "h264" and fast else 0
        self._decoder = video.codec_context
        self._packets = self._pictures = 0
        if self._left:
            self._decoder.thread_count = 1  # what it says of damage stays in this thread

    def take(self, packet: "Packet[Any]") -> None:
        """Decode a packet, if it is among the first ones."""
        if self._left:
            self._left -= 1
            self._packets += 1
            with suppress(av.FFmpegError):
                self._count(self._decoder.decode(packet))

    def apart(self) -> bool:
        """Tell whether each field has its own packet. To be called after the last packet."""
        if self._packets:
            with suppress(av.FFmpegError):
                self._count(self._decoder.decode(None))
        return 0 < 3 * self._pictures <= 2 * self._packets

    def _count(self, pictures: list[av.VideoFrame]) -> None:
        self._pictures += sum(picture.interlaced_frame for picture in pictures)
