"""Look at a clip before the long work: where its middle is, and its picture between black bars."""

import logging
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction

from vs_gendrpix.errors import MediaError, SettingsError
from vs_gendrpix.frame.area import Area
from vs_gendrpix.frame.clip import ClipInfo
from vs_gendrpix.frame.format import Frame, FrameFormat
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.read.input import Input
from vs_gendrpix.read.look.bars import PLACES, find_picture
from vs_gendrpix.settings import ProcessSettings

log = logging.getLogger(__name__)


def with_range(clip: Input, settings: ProcessSettings) -> ProcessSettings:
    """Put a preview's range in the place of its length, if one is asked for.

    Without a start it lies in the middle of the clip, since beginnings are black or a title; one of
    unknown length is shown from its beginning.

    Raises:
        SettingsError: The middle is asked for of a pipe, which can be read only once.
    """
    read = settings.read
    if read.preview is None:
        return settings
    start = read.start
    if start is None:
        _refuse_pipe(clip)
        start = clip.delay + max((clip.length - read.preview) / 2, Fraction(0))
    log.info("the preview begins at %g s", float(start))
    read = replace(read, start=start or None, end=start + read.preview, preview=None)
    return replace(settings, read=read)


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
        notes.inform("no black bars: the whole picture is restored")
        return Area.whole(was)
    log.info("black bars: the picture between them is restored (--crop %s)", found)
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
