"""Carry all that is beside the main video: sound, subtitles, covers, fonts, chapters, metadata."""

from fractions import Fraction
from functools import partial
from math import ceil
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import av
from av.container import InputContainer, OutputContainer
from av.stream import Discard, Stream

from vs_gendrpix.carry.actions import StreamAction
from vs_gendrpix.carry.plan import StreamMap, kind_of
from vs_gendrpix.errors import MediaError
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.frame.timecode import at_rate, moved
from vs_gendrpix.libav.values import codec_name, fraction, is_cover, line_of, origin
from vs_gendrpix.read.opening import main_video, open_input
from vs_gendrpix.settings import ReadSettings, StreamSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from av.container.core import Chapter
    from av.packet import Packet
    from av.video.stream import VideoStream

_SEEK_MARGIN = 5  # seconds: a container's index may know only the video's keyframes


class SideStreams:
    """The streams of a file that are copied or converted, read beside its video.

    The file is opened a second time: the video's reader then need not hold the sound of the whole
    look-ahead, and the system's cache makes the second reading free.

    Args:
        path: The file.
        chosen: How to read it, as the source did.
        start: First second to keep, counted from where the clip begins; None is its beginning.
        end: Second before which to stop; None is its end.
        offset: Seconds to take off all times, as the source did.
        keep: What is wanted.

    Raises:
        MediaError: The file cannot be read.
    """

    def __init__(
        self,
        path: Path,
        *,
        chosen: ReadSettings | None = None,
        start: Fraction | None,
        end: Fraction | None,
        offset: Fraction,
        keep: StreamSettings | None = None,
    ) -> None:
        chosen = chosen or ReadSettings()
        self.notes = Notes()
        self.copied: dict[int, int] = {}
        """Packets written to each stream of the output, by its index."""
        self.payload: dict[int, int] = {}
        """Bytes of them."""
        self._path = path
        self._input = open_input(path, chosen)
        self._video = main_video(self._input, path, chosen.video_stream)
        self._keep = keep or StreamSettings()
        self._map = StreamMap(self._input, path, self._video, self._keep)
        begin = origin(self._input)
        self._start = None if start is None else begin + start
        self._end = None if end is None else begin + end
        self._offset = offset
        self._last_dts: dict[int, int] = {}
        self._last_written: dict[int, int] = {}
        self._output: OutputContainer | None = None
        self._packets: Iterator[Packet[Stream]] = iter(())
        self._ahead: Packet[Stream] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._input.close()

    def attach(self, output: OutputContainer, video: "VideoStream") -> None:
        """Add to an output, before its header, all that its container takes; name the rest.

        Args:
            output: The container, whose video stream is already there.
            video: This video stream; it gets the tags of the input's.
        """
        self._output = output
        if self._keep.chapters:
            output.set_chapters(self._chapters())
        self._set_timecode(video)
        self._map.add_to(output, video)
        self._map.tell(self.notes)
        for target in self._map.targets.values():
            self.copied[target.index] = self.payload[target.index] = 0
        selected = [self._input.streams[index] for index in self._map.targets]
        if selected:
            self._packets = self._in_range(selected)
            self._ahead = next(self._packets, None)

    def leave(self) -> None:
        """Name all that is beside the video, for a target that holds pictures alone."""
        self._map.leave()
        self._map.tell(self.notes)

    def places_in(self, written: InputContainer) -> dict[int, int]:
        """Which stream of the output each stream is that is read from its finished file.

        There, covers come last, and there are more: MP4's chapters are a track.
        """
        found: dict[str, list[int]] = {"audio": [], "subtitle": [], "cover": []}
        for stream in written.streams:
            kind = kind_of(stream)
            if kind in found and stream.discard != Discard.all:
                found[kind].append(stream.index)
        return {
            found[done.kind].pop(0): done.output
            for done in self.actions
            if done.output in self.copied and found[done.kind]
        }

    @property
    def actions(self) -> tuple[StreamAction, ...]:
        """What becomes of each stream of the input."""
        return tuple(self._map.actions)

    def copy_until(self, seconds: Fraction | None) -> None:
        """Mux the packets up to a time in the output; None is all the rest.

        Raises:
            av.FFmpegError: The muxer failed.
        """
        while (packet := self._ahead) is not None:
            begin = packet.dts if packet.dts is not None else packet.pts or 0
            now = begin * fraction(packet.time_base)
            if seconds is not None and now > seconds:
                return
            self._mux(packet)
            for index, convert in self._map.converters.items():
                self._write(self._made(partial(convert.until, now)), self._map.targets[index])
            self._ahead = next(self._packets, None)
        if seconds is None:
            for index, convert in self._map.converters.items():
                self._write(self._made(convert.rest), self._map.targets[index])
            self._name_empty_sound()
            if self.notes.damaged:
                self.notes.warn(self.notes.damage_in_words())

    def _name_empty_sound(self) -> None:
        """Name the sound of which nothing came: a file that is cut off promises what it lacks."""
        for done in self.actions:
            if done.kind == "audio" and done.output is not None and not self.copied[done.output]:
                where = "" if self._start is None and self._end is None else " of the range"
                self.notes.warn(f"not carried over: {done}, which holds no sound{where}")

    def _set_timecode(self, video: "VideoStream") -> None:
        """Give the output the timecode of its first frame, wherever the input has its own."""
        holders = (self._video, *self._input.streams, self._input)
        given = next(filter(None, (_timecode(holder.metadata) for holder in holders)), None)
        if given is None:
            return
        rate = fraction(self._video.guessed_rate) or fraction(self._video.average_rate)
        skipped = 0 if self._start is None else ceil((self._start - origin(self._input)) * rate)
        found = moved(given, skipped, rate)
        if found is None:
            self.notes.warn(f"not carried over: the timecode {line_of(given)}")
        else:
            filtered = fraction(video.codec_context.framerate)
            video.metadata["timecode"] = at_rate(found, rate, filtered)

    def _chapters(self) -> "list[Chapter]":
        """The chapters that the range touches, in the output's time."""
        kept = []
        for chapter in self._input.chapters():
            unit = fraction(chapter["time_base"])
            first, last = chapter["start"] * unit, chapter["end"] * unit
            if self._start is not None:
                first = max(first, self._start)
            if self._end is not None:
                last = min(last, self._end)
            if first < last:
                chapter["start"] = round((first - self._offset) / unit)
                chapter["end"] = round((last - self._offset) / unit)
                kept.append(chapter)
        return kept

    def _in_range(self, selected: list[Stream]) -> "Iterator[Packet[Stream]]":
        """The packets that begin in the range, in the file's order, at the output's times."""
        if self._start is not None:
            target = int(max(self._start - _SEEK_MARGIN, origin(self._input)) * av.time_base)
            try:
                self._input.seek(target)
            except av.FFmpegError:
                self.notes.warn(f"{self._path} cannot be searched: reading it from the beginning")
        ended: set[int] = set()
        packets = self._input.demux(selected)
        while ended != set(self._map.targets):
            try:
                packet = next(packets, None)
            except av.FFmpegError as error:
                self.notes.error(error.strerror or str(error))
                return
            if packet is None:
                return
            if not packet.size:  # the dummies that flush decoders; a missing dts means nothing
                continue
            self._mend_times(packet)
            seconds = (packet.pts or 0) * fraction(packet.time_base)
            if self._end is not None and seconds >= self._end:
                ended.add(packet.stream_index)
            elif self._start is None or seconds >= self._start or self._still_shown(packet):
                ticks = round(self._offset / fraction(packet.time_base))
                packet.pts = (packet.pts or 0) - ticks
                packet.dts = (packet.dts or 0) - ticks
                yield packet

    def _still_shown(self, packet: "Packet[Stream]") -> bool:
        """Whether a packet from before the range is a subtitle that is shown in it: then so cut.

        Demuxers of text begin with it after a jump: Matroska's looks back for half a minute.
        """
        if self._start is None or packet.stream.type != "subtitle" or not packet.duration:
            return False
        begin = ceil(self._start / fraction(packet.time_base))
        left = (packet.pts or 0) + packet.duration - begin
        if left > 0:
            packet.pts = packet.dts = begin
            packet.duration = left
        return left > 0

    def _mend_times(self, packet: "Packet[Stream]") -> None:
        """Give a packet the times that muxers insist on: both present, and dts not going back."""
        last = self._last_dts.get(packet.stream_index)
        dts = packet.dts if packet.dts is not None else packet.pts
        if dts is None or (last is not None and dts < last):
            dts = (last or 0) + (last is not None)
            self.notes.made_up_times += not is_cover(packet.stream)  # Matroska's have none
        self._last_dts[packet.stream_index] = dts
        packet.dts = dts
        packet.pts = dts if packet.pts is None else max(packet.pts, dts)

    def _mux(self, packet: "Packet[Stream]") -> None:
        """Hand a packet to the output as what it becomes there."""
        target = self._map.targets[packet.stream_index]
        convert = self._map.converters.get(packet.stream_index)
        self._write(
            [without_new_header(packet)]
            if convert is None
            else self._made(partial(convert.convert, packet)),
            target,
        )

    def _made(self, make: "Callable[[], list[Packet[Stream]]]") -> "list[Packet[Stream]]":
        """What a converter makes; none of what it cannot decode, which is counted as damage."""
        try:
            return make()
        except av.FFmpegError as error:
            self.notes.error(error.strerror or str(error))
            return []

    def _write(self, packets: "list[Packet[Stream]]", target: Stream) -> None:
        """Mux packets as packets of a stream of the output."""
        if self._output is None:
            raise MediaError("streams are copied before they were attached")
        for packet in packets:
            self._keep_apart(packet, target)
            packet.stream = target
            size, counts = packet.size, says_something(packet)
            self._output.mux(packet)
            self.copied[target.index] += counts
            self.payload[target.index] += size * counts

    def _keep_apart(self, packet: "Packet[Stream]", target: Stream) -> None:
        """Move a packet one tick on if it would stand at its forerunner's time.

        Matroska takes equal times, as subtitles have them. MP4 refuses them, and its ticks may be
        coarser than the input's.
        """
        unit = fraction(target.time_base)
        dts = round((packet.dts or 0) * fraction(packet.time_base) / unit)
        last = self._last_written.get(target.index)
        strict = self._output is not None and self._output.format.name != "matroska"
        if strict and last is not None and dts <= last:
            pts = round((packet.pts or 0) * fraction(packet.time_base) / unit)
            dts = last + 1
            packet.rescale_ts(target.time_base)
            packet.dts, packet.pts = dts, max(pts, dts)
            self.notes.made_up_times += 1
        self._last_written[target.index] = dts


class NoSideStreams:
    """The same for an input that holds pictures alone: nothing is carried."""

    def __init__(self) -> None:
        self.notes = Notes()
        self.copied: dict[int, int] = {}
        self.payload: dict[int, int] = {}
        self.actions: tuple[StreamAction, ...] = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *ended: object) -> None:
        pass

    def attach(self, output: OutputContainer, video: "VideoStream") -> None:
        """Add nothing."""

    def leave(self) -> None:
        """Name nothing."""

    def places_in(self, written: InputContainer) -> dict[int, int]:
        """None of the output's streams has come from the input."""
        del written
        return {}

    def copy_until(self, seconds: Fraction | None) -> None:
        """Copy nothing."""


def says_something(packet: "Packet[Stream]") -> bool:
    """Whether a packet counts: MP4 has an empty text wherever no subtitle is shown."""
    return packet.size > 0 and not (packet.stream.type == "subtitle" and bytes(packet) == b"\0\0")


def without_new_header(packet: "Packet[Stream]") -> "Packet[Stream]":
    """The packet, without the codec's header that AAC may repeat in it, as FLV has it.

    libavformat's Matroska writes such a header into its tracks' description, and over what follows
    it there if the stream had one from the beginning.
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


def _timecode(tags: dict[str, str]) -> str:
    """The timecode among the tags, however a container spells it."""
    return next((value for key, value in tags.items() if key.lower() == "timecode"), "")
