"""An opened video: packets decoded past any damage, and searches for a moment."""

from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from itertools import chain
from pathlib import Path
from struct import unpack
from typing import TYPE_CHECKING, Self

import av

from vs_gendrpix.errors import MediaError, cancellation
from vs_gendrpix.frame.area import Area
from vs_gendrpix.frame.format import FrameFormat
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.libav.faults import reading
from vs_gendrpix.libav.log import InputLog, LibavLog
from vs_gendrpix.libav.values import fraction, origin
from vs_gendrpix.read.cut import TAIL, is_cut_off
from vs_gendrpix.read.decoder import Decoder
from vs_gendrpix.read.missing import Missing
from vs_gendrpix.read.opening import STDIN, main_video, open_input
from vs_gendrpix.read.pipe import Pipe
from vs_gendrpix.read.timing.index import index_of, may_restart, pace_of_stream
from vs_gendrpix.read.timing.joins import Joins, RunningClock, joined_packets
from vs_gendrpix.read.timing.steady import Steady
from vs_gendrpix.settings import ReadSettings

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream


_SLOWEST = Fraction(1, 24 * 60 * 60)
"""Least frames per second that are believed: a lower rate comes of a broken container."""


class Clip:
    """The main video stream of an opened input.

    A context manager. One opening serves several readers, one after the other: a `Source` for the
    frames, and the looks before the work, which search for places of the clip. A packet that
    cannot be decoded is counted in `notes` and passed over.

    Attributes:
        path: The input.
        chosen: How it is read.
        notes: Where damage and warnings go.
        container: libav's demuxer.
        stream: The video stream.
        begin: Time stamp, in seconds, at which the clip begins for a player.
        time_base: Seconds of a tick of the stream.
        pace: The spacing of its frames.
        clock: What gives its packets times of one clock.
        index: What one reading of the whole file has told; None for what needs none.
        length: Seconds of the pictures; 0 when unknown.
        delay: Seconds from where the clip begins to its first picture: sound may begin before.
        missing: What its packets announced and its decoder did not show, since the last search.
        shape: Pixel aspect ratio of the first picture read, as its codec states it; 0 if it
            does not. A container may state another.
        avi_delay: Ticks between the decoding and the presentation of an AVI's pictures, once known.

    Args:
        path: A file, a pattern or a folder of pictures, or `STDIN`.
        chosen: How to read it; None reads what says all by itself.
        notes: Where notes go; None is a new one.
        reopened: Whether the standard input will be opened once more, for another clip.

    Raises:
        MediaError: The input cannot be read.
        SettingsError: A choice does not fit this input.
    """

    def __init__(
        self,
        path: Path,
        chosen: ReadSettings | None = None,
        notes: Notes | None = None,
        *,
        reopened: bool = False,
    ) -> None:
        self.path, self.chosen = path, chosen or ReadSettings()
        self.notes = notes or Notes()
        self.shape = Fraction(0)
        self.avi_delay: int | None = None
        self._reopened = reopened
        self._met_join = False
        with ExitStack() as stack:
            self._log = stack.enter_context(InputLog())
            self._opened = stack.enter_context(ExitStack())
            with reading(path):
                self._open()
                self._describe()
            # What a decoder says while libav probes, it says again when we decode.
            self._decoder.hear(self.format_name)
            self._closing = stack.pop_all()

    def _describe(self) -> None:
        """Set the clip's properties from the container and its index."""
        self.begin = origin(self.container)
        self.time_base = fraction(self.stream.time_base)
        start = self.stream.start_time
        with LibavLog(this_thread=True):  # what is damaged is met again when it is decoded
            self.index = index_of(self.path, self.chosen, self.format_name)
        if self.index is None:
            joins, self.pace = Joins(), pace_of_stream(self.stream)
        else:
            joins, self.pace = self.index.joins, self.index.pace
            if 0 < self.rate < _SLOWEST:
                hours = float(1 / self.rate) / 3600
                raise MediaError(
                    f"cannot read {self.path}: it says that a frame lasts {hours:.0f} hours, so it "
                    "is broken"
                )
            self.begin = self.index.begin(self.begin)
            if joins.lone and self.index.times:
                start = self.index.times[0]
        shown = self.begin if start is None else start * self.time_base
        self.delay = max(shown - self.begin, Fraction(0))
        self.clock = RunningClock(joins, self.notes.made_up_time)
        if joins.moments:
            self._tell_join(joins.moments[0], len(joins.moments))
        self.length = self._length()
        self.missing = self._nothing_missing()

    @property
    def first_dts(self) -> int:
        """Decoding time, in ticks, of the first packet that was read."""
        return self._decoder.first_dts or 0

    @property
    def rate(self) -> Fraction:
        """Frames a second; 0 when unknown."""
        return self.pace.rate

    @property
    def format_name(self) -> str:
        """FFmpeg's name of the demuxer."""
        return self.container.format.name

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *ended: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the input."""
        self._closing.close()

    def rewind(self) -> None:
        """Go to the beginning. An input that has been read from is opened again.

        A search for the beginning would not do: some demuxers give other packets after it.
        """
        if self._read:
            self._opened.close()
            self._open()
        self.missing = self._nothing_missing()

    def go_to(self, seconds: Fraction) -> bool:
        """Go to the keyframe before a moment, for a look at the clip. Moment 0 is always found.

        Returns:
            Whether that was possible: some inputs cannot be searched.
        """
        if self.path == STDIN:
            return False
        if seconds:
            return self.seek(seconds)
        # Without an index, as in transport streams, a search may end behind the first keyframe.
        if not (self.seek(seconds) and self._at_start() and self.seek(seconds)):
            self.rewind()
            self._read = True  # by the look
        return True

    def seek(self, seconds: Fraction) -> bool:
        """Go to the keyframe before a moment of the clip.

        Args:
            seconds: The moment, counted from where the clip begins.

        Returns:
            Whether the input can be searched; where not, the place is undefined.
        """
        self._read = True
        self.missing = self._nothing_missing()
        moment = self.begin + seconds
        try:
            with self._log.hearing():
                place = None if self.index is None else self.index.key_before(moment)
                if place is not None:
                    self.container.seek(place, unsupported_byte_offset=True)
                else:
                    self.container.seek(int(moment / self.time_base), stream=self.stream)
        except av.FFmpegError:
            return False
        return True

    def _at_start(self) -> bool:
        """Read a packet, and tell whether it is the clip's first."""
        try:
            with self._log.hearing():
                packet = next(self.container.demux(self.stream))
        except (av.FFmpegError, StopIteration):
            return False
        start = self.stream.start_time
        return start is not None and packet.pts is not None and packet.pts <= start

    def can_seek(self) -> bool:
        """Whether libav has time stamps to search for, and an input that is no pipe."""
        return self.stream.start_time is not None and self.path != STDIN

    def pictures(self) -> Iterator[av.VideoFrame]:
        """Decode all pictures from the current position, past any error."""
        for packet in self.packets():
            if packet is not None:
                self.missing.read(packet)
            for picture in self._decoder.decode(packet):
                self.missing.shown(picture)
                yield picture
        self.missing.at_end()

    def packets(self) -> "Iterator[Packet[VideoStream] | None]":
        """Read the video's packets from here on, past any error, with times of one clock.

        Yields:
            The packets; at the end None, which flushes the decoder.
        """
        packets = self._packets()
        if may_restart(self.container):
            packets = Steady(frozenset({"video"})).packets(packets)
        if self.path == STDIN:
            ended = chain(packets, [None])
            yield from joined_packets(ended, self.stream.index, self._meet_join)
            return
        for packet in packets:
            self.clock.mend(packet)
            yield packet
        yield None

    def _packets(self) -> "Iterator[Packet[VideoStream]]":
        """Read the video's packets from the current position, unchanged."""
        self._read = True
        packets, failed_reads = self.container.demux(self.stream), 0
        while failed_reads < 2:  # twice without a packet between: this is the end
            cancellation.check()
            try:
                with self._log.hearing():
                    packet = next(packets, None)
            except av.FFmpegError as error:
                self._decoder.fault(error)
                failed_reads += 1
                packets = self.container.demux(self.stream)
                continue
            if packet is None:
                break
            failed_reads = 0
            if packet.size:
                yield packet

    def _nothing_missing(self) -> Missing:
        """Make a new count of missing frames. It counts none in an AVI with reordered frames."""
        known = self.rate and (self.format_name != "avi" or self.stream.codec.intra_only)
        return Missing(1 / self.rate / self.time_base if known else Fraction(0))

    def unread(self) -> int:
        """Count, at the end, the frames that the container announces and that had no packet.

        Only damaged containers are asked, and AVI: others announce what an edit list leaves out.
        """
        if self.format_name == "avi":  # whose time stamps count frames, dropped ones included
            return max(0, self.stream.frames - self.missing.dts - 1)
        packets = self.missing.packets if self.index is None else self.index.packets
        return max(0, self.stream.frames - packets) if self.notes.damaged else 0

    def is_cut_off(self) -> bool:
        """Tell whether an input that has been read to its end is truncated."""
        pipe = getattr(self.container.file, "file", None)  # in PyAV's wrapper
        if isinstance(pipe, Pipe):
            return is_cut_off(self.format_name, self.missing, pipe.length, pipe.tail)
        if not self.path.is_file():
            return False
        length = self.path.stat().st_size
        with self.path.open("rb") as opened:
            opened.seek(max(0, length - TAIL))
            return is_cut_off(self.format_name, self.missing, length, opened.read())

    def shown_area(self, form: FrameFormat) -> Area:
        """Area of decoded pictures that players show: Matroska's PixelCrop, MOV's clean aperture.

        Its corner is moved up and left to where a chroma sample lies.

        Args:
            form: The format of the decoded pictures.
        """
        said = self.stream.codec_context.coded_side_data.get("frame_cropping", b"")
        top, bottom, left, right = unpack("<4I", said) if said else (0, 0, 0, 0)
        across, down = form.layout.chroma_step
        x, y = left // across * across, top // down * down
        width, height = form.width - x - right, form.height - y - bottom
        if width <= 0 or height <= 0:
            return Area.whole(form)
        return Area(width=width, height=height, x=x, y=y)

    def forget_damage(self) -> None:
        """Forget the damage so far: it lies outside of the range that is read."""
        self._log.take()
        self.notes.forget_damage()
        self.missing.count = 0

    def _open(self) -> None:
        """Open the container and find its video."""
        with self._log.hearing():
            self.container: InputContainer = self._opened.enter_context(
                open_input(self.path, self.chosen, reopened=self._reopened)
            )
        self.stream: VideoStream = main_video(self.container, self.path, self.chosen.video_stream)
        self._decoder = Decoder(self.path, self.container, self.stream, self._log, self.notes)
        self._opened.callback(self._decoder.drain)
        self._read = False

    def _length(self) -> Fraction:
        """Seconds of the pictures, by the index or else by the container; 0 when unknown."""
        if self.index is not None and self.index.times:
            return (self.index.end - self.index.times[0]) * self.time_base
        if self.rate and self.stream.frames:
            return self.stream.frames / self.rate
        duration = Fraction(self.container.duration or 0, av.time_base)
        return max(duration - self.delay, Fraction(0))

    def _meet_join(self, tick: int) -> None:
        """Warn once that the clock of a pipe starts again."""
        if not self._met_join:
            self._met_join = True
            self._tell_join(tick * self.time_base)

    def _tell_join(self, moment: Fraction, count: int | None = None) -> None:
        """Warn that the clock starts again, with the first such moment and the number of times."""
        times = "" if count is None else f" {count} times" if count > 1 else " once"
        self.notes.warn(
            f"the clock of {self.path} starts again{times}, first at "
            f"{float(moment - self.begin):.3f} s: the parts follow each other without a gap"
        )
