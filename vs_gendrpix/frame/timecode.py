"""SMPTE timecodes (ST 12-1): moved by frames, and converted to another rate."""

import re
from fractions import Fraction

_TIMECODE = re.compile(r"(\d{2}):([0-5]\d):([0-5]\d)([:;.,])(\d{2,3})")


def moved(timecode: str, frames: int, rate: Fraction) -> str | None:
    """The timecode of a later frame.

    Drop-frame timecodes have a `;` or a `.` before the frame number. They skip the numbers of the
    first two frames of each minute, except every tenth minute, to keep up with the clock (four
    frames at 60 frames a second).

    Args:
        timecode: Timecode of the clip's first frame, such as 01:00:00:00.
        frames: Number of frames from the first frame to the later one, 0 or more.
        rate: Frames a second.

    Returns:
        The later timecode, which wraps at midnight. None if `timecode` is malformed or has a frame
        number that `rate` does not allow.
    """
    parts = _TIMECODE.fullmatch(timecode.strip())
    count = round(rate)  # frame numbers in a second
    if parts is None or count < 1 or int(parts[5]) >= count:
        return None
    hours, minutes, seconds, number = (int(parts[index]) for index in (1, 2, 3, 5))
    minutes += hours * 60
    dropped = 2 * count // 30 if parts[4] in ";." else 0
    number += (minutes * 60 + seconds) * count - dropped * (minutes - minutes // 10)
    number = (number + frames) % (24 * 6 * (600 * count - 9 * dropped))
    tens, rest = divmod(number, 600 * count - 9 * dropped)
    # The first minute of ten skips no number.
    if rest >= 60 * count:
        rest += dropped * (1 + (rest - 60 * count) // (60 * count - dropped))
    seconds, number = divmod(tens * 600 * count + rest, count)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{parts[4]}{number:02}"


def at_rate(timecode: str, was: Fraction, now: Fraction) -> str:
    """The timecode of the same moment at another rate.

    Only rates of about 30 and 60 frames a second have drop-frame timecodes: at other rates the mark
    before the frame number becomes a `:`.

    Args:
        timecode: A valid timecode at the rate `was`.
        was: Frames a second of `timecode`.
        now: Frames a second of the result.
    """
    before, after = round(was), round(now)
    if before == after:
        return timecode
    second, mark, number = timecode[:8], timecode[8], timecode[9:]
    if after % 30:
        mark = ":"
    return f"{second}{mark}{int(number) * after // before:02}"
