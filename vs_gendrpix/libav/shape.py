"""The pixel aspect ratio of a decoded picture, which PyAV does not tell."""

from fractions import Fraction
from typing import cast

import av
from av.filter import Graph

_UNIT = 1 << 14
"""Columns that stand for a ratio of 1: every ratio of whole numbers up to 128 can be told."""


def shape_of(picture: av.VideoFrame) -> Fraction:
    """The pixel aspect ratio that the decoder has given to a picture; 1 if it has given none.

    PyAV has that of the decoder only, who may have read the next picture's by then. FFmpeg's filter
    `scale` knows it of each picture, so a corner of this one is made as wide as its ratio says.
    """
    graph = Graph()
    graph.threads = 1
    source = graph.add_buffer(
        width=picture.width,
        height=picture.height,
        format=picture.format,
        time_base=Fraction(1, 25),
    )
    corner = graph.add("crop", "w=min(iw\\,16):h=min(ih\\,16):x=0:y=0")
    wide = graph.add("scale", f"w={_UNIT}*sar:h=16:eval=frame:flags=neighbor")
    graph.link_nodes(source, corner, wide, graph.add("buffersink")).configure()
    graph.push(picture)
    found = cast("av.VideoFrame", graph.pull())
    return Fraction(found.width, _UNIT).limit_denominator(128)
