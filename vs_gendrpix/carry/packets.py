"""The packets of a part of the input, with times that muxers accept."""

import re
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING

import av
from av.container import InputContainer
from av.stream import Stream

from vs_gendrpix import cancellation
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.libav.log import LibavLog
from vs_gendrpix.libav.values import codec_name, fraction, is_cover, line_of, origin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from av.packet import Packet

_SEEK_MARGIN = 5
"""Seconds before the part at which reading begins: an index may know only the video's keyframes."""

_LONGEST = 24 * 60 * 60
"""Seconds above which a packet's duration is none: a VobSub without an end has 2^32 ms."""


_CORRUPT = re.compile(r"Packet corrupt \(stream = (\d+)")
"""How libavformat says that a packet is not whole."""


class PacketReader:
    """Reads the packets of a part of the input that go into the output.

    Args:
        source: The input, opened for this alone.
        streams: The streams to read.
        start: First second of the part, in the input's time stamps; None is the beginning.
        end: Second at which the part ends; None is the end.
        offset: Seconds to take off all times.
        notes: Where damage is counted.
    """

    def __init__(
        self,
        source: InputContainer,
        streams: list[Stream],
        *,
        start: Fraction | None,
        end: Fraction | None,
        offset: Fraction,
        notes: Notes,
    ) -> None:
        self._source, self._streams, self._notes = source, streams, notes
        self._start, self._end, self._offset = start, end, offset
        self._last_dts: dict[int, int] = {}

    def __iter__(self) -> "Iterator[Packet[Stream]]":
        """The packets that begin in the part, in the file's order, at the output's times."""
        if self._start is not None:
            self._seek(self._start)
        ended: set[int] = set()
        for packet in self._readable():
            self._mend_times(packet)
            seconds = (packet.pts or 0) * fraction(packet.time_base)
            if self._end is not None and seconds >= self._end:
                ended.add(packet.stream_index)
                if len(ended) == len(self._streams):
                    return
            elif self._start is None or seconds >= self._start or self._cut(packet, self._start):
                self._shift(packet)
                yield packet

    def _seek(self, start: Fraction) -> None:
        """Go to a little before the part; read from the beginning where that is impossible."""
        target = int(max(start - _SEEK_MARGIN, origin(self._source)) * av.time_base)
        try:
            self._source.seek(target)
        except av.FFmpegError:
            name = self._source.name.removeprefix("file:")
            self._notes.warn(f"{name} cannot be searched: reading it from the beginning")

    def _readable(self) -> "Iterator[Packet[Stream]]":
        """The packets up to the file's end, or to where it cannot be read any further."""
        packets = self._source.demux(self._streams)
        while True:
            cancellation.check()
            with LibavLog(this_thread=True) as log:
                try:
                    packet = next(packets, None)
                except av.FFmpegError as error:
                    self._notes.error(error.strerror or str(error))
                    return
                finally:
                    self._hear(log)
            if packet is None:
                return
            # Those without data flush decoders. A missing dts would not tell them from others.
            if packet.size:
                yield packet

    def _hear(self, log: LibavLog) -> None:
        """Count what the demuxer calls corrupt: parsers cut it up and drop the packets' own flag.

        All else that it says, it says to the video's reader too.
        """
        ours = {stream.index for stream in self._streams}
        for _, _, text in log.drain():
            corrupt = _CORRUPT.match(text)
            if corrupt and int(corrupt[1]) in ours:
                self._notes.error(line_of(text))

    def _mend_times(self, packet: "Packet[Stream]") -> None:
        """Give a packet the times that muxers insist on: both present, and dts not going back."""
        last = self._last_dts.get(packet.stream_index)
        dts = packet.dts if packet.dts is not None else packet.pts
        if dts is None or (last is not None and dts < last):
            dts = (last or 0) + (last is not None)
            self._notes.made_up_times += not is_cover(packet.stream)  # Matroska's have none
        self._last_dts[packet.stream_index] = dts
        packet.dts = dts
        packet.pts = dts if packet.pts is None else max(packet.pts, dts)
        if (packet.duration or 0) * fraction(packet.time_base) > _LONGEST:
            packet.duration = 0  # it is not known

    def _shift(self, packet: "Packet[Stream]") -> None:
        """Give a packet with both times those of the output."""
        ticks = round(self._offset / fraction(packet.time_base))
        packet.pts = (packet.pts or 0) - ticks
        packet.dts = (packet.dts or 0) - ticks

    @staticmethod
    def _cut(packet: "Packet[Stream]", start: Fraction) -> bool:
        """Cut a subtitle from before `start` that is still shown then. Returns whether it is one.

        Demuxers of text begin with it after a jump: Matroska's looks back for half a minute.
        """
        if packet.stream.type != "subtitle" or not packet.duration:
            return False
        begin = ceil(start / fraction(packet.time_base))
        left = (packet.pts or 0) + packet.duration - begin
        if left > 0:
            packet.pts = packet.dts = begin
            packet.duration = left
        return left > 0


def has_content(packet: "Packet[Stream]") -> bool:
    """Whether a packet counts: MP4 has an empty text wherever no subtitle is shown."""
    return packet.size > 0 and not (packet.stream.type == "subtitle" and bytes(packet) == b"\0\0")


def without_new_header(packet: "Packet[Stream]") -> "Packet[Stream]":
    """The packet without the codec's header that AAC may repeat in it, as FLV files do.

    libavformat's Matroska muxer writes such a header into its tracks' description. If the stream
    had one from the beginning, it overwrites what follows there.
    """
    stream = packet.stream
    known = codec_name(stream) == "aac" and stream.codec_context.extradata
    if not known or not packet.has_sidedata("new_extradata"):
        return packet
    plain: Packet[Stream] = av.Packet(bytes(packet))
    for data in packet.iter_sidedata():
        if data.data_type != "new_extradata":
            plain.set_sidedata(data)
    plain.stream, plain.time_base = stream, packet.time_base
    plain.pts, plain.dts, plain.duration = packet.pts, packet.dts, packet.duration
    plain.is_keyframe = packet.is_keyframe
    return plain
