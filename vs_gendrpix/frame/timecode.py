"""Timecodes: hours, minutes, seconds and frames (SMPTE ST 12-1), moved and at another rate."""

import re
from fractions import Fraction

_TIMECODE = re.compile(r"(\d{2}):([0-5]\d):([0-5]\d)([:;.,])(\d{2,3})")


def moved(timecode: str, frames: int, rate: Fraction) -> str | None:
    """The timecode of a frame further on.

    Drop-frame timecodes, those with a `;` or a `.` before the frames, leave out the numbers of the
    first two frames of each minute but every tenth (four at 60 frames a second), so that they keep
    up with the clock.

    Args:
        timecode: That of the clip's first frame, such as 01:00:00:00.
        frames: How many frames later, 0 or more.
        rate: Frames a second.

    Returns:
        It, past midnight from zero again; None if `timecode` is none, or not at this rate.
    """
    parts = _TIMECODE.fullmatch(timecode.strip())
    count = round(rate)  # numbers that a second has
    if parts is None or count < 1 or int(parts[5]) >= count:
        return None
    hours, minutes, seconds, number = (int(parts[index]) for index in (1, 2, 3, 5))
    minutes += hours * 60
    dropped = 2 * count // 30 if parts[4] in ";." else 0
    number += (minutes * 60 + seconds) * count - dropped * (minutes - minutes // 10)
    number = (number + frames) % (24 * 6 * (600 * count - 9 * dropped))
    tens, rest = divmod(number, 600 * count - 9 * dropped)
    # The first minute of ten drops nothing.
    if rest >= 60 * count:
        rest += dropped * (1 + (rest - 60 * count) // (60 * count - dropped))
    seconds, number = divmod(tens * 600 * count + rest, count)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{parts[4]}{number:02}"


def at_rate(timecode: str, was: Fraction, now: Fraction) -> str:
    """The timecode of the same moment where a second has another number of frames.

    Only rates whose seconds have 30 or 60 numbers drop any: at others the mark becomes a `:`.

    Args:
        timecode: A timecode at the rate `was`.
        was: Frames a second that it counts.
        now: Frames a second that it shall count.
    """
    before, after = round(was), round(now)
    if before == after:
        return timecode
    second, mark, number = timecode[:8], timecode[8], timecode[9:]
    if after % 30:
        mark = ":"
    return f"{second}{mark}{int(number) * after // before:02}"
