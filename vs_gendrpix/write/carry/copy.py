"""Carry out a plan: add the streams beside the video to an output, and move their packets there."""

from collections import Counter
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self, cast

import av
from av.container import InputContainer, OutputContainer
from av.stream import Discard, Stream

from vs_gendrpix.errors import MediaError
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.libav.log import LibavLog
from vs_gendrpix.libav.values import codec_name, fraction, is_cover, origin
from vs_gendrpix.read.opening import open_input
from vs_gendrpix.read.timing.index import index_of
from vs_gendrpix.settings import ReadSettings
from vs_gendrpix.write.carry.convert import converter
from vs_gendrpix.write.carry.inventory import Contents, lost_parts, names_of, stream_of, tags_of
from vs_gendrpix.write.carry.packets import PacketReader, has_content, without_new_header
from vs_gendrpix.write.carry.plan import COVERS, CarryPlan, add_copy, cover_data, kind_of
from vs_gendrpix.write.carry.tags import (
    chapters_between,
    kept_tags,
    label,
    with_provenance,
    without_provenance,
)
from vs_gendrpix.write.carry.trial_muxer import TrialMuxer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from av.container.core import Chapter
    from av.packet import Packet
    from av.stream import AttachmentStream
    from av.video.stream import VideoStream

    from vs_gendrpix.write.carry.actions import StreamAction
    from vs_gendrpix.write.carry.convert import Converter

_USUAL_COVERS = {f"cover.{suffix}" for suffix, _ in COVERS.values()}


class SideStreams:
    """Copies and converts the streams beside a file's video, as planned.

    A context manager. `attach` opens the file, a second time beside the video's reader. That reader
    then need not hold the sound of the whole look-ahead, and the system's cache makes the second
    reading free. With an empty plan nothing is opened and nothing carried.

    Args:
        path: The file.
        plan: What becomes of each stream.
        notes: Where damage and losses are told.
        chosen: How to read the file, and which part of it, as its video is read.
        provenance: Line that the output's comment gets, below that of the input.
        offset: Seconds to take off all times, as is done with the video's.

    A packet that the output's muxer would refuse, or that cannot be decoded where it has to be, is
    left out, counted as damage and named with its stream: it does not end the work.

    Attributes:
        plan: What becomes of each stream.
        provenance: As above.
        copied: Packets written to each stream of the output, by its index.
        payload: Bytes of them.
    """

    def __init__(
        self,
        path: Path,
        plan: CarryPlan,
        notes: Notes,
        *,
        chosen: ReadSettings | None = None,
        offset: Fraction = Fraction(0),
        provenance: str = "",
    ) -> None:
        self.plan, self.provenance = plan, provenance
        self.copied: dict[int, int] = {}
        self.payload: dict[int, int] = {}
        self._path, self._notes = path, notes
        self._chosen, self._offset = chosen or ReadSettings(), offset
        self._input: InputContainer | None = None
        self._output: OutputContainer | None = None
        self._targets: dict[int, Stream] = {}
        self._converters: dict[int, Converter] = {}
        self._trials: dict[int, TrialMuxer] = {}
        self._firsts: dict[int, bytes] = {}
        self._refused: dict[int, list[str]] = {}
        self._last_written: dict[int, int] = {}
        self._contents: Contents = Counter()
        self._streams: dict[int, Contents] = {}
        self._packets: Iterator[Packet[Stream]] = iter(())
        self._ahead: Packet[Stream] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *ended: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the input."""
        for trial in self._trials.values():
            trial.close()
        if self._input is not None:
            self._input.close()

    def attach(self, output: OutputContainer, video: "VideoStream") -> None:
        """Add all that the plan carries to an output, before its header.

        Args:
            output: The container, whose video stream is already there.
            video: This video stream; it gets the tags of the input's.

        Raises:
            MediaError: The input cannot be read.
        """
        if self.plan.timecode:
            video.metadata["timecode"] = self.plan.timecode
        output.metadata.update(with_provenance({}, self.provenance))
        if not self.plan.streams:
            return
        self._output = output
        with LibavLog(this_thread=True) as log:  # the first packets are read here
            self._input = source = open_input(self._path, self._chosen)
            heard = log.drain()
        keep, chosen, begin = self.plan.keep, self._chosen, origin(source)
        index = index_of(self._path, chosen, source.format.name)
        begin = begin if index is None else index.begin(begin)
        start = None if chosen.start is None else begin + chosen.start
        end = None if chosen.end is None else begin + chosen.end
        if keep.metadata:
            self._contents += tags_of("the file", source.metadata)
            output.metadata.update(with_provenance(kept_tags(source.metadata), self.provenance))
        if keep.chapters:
            chapters = chapters_between(source, start, end, self._offset)
            output.set_chapters(chapters)
            self._contents += names_of("the chapters", map(_chapter_name, chapters))
        for done in self.plan.streams:
            self._add(done, source.streams[done.index], output, video)
        streams = [source.streams[index] for index in self._targets]
        if streams:
            reader = PacketReader(
                source,
                streams,
                start=start,
                end=end,
                offset=self._offset,
                notes=self._notes,
                heard=heard if start is None else [],
                index=index,
            )
            self._packets = iter(reader)
            self._ahead = next(self._packets, None)

    def places_in(self, written: InputContainer) -> dict[int, int]:
        """The output's index of each carried stream, by its index in the finished file.

        There, covers come last, and there are more streams: MP4's chapters are a track.

        Args:
            written: The finished file, opened for reading.
        """
        found: dict[str, list[int]] = {"audio": [], "subtitle": [], "cover": []}
        for stream in written.streams:
            kind = kind_of(stream)
            if kind in found and stream.discard != Discard.all:
                found[kind].append(stream.index)
        return {
            found[done.kind].pop(0): done.output
            for done in self.plan.streams
            if done.output in self.copied and found[done.kind]
        }

    def lost_in(self, written: InputContainer) -> list[str]:
        """List the tags, dispositions, chapters and attached names that a finished file lacks.

        Args:
            written: The finished file, opened for reading.
        """
        own = without_provenance(written.metadata, self.provenance)
        keep, found = self.plan.keep, tags_of("the file", own)
        given = self._contents.copy()
        if keep.chapters:
            found += names_of("the chapters", map(_chapter_name, written.chapters()))
        outputs = {output: index for index, output in self.places_in(written).items()}
        main = next((s.index for s in written.streams.video if not is_cover(s)), 0)
        for done in self.plan.streams:
            place = main if done.action == "restored" else outputs.get(done.output or 0)
            if place is not None:  # an empty track is named as a whole
                given += self._streams[done.index]
                found += stream_of(str(done), written.streams[place], tags=keep.metadata)
        files = (stream.metadata.get("filename", "") for stream in written.streams)
        found += names_of("the attached files", filter(None, files))
        return lost_parts(given, found)

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
            for index, convert in self._converters.items():
                self._write(self._made(partial(convert.until, now), index), index)
            self._ahead = next(self._packets, None)
        if seconds is None:
            for index, convert in self._converters.items():
                self._write(self._made(convert.rest, index), index)
            self._name_refused()
            self._name_empty_sound()

    def _add(
        self, done: "StreamAction", stream: Stream, output: OutputContainer, video: "VideoStream"
    ) -> None:
        """Add one stream to the output, if the plan has a place for it there."""
        all_tags = self.plan.keep.metadata
        if done.action in {"restored", "copied", "converted"}:
            self._streams[done.index] = stream_of(str(done), stream, tags=all_tags)
        if done.action == "attached" or (done.kind == "cover" and done.output is not None):
            self._contents += names_of("the attached files", filter(None, [_named(stream)]))
        if done.action == "restored":
            label(video, stream, all_tags=all_tags)
        elif done.action == "attached":
            self._attach_file(stream, output)
        elif done.action in {"copied", "converted"}:
            if done.action == "copied":
                target = add_copy(stream, output)
            else:
                convert = self._converters[done.index] = converter(stream, output, done.to)
                target = convert.target
            label(target, stream, all_tags=all_tags)
            self._targets[done.index] = target
            self.copied[target.index] = self.payload[target.index] = 0

    def _attach_file(self, stream: Stream, output: OutputContainer) -> None:
        """Write a font, or a cover as Matroska holds it, as an attached file."""
        if stream.type == "attachment":
            font = cast("AttachmentStream", stream)
            name = font.metadata.get("filename", f"attachment{font.index}")
            output.add_attachment(name, font.mimetype or "", font.data)
        else:
            suffix, mime_type = COVERS[codec_name(stream)]
            data = cover_data(self._path, stream.index)
            output.add_attachment(_named(stream) or f"cover.{suffix}", mime_type, data)

    def _name_empty_sound(self) -> None:
        """Report sound streams without any packet, as a truncated file may have."""
        whole = self._chosen.start is None and self._chosen.end is None
        where = "" if whole else " of the range"
        for done in self.plan.streams:
            if done.kind == "audio" and done.output is not None and not self.copied[done.output]:
                self._notes.warn(f"not carried over: {done}, which holds no sound{where}")

    def _name_refused(self) -> None:
        """Report the packets that were left out, by stream, with libav's first reason."""
        named = {done.index: str(done) for done in self.plan.streams}
        for index, reasons in self._refused.items():
            count = f"{len(reasons)} packet{'s' * (len(reasons) > 1)}"
            self._notes.warn(f"not carried over: {count} of {named[index]} (libav: {reasons[0]})")

    def _mux(self, packet: "Packet[Stream]") -> None:
        """Write a packet of the input to the output, converted if its stream is."""
        index = packet.stream_index
        convert = self._converters.get(index)
        self._write(
            [without_new_header(packet)]
            if convert is None
            else self._made(partial(convert.convert, packet), index),
            index,
        )

    def _made(
        self, make: "Callable[[], list[Packet[Stream]]]", index: int
    ) -> "list[Packet[Stream]]":
        """Run a converter, and return its packets; none for a packet that it cannot decode."""
        try:
            return make()
        except (av.FFmpegError, ValueError) as error:  # PyAV's own checks raise the latter
            self._refuse(index, getattr(error, "strerror", None) or str(error))
            return []

    def _refuse(self, index: int, reason: str) -> None:
        """Count a packet of a stream of the input that is left out."""
        self._refused.setdefault(index, []).append(reason)
        self._notes.error(reason)

    def _write(self, packets: "list[Packet[Stream]]", index: int) -> None:
        """Mux packets as packets of the output's stream for one of the input."""
        if self._output is None:
            raise MediaError("streams are copied before they were attached")
        target = self._targets[index]
        for packet in packets:
            dts = self._keep_apart(packet, target)
            if index not in self._trials:  # now the header is written, which it needs
                self._trials[index] = TrialMuxer(target, self._firsts.get(index), dts)
            reason = self._trials[index].refusal(packet)
            if reason:
                # It may remember the packet that it refused: the next one meets a new one.
                self._trials.pop(index).close()
                self._refuse(index, reason)
                continue
            packet.stream = target
            self._firsts.setdefault(index, bytes(packet))
            size, counts = packet.size, has_content(packet)
            self._output.mux(packet)
            self._last_written[target.index] = dts
            self.copied[target.index] += counts
            self.payload[target.index] += size * counts

    def _keep_apart(self, packet: "Packet[Stream]", target: Stream) -> int:
        """Move a packet one tick on if it would have the time of the one before.

        Matroska takes equal times, as subtitles have them. MP4 refuses them, and its ticks may be
        coarser than the input's.

        Returns:
            Its decoding time in ticks of the output's stream.
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
            self._notes.made_up_time()
        return dts


def _chapter_name(chapter: "Chapter") -> str:
    """A chapter's title; its place is as good as one where it has none."""
    return chapter["metadata"].get("title", "without a title")


def _named(stream: Stream) -> str:
    """The file name of a cover or an attachment; empty if it has none, or a cover's usual one."""
    name = stream.metadata.get("filename", "")
    return "" if stream.type == "video" and name in _USUAL_COVERS else name
