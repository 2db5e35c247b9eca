"""Carry everything beside the main video: sound, subtitles, covers, fonts, chapters, metadata."""

import io
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import av
from av.container import OutputContainer
from av.stream import AttachmentStream, Discard, Stream

from vs_gendrpix.errors import MediaError
from vs_gendrpix.media import (
    codec_name,
    fraction,
    is_cover,
    line_of,
    main_video,
    open_input,
    origin,
)
from vs_gendrpix.report import Notes
from vs_gendrpix.settings import InputSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from av.container.core import Chapter
    from av.packet import Packet

_STALE_TAGS = ("encoder", "duration", "number_of_", "bps", "_statistics", "vendor_id")
"""Tags that describe the old file's bytes; muxers write their own."""

_BRANDS = {"major_brand", "minor_version", "compatible_brands"}
_SEEK_MARGIN = 5  # seconds: a container's index may know only the video's keyframes


class SideStreams:
    """The streams of a file that are copied packet for packet, read beside its video.

    The file is opened a second time: the video's reader then need not hold the sound of the whole
    look-ahead, and the system's cache makes the second reading free.

    Args:
        path: The file.
        chosen: How to read it, as the source did.
        start: First second to keep, counted from where the clip begins; None is its beginning.
        end: Second before which to stop; None is its end.
        offset: Seconds to take off all times, as the source did.

    Raises:
        MediaError: The file cannot be read.
    """

    def __init__(
        self,
        path: Path,
        *,
        chosen: InputSettings | None = None,
        start: Fraction | None,
        end: Fraction | None,
        offset: Fraction,
    ) -> None:
        chosen = chosen or InputSettings()
        self.notes = Notes()
        self.copied: dict[int, int] = {}
        """Packets copied to each stream of the output, by its index."""
        self.payload: dict[int, int] = {}
        """Bytes of them."""
        self._path = path
        self._input = open_input(path, chosen)
        self._video = main_video(self._input, path, chosen.video_stream)
        begin = origin(self._input)
        self._start = None if start is None else begin + start
        self._end = None if end is None else begin + end
        self._offset = offset
        self._targets: dict[int, Stream] = {}
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

    def attach(self, output: OutputContainer, video: Stream) -> None:
        """Add to an output, before its header, all that its container takes; name the rest.

        Args:
            output: The container, whose video stream is already there.
            video: This video stream; it gets the tags of the input's.
        """
        self._output = output
        output.metadata.update(_kept(self._input.metadata))
        output.set_chapters(self._chapters())
        video.metadata.update(_kept(self._video.metadata))
        video.disposition = self._video.disposition
        dropped = [
            _describe(stream)
            for stream in self._input.streams
            if stream.index != self._video.index
            and stream.discard != Discard.all  # the text track that is MP4's chapters
            and not self._add(stream, output)
        ]
        if dropped:
            self.notes.warn(f"not carried over: {', '.join(dropped)}")
        selected = [self._input.streams[index] for index in self._targets]
        if selected:
            self._packets = self._in_range(selected)
            self._ahead = next(self._packets, None)

    def leave(self, target: str) -> None:
        """Name all that is beside the video, for a target that holds pictures alone."""
        left = [_describe(other) for other in self._input.streams if other != self._video]
        if left:
            self.notes.warn(f"not carried over to {target}: {', '.join(left)}")

    def copy_until(self, seconds: Fraction | None) -> None:
        """Mux the packets up to a time in the output; None is all the rest.

        Raises:
            av.FFmpegError: The muxer failed.
        """
        while (packet := self._ahead) is not None:
            begin = packet.dts if packet.dts is not None else packet.pts or 0
            if seconds is not None and begin * fraction(packet.time_base) > seconds:
                return
            self._mux(packet)
            self._ahead = next(self._packets, None)
        if seconds is None and self.notes.damaged:
            self.notes.warn(self.notes.damage_in_words())

    def _add(self, stream: Stream, output: OutputContainer) -> bool:
        """Add one stream to the output; whether that was possible."""
        name = output.format.name
        if isinstance(stream, AttachmentStream):
            if name != "matroska":
                return False
            file_name = stream.metadata.get("filename", f"attachment{stream.index}")
            output.add_attachment(file_name, stream.mimetype or "", stream.data)
            return True
        if stream.type == "video" and is_cover(stream) and name == "matroska":
            return self._attach_cover(stream, output)
        copied = stream.type in {"audio", "subtitle"} or (
            stream.type == "video" and is_cover(stream)
        )
        if not copied or not _accepts(name, stream):
            return False
        target = output.add_stream_from_template(stream, opaque=True)
        target.metadata.update(_kept(stream.metadata))
        target.disposition = stream.disposition
        self._targets[stream.index] = target
        self.copied[target.index] = self.payload[target.index] = 0
        return True

    def _attach_cover(self, stream: Stream, output: OutputContainer) -> bool:
        """Write a cover as Matroska has it: an attached picture file."""
        codec = codec_name(stream)
        kind = {"mjpeg": ("jpg", "image/jpeg"), "png": ("png", "image/png")}.get(codec)
        if kind is None:
            return False
        with open_input(self._path) as again:
            packets = again.demux(again.streams[stream.index])
            data = next((bytes(packet) for packet in packets if packet.size), b"")
        output.add_attachment(f"cover.{kind[0]}", kind[1], data)
        return bool(data)

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
        while ended != set(self._targets):
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
            elif self._start is None or seconds >= self._start:
                ticks = round(self._offset / fraction(packet.time_base))
                packet.pts = (packet.pts or 0) - ticks
                packet.dts = (packet.dts or 0) - ticks
                yield packet

    def _mend_times(self, packet: "Packet[Stream]") -> None:
        """Give a packet the times that muxers insist on: both present, and dts not going back."""
        last = self._last_dts.get(packet.stream_index)
        dts = packet.dts if packet.dts is not None else packet.pts
        if dts is None or (last is not None and dts < last):
            dts = (last or 0) + (last is not None)
            self.notes.made_up_times += 1
        self._last_dts[packet.stream_index] = dts
        packet.dts = dts
        packet.pts = dts if packet.pts is None else max(packet.pts, dts)

    def _mux(self, packet: "Packet[Stream]") -> None:
        """Hand a packet to the output as a packet of its own stream."""
        if self._output is None:
            raise MediaError("streams are copied before they were attached")
        target = self._targets[packet.stream_index]
        size, counts = packet.size, says_something(packet)
        self._keep_apart(packet, target)
        packet.stream = target
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

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *ended: object) -> None:
        pass

    def attach(self, output: OutputContainer, video: Stream) -> None:
        """Add nothing."""

    def leave(self, target: str) -> None:
        """Name nothing."""

    def copy_until(self, seconds: Fraction | None) -> None:
        """Copy nothing."""


def says_something(packet: "Packet[Stream]") -> bool:
    """Whether a packet counts: MP4 has an empty text wherever no subtitle is shown."""
    return packet.size > 0 and not (packet.stream.type == "subtitle" and bytes(packet) == b"\0\0")


def _kept(tags: dict[str, str]) -> dict[str, str]:
    """The tags that stay true in another file."""
    return {
        key: value
        for key, value in tags.items()
        if key not in _BRANDS and not key.lower().lstrip("_").startswith(_STALE_TAGS)
    }


def _accepts(container: str, stream: Stream) -> bool:
    """Whether a container of this name can hold a stream: only writing a header tells for sure."""
    trial = av.open(io.BytesIO(), "w", format=container)
    try:
        trial.add_stream_from_template(stream, opaque=True)
        trial.start_encoding()
    except (av.FFmpegError, ValueError):
        return False
    finally:
        trial.close()
    return True


def _describe(stream: Stream) -> str:
    """A stream as the user knows it: kind, number, codec, language."""
    codec = codec_name(stream)
    words = [word for word in (codec, line_of(stream.metadata.get("language", ""))) if word]
    return f"{stream.type} stream {stream.index}" + (f" ({', '.join(words)})" if words else "")
