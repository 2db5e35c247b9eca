"""The packets of a part of the input, with times that muxers accept."""

import re
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING

import av
from av.container import InputContainer
from av.stream import Stream

from vs_gendrpix.errors import cancellation
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.libav.log import LibavLog
from vs_gendrpix.libav.values import codec_name, fraction, is_cover, line_of, origin
from vs_gendrpix.read.timing.index import Index
from vs_gendrpix.read.timing.joins import Joins, RunningClock
from vs_gendrpix.read.timing.steady import Steady

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from av.packet import Packet

_SEEK_MARGIN = 5
"""Seconds to begin reading before the part: an index may know only the video's keyframes."""

_AHEAD = 3
"""Largest difference in seconds between decoding and presentation of a packet."""

_LONGEST = 24 * 60 * 60
"""Seconds above which a packet's duration is ignored: a VobSub without an end has 2^32 ms."""


_CORRUPT = re.compile(r"Packet corrupt \(stream = (\d+), dts = (-?\d+|NOPTS)")
"""libavformat's message for a packet that is not whole."""


class PacketReader:
    """Reads the packets of a part of the input that go into the output.

    Args:
        source: The input, opened for this alone.
        streams: The streams to read.
        start: First second of the part, in the input's time stamps; None is the beginning.
        end: Second at which the part ends; None is the end.
        offset: Seconds to take off all times.
        notes: Where damage is counted.
        index: The index of the input's video, by which the parts of a joined file follow each other
            as its pictures do; None if there is none.
        heard: What libav has said of the part while it opened the input.
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
        index: Index | None = None,
        heard: "Sequence[tuple[int, str, str]]" = (),
    ) -> None:
        self._source, self._streams, self._notes = source, streams, notes
        self._start, self._end, self._offset = start, end, offset
        self._last_dts: dict[int, int] = {}
        self._index = index
        self._joins = Joins() if index is None else index.joins
        self._clock = RunningClock(self._joins)
        self._heard: dict[int, tuple[Fraction, Fraction]] = {}  # last begin and length of sound
        self._joining: set[int] = set()
        self._corrupt: set[str] = set()
        self._hear(heard)

    def __iter__(self) -> "Iterator[Packet[Stream]]":
        """The packets that begin in the part, in the file's order, at the output's times."""
        if self._start is not None:
            self._seek(self._start)
        ended: set[int] = set()
        steady = Steady(frozenset({"audio", "subtitle"}), self._notes.made_up_time, self._within())
        for packet in steady.packets(self._joined()):
            self._mend_times(packet)
            seconds = (packet.pts or 0) * fraction(packet.time_base)
            if self._end is not None and seconds >= self._end:
                ended.add(packet.stream_index)
                if len(ended) == len(self._streams):
                    return
            elif self._start is None or seconds >= self._start or self._cut(packet, self._start):
                self._shift(packet)
                yield packet

    def _joined(self) -> "Iterator[Packet[Stream]]":
        """Yield the packets with times of one clock."""
        for packet in self._readable():
            if self._clock.mend(packet):
                self._joining.add(packet.stream_index)
            if not self._overlaps(packet):
                yield packet

    def _within(self) -> tuple[Fraction, Fraction] | None:
        """Return the seconds at which the file's pictures begin and end; None if unknown."""
        index = self._index
        if index is None or not index.times:
            return None
        return index.times[0] * index.pace.tick, index.end * index.pace.tick

    def _seek(self, start: Fraction) -> None:
        """Go to a little before the part; read from the beginning where that is impossible."""
        first = max(start - _SEEK_MARGIN, origin(self._source))
        try:
            place = None if self._index is None else self._index.key_before(first)
            if place is not None:
                self._source.seek(place, unsupported_byte_offset=True)
            else:
                self._source.seek(int(first * av.time_base))
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
                    self._hear(log.drain())
            if packet is None:
                return
            # Those without data flush decoders. A missing dts would not tell them from others.
            if packet.size:
                yield packet

    def _hear(self, lines: "Sequence[tuple[int, str, str]]") -> None:
        """Count the packets that the demuxer reports as corrupt.

        A parser may cut such a packet up and drop its flag, so the log is read. A place that is
        read again is counted once. Other messages are counted by the video's reader.
        The last packet before a join is whole, and is not counted.
        """
        ours = {stream.index: fraction(stream.time_base) for stream in self._streams}
        for _, _, text in lines:
            corrupt = _CORRUPT.match(text)
            if not corrupt or text in self._corrupt or (stream := int(corrupt[1])) not in ours:
                continue
            dts = 0 if corrupt[2] == "NOPTS" else int(corrupt[2])
            if not self._joins.ends_with(stream, dts * ours[stream]):
                self._corrupt.add(text)
                self._notes.error(line_of(text))

    def _overlaps(self, packet: "Packet[Stream]") -> bool:
        """Tell whether at least half of a packet of sound behind a join was heard before it.

        The sound of a part ends a little later than its pictures, or begins before them. Sound that
        does not say how long it lasts is taken to last as long as what was before.
        """
        index = packet.stream_index
        if packet.stream.type != "audio" or packet.pts is None:
            return False
        unit = fraction(packet.time_base)
        begin, length = packet.pts * unit, (packet.duration or 0) * unit
        before, long = self._heard.get(index, (begin, length))
        length = length or long
        if not packet.duration:  # as in FLV: in QuickTime the last one would not be heard
            packet.duration = round(length / unit)
        if index in self._joining:
            if 2 * (before + long - begin) >= length:
                self._notes.warn(
                    "where the parts of the file overlap, sound of the later is left out"
                )
                return True
            self._joining.discard(index)
        self._heard[index] = begin, length or begin - before
        return False

    def _mend_times(self, packet: "Packet[Stream]") -> None:
        """Give a packet the times that muxers insist on: both present, and dts not going back."""
        last = self._last_dts.get(packet.stream_index)
        dts = packet.dts if packet.dts is not None else packet.pts
        if dts is None or (last is not None and dts < last):
            dts = (last or 0) + (last is not None)
            self._notes.made_up_times += not is_cover(packet.stream)  # Matroska's have none
        self._last_dts[packet.stream_index] = dts
        packet.dts = dts
        ahead = (
            Fraction(0) if packet.pts is None else (packet.pts - dts) * fraction(packet.time_base)
        )
        if ahead > _AHEAD:  # sound and text are shown when they are decoded
            self._notes.made_up_time()
        packet.pts = dts if packet.pts is None or not 0 <= ahead <= _AHEAD else packet.pts
        if (packet.duration or 0) * fraction(packet.time_base) > _LONGEST:
            packet.duration = 0  # it is not known

    def _shift(self, packet: "Packet[Stream]") -> None:
        """Give a packet with both times those of the output."""
        ticks = round(self._offset / fraction(packet.time_base))
        packet.pts = (packet.pts or 0) - ticks
        packet.dts = (packet.dts or 0) - ticks

    @staticmethod
    def _cut(packet: "Packet[Stream]", start: Fraction) -> bool:
        """Shorten a subtitle that began before `start` and goes on. Returns whether it is one.

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
    """Tell whether a packet has content: MP4 has an empty text wherever no subtitle is shown."""
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
