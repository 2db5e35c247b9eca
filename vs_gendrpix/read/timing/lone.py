"""Presentation times that belong to no picture of their stream, as after a flipped bit."""

from collections.abc import Callable, Collection, Sequence
from fractions import Fraction
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from vs_gendrpix.read.timing.pace import ROUNDED, Pace

_REORDERED = 33
"""Fields by which the decoder's order and the viewer's may differ in H.264 and HEVC, and one for
the wrong time itself."""

_FEW = 100
"""Number of times among which at most one may be wrong: more mean an unusual order."""

_PAUSE, _LONG_PAUSE = Fraction(10), Fraction(3600)
"""Seconds without any packet up to which a lone picture may be right, with sound and without."""

_AFTER = 4
"""Usual largest number of pictures shown before a picture and decoded after it."""

_ENOUGH = 6
"""Least number of times whose spacing can be judged."""

type _Times = npt.NDArray[np.int64]


def lone_times(
    times: Sequence[int], *, reordered: bool, pace: Callable[[Sequence[int]], Pace]
) -> list[int]:
    """Find the times that are out of order while all others are in order.

    A picture is shown near the place at which it is decoded. Where that does not tell, an even
    spacing does: one picture is off it, and one place of it is empty.

    Args:
        times: Presentation times in the order of decoding.
        reordered: Whether pictures may be shown in another order.
        pace: Decides on the spacing of rising times.

    Returns:
        Their numbers.
    """
    given = np.asarray(times, np.int64)
    kept = np.arange(len(given))
    at_most = 1 + len(given) // _FEW
    while len(kept) > 2:
        places = np.argsort(np.argsort(given[kept], kind="stable"), kind="stable")
        apart = np.abs(places - np.arange(len(kept)))
        worst = int(apart.argmax())
        if apart[worst] <= (_REORDERED if reordered else 1):
            break
        kept = np.delete(kept, worst)
        if len(given) - len(kept) > at_most:
            return []
    uneven = _off_the_spacing(given[kept], pace)
    wrong = set(range(len(given))) - set(kept[np.setdiff1d(np.arange(len(kept)), uneven)].tolist())
    return sorted(wrong)


def _off_the_spacing(given: _Times, pace: Callable[[Sequence[int]], Pace]) -> list[int]:
    """Find the times off an otherwise even spacing, with no empty place next to them.

    A time outside of all others is wrong only if a place is empty, or if its picture is decoded
    far from there.
    """
    rising = np.sort(given)
    if len(rising) < _ENOUGH or pace(rising.tolist()).even:
        return []
    steps = np.diff(rising)
    middle = max(float(np.median(steps)), 1)
    usual = (np.abs(steps - np.rint(steps / middle) * middle) <= ROUNDED) & (steps > middle / 2)
    beside = np.r_[False, usual] | np.r_[usual, False]
    off, rest = rising[~beside], rising[beside]
    if not 0 < len(off) <= 1 + len(given) // _FEW or len(rest) < _ENOUGH - 1:
        return []
    spacing = pace(rest.tolist())
    if not spacing.even:
        return []
    step = float(1 / (spacing.rate * spacing.tick))
    numbers = np.rint((rest - rest[0]) / step)
    empty = np.setdiff1d(np.arange(numbers[-1]), numbers)
    places = (off - rest[0]) / step
    outside = (places < 0) | (places > numbers[-1])
    own = np.array([bool((np.abs(empty - place) < 1).any()) for place in places])
    numbers_of = [int(np.flatnonzero(given == time)[0]) for time in off]
    displaced = np.abs(np.searchsorted(rising, off) - numbers_of) > _AFTER
    wrong = ~own & (~outside | displaced | (outside.sum() <= len(empty)))
    return [number for number, is_wrong in zip(numbers_of, wrong, strict=True) if is_wrong]


def far_times(
    times: Sequence[int],
    guesses: Collection[int],
    tick: Fraction,
    sound: tuple[Fraction | None, Fraction | None],
) -> list[int]:
    """Find a first and a last time that are much further from all others than a pause.

    The last picture may come late, long after the sound, if it is decoded then.

    Args:
        times: Presentation times in the order of decoding.
        guesses: Numbers of those that are far from when the picture is decoded.
        tick: Seconds of a tick.
        sound: Seconds at which the sound begins and ends; None where that is not known.

    Returns:
        Their numbers.
    """
    if len(times) < _ENOUGH:
        return []
    rising = sorted(range(len(times)), key=times.__getitem__)
    first, second, *_, before, last = (times[number] * tick for number in rising)
    begin, end = sound
    early = (second if begin is None else min(begin, second)) - first
    late = last - (before if end is None else max(end, before))
    found = [rising[0]] * (early > (_LONG_PAUSE if begin is None else _PAUSE))
    late_pause = _LONG_PAUSE if end is None or rising[-1] not in guesses else _PAUSE
    return found + [rising[-1]] * (late > late_pause)


def due_times(times: Sequence[int], wrong: Collection[int]) -> dict[int, int]:
    """Find for each wrong time a place near by that no picture has.

    Args:
        times: Presentation times in the order of decoding.
        wrong: Numbers of those that are wrong; not of all.

    Returns:
        The times that take their place, by number: behind the picture before the longest gap among
        those decoded near by; where there is no gap, at the end that is nearer.
    """
    made = {number: time for number, time in enumerate(times) if number not in wrong}
    apart = np.diff(np.unique(list(made.values())))
    step = int(np.quantile(apart, 0.25, method="lower")) if len(apart) else 1
    found = {}
    for number in sorted(wrong):
        near = sorted(made[n] for n in range(number - _REORDERED, number + _REORDERED) if n in made)
        gaps = [(after - before, before) for before, after in pairwise(near)]
        longest, before = max(gaps, default=(0, 0), key=lambda gap: (gap[0], -gap[1]))
        if 2 * longest > 3 * step:
            time = before + step
        else:
            time = min(made.values()) - step if number == 0 else max(made.values()) + step
        found[number] = made[number] = time
    return found
