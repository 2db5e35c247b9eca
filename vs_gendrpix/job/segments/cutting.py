"""Cut a clip into segments, each with the frames around it that filters need."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import pairwise

from vs_gendrpix.frame.format import FrameFormat
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.frame.span import Span, Window
from vs_gendrpix.job.open import open_input
from vs_gendrpix.job.plan import Plan
from vs_gendrpix.libav.filters import Around, needed_around
from vs_gendrpix.read.input import FileInput, Frames, Input
from vs_gendrpix.read.opening import STDIN
from vs_gendrpix.write.container import Y4M, container_of
from vs_gendrpix.write.output import STDOUT
from vs_gendrpix.write.pictures import CODECS

LENGTH = 240
"""Usual frames of a segment: 10 seconds of film. A kill costs each worker at most as many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """Successive frames of a clip that are restored and encoded as one file.

    Attributes:
        number: Its place in the clip, counted from 0.
        first: The number of its first frame, counted from 0 in the frames to restore.
        end: The number of the frame behind its last one.
        span: Their times, and those of the frames around them that are needed.
    """

    number: int
    first: int
    end: int
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class _Times:
    """Presentation times of the frames to restore.

    Attributes:
        shown: Seconds of the output, rising.
        keys: The numbers of those that are keyframes of the input.
        offset: Seconds from where the clip begins to time 0 of the output.
        moved: Seconds that are taken off the input's times.
        first: Format of the clip's first picture, as it is decoded.
        shape: Its pixel aspect ratio, as its codec states it; 0 if it does not.
    """

    shown: Sequence[Fraction]
    keys: frozenset[int]
    offset: Fraction
    moved: Fraction
    first: FrameFormat
    shape: Fraction


def cut(plan: Plan, length: int) -> tuple[tuple[Segment, ...], str]:
    """Cut the frames of a plan into segments.

    A cut lies at a keyframe of the input where one is near: encoders put them at changes of scene,
    and decoding begins there.

    Args:
        plan: The plan.
        length: Frames of a segment, about.

    Returns:
        The segments, at least two, or none; and why there are none, if a user would wonder.

    Raises:
        MediaError: The input cannot be read.
    """
    if plan.output == STDOUT or plan.still is not None or 0 < plan.clip.frames <= _longest(length):
        return (), ""
    before, after = plan.needed_before(), needed_around(plan.after)
    if before is None or after is None or (before.recounts and after.cycle > 1):
        return (), "a filter needs the whole clip, or is not known to need only frames near by"
    why_not = _why_not(plan)
    if why_not:
        return (), why_not
    with open_input(plan.source, plan.settings.read, Notes()) as clip:
        times = _times(clip, plan)
    if times is None:
        return (), "the input does not say when its frames are shown"
    cycle = (before + after).cycle
    if cycle > 1 and len({late - early for early, late in pairwise(times.shown)}) > 1:
        return (), "a filter drops frames in cycles, and they are not evenly spaced"
    cuts = _cuts(times, length, cycle)
    segments = tuple(
        Segment(number=number, first=first, end=end, span=_span(times, (first, end), before, after))
        for number, (first, end) in enumerate(pairwise(cuts))
    )
    return segments if len(segments) > 1 else (), ""


def _why_not(plan: Plan) -> str:
    """Say why a clip cannot be cut, by its input and its output; empty if it can."""
    suffix = plan.output.suffix.lower()
    if plan.source == STDIN:
        return "a pipe can be read only once"
    if suffix not in CODECS and container_of(suffix) == Y4M:
        return "a .y4m takes as long to join as to write"
    return ""


def _longest(length: int) -> int:
    """Largest number of frames that stays in one piece: one and a half segments."""
    return length + length // 2


def _times(clip: Input, plan: Plan) -> _Times | None:
    """Find the presentation times of a plan's frames; None if they are not known beforehand."""
    read = plan.settings.read
    frames = clip.frames(read.start, read.end)
    begin = clip.clip.begin if isinstance(clip, FileInput) else Fraction(0)
    index = clip.clip.index if isinstance(clip, FileInput) else None
    known = partial(
        _Times,
        offset=frames.offset - begin,
        moved=frames.offset,
        first=frames.first,
        shape=clip.clip.shape if isinstance(clip, FileInput) else Fraction(0),
    )
    if index is None:
        shown = _even_times(frames)
        return None if shown is None else known(shown=shown, keys=frozenset())
    first, last = ((t and begin + t) for t in (read.start, read.end))
    unit = index.pace.time_base
    ticks = index.shown(first, last)
    if not ticks:
        return None
    numbers = {tick: number for number, tick in enumerate(ticks)}
    return known(
        shown=[tick * unit - frames.offset for tick in ticks],
        keys=frozenset(numbers[tick] for tick in index.key_times() if tick in numbers),
    )


def _even_times(frames: Frames) -> list[Fraction] | None:
    """The times of frames that are evenly spaced, as pictures, raw video and most scripts are."""
    info = frames.info
    if not info.frames or info.time_base * info.average_rate != 1:
        return None
    timing = next(iter(frames)).timing
    return [(timing.pts + number) * info.time_base for number in range(info.frames)]


def _cuts(times: _Times, length: int, cycle: int) -> list[int]:
    """The numbers of the frames at which segments begin, and of the one behind the last frame."""
    count, cuts = len(times.shown), [0]
    keys = sorted(key for key in times.keys if key % cycle == 0)
    while count - cuts[-1] > _longest(length):
        wanted = cuts[-1] + length // cycle * cycle
        near = [key for key in keys if abs(key - wanted) <= length // 4]
        cuts.append(min(near, key=lambda key: abs(key - wanted)) if near else wanted)
    return [*cuts, count]


def _span(times: _Times, frames: tuple[int, int], before: Around, after: Around) -> Span:
    """The times of some frames, and of those around them that filters need."""
    first, end = frames
    reach = (before + after).reach
    lead = max(reach, 1)  # the frame before is compared with the one that the part before has met
    around = reach - before.reach  # before the frames that are restored for what comes after
    return Span(
        written=_window(times, first, end),
        restored=_window(times, first - around, end + around),
        read=_window(times, first - lead, end + reach),
        begin=times.shown[0],
        offset=times.offset,
        moved=times.moved,
        first=times.first,
        shape=times.shape,
    )


def _window(times: _Times, first: int, end: int) -> Window:
    return Window(start=_limit(times, first), end=_limit(times, end))


def _limit(times: _Times, number: int) -> Fraction | None:
    """Return a moment shortly before a frame, at which to cut; None outside of the clip."""
    if not 0 < number < len(times.shown):
        return None
    before, now = times.shown[number - 1 : number + 1]
    return now - (now - before) / 4
