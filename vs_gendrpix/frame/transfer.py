"""Transfers that the user declares: curves of film scanners and cameras, which no file states."""

from dataclasses import replace

from vs_gendrpix.frame.format import LINEAR, UNSPECIFIED, FrameFormat

CINEON, LOGC3, SLOG3, SLOG3_LIMITED = 256, 257, 258, 259
"""Transfers without a number in ITU-T H.273, which ends at 255; these are for our own use.

Sony states S-Log3 in code values. Those of limited range are other parts of the way from black to
white."""

_BY_NAME = {"cineon": CINEON, "logc": LOGC3, "slog3": SLOG3, "linear": LINEAR}


def declared(form: FrameFormat, name: str) -> FrameFormat:
    """A format of frames whose transfer is what the user says, whatever the file does.

    Args:
        form: The format by the file.
        name: `cineon`, `logc`, `slog3` or `linear`; `auto` is the file's.
    """
    if name == "auto":
        return form
    transfer = _BY_NAME[name]
    if transfer == SLOG3 and not (form.color.full_range or form.layout.floating):
        transfer = SLOG3_LIMITED
    return replace(form, color=replace(form.color, transfer=transfer))


def stated(transfer: int) -> int:
    """The number by which others know a transfer: for our own it is "unspecified"."""
    return transfer if transfer < CINEON else UNSPECIFIED
