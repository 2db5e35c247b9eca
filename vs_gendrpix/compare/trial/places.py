"""The places of a clip that are restored: four frames, and one second."""

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from vs_gendrpix.compare.trial.look import Sample, Seen
from vs_gendrpix.frame.clip import STREAM_RATE

FRAMES = 4
"""Frames that are restored and shown, beside the second."""
SECOND = 1
"""Seconds that are restored in one piece."""
DARK = 0.08
"""Mean luma below which a frame shows too little, 0 for black to 1 for white."""
EMPTY = 0.1
"""Share of the clip's finest texture below which a frame shows nothing, such as a black one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A part of a clip that is restored.

    Attributes:
        moment: The second of its first frame, counted from where the clip begins.
        start: A second shortly before it, so that no rounding of times loses the frame.
        end: The second before which it ends.
    """

    moment: Fraction
    start: Fraction
    end: Fraction


def places(seen: Seen) -> list[Place]:
    """Choose up to four frames, in order, and behind them the second.

    The frames are spread over the clip: one in each of its four longest scenes, or else in each of
    four parts of it. Of each the frame with the most texture is taken that is neither dark nor
    within a fade, if there is one. The second begins at a frame of the longest scene. Frames that
    show nothing count for neither. A clip of one frame has no second.
    """
    most = max(each.texture for each in seen.samples)
    samples = tuple(each for each in seen.samples if each.texture >= EMPTY * most)
    step = 1 / (seen.info.average_rate or STREAM_RATE)
    frames = [_best(part).seconds for part in _parts(samples)]
    stills = [_place(at, step, step) for at in sorted(set(frames))]
    return stills if seen.frames == 1 else [*stills, _second(seen, samples, step)]


def _parts(samples: tuple[Sample, ...]) -> list[list[Sample]]:
    """The samples of each scene that is long enough, or of equal parts, `FRAMES` at most."""
    scenes = Counter(sample.scene for sample in samples).most_common(FRAMES)
    if len(scenes) == FRAMES:
        return [[each for each in samples if each.scene == scene] for scene, _ in scenes]
    count = min(FRAMES, len(samples))
    cuts = [len(samples) * number // count for number in range(count + 1)]
    return [list(samples[begin:end]) for begin, end in pairwise(cuts)]


def _best(samples: list[Sample]) -> Sample:
    usable = [each for each in samples if each.brightness > DARK and not each.fades]
    return max(usable or samples, key=lambda each: each.texture)


def _second(seen: Seen, samples: tuple[Sample, ...], step: Fraction) -> Place:
    """A second of the longest scene, that ends before the clip does."""
    (scene, _), *_ = Counter(sample.scene for sample in samples).most_common(1)
    within = [each.seconds for each in samples if each.scene == scene]
    start = within[(len(within) - 1) // 2]
    start = max(min(start, seen.end - SECOND), seen.samples[0].seconds)
    return _place(start, Fraction(SECOND), step)


def _place(moment: Fraction, length: Fraction, step: Fraction) -> Place:
    """A place of so many seconds from a frame on; `step` are those of a frame."""
    start = moment - step / 4
    return Place(moment=moment, start=start, end=start + length)
