"""Decide with which timecode an output begins: the user's, the input's, or none."""

from fractions import Fraction
from math import floor

from vs_gendrpix.errors import SettingsError
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.frame.scan_header import SCANS
from vs_gendrpix.frame.sequence import find_sequence
from vs_gendrpix.frame.timecode import FASTEST_ST12, fault_at
from vs_gendrpix.read.clip import Clip
from vs_gendrpix.read.look.scans import Scan
from vs_gendrpix.write.carry.tags import first_timecode, timecode_of

_HOLDERS = (".mov", ".mp4", ".m4v", ".mkv", *SCANS)
"""Extensions of outputs that hold a timecode."""


def wanted_timecode(timecode: str, suffix: str, rate: Fraction) -> str:
    """Check the timecode that the user wants the output to begin with, and return it.

    Args:
        timecode: The timecode.
        suffix: Extension of the output, in lower case.
        rate: Frames a second of the output; 0 when unknown.

    Raises:
        SettingsError: The output cannot hold it, or its rate has no such timecode.
    """
    fault = _why_not(suffix, rate) or fault_at(timecode, rate)
    if fault:
        raise SettingsError(f"the output cannot begin at the timecode {timecode}: {fault}")
    return timecode


def input_timecode(
    clip: Clip,
    suffix: str,
    *,
    rate: Fraction,
    start: Fraction | None,
    still: Fraction | None = None,
    notes: Notes,
) -> tuple[str, str]:
    """The timecode of the output's first frame, by the input.

    Args:
        clip: The opened input.
        suffix: Extension of the output, in lower case.
        rate: Frames a second of the output; 0 when unknown.
        start: First second of the input to keep; None is its beginning.
        still: Second of the one frame that is shown then and written; None is all from `start` on.
        notes: Is told if a scan's timecodes do not go on by one.

    Returns:
        The timecode; and the input's if it is lost. Each is empty if there is none.
    """
    counted, is_said = clip.pace.counted, True
    given = timecode_of(clip.container, clip.stream)
    if not given:
        scan = Scan.of(clip.path, find_sequence(clip.path, clip.chosen.start_number))
        if scan is not None:
            given, is_said = scan.timecode(counted, notes)
    found = None
    if given and not _why_not(suffix, rate):
        first = start or Fraction(0)
        if still is not None and counted:
            first = floor(still * counted) / counted
        found = first_timecode(given, first, counted, rate)
    return found or "", given if is_said and not found else ""


def _why_not(suffix: str, rate: Fraction) -> str:
    """Why an output holds no timecode, and what to do; empty if it holds one."""
    if suffix not in _HOLDERS:
        return f"use one of {', '.join(_HOLDERS)}"
    if not rate:
        return "it has no frame rate"
    if suffix in SCANS and round(rate) > FASTEST_ST12:
        return f"{suffix} counts up to {FASTEST_ST12} frames/s, not {float(rate):g}: use .mov"
    return ""
