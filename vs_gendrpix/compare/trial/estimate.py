"""Time and size of the whole job, by what its parts took."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

GROUP = 250
"""Frames from keyframe to keyframe in x264 and x265, by default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What some frames took.

    Attributes:
        frames: How many frames of the output they are.
        seconds: From the first frame's reading to the end of the file.
        size: Bytes of the files.
    """

    frames: int
    seconds: float
    size: int


def of_whole(parts: Sequence[Cost], frames: int) -> tuple[float, float]:
    """Seconds and bytes that so many frames take, by what parts of them took.

    Args:
        parts: Single frames, which are keyframes, and last a run of frames, which begins with one:
            what the others of it take is the rest. Without single frames all are taken as alike.
        frames: How many frames the whole has.
    """
    *single, run = parts
    seconds, alike = run.seconds / run.frames * frames, run.size / run.frames
    if not single or run.frames == 1:
        return seconds, alike * frames
    key = sum(each.size for each in single) / len(single)
    other = max(run.size - key, 0) / (run.frames - 1)
    keys = ceil(frames / GROUP)
    return seconds, keys * key + (frames - keys) * other


def in_time(seconds: float) -> str:
    """Seconds in words that claim no more than an estimate can, such as `about 12 min`."""
    if seconds < 90:
        return f"about {max(seconds, 1):.0f} s"
    if seconds < 90 * 60:
        return f"about {seconds / 60:.0f} min"
    if seconds < 48 * 3600:
        return f"about {seconds / 3600:.1f} h"
    return f"about {seconds / 86400:.1f} days"
