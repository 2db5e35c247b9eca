"""Decode a clip: its frames in order, each with an exact time, and what is damaged."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import av

from ffmpeg_filters import BOTTOM_FIRST
from vs_gendrpix.errors import MediaError
from vs_gendrpix.frame.clip import PICTURE_RATE, STREAM_RATE, ClipInfo
from vs_gendrpix.frame.format import Fields, Frame, Timing, said
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.libav.hdr import read_metadata
from vs_gendrpix.libav.log import LibavLog
from vs_gendrpix.libav.pixels import changed_format, converted_to, frame_format, read_planes
from vs_gendrpix.libav.values import fraction, origin
from vs_gendrpix.read.opening import STDIN, drain, main_video, open_input
from vs_gendrpix.read.sequence import find_sequence
from vs_gendrpix.settings import ReadSettings

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.stream import VideoStream

_JUMPS = (0, 3, 30, 1 << 30)  # seconds before the start at which to look for a keyframe
_FASTEST_GUESS = 300  # a clock's ticks are taken for a rate where frames come irregularly


class Source:
    """A clip's frames, decoded once, in order.

    A context manager. Opening decodes the first frame, because only that says the format for sure.
    A packet that cannot be decoded is counted in `report` and passed over; frames that decode are
    kept. The time stamps of a clip that is cut at its start, or begins before 0, are moved so that
    it begins at 0: `offset` seconds have been taken off. In the file it begins at `begin` seconds.

    Args:
        path: The file, a pattern or a folder of pictures, or `STDIN`.
        chosen: How to read it; None reads what says all by itself.
        start: First second to keep, counted from where the clip begins; None is its beginning.
        end: Second before which to stop; None is its end.
        report: Where notes go; warnings that it holds are not said again. None is a new one.

    Raises:
        MediaError: The file cannot be read, or gives no frame.
        SettingsError: A choice does not fit this input.
    """

    def __init__(
        self,
        path: Path,
        *,
        chosen: ReadSettings | None = None,
        start: Fraction | None = None,
        end: Fraction | None = None,
        report: Notes | None = None,
    ) -> None:
        self.path = path
        self._chosen = chosen or ReadSettings()
        self.report = report or Notes()
        self.decoded = 0
        self.offset = Fraction(0)
        self._start, self._end = start, end
        self._last: Timing | None = None
        self._first_dts: int | None = None
        self._delay: int | None = None
        with ExitStack() as stack:
            self._log = stack.enter_context(LibavLog())
            self._container = stack.enter_context(open_input(path, self._chosen))
            number = self._chosen.video_stream
            self._stream: VideoStream = main_video(self._container, path, number)
            self.begin = origin(self._container)
            stack.callback(drain, self._stream)
            self._names = (self._stream.codec_context.name, self._container.format.name)
            # What a decoder says while libav probes, it says again when we decode.
            self._hear(self._container.format.name)
            self._time_base = fraction(self._stream.time_base)
            guess = fraction(self._stream.guessed_rate)
            self._rate = fraction(self._stream.average_rate) or (
                guess if guess <= _FASTEST_GUESS else Fraction(0)
            )
            self._frames = self._in_range()
            self._ahead = next(self._frames, None)
            if self._ahead is None:
                raise self._no_frames()
            self._first = frame_format(self._ahead[0])
            self._move_to_zero(self._ahead[1])
            self.info = self._describe(*self._ahead)
            self._closing = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing.close()

    def __iter__(self) -> Iterator[Frame]:
        """The frames; to be asked for once.

        Raises:
            MediaError: The picture's size or format changes, or the file is encrypted.
        """
        shift = int(self.offset / self._time_base)
        while self._ahead is not None:
            picture, timing = self._ahead
            planes = read_planes(self._like_first(picture))
            self.decoded += 1
            timing = replace(timing, pts=timing.pts - shift)
            fields = self._fields(picture)
            yield Frame(format=self._first, planes=planes, timing=timing, fields=fields)
            self._ahead = next(self._frames, None)
        if self.report.damaged:
            self.report.warn(self.report.damage_in_words())

    def _hear(self, *names: str) -> None:
        """Count the error lines of a decoder or demuxer, and heed the warning that ends it all."""
        for level, line in self._log.take(*names):
            if "DRM protected" in line:
                raise MediaError(f"the input {self.path} is encrypted")
            if level <= av.logging.ERROR:
                self.report.error(line)

    def _in_range(self) -> Iterator[tuple[av.VideoFrame, Timing]]:
        """Decoded pictures from `start` on and before `end`, with their times in the file."""
        for picture, timing in self._timed_from():
            seconds = timing.pts * self._time_base - self.begin
            self.report.now = seconds
            if self._start is not None and seconds < self._start:
                # Damage before the range is not ours, nor what a jump into the stream looks like.
                self._log.take()
                self.report.forget_damage()
                continue
            if self._end is not None and seconds >= self._end:
                break
            self._inspect(picture)
            yield picture, timing

    def _timed_from(self) -> Iterator[tuple[av.VideoFrame, Timing]]:
        """Decoded pictures with their times, from the start of the range or earlier."""
        start = self._start or Fraction(0)
        if start and self._names[1] == "avi":
            self._learn_delay()
        can_jump = self._stream.start_time is not None and self.path != STDIN
        for back in _JUMPS if start and can_jump else ():
            target = self.begin + max(start - back, Fraction(0))
            self._last = None
            try:
                self._container.seek(int(target / self._time_base), stream=self._stream)
            except av.FFmpegError:
                self.report.inform(f"{self.path} cannot be searched: decoding from its beginning")
                break
            timed = ((picture, self._time(picture)) for picture in self._pictures())
            first = next(timed, None)
            # Transport streams have no index: the jump may end behind the last keyframe before.
            early = first is not None and first[1].pts * self._time_base - self.begin <= start
            if first is not None and (early or back > start):
                yield first
                yield from timed
                return
        self._last = None
        yield from ((picture, self._time(picture)) for picture in self._pictures())

    def _pictures(self) -> Iterator[av.VideoFrame]:
        """All that decodes, past any error."""
        failed_reads = 0
        while True:
            packets = self._container.demux(self._stream)
            try:
                for packet in packets:
                    failed_reads = 0
                    yield from self._decode(packet)
            except av.FFmpegError as error:
                self._fault(error)
                failed_reads += 1
            else:
                return
            if failed_reads > 1:  # no packet since the last error: this is the end
                yield from self._decode(None)
                return

    def _decode(self, packet: "Packet[VideoStream] | None") -> list[av.VideoFrame]:
        """The pictures that a packet completes; None gives those that the decoder still holds."""
        if packet is not None and packet.has_sidedata("encryption_info"):
            raise MediaError(f"the input {self.path} is encrypted")
        if packet is not None and self._first_dts is None:
            self._first_dts = packet.dts
        try:
            pictures = self._stream.codec_context.decode(packet)
        except av.FFmpegError as error:
            self._fault(error)
            pictures = []
        if packet is not None and packet.is_corrupt:
            self.report.error("a packet is corrupt")
        if packet is not None and packet.has_sidedata("matroska_block_additional"):
            self._warn_of_hidden_alpha()
        self._hear(*self._names)
        return pictures

    def _warn_of_hidden_alpha(self) -> None:
        """Say that a second video in the packets, by which VP8 and VP9 have alpha, is not decoded.

        The tag alone says little: browsers write it on whatever they record.
        """
        tags = {key.lower(): value for key, value in self._stream.metadata.items()}
        if tags.get("alpha_mode") == "1":
            self.report.warn(
                "the alpha channel is dropped: it is a video of its own inside this one, as VP8 "
                "and VP9 have it, which is not decoded"
            )

    def _fault(self, error: av.FFmpegError) -> None:
        """Count an error of reading or decoding, unless nothing more can come of it."""
        if isinstance(error, MemoryError):
            raise error
        if isinstance(error, PermissionError):
            raise MediaError(f"the input {self.path} is encrypted") from error
        self.report.error(error.strerror or str(error))

    def _time(self, picture: av.VideoFrame) -> Timing:
        """When a picture is shown, in the file's own ticks, always after the one before."""
        last = self._last
        nominal = max(1, round(1 / (self._rate or STREAM_RATE) / self._time_base))
        duration = int(picture.duration or 0)
        pts = self._avi_time(picture, nominal) if self._names[1] == "avi" else picture.pts
        if pts is None:
            pts = 0 if last is None else last.pts + (last.duration or nominal)
            duration = duration or nominal
            self.report.made_up_times += 1
        elif last is not None and pts <= last.pts:
            pts = last.pts + 1
            self.report.made_up_times += 1
        self._last = Timing(pts=pts, duration=duration, time_base=self._time_base)
        return self._last

    def _avi_time(self, picture: av.VideoFrame, nominal: int) -> int | None:
        """When a picture of an AVI is shown: the file says only when each packet is decoded.

        What libav gives as the presentation time goes back and forth with B-frames. Pictures leave
        the decoder at its own pace, one a tick, after a delay that is the same for all.
        """
        if picture.dts is None:  # the decoder's last ones come after the last packet
            return None if self._last is None else self._last.pts + nominal
        if self._delay is None:
            self._delay = picture.dts - (self._first_dts or 0)
        return picture.dts - self._delay

    def _learn_delay(self) -> None:
        """Decode up to the first picture of an AVI: after a jump the first ones may be missing."""
        picture = next(self._pictures(), None)
        if picture is not None:
            self._avi_time(picture, 1)
        self._log.take()
        self.report.forget_damage()

    def _fields(self, picture: av.VideoFrame) -> Fields:
        """Which field of a picture comes first, by what the decoder has last said of its stream."""
        if not picture.interlaced_frame:
            return "progressive"
        return "bottom" if self._stream.codec_context.field_order in BOTTOM_FIRST else "top"

    def _inspect(self, picture: av.VideoFrame) -> None:
        """Note what is damaged in a picture that is kept, and what we cannot do justice to."""
        if picture.is_corrupt:
            self.report.corrupt_frame()

    def _move_to_zero(self, first: Timing) -> None:
        """Decide what to take off all times: the part before the cut, or a time below 0."""
        if self._start is not None:
            begin = self.begin + self._start
            self.offset = int(begin / self._time_base) * self._time_base
        elif first.pts < 0:
            self.offset = first.pts * self._time_base
            moved = -float(self.offset)
            self.report.inform(f"the clip begins before 0: it is moved by {moved:g} s")

    def _like_first(self, picture: av.VideoFrame) -> av.VideoFrame:
        """A picture of the clip's format, made so if the user wants it; the first colour counts."""
        found = changed_format(picture, self._first)
        if found is None:
            return picture
        change = f"changes from {self._first} to {found}"
        if self._chosen.on_change == "error" or found.layout.family != self._first.layout.family:
            raise MediaError(
                f"the picture of {self.path} {change} after {self.decoded} frames: "
                "cut the clip there and restore the parts"
                + ", or give --on-change scale"
                * (found.layout.family == self._first.layout.family)
            )
        self.report.warn(f"the picture {change}: such frames are scaled to the first one's size")
        return converted_to(picture, self._first)

    def _describe(self, picture: av.VideoFrame, first: Timing) -> ClipInfo:
        """What is known of the clip now."""
        color = self._first.color
        if self._first.layout.family != "rgb" and not said(picture.colorspace):
            taken = "709" if color.matrix == 1 else "601"
            self.report.inform(
                f"{self.path} does not say its colour matrix: taken as BT.{taken} by its height"
            )
        sequence = None
        if self.path == STDIN:
            self._name_other_streams()
        else:
            sequence = find_sequence(self.path, self._chosen.start_number)
        info = ClipInfo(
            format=self._first,
            time_base=self._time_base,
            average_rate=self._rate,
            frames=self._expected_frames(),
            sample_aspect_ratio=fraction(self._stream.sample_aspect_ratio) or Fraction(1),
            rotation=-picture.rotation % 360,  # FFmpeg's counts counter-clockwise
            first_number=None if sequence is None else sequence.first + first.pts,
            hdr=read_metadata(picture.side_data),
        )
        self.report.inform(f"{self.path}: {self._first}, {float(self._rate):g} frames/s")
        if self._chosen.rate is None and self._container.format.name in {"image2", "rawvideo"}:
            self.report.warn(f"no frame rate is given: taken as {PICTURE_RATE} a second (--fps)")
        return info

    def _name_other_streams(self) -> None:
        """Name what a pipe has beside the video: it cannot be opened a second time to copy them."""
        others = [
            f"{stream.type} stream {stream.index}"
            for stream in self._container.streams
            if stream.index != self._stream.index
        ]
        if others:
            self.report.warn(f"not carried over from a pipe: {', '.join(others)}")

    def _expected_frames(self) -> int:
        """Frames in the range by the container's count, or by duration and rate; 0 if unknown."""
        duration = Fraction(self._container.duration or 0, av.time_base)
        whole = self._stream.frames or int(duration * self._rate)
        if not duration or (self._start is None and self._end is None):
            return whole
        kept = min(self._end or duration, duration) - (self._start or 0)
        return int(whole * max(kept, Fraction(0)) / duration)

    def _no_frames(self) -> MediaError:
        """Why nothing came out."""
        if self._last is not None:  # something was decoded, but outside the range
            return MediaError(f"the input {self.path} has no frames between start and end")
        why = f" (libav: {self.report.examples[0]})" if self.report.examples else ""
        return MediaError(f"no frame of {self.path} can be decoded{why}")
