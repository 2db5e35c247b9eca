"""Find the black bars around a picture, from frames of several places of a clip."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from vs_gendrpix.frame.area import Area
from vs_gendrpix.frame.format import Frame, FrameFormat

PLACES = 16
"""Number of frames that are examined, evenly over the clip."""

BLACK = 0.04
"""Mean of a row up to which it counts as black: 9 codes above it in limited range."""

STEP = 0.02
"""Rise of the means within a few rows at the sharp edge of a bar: a night sky fades into black."""

LIT = 85
"""Percentile of a row's means by which it is judged. Most rows of dark scenes look like bars, and
a title may stand in a bar. So a row that is lit in a seventh of all frames is picture."""

_SOFT = 3  # rows over which the edge of a bar may be blurred
_LEAST_SHARE = 0.3  # of a side that must be left: else it was all too dark to tell


def find_picture(frames: Iterable[Frame]) -> Area | None:
    """Find the picture between the black bars of a clip's frames.

    Args:
        frames: Of one format, from all over the clip.

    Returns:
        The area of the picture, rounded inwards to whole chroma samples; None without bars.
    """
    bars = Bars()
    for frame in frames:
        bars.add(frame)
    return bars.picture()


class Bars:
    """Finds black bars in frames that are shown to it one after the other."""

    def __init__(self) -> None:
        self._rows: list[npt.NDArray[np.float64]] = []
        self._columns: list[npt.NDArray[np.float64]] = []
        self._form: FrameFormat | None = None

    def add(self, frame: Frame) -> None:
        """Look at a frame; all have one format."""
        luma, self._form = light(frame), frame.format
        self._rows.append(luma.mean(axis=1))
        self._columns.append(luma.mean(axis=0))

    def picture(self) -> Area | None:
        """The area of the picture, rounded inwards to whole chroma samples; None without bars."""
        form = self._form
        if form is None:
            return None
        across, down = form.layout.chroma_step
        top, bottom = _edges(self._rows, down)
        left, right = _edges(self._columns, across)
        found = Area(width=right - left, height=bottom - top, x=left, y=top)
        return None if (found.width, found.height) == (form.width, form.height) else found


def _edges(means: list[npt.NDArray[np.float64]], step: int) -> tuple[int, int]:
    """Find the first and the end position of the picture along one side.

    The whole side if most of it looks black: then it was too dark to tell.
    """
    profile = np.percentile(np.stack(means), LIT, axis=0)
    size = len(profile)
    begin = -(-_bar(profile) // step) * step
    after = _bar(profile[::-1])
    end = (size - after) // step * step if after else size
    return (begin, end) if end - begin >= _LEAST_SHARE * size else (0, size)


def _bar(profile: npt.NDArray[np.float64]) -> int:
    """Count the black rows before the sharp edge of the picture; 0 without such an edge."""
    lit = np.flatnonzero(profile > BLACK)
    if not len(lit) or not lit[0]:
        return 0
    first = int(lit[0])
    before, beyond = profile[max(first - _SOFT, 0) : first], profile[first : first + _SOFT]
    return first if beyond.max() - before.min() > STEP else 0


def light(frame: Frame, step: int = 1) -> npt.NDArray[np.float64]:
    """Compute the luma of a frame, or of every `step`-th of its rows and columns.

    Returns:
        (rows, columns), 0 for black to 1 for white; codes beyond these lie outside.
    """
    form = frame.format
    planes = frame.planes[:3] if form.layout.family == "rgb" else frame.planes[:1]
    parts = [plane[::step, ::step].astype(np.float32) for plane in planes]
    luma = np.mean(parts, axis=0, dtype=np.float64)
    return (luma - form.black) / (form.white - form.black)
