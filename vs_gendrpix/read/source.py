"""A clip's frames in order with exact times, and the clip's properties beforehand."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from math import ceil
from pathlib import Path

import av

from ffmpeg_filters import BOTTOM_FIRST
from vs_gendrpix.errors import NoFramesError
from vs_gendrpix.frame.area import cropped, with_bars
from vs_gendrpix.frame.clip import PICTURE_RATE, ClipInfo
from vs_gendrpix.frame.format import Fields, Frame, Timing, said
from vs_gendrpix.frame.notes import Mark, Notes
from vs_gendrpix.frame.sequence import find_sequence
from vs_gendrpix.frame.span import Window, Within
from vs_gendrpix.frame.transfer import declared
from vs_gendrpix.libav.captions import captions_of
from vs_gendrpix.libav.display_matrix import read_orientation
from vs_gendrpix.libav.faults import reading
from vs_gendrpix.libav.frame_data import lost_data
from vs_gendrpix.libav.hdr import read_metadata
from vs_gendrpix.libav.immersive import read_projection, read_views
from vs_gendrpix.libav.pixels import frame_format, read_planes
from vs_gendrpix.libav.values import fraction
from vs_gendrpix.read.alike import Alike
from vs_gendrpix.read.clip import Clip
from vs_gendrpix.read.look.scans import Scan
from vs_gendrpix.read.opening import MAX_PIXELS, STDIN
from vs_gendrpix.read.timing.times import Times
from vs_gendrpix.settings import ReadSettings

_JUMPS = (0, 3, 30)
"""Seconds before the start of the range to search for a keyframe, in turn; then the beginning."""


class Source:
    """The frames of a clip in a range of time, decoded once, in order.

    Making it decodes the first frame, because only that says the format for sure. The time stamps
    of a clip that is cut at its start, or begins before 0, are moved so that it begins at 0.

    Attributes:
        info: What is known of the frames.
        first: Format of the first picture, as it is decoded, with what is declared of it: all are
            made like it.
        offset: Seconds that have been taken off all times.
        decoded: Frames given so far.
        notes: Where damage and warnings go: the clip's.

    Args:
        clip: The opened clip; while this reads it, nobody else does.
        start: First second to keep, counted from where the clip begins; None is its beginning.
        end: Second before which to stop; None is its end.
        refuses: Whether a picture that changes ends the reading, if the user does not want it
            scaled; see `Alike`.
        within: The longer reading of which the range is a part; None if it is all.

    Raises:
        MediaError: There is no frame in the range.
    """

    def __init__(
        self,
        clip: Clip,
        *,
        start: Fraction | None = None,
        end: Fraction | None = None,
        refuses: bool = True,
        within: Within | None = None,
    ) -> None:
        self.decoded = 0
        self.offset = Fraction(0)
        self._clip, self.notes = clip, clip.notes
        self._start, self._end = start, end
        self._counted = Window() if within is None else within.counted
        self._back = 0 if within is None else within.back
        with reading(clip.path):
            self._times = Times(clip)
            self._frames = self._in_range()
            self._ahead = next(self._frames, None)
            if self._ahead is None:
                raise self._no_frames()
            self.first = declared(frame_format(self._ahead[0]), clip.chosen.in_transfer)
            clip.shape = fraction(clip.stream.codec_context.sample_aspect_ratio)
            if within is not None:
                self.first, clip.shape = within.first, within.shape
            self._area = clip.shown_area(self.first)
            self._alike = Alike(clip, self.first, self._area, refuses=refuses)
            self._move_to_zero(self._ahead[1])
            self.info = self._describe(*self._ahead)

    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames. May be called once.

        Raises:
            MediaError: The picture's size or format changes, or the file is encrypted.
        """
        shift = int(self.offset / self._times.time_base)
        while self._ahead is not None:
            picture, timing = self._ahead
            with reading(self._clip.path):
                picture, place = self._alike.made(picture, self.decoded)
                planes = read_planes(picture)
            self.decoded += 1
            timing = replace(timing, pts=timing.pts - shift)
            fields = self._fields(picture)
            frame = Frame(
                format=place.of(self.first),
                planes=planes,
                timing=timing,
                fields=fields,
                captions=captions_of(picture),
            )
            yield cropped(with_bars(frame, self.first, place), self._area)
            with reading(self._clip.path):
                self._ahead = next(self._frames, None)

    def _in_range(self) -> Iterator[tuple[av.VideoFrame, Timing]]:
        """Decode the pictures from `start` on and before `end`, with their times in the file."""
        shown, met, counted = 0, (self.notes.mark(), 0), self._counted
        for picture, timing in self._timed_from():
            seconds = timing.pts * self._times.time_base - self._clip.begin
            self.notes.now = seconds
            if self._start is not None and seconds < self._start:
                # Damage before the range is not ours, nor what a jump into the stream looks like.
                self._clip.forget_damage()
                continue
            if self._end is not None and seconds >= self._end:
                self._count(shown, met, unread=0)
                return
            if counted.begins_after(seconds):
                self._clip.forget_damage()
            elif not counted.ends_before(seconds):
                if picture.is_corrupt:
                    self.notes.corrupt_frame()
                shown += 1
                met = self.notes.mark(), self._clip.missing.count
            for lost in lost_data(picture.side_data, self._clip.stream.codec.name):
                self.notes.warn(f"not carried over: {lost}")
            yield picture, timing
        if counted.end is None and self._clip.is_cut_off():
            self.notes.miss("the input ends in the middle of a frame or packet: it was cut off")
        # Without an index, packets before the start have not been counted.
        all_known = not self._start or self._clip.index is not None
        self._count(shown, met, unread=self._clip.unread() if all_known else 0)

    def _count(self, shown: int, met: tuple[Mark, int], *, unread: int) -> None:
        """Count the frames, and those that there should have been, by packets and container.

        Args:
            shown: The frames that count.
            met: The damage, and the frames missing, up to the last of them.
            unread: Frames that the container announces and no packet brought.
        """
        if self._counted.end is None:
            self.notes.count_frames(shown, self._clip.missing.count + unread)
            return
        mark, missing = met
        if shown:  # what was met since belongs to the frames behind
            self.notes.back_to(mark)
        self.notes.count_frames(shown, missing)

    def _timed_from(self) -> Iterator[tuple[av.VideoFrame, Timing]]:
        """Decode pictures with their times, from the start of the range or earlier."""
        start = self._start or Fraction(0)
        if start:
            self._times.learn_avi_delay()
        for back in _JUMPS[self._back :] if start and self._clip.can_seek() else ():
            self._times.last = None
            if not self._clip.seek(max(start - back, Fraction(0))):
                self.notes.inform(
                    f"{self._clip.path} cannot be searched: decoding from its beginning"
                )
                break
            timed = self._timed()
            first = next(timed, None)
            # Transport streams have no index: the jump may end behind the last keyframe before.
            if first is not None and (back > start or self._shown(first[1]) <= start):
                yield first
                yield from timed
                return
        self._clip.rewind()
        self._times.last = None
        yield from self._timed()

    def _timed(self) -> Iterator[tuple[av.VideoFrame, Timing]]:
        """Decode pictures with their times, from where the clip stands."""
        return ((picture, self._times.of(picture)) for picture in self._clip.pictures())

    def _shown(self, timing: Timing) -> Fraction:
        """Return when a frame is shown, in seconds from where the clip begins."""
        return timing.pts * self._times.time_base - self._clip.begin

    def _fields(self, picture: av.VideoFrame) -> Fields:
        """Tell which field of a picture is shown first, by the decoder's last statement."""
        if not picture.interlaced_frame:
            return "progressive"
        order = self._clip.stream.codec_context.field_order
        return "bottom" if order in BOTTOM_FIRST else "top"

    def _move_to_zero(self, first: Timing) -> None:
        """Set the seconds that are subtracted from all times: to the cut, or up to 0."""
        unit = self._times.time_base
        if self._start is not None:
            self.offset = int((self._clip.begin + self._start) / unit) * unit
        elif first.pts < 0:
            self.offset = first.pts * unit
            moved = -float(self.offset)
            self.notes.inform(f"the clip begins before 0: it is moved by {moved:g} s")

    def _describe(self, picture: av.VideoFrame, first: Timing) -> ClipInfo:
        """Gather the clip's properties once its first picture is decoded."""
        clip, color = self._clip, self.first.color
        if self.first.layout.family != "rgb" and not said(picture.colorspace):
            taken = "709" if color.matrix == 1 else "601"
            self.notes.decide(
                f"{clip.path} does not say its colour matrix: taken as BT.{taken} by its height"
            )
        sequence = None
        if clip.path == STDIN:
            self._name_other_streams()
        else:
            sequence = find_sequence(clip.path, clip.chosen.start_number)
        shown = self._area.of(self.first)
        if shown != self.first:
            self.notes.decide(f"{clip.path} says what is shown of its picture: {self._area}")
        rotation, mirrored, is_all = read_orientation(picture.side_data)
        if not is_all:
            self.notes.warn("not carried over: a display matrix that is more than a rotation")
        info = ClipInfo(
            format=shown,
            time_base=self._times.time_base,
            average_rate=clip.rate,
            frames=self._expected_frames(),
            sample_aspect_ratio=fraction(clip.stream.sample_aspect_ratio) or Fraction(1),
            rotation=rotation,
            mirrored=mirrored,
            first_number=None if sequence is None else sequence.first + first.pts,
            hdr=read_metadata(picture.side_data),
            views=read_views(clip.stream, picture),
            projection=read_projection(clip.stream, picture),
        )
        self.notes.inform(f"{clip.path}: {shown}, {float(clip.rate):g} frames/s")
        if clip.pace.soft_telecine:
            self.notes.warn(
                f"{clip.path} is film, whose fields flags repeat (soft telecine): its 24 frames a "
                "second are taken as they are, at 24000/1001"
            )
        scan = Scan.of(clip.path, sequence)
        is_said = clip.chosen.rate is not None or (scan is not None and scan.rate)
        if clip.format_name in {"image2", "rawvideo"} and not is_said:
            self.notes.warn(f"no frame rate is given: taken as {PICTURE_RATE} a second (--fps)")
        return info

    def _name_other_streams(self) -> None:
        """Report the streams of a pipe beside the video, which cannot be copied from a pipe."""
        others = [
            f"{stream.type} stream {stream.index}"
            for stream in self._clip.container.streams
            if stream.index != self._clip.stream.index
        ]
        if others:
            self.notes.warn(f"not carried over from a pipe: {', '.join(others)}")

    def _expected_frames(self) -> int:
        """Count the frames of the range by the index, or by duration and rate; 0 if unknown."""
        clip, index = self._clip, self._clip.index
        if index is not None and index.times:
            return index.count(*(t and clip.begin + t for t in (self._start, self._end)))
        duration = Fraction(clip.container.duration or 0, av.time_base)
        packets = 0 if index is None else index.packets
        # The container's duration is rounded to microseconds: two frames of 1/24 s may lack one.
        whole = packets or clip.stream.frames or round(duration * clip.rate)
        first = ceil((self._start or 0) * clip.rate)
        last = whole if self._end is None else ceil(self._end * clip.rate)
        return max((min(last, whole) if whole else last) - first, 0)

    def _no_frames(self) -> NoFramesError:
        """Make the error for a range that gave no frame."""
        path, notes = self._clip.path, self.notes
        if self._times.last is not None:  # something was decoded, but outside the range
            return NoFramesError(f"the input {path} has no frames between start and end")
        sizes = [line for line in notes.examples if line.startswith("Picture size")]
        if sizes:
            return NoFramesError(
                f"the pictures of {path} are too large: at most {MAX_PIXELS} pixels are decoded "
                f"(libav: {sizes[0]})"
            )
        why = f" (libav: {notes.examples[0]})" if notes.examples else ""
        return NoFramesError(f"no frame of {path} can be decoded{why}")


@contextmanager
def open_source(
    path: Path,
    chosen: ReadSettings | None = None,
    *,
    start: Fraction | None = None,
    end: Fraction | None = None,
    notes: Notes | None = None,
) -> Iterator[Source]:
    """Open a clip for its frames alone. The parameters are those of `Clip` and `Source`."""
    with Clip(path, chosen, notes) as clip:
        yield Source(clip, start=start, end=end)
