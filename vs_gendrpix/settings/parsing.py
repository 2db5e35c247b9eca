"""Values of options that are written as text, such as times and frame rates.

Each function raises a `SettingsError` that says what to write instead.
"""

import re
from fractions import Fraction
from typing import Literal

from vs_gendrpix.errors import SettingsError

_NTSC = {"23.976": 24, "29.97": 30, "47.952": 48, "59.94": 60, "119.88": 120}
"""Rounded NTSC rates, and the rate of which each is 1000/1001."""


def rate(text: str) -> Fraction:
    """A frame rate such as 25, 23.976 or 24000/1001; rounded NTSC rates are taken exactly."""
    if not re.fullmatch(r"\d{1,6}(\.\d{1,6}|/[1-9]\d{0,5})?", text) or not Fraction(text):
        raise SettingsError(f"{text!r} is no rate: use 25, 23.976 or 24000/1001")
    return Fraction(_NTSC[text] * 1000, 1001) if text in _NTSC else Fraction(text)


def raw_format(text: str) -> tuple[int, int, str]:
    """Width, height and pixel format of raw video, written 720x576:yuv420p."""
    found = re.fullmatch(r"(\d{1,5})x(\d{1,5}):(\w+)", text)
    if found is None:
        raise SettingsError(f"{text!r} is no raw format: use 720x576:yuv420p")
    return int(found[1]), int(found[2]), found[3]


def scale(text: str) -> Fraction:
    """A scale such as 2, 1.5 or 3/2; the length is limited, as long ones take minutes to read."""
    if not re.fullmatch(r"\d{1,6}(\.\d{1,9}|/[1-9]\d{0,5})?", text):
        raise SettingsError(f"{text!r} is no scale: use a number from 1 to 4")
    return Fraction(text)


def seconds(text: str) -> Fraction:
    """A time in exact seconds, written 90, 90.5, 1:30.5 or 0:01:30.500."""
    if not re.fullmatch(r"(\d{1,6}:){0,2}\d{1,6}(\.\d{1,9})?", text):
        raise SettingsError(f"{text!r} is no time: use seconds or [h:]mm:ss.ms")
    total = Fraction(0)
    for part in text.split(":"):
        total = total * 60 + Fraction(part)
    return total


def timecode(text: str) -> str:
    """An SMPTE timecode such as 01:00:00:00, or 01:00:00;00 where frame numbers are dropped."""
    if not re.fullmatch(r"([01]\d|2[0-3])(:[0-5]\d){2}[:;]\d{2,3}", text, re.ASCII):
        raise SettingsError(
            f"{text!r} is no timecode: use HH:MM:SS:FF, or HH:MM:SS;FF (drop-frame)"
        )
    return text


def crop(text: str) -> tuple[int, int, int, int] | Literal["auto"]:
    """`auto`, or width, height, x and y of a part of the picture, as FFmpeg's crop filter."""
    if text == "auto":
        return "auto"
    parts = re.fullmatch(r"([1-9]\d{0,5}):([1-9]\d{0,5}):(\d{1,6}):(\d{1,6})", text)
    if parts is None:
        raise SettingsError(f"{text!r} is no crop: use auto or WIDTH:HEIGHT:X:Y")
    width, height, x, y = map(int, parts.groups())
    return width, height, x, y


def lines(text: str) -> int:
    """The height of a picture in pixels, written 720 or 720p."""
    if not re.fullmatch(r"\d{1,6}p?", text):
        raise SettingsError(f"{text!r} is no height: use one such as 720")
    return int(text.removesuffix("p"))


def square(text: str) -> tuple[int, int]:
    """Width and height of a square in pixels, written as one number."""
    if not re.fullmatch(r"\d{1,6}", text):
        raise SettingsError(f"{text!r} is no number of pixels: use one such as 512")
    return int(text), int(text)


def key_value(text: str) -> tuple[str, str]:
    """A pair, written KEY=VALUE."""
    key, found, value = text.partition("=")
    if not key or not found:
        raise SettingsError(f"{text!r} is no option: use KEY=VALUE")
    return key, value
