"""Run a graph on files or on arrays, by whichever runner has its filters."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from fractions import Fraction
from itertools import chain

import av
import numpy as np
import numpy.typing as npt
from av.container import InputContainer
from av.video.stream import VideoStream
from ffmpeg.nodes import FilterableStream as Stream

from ffmpeg_filters.catalogue import Runner, runner_for
from ffmpeg_filters.errors import GraphError
from ffmpeg_filters.graph import Filter, Graph, Node, graph_of
from ffmpeg_filters.program import Program
from ffmpeg_filters.video import BOTTOM_FIRST, FALLBACK_RATE, Feed, FieldOrder, Video, with_tags_of

type Array = (
    npt.NDArray[np.uint8]
    | npt.NDArray[np.uint16]
    | npt.NDArray[np.float16]
    | npt.NDArray[np.float32]
)

_NOT_THE_DEMUXERS = {"itsoffset", "pix_fmt", "r", "re", "s", "ss", "stream_loop", "t", "to"}


def read(stream: Stream, *, program: str | None = None) -> Iterator[av.VideoFrame]:
    """Yield the pictures of an ffmpeg-python stream, with their times and colour.

    The files are decoded here; the graph runs in this process, or by the ffmpeg program if it needs
    filters that only that has.

    Args:
        stream: Filters on `ffmpeg.input(...)`; its further options are those of the demuxer, such
            as `framerate`, `start_number` or `pixel_format`.
        program: The program's file; None is `ffmpeg` on the PATH.

    Raises:
        GraphError: The graph is wrong, or a file cannot be read.
        MissingFilterError: It needs a program that is not there.
        RunError: A filter failed.
    """
    graph = _checked(graph_of(stream))
    runner = runner_for(graph, program)
    with ExitStack() as stack:
        feeds = [_open(arguments, runner, stack) for arguments in graph.files]
        yield from runner.run(graph, feeds)


def apply(
    graph: str | Filter | Graph,
    arrays: Iterable[Array],
    *,
    pix_fmt: str = "rgb24",
    rate: Fraction | int = FALLBACK_RATE,
    program: str | None = None,
) -> Iterator[Array]:
    """Run arrays through a graph, as raw video in, and out again in the same pixel format.

    Args:
        graph: A function from stream to stream, FFmpeg's own syntax, or a graph.
        arrays: Pictures in PyAV's shapes: `(H, W, 3)` for rgb24, `(H * 3 // 2, W)` for yuv420p,
            `(H, W, 3)` of 16 bits for rgb48le, `(H, W)` for gray.
        pix_fmt: FFmpeg's name of their pixel format.
        rate: Pictures a second: filters that work with time want it.
        program: The program's file; None is `ffmpeg` on the PATH.

    Raises:
        GraphError: The graph is wrong, or the arrays do not fit the pixel format or one another.
        MissingFilterError: It needs a program that is not there.
        RunError: A filter failed.
    """
    wanted = graph if isinstance(graph, Graph) else graph_of(graph)
    wanted = wanted.followed_by(Node(name="format", arguments=pix_fmt, inputs=(), outputs=()))
    runner = runner_for(wanted, program)
    tick = 1 / Fraction(rate)
    pictures = _pictures(arrays, pix_fmt, tick)
    first = next(pictures, None)
    if first is None:
        return
    video = Video(
        width=first.width, height=first.height, pix_fmt=pix_fmt, time_base=tick, rate=1 / tick
    )
    for picture in runner.run(wanted, [(video, chain([first], pictures))]):
        yield picture.to_ndarray(format=pix_fmt)  # a program may send another packing


def _pictures(arrays: Iterable[Array], pix_fmt: str, tick: Fraction) -> Iterator[av.VideoFrame]:
    shape: tuple[int, ...] = ()
    for number, array in enumerate(arrays):
        if shape and array.shape != shape:
            raise GraphError(f"array {number} is {array.shape}, not {shape} as those before it")
        shape = array.shape
        try:
            picture = av.VideoFrame.from_ndarray(array, format=pix_fmt)
        except (ValueError, AssertionError) as error:
            raise GraphError(
                f"an array of {array.shape} {array.dtype} is no {pix_fmt} picture: {error}"
            ) from error
        picture.pts, picture.duration, picture.time_base = number, 1, tick
        yield picture


def _open(arguments: tuple[str, ...], runner: Runner, stack: ExitStack) -> Feed:
    """Open the feed of a file, which stays open until the stack unwinds."""
    *options, _, name = arguments
    given = dict(zip((key[1:] for key in options[::2]), options[1::2], strict=True))
    refused = sorted(_NOT_THE_DEMUXERS & given.keys())
    if refused:
        raise GraphError(f"the input option {refused[0]} is the program's alone: use a filter")
    form = given.pop("f", None)
    try:
        container = stack.enter_context(av.open(name, format=form, options=given))
        stream = container.streams.video[0]
    except (av.FFmpegError, IndexError) as error:
        raise GraphError(f"cannot read a video from {name}: {error}") from error
    stream.thread_type = "AUTO"
    stack.callback(_drain, stream)
    pictures = _decoded(container, stream)
    first = next(pictures, None)
    if first is None:
        raise GraphError(f"no picture of {name} can be decoded")
    order: FieldOrder = "bff" if stream.codec_context.field_order in BOTTOM_FIRST else "tff"
    video = Video(
        width=first.width,
        height=first.height,
        pix_fmt=first.format.name,
        time_base=Fraction(str(stream.time_base)),
        # Of DV the average is a clock's ticks, of GXF the fields.
        rate=Fraction(str(stream.guessed_rate or stream.average_rate or 0)),
        sample_aspect_ratio=Fraction(str(stream.sample_aspect_ratio or 1)),
    )
    if first.interlaced_frame and isinstance(runner, Program):
        video = replace(video, field_order=order)  # raw video does not say it picture by picture
    return with_tags_of(video, first), chain([first], pictures)


def _decoded(container: InputContainer, stream: VideoStream) -> Iterator[av.VideoFrame]:
    try:
        yield from container.decode(stream)
    except av.FFmpegError as error:
        raise GraphError(f"cannot read {container.name}: {error}") from error


def _drain(stream: VideoStream) -> None:
    """Let the decoder's threads finish: freed earlier, it and they would wait for each other."""
    with suppress(av.FFmpegError):
        stream.codec_context.decode(None)


def _checked(graph: Graph) -> Graph:
    """Return the graph, if each of its inputs is the first video of a file."""
    for label in graph.open_inputs:
        if label.partition(":")[2] not in {"", "v"}:
            raise GraphError(f"the input [{label}] is not a file's first video: that alone is read")
    return graph
