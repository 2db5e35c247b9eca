"""Find out whether a clip is interlaced or telecined, by its flags and by its pictures."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice
from typing import Literal

import av
import numpy as np
import numpy.typing as npt
from av.container import InputContainer
from av.video.stream import VideoStream

from ffmpeg_filters import BOTTOM_FIRST, FieldOrder, InProcess, Video, graph_of
from vs_gendrpix.errors import cancellation
from vs_gendrpix.libav.values import fraction
from vs_gendrpix.read.clip import Clip

Kind = Literal["progressive", "interlaced", "telecined"]

_PLACES, _FRAMES = 5, 24
"""Number of places that are examined, as leaders and titles differ, and frames at each."""
_HEIGHTS = {480, 486, 512, 576, 608, 1080, 1088}
"""Heights of interlaced systems. Unflagged clips of other heights count as progressive."""
_RATES = (Fraction(24), Fraction(61, 2))
_SURE, _ONE_SIDED = 20, 0.95
"""Number of combed frames, and share of them with one order of fields, that decide."""
_STEP = 4
"""Every how many columns one is examined for combing."""
_OWN_FIT = 2
"""Least factor by which a whole picture's lines fit each other better than its neighbours'."""


type _Light = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """Result of the examination for fields.

    Attributes:
        kind: What the pictures are.
        order: Which field comes first, where there are two.
        flagged: Whether the file itself says that it is interlaced.
        looked: Whether the pictures could be looked at.
    """

    kind: Kind
    order: FieldOrder
    flagged: bool
    looked: bool = True


PROGRESSIVE = Scan(kind="progressive", order="auto", flagged=False)
"""Result for an input that has no fields, such as numbered pictures."""

UNSEEN = replace(PROGRESSIVE, looked=False)
"""Result for a pipe, which can be read only once."""


def scan(clip: Clip, *, start: Fraction | None, end: Fraction | None) -> Scan:
    """Examine some places of a clip for fields.

    Flags are believed unless the pictures are clearly progressive, or show their fields in the
    other order. Without flags, the pictures must be clearly combed, and of an interlaced system's
    size and rate. Telecined film repeats two fields in five frames.

    Args:
        clip: The opened clip.
        start: First second to look at; None is its beginning.
        end: Second before which to stop; None is its end.
    """
    seen: Counter[str] = Counter()
    if clip.stream.height <= max(_HEIGHTS):
        for place in _places(clip, start, end):
            seen += _look(clip, place)
    bottom_flag = clip.stream.codec_context.field_order in BOTTOM_FIRST
    rate = clip.rate
    flagged = 2 * seen["flagged"] > seen["frames"]
    kind = _kind(seen, rate, flagged=flagged)
    bottom = seen["bff"] > seen["tff"] if _order_is_clear(seen) or not flagged else bottom_flag
    order: FieldOrder = "auto" if kind == "progressive" else "bff" if bottom else "tff"
    return Scan(kind=kind, order=order, flagged=flagged)


def _kind(seen: Counter[str], rate: Fraction, *, flagged: bool) -> Kind:
    """Decide on the kind of a clip from the counts."""
    combed, whole = seen["tff"] + seen["bff"], seen["progressive"]
    fields = min(seen["top"], seen["bottom"])  # a repeated top field comes with a bottom one
    if abs(rate - Fraction(30000, 1001)) < Fraction(1, 10) and 2 * fields >= 0.3 * seen["frames"]:
        return "telecined"
    if flagged:
        return "progressive" if whole >= 20 and whole > 19 * combed else "interlaced"
    if _RATES[0] <= rate <= _RATES[1] and combed > whole and _order_is_clear(seen):
        return "interlaced"
    return "progressive"


def _order_is_clear(seen: Counter[str]) -> bool:
    """Whether enough combed pictures agree on the order of their fields."""
    combed = seen["tff"] + seen["bff"]
    return combed >= _SURE and max(seen["tff"], seen["bff"]) >= _ONE_SIDED * combed


def _places(clip: Clip, start: Fraction | None, end: Fraction | None) -> Iterator[Fraction]:
    """Yield the moments to look at, in seconds; only the first where the length is not known."""
    first = start or Fraction(0)
    length = clip.delay + clip.length
    last = max(min(end or length, length), first)
    yield from (first + (last - first) * n / _PLACES for n in range(_PLACES if last > first else 1))


def _look(clip: Clip, place: Fraction) -> Counter[str]:
    """Count the kinds of the frames from one place on."""
    seen: Counter[str] = Counter()
    if not clip.go_to(place):
        return seen
    stream = clip.stream
    pictures = list(islice(_decoded(clip.container, stream), _FRAMES))
    flagged = sum(picture.interlaced_frame for picture in pictures)
    seen.update(frames=len(pictures), flagged=flagged)
    if not pictures or not (flagged or stream.height in _HEIGHTS):
        return seen
    first = pictures[0]
    same = [p for p in pictures if _shape(p) == _shape(first)]
    video = Video(
        width=first.width,
        height=first.height,
        pix_fmt=first.format.name,
        time_base=fraction(stream.time_base),
        rate=clip.rate,
    )
    judged = list(InProcess().run(graph_of("idet"), [(video, same)]))
    lights = [picture.to_ndarray(format="gray")[:, ::_STEP].astype(np.int16) for picture in judged]
    # The first and the last picture are compared with themselves, which says nothing.
    for number, picture in enumerate(judged[1:-1], 1):
        kind = picture.metadata["lavfi.idet.single.current_frame"]
        if kind in {"tff", "bff"} and not _combed(*lights[number - 1 : number + 2]):
            kind = "progressive"
        seen[kind] += 1
        seen[picture.metadata["lavfi.idet.repeated.current_frame"]] += 1
    return seen


def _shape(picture: av.VideoFrame) -> tuple[int, int, str]:
    """Return the properties in which idet's pictures must agree."""
    return picture.width, picture.height, picture.format.name


def _combed(before: _Light, now: _Light, after: _Light) -> bool:
    """Tell whether a picture's fields fit each other little better than its neighbours' fields.

    idet asks only which neighbour fits better. Where a whole picture pans up or down one of them
    always does, though its own lines fit best by far.

    Args:
        before: (rows, columns) of 8 bits, the picture before.
        now: The picture.
        after: The one that follows.
    """
    around = now[:-2] + now[2:]
    own, earlier, later = (
        np.abs(around - 2 * lines[1:-1]).sum(axis=1) for lines in (now, before, after)
    )
    top_first = earlier[::2].sum() + later[1::2].sum()
    bottom_first = earlier[1::2].sum() + later[::2].sum()
    return bool(min(top_first, bottom_first) < _OWN_FIT * own.sum())


def _decoded(container: InputContainer, stream: VideoStream) -> Iterator[av.VideoFrame]:
    """Decode pictures up to the first error; the source reports damage."""
    try:
        for picture in container.decode(stream):
            cancellation.check()
            yield picture
    except av.FFmpegError:
        return
