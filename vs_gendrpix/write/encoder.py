"""Set up a video encoder, and try it before the work begins."""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext

from vs_gendrpix.errors import MediaError, SettingsError
from vs_gendrpix.frame.clip import STREAM_RATE, ClipInfo
from vs_gendrpix.frame.format import Frame, FrameFormat, PixelLayout, Timing
from vs_gendrpix.libav.log import LibavLog
from vs_gendrpix.libav.pixels import encoder_layout, layout_of, location_code, to_picture
from vs_gendrpix.libav.values import line_of
from vs_gendrpix.settings import EncodeSettings
from vs_gendrpix.write.hdr_options import PLACES
from vs_gendrpix.write.profiles import profile_for

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
_USUAL = "yuv420p10le"
_LEAST_BITS = 10
"""What a restored picture of 8 bits is worth: its gradients are finer than the source's."""

_UNUSABLE = re.compile(r"pal8|mono[bw]|yuvj.*|.*msb(le|be)")
"""Formats that lose too much, and old or odd names of others."""

_Y4M = ["yuv420p", "yuv422p", "yuv444p", "yuv411p", "gray"] + [
    f"{name}{bits}le"
    for bits in (9, 10, 12, 14, 16)
    for name in ("yuv420p", "yuv422p", "yuv444p", "gray")
    if (name, bits) != ("gray", 14)
]
"""What the muxer of YUV4MPEG takes; its encoder has no list of its own."""

_NOT_UNDERSTOOD = re.compile(r"Unknown option|Invalid value|Error parsing option")
"""How libx264, libx265 and libsvtav1 say that they pass over an option, and go on."""
_SMALLEST = {"libsvtav1": (16, 16), "libx265": (64, 16)}
"""Width and height below which an encoder may crash: SVT-AV1 4.2 and x265 4.3 (at widths of 33 to
48 pixels) ruin the heap instead of refusing."""

_THREADS = Path("/proc/self/task")


def settled(settings: EncodeSettings, output: Path, source: FrameFormat) -> EncodeSettings:
    """The same settings with nothing left open.

    Args:
        settings: What the user wants.
        output: Where to; its name decides the encoder, if nobody else does.
        source: The format of the source's frames.

    Returns:
        Settings that name an encoder and a pixel format, which has alpha only if the source does.

    Raises:
        SettingsError: There is no such pixel format, or we cannot fill it.
    """
    if settings.encoder == "auto":
        settings = settings.over(profile_for(output).encode)
    taken = _taken(settings.encoder)
    name = settings.pix_fmt
    if name == "auto":
        name = _USUAL if _USUAL in taken or not taken else "source"
    if name == "source":
        name = min(taken, key=partial(_distance, source), default=_USUAL)
    found = encoder_layout(name)
    if found.alpha and not source.layout.alpha:
        opaque = replace(found, alpha=False)
        name = next((other for other, held in taken.items() if held == opaque), name)
    return replace(settings, pix_fmt=name)


def _taken(encoder: str) -> dict[str, PixelLayout]:
    """The pixel formats that an encoder takes and we can fill, by name; none if it has no list."""
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
    """How far a pixel format is from the source: first what would be lost, then what is wasted."""
    held = layout_of(name)
    bits = max(source.layout.bits, _LEAST_BITS)
    steps = [
        ours - its for ours, its in zip(held.subsampling, source.layout.subsampling, strict=True)
    ]
    colors = {"gray": 0, "yuv": 1, "rgb": 1}
    return (
        source.layout.alpha and not held.alpha,
        held.floating != source.layout.floating,
        max(0, colors[source.layout.family] - colors[held.family]),
        held.family != source.layout.family,
        max(0, bits - held.bits),
        sum(max(0, step) for step in steps),
        held.bits - bits,
        sum(map(abs, steps)),
        held.alpha,
    )


def encoder_options(settings: EncodeSettings, clip: ClipInfo) -> dict[str, str]:
    """The private options of the encoder: the user's, and what it is told of the clip's grading."""
    options = dict(settings.options)
    place = PLACES.get(settings.encoder)
    if place is not None:
        said = ":".join([*place.words(clip.hdr), *filter(None, [options.get(place.option)])])
        options |= {place.option: said} if said else {}
    if settings.crf is not None:
        options["crf"] = f"{settings.crf:g}"
    if settings.preset is not None:
        options["preset"] = settings.preset
    if settings.encoder == "libx265":
        # x265 writes to the standard error stream by itself, past libav's log.
        given = options.get("x265-params")
        options["x265-params"] = "log-level=none" + (f":{given}" if given else "")
    return options


def configure(context: VideoCodecContext, settings: EncodeSettings, clip: ClipInfo) -> None:
    """Tell an unopened encoder what it will get.

    Args:
        context: The encoder's context, or a stream's.
        settings: How to encode, but for the private options.
        clip: What will be encoded.
    """
    form, color = clip.format, clip.format.color
    context.width, context.height, context.pix_fmt = form.width, form.height, settings.pix_fmt
    context.time_base = clip.time_base
    context.framerate = clip.average_rate or STREAM_RATE
    context.sample_aspect_ratio = clip.sample_aspect_ratio
    context.color_range = 2 if color.full_range else 1
    context.colorspace = color.matrix
    context.color_primaries = color.primaries
    context.color_trc = color.transfer
    context.chroma_sample_location = location_code(color)
    context.thread_type = "AUTO"


@contextmanager
def kept_priority() -> Iterator[None]:
    """Open an encoder without real-time priority for it and for the thread that opens it.

    SVT-AV1 (4.2) run by root gives both SCHED_FIFO at 99, and every thread begun later inherits
    it. Those of the network then wait for each other in loops that nothing interrupts: on two cores
    they stood still for minutes.
    """
    if sys.platform != "linux":  # SVT-AV1 does so nowhere else
        yield
        return
    policy, priority = os.sched_getscheduler(0), os.sched_getparam(0)
    before = set(_THREADS.iterdir())
    try:
        yield
    finally:
        if os.sched_getscheduler(0) != policy:
            for thread in set(_THREADS.iterdir()) - before:
                with suppress(ProcessLookupError):  # it has ended
                    os.sched_setscheduler(int(thread.name), policy, priority)
            os.sched_setscheduler(0, policy, priority)


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


def _could_take(name: str, pix_fmt: str, clip: ClipInfo) -> bool:
    """Whether another encoder takes a clip's frames, under its own name of their format."""
    held = layout_of(pix_fmt)
    named = next((other for other, its in _taken(name).items() if its == held), pix_fmt)
    return _trial(EncodeSettings(encoder=name, pix_fmt=named), clip) is None


def _trial(settings: EncodeSettings, clip: ClipInfo) -> str | None:
    """Why the encoder does not work, or None if it does."""
    name = settings.encoder
    # SVT-AV1 writes to the standard error stream by itself, past libav's log: errors only.
    os.environ.setdefault("SVT_LOG", "1")
    try:
        context = av.CodecContext.create(name, "w")
    except av.codec.codec.UnknownCodecError:
        return f"there is no encoder {name!r}"
    if not isinstance(context, VideoCodecContext):
        return f"{name} is not a video encoder"
    width, height = _SMALLEST.get(name, (0, 0))
    if clip.format.width < width or clip.format.height < height:
        return f"the encoder {name} needs at least {width}x{height} pixels"
    with LibavLog(this_thread=True) as log:
        try:
            configure(context, settings, clip)
            context.options = encoder_options(settings, clip)
            with kept_priority():
                context.open()
            unknown = sorted(context.options)
            if not unknown:
                context.encode(to_picture(_gray_frame(clip), settings.pix_fmt))
                context.encode(None)
            said = [line for _, line in log.take(name)]
        except (av.FFmpegError, ValueError) as error:
            said = [line for _, line in log.take(name)]
            reason = said[0] if said else getattr(error, "strerror", None) or str(error)
            size = f"{clip.format.width}x{clip.format.height} {settings.pix_fmt}"
            return f"the encoder {name} refuses {size}: {line_of(reason).rstrip('.')}"
    if unknown:
        return f"the encoder {name} has no option {', '.join(unknown)}"
    passed_over = [line for line in said if _NOT_UNDERSTOOD.match(line)]
    return f"the encoder {name} says: {passed_over[0].rstrip('.')}" if passed_over else None


def _gray_frame(clip: ClipInfo) -> Frame:
    """A frame of the clip's format that no encoder can mind."""
    form = clip.format
    level = 0.5 if form.layout.floating else form.neutral
    planes = tuple(np.full(shape, level, form.dtype) for shape in form.plane_shapes)
    return Frame(
        format=form, planes=planes, timing=Timing(pts=0, duration=1, time_base=clip.time_base)
    )
