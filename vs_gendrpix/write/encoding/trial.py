"""Try a video encoder on one frame, before the work begins."""

import os
import re
from dataclasses import replace

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext

from vs_gendrpix.errors import SettingsError
from vs_gendrpix.frame.clip import ClipInfo
from vs_gendrpix.frame.format import Frame, Timing
from vs_gendrpix.libav.log import LibavLog
from vs_gendrpix.libav.pixels import layout_of, to_picture
from vs_gendrpix.libav.values import line_of
from vs_gendrpix.settings import EncodeSettings
from vs_gendrpix.write.encoding.choosing import formats_of
from vs_gendrpix.write.encoding.configuring import configure, kept_priority

_CANDIDATES = (
    "libx265",
    "libx264",
    "libsvtav1",
    "libvpx-vp9",
    "ffv1",
    "prores_ks",
    "hevc_nvenc",
    "av1_nvenc",
    "h264_nvenc",
)

_NOT_UNDERSTOOD = re.compile(r"Unknown option|Invalid value|Error parsing option")
"""Messages of libx264, libx265 and libsvtav1 when they ignore an option."""

_WITH_CAPTIONS = {"av1", "h264", "hevc", "mpeg2video"}
"""Codecs whose pictures can have closed captions."""

_CAPTIONS_FOLLOW = b"GA94"
"""Bytes before closed captions in any codec, ATSC A/53 part 4."""

_SMALLEST = {"libsvtav1": (16, 16), "libx265": (64, 16)}
"""Width and height below which an encoder may crash: SVT-AV1 4.2 and x265 4.3 (at widths of 33 to
48 pixels) ruin the heap instead of refusing."""


def try_encoder(settings: EncodeSettings, clip: ClipInfo) -> None:
    """Encode one frame with the very settings of the run.

    Raises:
        SettingsError: The encoder is not there, or refuses the size, the pixel format or an option.
            The message lists the encoders that work.
    """
    fault = _trial(settings, clip)
    if fault is None:
        return
    working = [name for name in _CANDIDATES if _could_take(name, settings.pix_fmt, clip)]
    size = f"{clip.format.width}x{clip.format.height} {settings.pix_fmt}"
    advice = f"these work for {size}: {', '.join(working)}" if working else f"none takes {size}"
    raise SettingsError(f"{fault}; {advice}")


def holds_captions(settings: EncodeSettings, clip: ClipInfo) -> bool:
    """Try whether an encoder that works writes the closed captions of its pictures.

    Only some of libav's do: nothing but what they write tells.
    """
    context = av.CodecContext.create(settings.encoder, "w")
    if not isinstance(context, VideoCodecContext):
        return False
    if context.codec.canonical_name not in _WITH_CAPTIONS:
        return False
    frame = replace(_gray_frame(clip), captions=b"\xfc\x80\x80")
    with LibavLog(this_thread=True):
        configure(context, settings, clip)
        with kept_priority():
            context.open()
        packets = context.encode(to_picture(frame, settings.pix_fmt))
        packets += context.encode(None)
    return any(_CAPTIONS_FOLLOW in bytes(packet) for packet in packets)


def _could_take(name: str, pix_fmt: str, clip: ClipInfo) -> bool:
    """Tell whether another encoder takes a clip's frames, under its own name of their format."""
    held = layout_of(pix_fmt)
    named = next((other for other, its in formats_of(name).items() if its == held), pix_fmt)
    return _trial(EncodeSettings(encoder=name, pix_fmt=named), clip) is None


def _trial(settings: EncodeSettings, clip: ClipInfo) -> str | None:
    """Describe why the encoder does not work; None if it does."""
    name = settings.encoder
    try:
        context = av.CodecContext.create(name, "w")
    except av.codec.codec.UnknownCodecError:
        return f"there is no encoder {name!r}"
    if not isinstance(context, VideoCodecContext):
        return f"{name} is not a video encoder"
    width, height = _SMALLEST.get(name, (0, 0))
    if clip.format.width < width or clip.format.height < height:
        return f"the encoder {name} needs at least {width}x{height} pixels"
    return _refusal(context, settings, clip)


def _refusal(context: VideoCodecContext, settings: EncodeSettings, clip: ClipInfo) -> str | None:
    """Describe why the encoder refuses the settings or a frame; None if it takes them."""
    name = settings.encoder
    # SVT-AV1 writes to the standard error stream by itself, past libav's log: errors only.
    os.environ.setdefault("SVT_LOG", "1")
    with LibavLog(this_thread=True) as log:
        error = _encode_one(context, settings, clip)
        said = [line for _, line in log.take(name)]
    if error is not None:
        reason = said[0] if said else getattr(error, "strerror", None) or str(error)
        size = f"{clip.format.width}x{clip.format.height} {settings.pix_fmt}"
        return f"the encoder {name} refuses {size}: {line_of(reason).rstrip('.')}"
    if context.options:
        return f"the encoder {name} has no option {', '.join(sorted(context.options))}"
    passed_over = [line for line in said if _NOT_UNDERSTOOD.match(line)]
    return f"the encoder {name} says: {passed_over[0].rstrip('.')}" if passed_over else None


def _encode_one(
    context: VideoCodecContext, settings: EncodeSettings, clip: ClipInfo
) -> Exception | None:
    """Encode one frame with an encoder, unless options are left over that it does not know.

    Returns:
        The error that it met; None if there was none.
    """
    try:
        configure(context, settings, clip)
        with kept_priority():
            context.open()
        if not context.options:
            context.encode(to_picture(_gray_frame(clip), settings.pix_fmt))
            context.encode(None)
    except (av.FFmpegError, ValueError) as error:
        return error
    return None


def _gray_frame(clip: ClipInfo) -> Frame:
    """A grey frame of a clip's format."""
    form = clip.format
    level = 0.5 if form.layout.floating else form.neutral
    planes = tuple(np.full(shape, level, form.dtype) for shape in form.plane_shapes)
    return Frame(
        format=form, planes=planes, timing=Timing(pts=0, duration=1, time_base=clip.time_base)
    )
