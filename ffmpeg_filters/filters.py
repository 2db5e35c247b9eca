"""Filters by purpose: functions from stream to stream, on ffmpeg-python's streams.

Each says on which of FFmpeg's filters it rests. All of them run in this process, except for methods
whose text says that they need the ffmpeg program. Numbers are those of FFmpeg's documentation.
"""

from pathlib import Path
from typing import Literal

import ffmpeg
from ffmpeg.nodes import FilterableStream as Stream

from ffmpeg_filters.errors import GraphError

Order = Literal["auto", "tff", "bff"]

_MATRIX_SIZE = 5  # pixels that an unsharp mask looks at, each way


def deinterlace(
    stream: Stream,
    *,
    method: Literal["bwdif", "w3fdif", "estdif", "yadif"] = "bwdif",
    each: Literal["field", "frame"] = "field",
    order: Order = "auto",
) -> Stream:
    """Make whole pictures of interlaced ones, by the filter that `method` names.

    Args:
        stream: Interlaced video.
        method: bwdif is the best of them where things move.
        each: A picture for each `field` keeps all motion and doubles the rate; one for each `frame`
            does neither.
        order: Whether the top or the bottom field comes first; `auto` is what the pictures say.
    """
    mode = each if method in {"w3fdif", "estdif"} else f"send_{each}"
    return stream.filter(method, mode=mode, parity=order)


def inverse_telecine(
    stream: Stream,
    *,
    method: Literal["fieldmatch", "pullup"] = "fieldmatch",
    order: Order = "auto",
) -> Stream:
    """Restore the 24 pictures per second of a film that was spread over 60 fields (3:2 pulldown).

    Rests on fps, fieldmatch, bwdif and decimate; or on pullup and fps, which need the ffmpeg
    program. Gaps in the times are filled first, since what drops one picture in five counts
    pictures, and sound would drift. fieldmatch gives 8 bits, in 4:2:0 or 4:2:2 or 4:4:4.

    Args:
        stream: Telecined video at 30000/1001 frames a second.
        method: fieldmatch looks for the field that fits and interpolates where none does; pullup
            follows the pattern.
        order: Whether the top or the bottom field comes first; `auto` is what the pictures say.
    """
    if method == "pullup":
        return stream.filter("pullup").filter("fps", "24000/1001")
    # Not with ppsrc, which would keep more bits: libavfilter then writes past its memory.
    whole = stream.filter("fps", "30000/1001")
    matched = whole.filter("fieldmatch", order=order, combmatch="full")
    # What fits nowhere is marked as interlaced: cuts between other patterns, and video in a film.
    clean = matched.filter("bwdif", mode="send_frame", parity=order, deint="interlaced")
    return clean.filter("decimate")


def deblock(
    stream: Stream, *, strength: Literal["weak", "strong"] = "strong", block: int = 8
) -> Stream:
    """Smooth the edges of compression's blocks. Rests on deblock.

    Args:
        stream: Any video.
        strength: How far from an edge pixels are changed.
        block: Side of the blocks in pixels, 4 to 512: 8 for MPEG-2, MPEG-4 and MJPEG.
    """
    return stream.filter("deblock", filter=strength, block=block)


def deband(stream: Stream, *, threshold: float = 0.02, radius: int = 16) -> Stream:
    """Turn steps in smooth areas into slopes. Rests on deband.

    Args:
        stream: Any video; more than 8 bits in the output make it worth while.
        threshold: Largest step that is taken for banding, as a part of white: 0.00003 to 0.5.
        radius: How far in pixels it looks.
    """
    levels = {f"{plane}thr": threshold for plane in (1, 2, 3)}
    return stream.filter("deband", range=radius, **levels)


def denoise_spatial(
    stream: Stream,
    *,
    method: Literal["fftdnoiz", "nlmeans", "vaguedenoiser"] = "fftdnoiz",
    strength: float = 4.0,
) -> Stream:
    """Take noise out of each picture by itself. Rests on the filter that `method` names.

    Args:
        stream: Any video.
        method: fftdnoiz is quick and keeps the depth; nlmeans keeps edges best, works in 8 bits and
            is slow; vaguedenoiser needs the ffmpeg program.
        strength: About the noise's standard deviation in 8-bit codes.
    """
    name = {"fftdnoiz": "sigma", "nlmeans": "s", "vaguedenoiser": "threshold"}[method]
    return stream.filter(method, **{name: strength})


def denoise_temporal(
    stream: Stream, *, method: Literal["atadenoise", "hqdn3d"] = "atadenoise", strength: float = 1.0
) -> Stream:
    """Average each pixel over the pictures where it stands still. Rests on the named filter.

    Args:
        stream: Any video; what moves stays as it is.
        method: hqdn3d also smooths within a picture and needs the ffmpeg program.
        strength: 1 is the filter's own; twice as much averages over twice the differences.
    """
    if method == "hqdn3d":
        return stream.filter("hqdn3d", 4.0 * strength)
    near, far = (f"{min(level * strength, top):.4g}" for level, top in ((0.02, 0.3), (0.04, 5)))
    levels = {
        f"{plane}{end}": level for plane in (0, 1, 2) for end, level in (("a", near), ("b", far))
    }
    return stream.filter("atadenoise", **levels)


def denoise_chroma(stream: Stream, *, threshold: float = 30.0) -> Stream:
    """Take blotches out of the colour and leave the light alone. Rests on chromanr.

    Args:
        stream: YUV video, as from tape.
        threshold: How much neighbours may differ and still be averaged, 1 to 200.
    """
    return stream.filter("chromanr", thres=threshold, sizew=5, sizeh=5)


def degrain(stream: Stream, *, strength: float = 3.0) -> Stream:
    """Take film grain out, over three pictures at a time. Rests on fftdnoiz.

    Args:
        stream: Film.
        strength: About the grain's standard deviation in 8-bit codes, 0 to 100.
    """
    return stream.filter("fftdnoiz", sigma=strength, prev=1, next=1)


def regrain(stream: Stream, *, strength: int = 6, seed: int = 1) -> Stream:
    """Add grain that is new in every picture, and the same in every run. Rests on noise.

    Args:
        stream: Any video; 8 or 16 bits are used inside.
        strength: 0 to 100.
        seed: Draws the grain.
    """
    return stream.filter("noise", c0s=strength, c0f="t", all_seed=seed)


def remove_dirt(stream: Stream, *, radius: int = 1) -> Stream:
    """Take out what is there in one picture only, as dust and scratches are. Rests on tmedian.

    Args:
        stream: Film; fast motion suffers, so look at the result.
        radius: Pictures to each side that are asked, 1 to 127.
    """
    return stream.filter("tmedian", radius=radius)


def deflicker(stream: Stream, *, size: int = 5) -> Stream:
    """Even out the brightness of pictures. Rests on deflicker.

    Args:
        stream: Any video; fades are kept if they are slower than `size`.
        size: Pictures to average over, 2 to 129.
    """
    return stream.filter("deflicker", size=size, mode="pm")


def sharpen(
    stream: Stream, *, method: Literal["cas", "unsharp"] = "cas", strength: float = 0.3
) -> Stream:
    """Make edges clearer. Rests on the filter that `method` names.

    Args:
        stream: Any video.
        method: cas follows the contrast and makes no halos; unsharp is the plain mask.
        strength: 0 to 1 for cas, up to 5 for unsharp.
    """
    if method == "unsharp":
        return stream.filter("unsharp", _MATRIX_SIZE, _MATRIX_SIZE, strength)
    return stream.filter("cas", strength=strength)


def crop(stream: Stream, *, left: int = 0, right: int = 0, top: int = 0, bottom: int = 0) -> Stream:
    """Cut pixels off the edges. Rests on crop.

    Args:
        stream: Any video.
        left: Columns.
        right: Columns.
        top: Rows.
        bottom: Rows.
    """
    return stream.filter("crop", f"iw-{left + right}", f"ih-{top + bottom}", left, top, exact=1)


def pad(
    stream: Stream,
    *,
    left: int = 0,
    right: int = 0,
    top: int = 0,
    bottom: int = 0,
    color: str = "black",
) -> Stream:
    """Add a border. Rests on pad.

    Args:
        stream: Any video.
        left: Columns.
        right: Columns.
        top: Rows.
        bottom: Rows.
        color: FFmpeg's name of a colour, or `#RRGGBB`.
    """
    return stream.filter("pad", f"iw+{left + right}", f"ih+{top + bottom}", left, top, color=color)


def letterbox(stream: Stream, *, width: int, height: int) -> Stream:
    """Fit the picture into a frame of square pixels, with black around it. Rests on scale and pad.

    Args:
        stream: Any video; the shape of its samples is heeded.
        width: Columns of the frame.
        height: Rows of the frame.
    """
    fitted = stream.filter("scale", "iw*sar", "ih").filter("setsar", 1)
    fitted = fitted.filter(
        "scale", width, height, force_original_aspect_ratio="decrease", flags="lanczos"
    )
    return fitted.filter("pad", width, height, "(ow-iw)/2", "(oh-ih)/2").filter("setsar", 1)


def scale(
    stream: Stream,
    *,
    width: int = -2,
    height: int = -2,
    method: Literal["lanczos", "bicubic", "spline", "area", "neighbor"] = "lanczos",
) -> Stream:
    """Resize pictures, by scale.

    Args:
        stream: Any video.
        width: Columns; -2 follows the height and the picture's shape, in even numbers.
        height: Rows; -2 follows the width.
        method: The kernel.

    Raises:
        GraphError: Neither is given.
    """
    if width < 0 and height < 0:
        raise GraphError("scale needs a width or a height")
    return stream.filter("scale", width, height, flags=f"{method}+accurate_rnd")


def tone_map(
    stream: Stream,
    *,
    curve: Literal["mobius", "hable", "reinhard", "clip"] = "mobius",
    by: Literal["scale", "zscale"] = "scale",
) -> Stream:
    """Convert HDR to SDR in BT.709 with 8 bits, for viewing, not for keeping.

    Rests on scale, format and tonemap; or on zscale, which needs the ffmpeg program.

    Args:
        stream: PQ or HLG video that says so.
        curve: How highlights are bent.
        by: What converts the transfer functions: libswscale of FFmpeg 8 or later, or zimg.
    """
    if by == "zscale":
        light = stream.filter("zscale", transfer="linear", npl=203).filter("format", "gbrpf32le")
        light = light.filter("zscale", primaries="bt709").filter("tonemap", curve, desat=0)
        made = light.filter("zscale", transfer="bt709", matrix="bt709", range="limited")
    else:
        light = stream.filter("scale", out_transfer="linear", out_primaries="bt709")
        light = light.filter("format", "gbrpf32le").filter("tonemap", curve, desat=0)
        made = light.filter("scale", out_transfer="bt709", out_color_matrix="bt709", out_range="tv")
    return made.filter("format", "yuv420p")


def lut(stream: Stream, file: str | Path) -> Stream:
    """Grade by a table of colours. Rests on lut3d.

    Args:
        stream: Any video.
        file: A 3D table: .cube, .3dl, .dat, .m3d or .csp.
    """
    return stream.filter("lut3d", file=str(file), interp="tetrahedral")


def side_by_side(left: Stream, right: Stream) -> Stream:
    """Show two videos of one height beside one another, by hstack."""
    return ffmpeg.filter([left, right], "hstack")


def wipe(left: Stream, right: Stream, *, seconds: float = 4.0) -> Stream:
    """Show two videos of one size in one picture, divided by an edge that moves to and fro.

    Rests on blend, whose expression is slow: a few frames a second at 4K.

    Args:
        left: What is seen left of the edge.
        right: What is seen right of it.
        seconds: From one side to the other; 0 keeps the edge in the middle.

    Raises:
        GraphError: `seconds` is negative.
    """
    if seconds < 0:
        raise GraphError(f"{seconds:g} seconds are no time: use 0 or more")
    edge = f"W*abs(mod(T/{seconds:g}+0.5,2)-1)" if seconds else "W/2"
    return ffmpeg.filter([left, right], "blend", all_expr=f"if(lt(X,{edge}),A,B)")
