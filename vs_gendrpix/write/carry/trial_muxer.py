"""Try a carried packet before the output gets it: what its muxer would refuse is left out."""

import io
from contextlib import suppress
from typing import TYPE_CHECKING

import av

from vs_gendrpix.libav.log import LibavLog
from vs_gendrpix.libav.values import line_of

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.packet import Packet
    from av.stream import Stream


_DROPPED = "Dropping invalid packet"
"""libavformat's message when MP4 drops a packet of AC-3, which it does not treat as an error."""


class TrialMuxer:
    """Muxes one stream to nowhere, to find packets that the output's muxer would refuse.

    libavformat interleaves: the output's own muxer tells of a bad packet when its turn has come, as
    an error of whatever is written then, perhaps of the video. This one tells it at once.

    Args:
        target: A stream of the output, whose header is written.
        first: The first packet that the output has got of the stream; None before. A muxer may be
            set by it: MP4 takes the headers off AAC if it has them.
        dts: Decoding time, in ticks of `target`, of the packet to try first.
    """

    def __init__(self, target: "Stream", first: bytes | None, dts: int) -> None:
        form = target.container.format.name
        self._file: OutputContainer = av.open(_Nowhere(), "w", format=form)
        self._stream = self._file.add_stream_from_template(target, opaque=True)
        self._stream.time_base = target.time_base
        if first is not None:
            packet = av.Packet(first)
            packet.pts = packet.dts = dts - 1
            packet.time_base = target.time_base
            self.refusal(packet)

    def close(self) -> None:
        """Let the muxer go."""
        with suppress(av.FFmpegError, ValueError):
            self._file.close()

    def refusal(self, packet: "Packet[Stream]") -> str:
        """Return libav's reason to refuse a packet; empty if it takes it.

        Args:
            packet: The next one of the stream. It becomes a packet of this muxer.
        """
        packet.stream = self._stream
        with LibavLog(this_thread=True) as log:
            try:
                self._file.mux(packet)
            except (av.FFmpegError, ValueError, OverflowError) as error:
                return log.reason(error)
            said = [line_of(text) for _, _, text in log.drain()]
        return next((line for line in said if line.startswith(_DROPPED)), "")


class _Nowhere(io.RawIOBase):
    """A seekable file that keeps nothing but its size."""

    def __init__(self) -> None:
        self._place = self._size = 0

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        count = memoryview(data).nbytes  # type: ignore[arg-type]  # libav's buffers are bytes
        self._place += count
        self._size = max(self._size, self._place)
        return count

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        begin = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        self._place = begin + offset
        return self._place

    def tell(self) -> int:
        return self._place
