"""Choose the encoder and the pixel format that the settings leave open."""

import re
from dataclasses import replace
from functools import partial
from pathlib import Path

import av

from vs_gendrpix.errors import MediaError
from vs_gendrpix.frame.format import FrameFormat, PixelLayout
from vs_gendrpix.libav.pixels import encoder_layout, layout_of
from vs_gendrpix.settings import EncodeSettings
from vs_gendrpix.settings.profiles import profile_for

_USUAL = "yuv420p10le"
_PLAYED_IN_8_BITS = "libx264"
"""The encoder of H.264, which hardware and browsers play in 8 bits only."""

_LEAST_BITS = 10
"""Least bits of an output: restored gradients are finer than a source's 8 bits."""

_UNUSABLE = re.compile(r"pal8|mono[bw]|yuvj.*|.*msb(le|be)")
"""Formats that lose too much, and old or odd names of others."""

_Y4M = ["yuv420p", "yuv422p", "yuv444p", "yuv411p", "gray"] + [
    f"{name}{bits}le"
    for bits in (9, 10, 12, 14, 16)
    for name in ("yuv420p", "yuv422p", "yuv444p", "gray")
    if (name, bits) != ("gray", 14)
]
"""The formats that YUV4MPEG's muxer takes; its encoder has no list of its own."""


def with_encoder(settings: EncodeSettings, output: Path, source: FrameFormat) -> EncodeSettings:
    """Name the encoder and the pixel format that settings leave open.

    Args:
        settings: What the user wants.
        output: The output's name, which decides the encoder where the settings do not.
        source: The format of the source's frames.

    Returns:
        Settings with nothing left open; the pixel format has alpha only if the source does.

    Raises:
        SettingsError: There is no such pixel format, or we cannot fill it.
    """
    if settings.encoder == "auto":
        settings = settings.over(profile_for(output).encode)
    taken = formats_of(settings.encoder)
    name = settings.pix_fmt
    if name == "auto":
        name = _USUAL if _USUAL in taken or not taken else "source"
        if settings.encoder == _PLAYED_IN_8_BITS and source.layout.bits == 8:
            name = "yuv420p"
    if name == "source":
        name = min(taken, key=partial(_distance, source), default=_USUAL)
    found = encoder_layout(name)
    if found.alpha and not source.layout.alpha:
        opaque = replace(found, alpha=False)
        name = next((other for other, held in taken.items() if held == opaque), name)
    return replace(settings, pix_fmt=name)


def formats_of(encoder: str) -> dict[str, PixelLayout]:
    """The pixel formats that an encoder takes and we can fill, by name.

    Empty if there is no such encoder, or it lists no formats.
    """
    try:
        known = av.Codec(encoder, "w").video_formats or ()
    except av.codec.codec.UnknownCodecError:
        return {}
    names = _Y4M if encoder == "wrapped_avframe" else [form.name for form in known]
    found = {}
    for name in names:
        if not _UNUSABLE.fullmatch(name):
            try:
                found[name] = layout_of(name)
            except MediaError:  # of hardware, or of a kind that we do not know
                continue
    return found


def _distance(source: FrameFormat, name: str) -> tuple[int, ...]:
    """Measure the distance of a pixel format from the source: first losses, then waste."""
    held = layout_of(name)
    given = source.layout
    bits = max(given.bits, _LEAST_BITS)
    steps = [ours - its for ours, its in zip(held.subsampling, given.subsampling, strict=True)]
    colors = {"gray": 0, "yuv": 1, "rgb": 1}
    return (
        given.alpha and not held.alpha,
        held.floating != given.floating,
        max(0, colors[given.family] - colors[held.family]),
        held.family != given.family,
        max(0, bits - held.bits),
        sum(max(0, step) for step in steps),
        held.bits - bits,
        sum(map(abs, steps)),
        held.alpha,
    )
