"""Find the black bars around a picture, from frames of several places of a clip."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from vs_gendrpix.frame.area import Area
from vs_gendrpix.frame.format import Frame

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
    rows, columns, form = [], [], None
    for frame in frames:
        light, form = _light(frame), frame.format
        rows.append(light.mean(axis=1))
        columns.append(light.mean(axis=0))
    if form is None:
        return None
    across, down = form.layout.chroma_step
    top, bottom = _edges(rows, down)
    left, right = _edges(columns, across)
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


def _light(frame: Frame) -> npt.NDArray[np.float64]:
    """Compute the luma of a frame: (rows, columns), 0 for black to 1 for white."""
    form = frame.format
    planes = frame.planes[:3] if form.layout.family == "rgb" else frame.planes[:1]
    light = np.mean([plane.astype(np.float32) for plane in planes], axis=0, dtype=np.float64)
    return (light - form.black) / (form.white - form.black)
