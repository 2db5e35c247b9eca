"""Look at a clip before the long work: where its middle is, and its picture between black bars."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from vs_gendrpix.errors import MediaError, SettingsError
from vs_gendrpix.frame.area import Area
from vs_gendrpix.frame.clip import ClipInfo
from vs_gendrpix.frame.format import Frame, FrameFormat
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.read.input import FileInput, Frames, Input
from vs_gendrpix.read.look.bars import PLACES, find_picture
from vs_gendrpix.settings import ProcessSettings, ReadSettings
from vs_gendrpix.write.pictures import CODECS

AROUND_STILL = Fraction(1)
"""Seconds that are read on both sides of a still: filters look at frames around it."""


def with_range(clip: Input, settings: ProcessSettings, notes: Notes) -> ProcessSettings:
    """Put a range in the place of a preview's length, or of the time of a still.

    A preview without a start lies in the middle of the clip, since beginnings are black or a title;
    one of unknown length is shown from its beginning. A still is read with what filters need
    around it.

    Raises:
        MediaError: The clip ends before the still.
        SettingsError: The middle is asked for of a pipe, which can be read only once.
    """
    read = settings.read
    if read.still is not None:
        return replace(settings, read=_around(clip, read, read.still))
    if read.preview is None:
        return settings
    start = read.start
    if start is None:
        _refuse_pipe(clip)
        start = clip.delay + max((clip.length - read.preview) / 2, Fraction(0))
        notes.decide(f"the preview is of the middle: --start {float(start):g}")
    read = replace(read, start=start or None, end=start + read.preview, preview=None)
    return replace(settings, read=read)


def refuse_other_than_picture(output: Path) -> None:
    """Refuse to write a still into a video.

    Raises:
        SettingsError: The output is no picture.
    """
    if output.suffix.lower() not in CODECS:
        raise SettingsError(
            f"a still is a picture: write it to {', '.join(CODECS)}, such as out.png, not to "
            f"{output}"
        )


def _around(clip: Input, read: ReadSettings, moment: Fraction) -> ReadSettings:
    """The range around the frame that is shown at a moment, however long before that it begins."""
    end = clip.delay + clip.length
    if clip.length and moment >= end:
        raise MediaError(
            f"there is no frame of {clip.path} at {float(moment):g} s: it ends at {float(end):g} s"
        )
    first = moment
    if isinstance(clip, FileInput) and clip.clip.index is not None:
        index, begin = clip.clip.index, clip.clip.begin
        ticks = index.shown(None, begin + moment)
        first = ticks[-1] * index.pace.time_base - begin if ticks else moment
    start = max(first - AROUND_STILL, Fraction(0))
    return replace(read, start=start or None, end=moment + AROUND_STILL, still=None)


def begins(clip: Input, frames: Frames) -> Fraction:
    """Seconds from where a clip begins to time 0 of frames that are read of it."""
    return frames.offset - (clip.clip.begin if isinstance(clip, FileInput) else 0)


def shown_at(frames: Iterable[Frame], moment: Fraction) -> Iterator[Frame]:
    """The one frame that is shown at a moment, or the first one if all come later.

    Args:
        frames: Frames in order.
        moment: Seconds of the frames' own times.
    """
    found = None
    for frame in frames:
        if found is not None and frame.timing.pts * frame.timing.time_base > moment:
            break
        found = frame
    if found is not None:
        yield found


def picture_area(
    clip: Input, source: ClipInfo, filtered: ClipInfo, settings: ProcessSettings, notes: Notes
) -> Area:
    """Find the part of the picture that will be restored.

    Args:
        clip: The input, to look at.
        source: Its frames; a crop is told, and bars are found, in these.
        filtered: The frames that are restored.
        settings: What is asked for.
        notes: Is told when there are no bars.

    Raises:
        SettingsError: There is no such part, or the clip can be read only once.
    """
    was, now, crop = source.format, filtered.format, settings.prepare.crop
    if crop is None:
        return Area.whole(now)
    if (was.width, was.height) != (now.width, now.height):
        raise SettingsError(
            f"the pre-filter makes {now.width}x{now.height} of {was.width}x{was.height} pixels, in "
            "which a crop has no place: crop in the pre-filter"
        )
    if crop != "auto":
        width, height, x, y = crop
        area = Area(width=width, height=height, x=x, y=y)
        area.check(was)
        return area
    _refuse_pipe(clip)
    found = find_picture(_frames_all_over(clip, was))
    if found is None:
        notes.decide("no black bars: the whole picture is restored")
        return Area.whole(was)
    notes.decide(f"black bars: the picture between them is restored (--crop {found})")
    return found


def _frames_all_over(clip: Input, form: FrameFormat) -> Iterator[Frame]:
    """Read frames evenly over the whole clip; only the first one if its length is unknown.

    The whole, whatever the range: so a preview, or a part, is cropped as the rest is.
    """
    for place in range(PLACES if clip.length else 1):
        moment = clip.delay + clip.length * Fraction(2 * place + 1, 2 * PLACES)
        # There may be no frame any more, where the container has promised too much.
        with suppress(MediaError):
            frame = next(iter(clip.frames(moment or None, None)), None)
            if frame is not None and frame.format == form:
                yield frame


def _refuse_pipe(clip: Input) -> None:
    """Refuse to look for a place in what can be read only once."""
    if not clip.rereadable:
        raise SettingsError(
            "the standard input can be read only once: for a preview give --start too, and for a "
            "crop its place"
        )
