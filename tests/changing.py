"""Clips whose picture changes on the way, through real codecs."""

from fractions import Fraction
from itertools import pairwise

import av

from tests.clips import make_frames
from vs_gendrpix.libav.pixels import to_picture
from vs_gendrpix.write.encoding.configuring import kept_priority

INTRA = {
    "mjpeg": ("yuvj420p", {}),
    "prores_ks": ("yuv422p10le", {}),
    "png": ("rgb24", {}),
    "jpeg2000": ("yuv420p", {}),
    "tiff": ("rgb24", {}),
}
"""Codecs without reference to other pictures whose headers can be read alone."""

HEAVY = {
    "dnxhd": ("yuv422p10le", {"profile": "dnxhr_hqx"}),
    "cfhd": ("yuv422p10le", {}),
}
"""Such codecs whose pictures must be decoded."""

GROUPS = {
    "libx264": ("yuv420p", {"x264-params": "keyint=10:bframes=0:repeat-headers=1:annexb=1"}),
    "libx265": ("yuv420p", {"x265-params": "keyint=10:bframes=0:repeat-headers=1:log-level=none"}),
    "mpeg2video": ("yuv420p", {"g": "10"}),
    "mpeg4": ("yuv420p", {"g": "10"}),
    "libvpx": ("yuv420p", {"g": "10"}),
    "libvpx-vp9": ("yuv420p", {"g": "10"}),
    "libsvtav1": ("yuv420p", {"preset": "12", "g": "10"}),
}
"""Codecs with keyframes."""

CONTAINERS = {"prores_ks": "mov", "dnxhd": "mov", "tiff": "mov"}
"""Extensions of files that hold them; others go into .nut."""

CODECS = INTRA | HEAVY | GROUPS


def encoded(codec, sizes, first, *, color=1):
    """Packets of pictures of one size, the first of which is picture number `first`."""
    pix_fmt, options = CODECS[codec]
    context = av.CodecContext.create(codec, "w")
    context.width, context.height, context.pix_fmt = *sizes[0], pix_fmt
    context.time_base, context.framerate, context.options = Fraction(1, 25), 25, dict(options)
    context.color_primaries = context.color_trc = color
    (frame,) = make_frames(pix_fmt, sizes[0], (0,), Fraction(1, 25))
    packets = []
    for number in range(first, first + len(sizes)):
        picture = to_picture(frame, pix_fmt)
        picture.color_primaries = picture.color_trc = color
        picture.pts = number
        packets += context.encode(picture)
    return packets + context.encode(None)


def make_changing_clip(path, codec, sizes, **more):
    """Write a clip of pictures of these sizes; each run of one size begins with a keyframe."""
    runs = [0, *(n for n in range(1, len(sizes)) if sizes[n] != sizes[n - 1]), len(sizes)]
    pix_fmt, options = CODECS[codec]
    with kept_priority(), av.open(str(path), "w") as output:
        stream = output.add_stream(codec, rate=25, options=dict(options))
        stream.width, stream.height, stream.pix_fmt = *sizes[0], pix_fmt
        stream.time_base = Fraction(1, 25)
        for first, end in pairwise(runs):
            for packet in encoded(codec, sizes[first:end], first, **more):
                packet.stream, packet.dts = stream, packet.pts  # x265 makes one up for a single one
                output.mux(packet)
