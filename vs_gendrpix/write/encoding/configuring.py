"""Set up a video encoder."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from av.codec.context import Flags
from av.video.codeccontext import VideoCodecContext

from vs_gendrpix.frame.clip import STREAM_RATE, ClipInfo
from vs_gendrpix.frame.transfer import stated
from vs_gendrpix.libav.pixels import location_code
from vs_gendrpix.settings import EncodeSettings
from vs_gendrpix.write.encoding.hdr_options import HDR_OPTIONS

_THREADS = Path("/proc/self/task")


def configure(context: VideoCodecContext, settings: EncodeSettings, clip: ClipInfo) -> None:
    """Set up an encoder that is not yet open.

    Its codec's header is kept apart from the packets, as every container wants it that we write.

    Args:
        context: The encoder.
        settings: How to encode.
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
    context.color_trc = stated(color.transfer)
    context.chroma_sample_location = location_code(color)
    context.thread_type = "AUTO"
    context.flags |= Flags.global_header
    context.options = encoder_options(settings, clip)


def encoder_options(settings: EncodeSettings, clip: ClipInfo) -> dict[str, str]:
    """The private options of an encoder: the user's, and the clip's grading. The user's win."""
    options = dict(settings.options)
    grading = HDR_OPTIONS.get(settings.encoder)
    if grading is not None:
        own = filter(None, [options.get(grading.option)])
        told = ":".join([*grading.values(clip.hdr), *own])
        options |= {grading.option: told} if told else {}
    if settings.crf is not None:
        options["crf"] = f"{settings.crf:g}"
    if settings.preset is not None:
        options["preset"] = settings.preset
    if settings.encoder == "libx265":
        # x265 writes to the standard error stream by itself, past libav's log.
        given = options.get("x265-params")
        options["x265-params"] = "log-level=none" + (f":{given}" if given else "")
        options.setdefault("a53cc", "1")  # other encoders write captions unless told otherwise
    return options


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
