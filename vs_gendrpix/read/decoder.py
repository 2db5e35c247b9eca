"""The decoder of a video: packets in, pictures out, past any damage, which it counts."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import av

from vs_gendrpix.errors import MediaError
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.libav.faults import reason
from vs_gendrpix.libav.log import InputLog

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream

_SIZES = "IMGUTILS"
"""libav's component that refuses pictures which are too large."""


class Decoder:
    """Decodes the packets of one video. What cannot be decoded is counted and passed over.

    It is opened at once: where that fails, PyAV cannot even name it, and crashes.

    Attributes:
        first_dts: Decoding time, in ticks, of the first packet; None before it.

    Args:
        path: The input, for messages.
        container: Its demuxer.
        stream: The video stream.
        log: Hears what libav says of this input.
        notes: Where damage and warnings go.

    Raises:
        MediaError: The decoder does not take such a video.
    """

    def __init__(
        self,
        path: Path,
        container: "InputContainer",
        stream: "VideoStream",
        log: InputLog,
        notes: Notes,
    ) -> None:
        self.first_dts: int | None = None
        self._path, self._stream, self._log, self._notes = path, stream, log, notes
        name = stream.codec_context.name
        self._names = (name, container.format.name, _SIZES)
        if not log.threaded:
            stream.codec_context.thread_count = 1
        try:
            with log.hearing():
                stream.codec_context.open()
        except av.FFmpegError as error:
            raise MediaError(
                f"cannot read {path}: the decoder {name} does not take its video ({reason(error)})"
            ) from error

    def decode(self, packet: "Packet[VideoStream] | None") -> list[av.VideoFrame]:
        """Decode a packet. None returns the pictures that the decoder still holds.

        Raises:
            MediaError: The input is encrypted.
        """
        if packet is not None and packet.has_sidedata("encryption_info"):
            raise MediaError(f"the input {self._path} is encrypted")
        if packet is not None and self.first_dts is None:
            self.first_dts = packet.dts
        try:
            with self._log.hearing():
                pictures = self._stream.codec_context.decode(packet)
        except av.FFmpegError as error:
            self.fault(error)
            pictures = []
        if packet is not None and packet.is_corrupt:
            self._notes.error("a packet is corrupt")
        if packet is not None and packet.has_sidedata("matroska_block_additional"):
            self._warn_of_hidden_alpha()
        self.hear(*self._names)
        return pictures

    def drain(self) -> None:
        """Let the decoder's threads finish before it is freed.

        Freeing waits for them with the interpreter locked; one that wants to log an error then
        waits for the interpreter, and both wait for ever. Decoding waits with it unlocked.
        """
        with self._log.hearing(), suppress(av.FFmpegError):
            self._stream.codec_context.decode(None)

    def hear(self, *names: str) -> None:
        """Count the error lines of some components. Encryption raises `MediaError`."""
        for level, line in self._log.take(*names):
            if "DRM protected" in line:
                raise MediaError(f"the input {self._path} is encrypted")
            if level <= av.logging.ERROR:
                self._notes.error(line)

    def fault(self, error: av.FFmpegError) -> None:
        """Count an error of reading or decoding. An encrypted input raises `MediaError`.

        A decoder also calls it a lack of memory when damage asks for absurd amounts.
        """
        if isinstance(error, PermissionError):
            raise MediaError(f"the input {self._path} is encrypted") from error
        self._notes.error(error.strerror or str(error))

    def _warn_of_hidden_alpha(self) -> None:
        """Warn that the alpha of VP8 and VP9, a second video in their packets, is not decoded.

        The tag alone says little: browsers write it on whatever they record.
        """
        tags = {key.lower(): value for key, value in self._stream.metadata.items()}
        if tags.get("alpha_mode") == "1":
            self._notes.warn(
                "the alpha channel is dropped: it is a video of its own inside this one, as VP8 "
                "and VP9 have it, which is not decoded"
            )
