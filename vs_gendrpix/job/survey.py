"""Look at a clip before the long work: where its middle is, and its picture between black bars."""

import logging
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from vs_gendrpix.errors import MediaError
from vs_gendrpix.frame.area import Area
from vs_gendrpix.frame.clip import ClipInfo
from vs_gendrpix.frame.format import Frame
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.job.inputs import Input, open_glance
from vs_gendrpix.read.look.bars import PLACES, find_picture
from vs_gendrpix.settings import ProcessSettings

log = logging.getLogger(__name__)


def with_range(path: Path, settings: ProcessSettings) -> ProcessSettings:
    """The same settings with the range of the preview, if one is asked for.

    Without a start it lies in the middle of the clip, since beginnings are black or a title; one of
    unknown length is shown from its beginning.

    Raises:
        MediaError: The clip cannot be read.
        SettingsError: It can be read only once.
    """
    chosen = settings.read
    if chosen.preview is None:
        return settings
    start = chosen.start
    if start is None:
        with open_glance(path, settings, Fraction(0), _Unheard()) as clip:
            start = max((_length(clip.info) - chosen.preview) / 2, Fraction(0))
    end = start + chosen.preview
    log.info("the preview begins at %g s", float(start))
    return replace(settings, read=replace(chosen, start=start or None, end=end, preview=None))


def picture_area(source: Input, settings: ProcessSettings) -> Area:
    """The part of the picture that will be restored.

    Raises:
        MediaError: The clip cannot be read.
        SettingsError: There is no such part, or the clip can be read only once.
    """
    form = source.info.format
    whole = Area.whole(form)
    if settings.prepare.crop is None:
        return whole
    if settings.prepare.crop != "auto":
        width, height, x, y = settings.prepare.crop
        area = Area(width=width, height=height, x=x, y=y)
        area.check(form)
        return area
    found = find_picture(_frames_all_over(source, settings))
    if found is None:
        source.report.inform("no black bars: the whole picture is restored")
        return whole
    log.info("black bars: the picture between them is restored (--crop %s)", found)
    return found


def _frames_all_over(source: Input, settings: ProcessSettings) -> Iterator[Frame]:
    """Frames from places evenly over the whole clip; only the first one if its length is unknown.

    The whole, whatever the range: so a preview, or a part, is cropped as the rest is.
    """
    with open_glance(source.path, settings, Fraction(0), _Unheard()) as clip:
        length = _length(clip.info)
    for place in range(PLACES if length else 1):
        moment = length * Fraction(2 * place + 1, 2 * PLACES)
        # There may be no frame any more, where the container has promised too much.
        with (
            suppress(MediaError),
            open_glance(source.path, settings, moment, _Unheard()) as clip,
        ):
            frame = next(iter(clip), None)
            if frame is not None and frame.format == source.info.format:
                yield frame


class _Unheard(Notes):
    """What there is to say of a glance: the run itself will say it."""

    def inform(self, sentence: str) -> None:
        """Say nothing."""

    def warn(self, sentence: str) -> None:
        """Say nothing."""

    def error(self, line: str) -> None:
        """Say nothing."""


def _length(info: ClipInfo) -> Fraction:
    """Seconds of a clip, by its container; 0 when unknown."""
    return info.frames / info.average_rate if info.average_rate else Fraction(0)
