"""A video file as a VapourSynth clip, read through PyAV, without a source plugin."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Final

import vapoursynth as vs  # type: ignore[import-untyped] # no py.typed in its wheel

from vs_gendrpix.frame.clip import STREAM_RATE, ClipInfo
from vs_gendrpix.frame.format import CHROMA_LOCATIONS, Family, Fields, Frame, PixelLayout
from vs_gendrpix.read.reader import Reader
from vs_gendrpix.vapoursynth.core import as_vs_error, close_with_core
from vs_gendrpix.vapoursynth.formats import FAMILIES, write_planes

_FAMILY_NUMBERS: Final[dict[Family, int]] = {name: number for number, name in FAMILIES.items()}
_FIELDS: Final[dict[Fields, int]] = {"progressive": 0, "bottom": 1, "top": 2}


def source_clip(path: str | Path) -> vs.VideoNode:
    """Open a video file as a clip, with frame-exact access and all colour properties.

    Defaults for colour that a file does not state are the command's: BT.601 below 720 lines and
    BT.709 from there on, limited range, chroma left. VapourSynth has no half chroma samples, so a
    4:2:0 picture of odd size loses its last column or row. Alpha is in the property `_Alpha`, as
    with source plugins.

    Opening decodes the whole file once, to count its frames. For long films use
    `core.bs.VideoSource`, which keeps an index on disk.

    Args:
        path: A video file, a pattern such as `%06d.png`, or a folder of numbered pictures.

    Returns:
        The clip. Its frames have the file's times in `_AbsoluteTime` and `_Duration`.

    Raises:
        vs.Error: The file cannot be read, or its picture changes its size or format.
    """
    with as_vs_error():
        reader = Reader(Path(path))
    close_with_core(reader)
    info = reader.info
    # VapourSynth's 0/1 means a variable rate, which few filters accept.
    rate = info.average_rate or STREAM_RATE
    video_format = _format(info.format.layout)
    alpha_format = _format(replace(info.format.layout, family="gray", subsampling=(0, 0)))
    width = info.format.width >> video_format.subsampling_w << video_format.subsampling_w
    height = info.format.height >> video_format.subsampling_h << video_format.subsampling_h
    blank = vs.core.std.BlankClip(
        width=width,
        height=height,
        format=video_format,
        length=len(reader),
        fpsnum=rate.numerator,
        fpsden=rate.denominator,
        keep=True,
    )

    def read(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        del f  # VapourSynth passes both by name
        with as_vs_error():
            found = reader.read(n)
        frame = vs.core.create_video_frame(video_format, width, height)
        write_planes(frame, found.planes[: video_format.num_planes])
        if info.format.layout.alpha:
            alpha = vs.core.create_video_frame(alpha_format, width, height)
            write_planes(alpha, found.planes[-1:])
            frame.props["_Alpha"] = alpha
        frame.props.update(_props(info, found))
        frame.props.update(_times(reader, n, 1 / rate))
        return frame

    return blank.std.ModifyFrame(blank, read)


def _format(layout: PixelLayout) -> vs.VideoFormat:
    """The VapourSynth format of a layout, without its alpha."""
    kind = vs.FLOAT if layout.floating else vs.INTEGER
    return vs.core.query_video_format(
        _FAMILY_NUMBERS[layout.family], kind, layout.bits, *layout.subsampling
    )


def _props(info: ClipInfo, frame: Frame) -> dict[str, int]:
    """Frame properties of colour, field order and sample aspect ratio."""
    color = info.format.color
    props = {
        "_Matrix": color.matrix,
        "_Primaries": color.primaries,
        "_Transfer": color.transfer,
        "_Range": int(color.full_range),
        "_FieldBased": _FIELDS[frame.fields],
        "_SARNum": info.sample_aspect_ratio.numerator,
        "_SARDen": info.sample_aspect_ratio.denominator,
    }
    if info.format.layout.subsampling != (0, 0):
        props["_ChromaLocation"] = CHROMA_LOCATIONS.index(color.chroma_location)
    return props


def _times(reader: Reader, n: int, last: Fraction) -> dict[str, int | float]:
    """Frame properties of a frame's time and duration.

    Args:
        reader: The opened file.
        n: Number of the frame.
        last: Duration in seconds of the last frame, which no other frame follows.
    """
    following = reader.times[n + 1] if n + 1 < len(reader) else reader.times[n] + last
    duration = following - reader.times[n]
    return {
        "_AbsoluteTime": float(reader.times[n]),
        "_DurationNum": duration.numerator,
        "_DurationDen": duration.denominator,
    }
