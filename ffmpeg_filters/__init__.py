"""Filters before and after: graphs written with ffmpeg-python, run in this process or by ffmpeg.

import ffmpeg
from ffmpeg_filters import deblock, deinterlace, read

stream = deblock(deinterlace(ffmpeg.input("tape.mpg")))
for picture in read(stream):
    ...
"""

from ffmpeg.nodes import FilterableStream as Stream

from ffmpeg_filters.catalogue import DEINTERLACERS, IN_BOTH, PROGRAM_ONLY, Runner, runner_for
from ffmpeg_filters.errors import FilterError, GraphError, MissingFilterError, RunError
from ffmpeg_filters.filters import (
    crop,
    deband,
    deblock,
    deflicker,
    degrain,
    deinterlace,
    denoise_chroma,
    denoise_spatial,
    denoise_temporal,
    inverse_telecine,
    letterbox,
    lut,
    pad,
    regrain,
    remove_dirt,
    scale,
    sharpen,
    side_by_side,
    tone_map,
    wipe,
)
from ffmpeg_filters.graph import Filter, Graph, Node, graph_of
from ffmpeg_filters.in_process import InProcess
from ffmpeg_filters.neighbours import Neighbours, neighbours
from ffmpeg_filters.presets import PRESETS, PRESETS_OF_FRAMES
from ffmpeg_filters.program import Program
from ffmpeg_filters.reach import kept_local, reaching_outside
from ffmpeg_filters.running import apply, read
from ffmpeg_filters.video import BOTTOM_FIRST, Feed, FieldOrder, Video

__all__ = [
    "BOTTOM_FIRST",
    "DEINTERLACERS",
    "IN_BOTH",
    "PRESETS",
    "PRESETS_OF_FRAMES",
    "PROGRAM_ONLY",
    "Feed",
    "FieldOrder",
    "Filter",
    "FilterError",
    "Graph",
    "GraphError",
    "InProcess",
    "MissingFilterError",
    "Neighbours",
    "Node",
    "Program",
    "RunError",
    "Runner",
    "Stream",
    "Video",
    "apply",
    "crop",
    "deband",
    "deblock",
    "deflicker",
    "degrain",
    "deinterlace",
    "denoise_chroma",
    "denoise_spatial",
    "denoise_temporal",
    "graph_of",
    "inverse_telecine",
    "kept_local",
    "letterbox",
    "lut",
    "neighbours",
    "pad",
    "reaching_outside",
    "read",
    "regrain",
    "remove_dirt",
    "runner_for",
    "scale",
    "sharpen",
    "side_by_side",
    "tone_map",
    "wipe",
]
