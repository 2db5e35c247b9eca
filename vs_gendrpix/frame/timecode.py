"""SMPTE timecodes (ST 12-1): moved by frames, at another rate, and packed as headers hold them."""

import re
from fractions import Fraction

_TIMECODE = re.compile(r"(\d{2}):([0-5]\d):([0-5]\d)([:;.,])(\d{2,3})")

FASTEST_ST12 = 30
"""Frames a second up to which ST 12-1 numbers each: it has two bits for the tens."""

_DROPPED = 1 << 6
"""The flag of ST 12-1 for drop-frame timecodes, beside the tens of frames."""


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


def fault_at(timecode: str, rate: Fraction) -> str:
    """Say why a timecode does not exist at a rate, and what to write instead; empty if it exists.

    Args:
        timecode: Timecode such as 01:00:00:00 or 01:00:00;00.
        rate: Frames a second, of frames that are counted.
    """
    count = round(rate)
    if timecode[8] != ":" and count % 30:
        return f"only 29.97 and 59.94 frames/s drop frames, not {float(rate):g}: write a :"
    found = moved(timecode, 0, rate)
    if found is None:
        return f"{float(rate):g} frames/s have the frames 00 to {count - 1:02}"
    if found != timecode:
        return f"drop-frame leaves this number out: use {moved(found, 1, rate)}"
    return ""


def to_st12(timecode: str) -> int | None:
    """A timecode as the 32 bits of ST 12-1, hours first, as DPX and OpenEXR hold it.

    Returns:
        Two binary-coded digits in each byte; the drop-frame flag is bit 6. None for what is no
        timecode, and for frame numbers of 30 and more.
    """
    parts = _TIMECODE.fullmatch(timecode)
    if parts is None or int(parts[5]) >= FASTEST_ST12:
        return None
    word = int("".join(f"{int(parts[index]):02}" for index in (1, 2, 3, 5)), 16)
    return word | (_DROPPED if parts[4] in ";." else 0)


def from_st12(word: int) -> str:
    """The timecode of the 32 bits of ST 12-1; empty if they are none. Other flags are not read."""
    digits = f"{word & 0x3F7F7F3F:08x}"  # without the flags
    mark = ";" if word & _DROPPED else ":"
    text = f"{digits[:2]}:{digits[2:4]}:{digits[4:6]}{mark}{digits[6:]}"
    return text if _TIMECODE.fullmatch(text) and digits < "24" else ""
