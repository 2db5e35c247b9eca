"""Set up a video encoder, and try it before the work begins."""

import os
from fractions import Fraction

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext

from vs_gendrpix import hdr
from vs_gendrpix.errors import SettingsError
from vs_gendrpix.frames import ClipInfo, Frame, Timing
from vs_gendrpix.media import LibavLog, line_of
from vs_gendrpix.pixels import location_code, to_picture
from vs_gendrpix.settings import EncodeSettings

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
_FALLBACK_RATE = Fraction(25)
_SMALLEST = {"libsvtav1": (16, 16), "libx265": (64, 16)}
"""Width and height below which an encoder may crash: SVT-AV1 4.2 and x265 4.3 (at widths of 33 to
48 pixels) ruin the heap instead of refusing."""


def encoder_options(settings: EncodeSettings, clip: ClipInfo) -> dict[str, str]:
    """The private options of the encoder: the user's, and what it is told of the clip's grading."""
    options = dict(settings.options)
    place = hdr.PLACES.get(settings.encoder)
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
    context.framerate = clip.average_rate or _FALLBACK_RATE
    context.sample_aspect_ratio = clip.sample_aspect_ratio
    context.color_range = 2 if color.full_range else 1
    context.colorspace = color.matrix
    context.color_primaries = color.primaries
    context.color_trc = color.transfer
    context.chroma_sample_location = location_code(color)
    context.thread_type = "AUTO"


def try_encoder(settings: EncodeSettings, clip: ClipInfo) -> None:
    """Encode one frame with the very settings of the run.

    Raises:
        SettingsError: The encoder is not there, or refuses the size, the pixel format or an option.
            The message lists the encoders that work.
    """
    fault = _trial(settings, clip)
    if fault is None:
        return
    working = [
        name
        for name in _CANDIDATES
        if name in av.codecs_available
        and _trial(EncodeSettings(encoder=name, pix_fmt=settings.pix_fmt), clip) is None
    ]
    size = f"{clip.format.width}x{clip.format.height} {settings.pix_fmt}"
    advice = f"these work for {size}: {', '.join(working)}" if working else f"none takes {size}"
    raise SettingsError(f"{fault}; {advice}")


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
            context.open()
            unknown = sorted(context.options)
            if not unknown:
                context.encode(to_picture(_gray_frame(clip), settings.pix_fmt))
                context.encode(None)
        except (av.FFmpegError, ValueError) as error:
            said = [line for _, line in log.take(name)]
            reason = said[0] if said else getattr(error, "strerror", None) or str(error)
            size = f"{clip.format.width}x{clip.format.height} {settings.pix_fmt}"
            return f"the encoder {name} refuses {size}: {line_of(reason).rstrip('.')}"
    if unknown:
        return f"the encoder {name} has no option {', '.join(unknown)}"
    return None


def _gray_frame(clip: ClipInfo) -> Frame:
    """A frame of the clip's format that no encoder can mind."""
    form = clip.format
    planes = tuple(np.full(shape, 1 << form.bits - 1, form.dtype) for shape in form.plane_shapes)
    return Frame(
        format=form, planes=planes, timing=Timing(pts=0, duration=1, time_base=clip.time_base)
    )
