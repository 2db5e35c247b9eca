"""The frame rate of a clip, and whether its times are those of an even rate, rounded."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor

import numpy as np
import numpy.typing as npt

_NTSC = tuple(Fraction(n * 1000, 1001) for n in (12, 15, 24, 30, 48, 60, 120))
_WHOLE = (5, 6, 8, 10, 12, 15, 16, 18, 20, 24, 25, 30, 36, 40, 48, 50, 60, 72, 90, 100, 120)
USUAL = (*_NTSC, *map(Fraction, _WHOLE), Fraction(25, 2))
"""Frames a second of film, television, cameras and screens."""

FASTEST = 300
"""Frames a second above which a stated rate is a clock's ticks."""

ROUNDED = 1.5
"""Largest distance in ticks, with a margin of a half, between times of an even rate that a
container has rounded up and down."""

EXACT = Fraction(1, 10_000)
"""Seconds up to which such a distance counts as none: parsers add up the rounding of durations."""

_COARSE = 4
"""Ticks per frame below which a container's rounding could hide a varying rate."""

_CADENCE = 0.4
"""Share of frames that are shown for 2 fields, and of those for 3, where film is telecined."""

_UNEVEN = 0.05
"""Share of a field's duration by which a field may be early or late, as after earlier rounding."""

_FILM = Fraction(24000, 1001)
_FIELD = Fraction(1001, 60000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """The spacing of a clip's frames.

    Attributes:
        rate: Frames a second; of a clip whose spacing varies, on average; 0 when unknown.
        tick: Seconds of a tick of the file's times.
        even: Whether all frames are apart by a whole number of steps of the rate.
        first: Where the even times begin, in ticks; None where times stay as the file has them.
        soft_telecine: Whether the file shows 24 film frames a second for 2 and 3 fields in turn.
    """

    rate: Fraction
    tick: Fraction
    even: bool = False
    first: Fraction | None = None
    soft_telecine: bool = False

    @property
    def time_base(self) -> Fraction:
        """Seconds of a tick of the clip's times: the file's, or a part of an even step."""
        if self.first is None:
            return self.tick
        fine = self.rate.numerator
        return Fraction(1, fine if fine >= 1000 else fine * 1000)

    @property
    def counted(self) -> Fraction:
        """Frames per second by which timecodes count; 0 when unknown."""
        return Fraction(30000, 1001) if self.soft_telecine else self.rate

    def at(self, time: int) -> int:
        """Return a time of the file in ticks of the clip's."""
        if self.first is None:
            return time
        number = floor((time - self.first) * self.tick * self.rate + Fraction(1, 2))
        return round(self.first * self.tick / self.time_base) + self.steps(number)

    def steps(self, frames: int) -> int:
        """Return the duration in ticks of a number of frames at an even rate."""
        return int(frames / self.rate / self.time_base)


def pace_of(
    times: Sequence[int],
    tick: Fraction,
    *,
    guessed: Fraction,
    average: Fraction,
    rounded: float = ROUNDED,
) -> Pace:
    """Decide on the rate of a clip, and whether its times are an even rate's, rounded.

    The frames' own spacing decides. Where all times are within the container's rounding of an even
    spacing at a usual rate, they are that. What the container or libav says of the rate counts
    where several rates are possible, or nothing else is known.

    Args:
        times: When the frames are shown, in ticks, rising; perhaps none.
        tick: Seconds of a tick.
        guessed: libav's guess of the rate; 0 if it has none.
        average: libav's average of it.
        rounded: Ticks by which the container's rounding may hide an even spacing.
    """
    rounded = max(rounded, float(EXACT / tick))
    stated = [rate for rate in (guessed, average) if 0 < rate <= FASTEST]
    found = np.unique(np.asarray(times, np.int64))
    if len(found) < 2:
        return Pace(rate=stated[0] if stated else Fraction(0), tick=tick)
    middle = float(np.median(np.diff(found)))
    # libav guesses the last time in GXF and its kin: where reordered pictures end, half a step on.
    guessed_last = len(found) > 3 and middle / 2 <= found[-1] - found[-2] < middle - ROUNDED / 2
    even = found[:-1] if guessed_last else found
    fits: list[tuple[float, Fraction]] = []
    for rate in (*stated, *USUAL):
        step = 1 / (rate * tick)
        if abs(float(step) - middle) > min(rounded, float(step) / 4):
            continue
        apart = _apart(even, step)
        if apart == 0 or (rate in USUAL and step >= _COARSE and apart <= rounded):
            fits.append((apart, rate))
    if fits:
        own = [fit for fit in fits if fit[1] in stated]
        apart, rate = own[0] if own else min(fits)
        stays = apart == 0 and not guessed_last
        first = None if stays else Fraction(int(found[0]))
        return Pace(rate=rate, tick=tick, even=True, first=first)
    return _soft_telecine(found, tick) or Pace(rate=_average(found, tick, stated), tick=tick)


def has_fields_apart(pace: Pace, guessed: Fraction, field_order: int) -> bool:
    """Tell whether a clip's times are those of fields, as H.264 may have each in its own packet.

    Args:
        pace: The spacing of the packets.
        guessed: libav's guess of the rate, for which it counts decoded frames.
        field_order: FFmpeg's number of the order of fields; up to 1 there are none.
    """
    return field_order > 1 and pace.even and pace.rate == 2 * guessed


def _apart(found: npt.NDArray[np.int64], step: Fraction) -> float:
    """Largest distance, in ticks, between times that are late and early against an even spacing.

    Frames may be missing between others; none may share a place.
    """
    since = found - found[0]
    numbers = np.rint(since / float(step)).astype(np.int64)
    if (np.diff(numbers) < 1).any():
        return float("inf")
    # Whole numbers: a film's ticks are too many for floats to tell a thousandth of one.
    late = since * step.denominator - numbers * step.numerator
    return float(late.max() - late.min()) / step.denominator


def _soft_telecine(found: npt.NDArray[np.int64], tick: Fraction) -> Pace | None:
    """The pace of film that a DVD's flags show for 2 and 3 fields in turn; None for others."""
    fields = np.diff(found) * float(tick / _FIELD)
    slack = _UNEVEN + ROUNDED * float(tick / _FIELD)
    two, three = np.abs(fields - 2) <= slack, np.abs(fields - 3) <= slack
    if slack > 0.25 or two.mean() < _CADENCE or three.mean() < _CADENCE:
        return None
    late = (found - found[0]) * float(tick * _FILM) - np.arange(len(found))
    if np.ptp(late) > float(2 * _FIELD * _FILM):  # no frame moves by more than a field
        return None
    middle = Fraction((late.max() + late.min()) / 2).limit_denominator(1000)
    first = int(found[0]) + middle / _FILM / tick
    return Pace(rate=_FILM, tick=tick, even=True, first=first, soft_telecine=True)


def _average(found: npt.NDArray[np.int64], tick: Fraction, stated: list[Fraction]) -> Fraction:
    """Average frames per second: a stated rate, if one is within 5 % of the measured mean."""
    mean = (len(found) - 1) / (int(found[-1] - found[0]) * tick)
    near = [rate for rate in reversed(stated) if abs(rate - mean) <= mean / 20]
    return near[0] if near else mean.limit_denominator(10_000)
