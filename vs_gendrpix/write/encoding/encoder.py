"""Encode frames to packets that any muxer can take."""

import os
from array import array
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Self, cast

import av

from vs_gendrpix.frame.clip import ClipInfo
from vs_gendrpix.frame.format import Frame
from vs_gendrpix.libav.pixels import to_picture
from vs_gendrpix.libav.values import fraction
from vs_gendrpix.settings import EncodeSettings
from vs_gendrpix.write.encoding.configuring import configure, kept_priority
from vs_gendrpix.write.encoding.trial import holds_captions, try_encoder

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.stream import VideoStream


class Encoder:
    """Encodes frames to packets, each with the time and the duration of its frame.

    A context manager. The packets belong to no file: they can be muxed at once, or kept and muxed
    later. `stream` describes them, as a template for the stream that takes them in a container; a
    template's codec tag, by which ProRes says which of its kinds it is, PyAV does not take over.

    Args:
        settings: How to encode; nothing is left open.
        clip: What will be encoded: the frames' format, time base, rate and pixel aspect ratio.

    Attributes:
        stream: The encoder's stream, a template for `OutputContainer.add_stream_from_template`.
        times: Time of every frame so far, in ticks of the clip's time base.

    Raises:
        SettingsError: The encoder is not there, or fails its trial.
    """

    def __init__(self, settings: EncodeSettings, clip: ClipInfo) -> None:
        try_encoder(settings, clip)
        self.times = array("q")  # 8 bytes a frame: a film's list of times is small
        self._settings, self._clip = settings, clip
        self._durations: dict[int, int] = {}
        # A template must be a stream, and a stream needs a container: this one writes nothing.
        self._holder = av.open(os.devnull, "w", format="null")
        try:
            self.stream = cast("VideoStream", self._holder.add_stream(settings.encoder, rate=25))
            configure(self.stream.codec_context, settings, clip)
            self.stream.time_base = clip.time_base
            with kept_priority():
                self._holder.start_encoding()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *ended: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the encoder."""
        self._holder.close()

    @cached_property
    def holds_captions(self) -> bool:
        """Whether the encoder writes the captions of frames, found out by a trial."""
        return holds_captions(self._settings, self._clip)

    def encode(self, frame: Frame) -> "list[Packet[VideoStream]]":
        """Encode a frame.

        Args:
            frame: Of the clip's format, later than the one before.

        Returns:
            The packets that are complete, in decoding order; often of earlier frames.

        Raises:
            av.FFmpegError: The encoder failed.
        """
        timing = frame.timing
        self.times.append(timing.pts)
        self._durations[timing.pts] = timing.duration
        if frame.captions and not self.holds_captions:
            frame = replace(frame, captions=b"")
        return self._lasting(self.stream.encode(to_picture(frame, self._settings.pix_fmt)))

    def flush(self) -> "list[Packet[VideoStream]]":
        """End the encoding.

        Returns:
            The remaining packets, in decoding order.

        Raises:
            av.FFmpegError: The encoder failed.
        """
        packets = self.stream.encode(None)
        if len(packets) == len(self.times):  # the encoder has held them all
            _restamp(packets)
        return self._lasting(packets)

    def _lasting(self, packets: "list[Packet[VideoStream]]") -> "list[Packet[VideoStream]]":
        """Set the duration of each packet to its frame's. The last one's ends the file."""
        for packet in packets:
            duration = self._durations.pop(packet.pts or 0, 0)
            if duration:
                unit = self._clip.time_base / fraction(packet.time_base)
                packet.duration = round(duration * unit)
        return packets


def _restamp(packets: "list[Packet[VideoStream]]") -> None:
    """Give all packets of a clip new decoding times, the latest before every picture's time.

    x265 derives them from a frame that a clip of one or two does not have: from memory that it has
    not written (4.3), so that they are arbitrary.
    """
    shown = [packet.pts or 0 for packet in packets]
    late = max((when - pts for when, pts in zip(sorted(shown), shown, strict=True)), default=0)
    for packet, when in zip(packets, sorted(shown), strict=True):
        packet.dts = when - late
