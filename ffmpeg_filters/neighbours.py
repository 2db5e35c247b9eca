"""The number of frames around one that a graph needs, so that a clip can be cut into parts."""

import re
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, lcm

from ffmpeg_filters.graph import Graph, Node

_FRAME_BY_FRAME = frozenset(
    {
        *("avgblur", "bilateral", "blend", "boxblur", "cas", "chromanr", "colorbalance"),
        *("colorchannelmixer", "colorlevels", "colormatrix", "colorspace", "convolution", "crop"),
        *("curves", "deband", "deblock", "dblur", "delogo", "eq", "format", "gblur", "gradfun"),
        *("hflip", "hqx", "hstack", "hue", "limiter", "lut", "lut3d", "lutrgb", "lutyuv"),
        *("median", "negate", "nlmeans", "null", "overlay", "pad", "pp", "removegrain", "sab"),
        *("scale", "setdar", "setfield", "setparams", "setsar", "sharpen_npp", "smartblur"),
        *("sobel", "split", "swapuv", "tonemap", "transpose", "unsharp", "vaguedenoiser"),
        *("vflip", "vstack", "xbr", "zscale"),
    }
)
"""Filters whose result depends on one frame alone, unless an expression of theirs counts frames."""

_WITHIN = {
    "bwdif": 2,
    "estdif": 2,
    "fieldmatch": 2,
    "fps": 1,
    "w3fdif": 2,
    "yadif": 2,
}
"""Frames on each side that filters need, whatever their options are."""

_BY_OPTION = {
    "atadenoise": ("s", 9, None),
    "deflicker": ("size", 5, 0),
    "fftdnoiz": ("next", 1, None),
    "tmedian": ("radius", 1, 0),
    "tmix": ("frames", 3, 0),
}
"""Filters that need as many frames as an option says: its name, default, and unnamed position."""

_CYCLE = ("cycle", 5, 0)  # of decimate

_COUNTS = re.compile(r"(?<![A-Za-z_])(?:n|t|N|T|pos|random)(?![A-Za-z_=])")
"""Variables of expressions that are a frame's number or time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """Number of frames before and after one that a graph needs for its result.

    Attributes:
        reach: How many before it and behind it.
        cycle: A part begins at a multiple of so many frames.
        recounts: Whether it gives another number of frames than it takes: no cycle may follow.
    """

    reach: int = 0
    cycle: int = 1
    recounts: bool = False

    def __add__(self, other: "Neighbours") -> "Neighbours":
        """Add the needs of two graphs, the second behind the first."""
        cycle = lcm(self.cycle, other.cycle)
        reach = self.reach + ceil(other.reach * self.cycle / max(self.cycle - 1, 1))
        return Neighbours(
            reach=ceil(reach / cycle) * cycle,
            cycle=cycle,
            recounts=self.recounts or other.recounts,
        )


def neighbours(graph: Graph, rate: Fraction | None = None) -> Neighbours | None:
    """Count the frames around one that a graph needs.

    Args:
        graph: The graph.
        rate: Frames a second of frames that are evenly spaced; None if they are not.

    Returns:
        The frames; None where the whole clip must go through it in one piece: a filter repeats or
        reverses it, looks at all of it, draws noise from where it began, feeds back its own result
        as `hqdn3d` does, or is not known here.
    """
    total = Neighbours()
    for chain in graph.chains:
        for node in chain:
            own = _of(node, rate)
            if own is None or (total.recounts and own.cycle > 1):
                return None
            total += own
    return total


def _of(node: Node, rate: Fraction | None) -> Neighbours | None:
    """Count the frames that one filter needs."""
    if node.name in _FRAME_BY_FRAME:
        return None if _COUNTS.search(node.arguments) else Neighbours()
    if node.name in _WITHIN:
        return Neighbours(reach=_WITHIN[node.name], recounts=_recounts(node, rate))
    if node.name == "decimate":
        cycle = _option(node, *_CYCLE)
        return None if cycle is None else Neighbours(reach=cycle, cycle=cycle, recounts=True)
    if node.name in _BY_OPTION:
        reach = _option(node, *_BY_OPTION[node.name])
        if reach is not None and node.name == "tmedian":
            reach *= 2  # a radius on both sides, at the time of the first of them
        return None if reach is None else Neighbours(reach=reach)
    return None


def _recounts(node: Node, rate: Fraction | None) -> bool:
    """Tell whether a filter may give another number of frames than it takes."""
    if node.name == "fps":
        return rate is None or node.arguments not in {str(rate), f"fps={rate}"}
    if node.name in {"bwdif", "estdif", "w3fdif", "yadif"}:
        a_frame_each = "send_frame" in node.arguments or "mode=frame" in node.arguments
        return not a_frame_each and not (node.name == "yadif" and not node.arguments)
    return False


def _option(node: Node, name: str, default: int, place: int | None) -> int | None:
    """Read an option that is a whole number; None if it is anything else."""
    given = [each for each in node.arguments.split(":") if each]
    said = next((each.partition("=")[2] for each in given if each.startswith(f"{name}=")), None)
    if said is None and place is not None and len(given) > place and "=" not in given[place]:
        said = given[place]
    if said is None:
        return default
    return int(said) if said.isdecimal() and int(said) else None
