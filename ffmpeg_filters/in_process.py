"""Run a graph in this process, by the libavfilter that PyAV brings along."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction

import av
from av.filter import Graph as LibavGraph
from av.filter.context import FilterContext
from av.filter.filter import filters_available

from ffmpeg_filters.errors import GraphError, MissingFilterError, RunError
from ffmpeg_filters.graph import Graph, Node
from ffmpeg_filters.video import FALLBACK_RATE, Feed, Video, grey, tags, with_tags_of

type Pad = tuple[FilterContext, int]

NAME = "libavfilter"

_EIGHT_BITS = {f"yuv{j}{digits}p" for j in ("", "j") for digits in (410, 411, 420, 422, 440, 444)}


@dataclass(frozen=True, slots=True)
class InProcess:
    """Runs graphs by libavfilter in this process."""

    @property
    def name(self) -> str:
        """Name of this runner in messages."""
        return NAME

    @property
    def filters(self) -> frozenset[str]:
        """Names of all filters of this libavfilter."""
        return frozenset(filters_available)

    def describe(self, graph: Graph, videos: Sequence[Video]) -> Video:
        """Find the format that a graph gives, by running it on a few grey pictures.

        Args:
            graph: With as many open inputs as there are videos, and one open output.
            videos: What it will be fed with.

        Raises:
            GraphError: A filter does not take an option or these videos, or the graph has other
                open ends.
            MissingFilterError: There is no such filter here.
        """
        nodes = _labelled(graph, inputs=len(videos))
        greys = [f"{grey(video)}[in{number}]" for number, video in enumerate(videos)]
        text = ";".join([*greys, *map(str, nodes)])
        first = videos[0]
        with (
            _errors_of(graph, GraphError),
            av.open(text, format="lavfi", options={"fpsprobesize": "0"}) as run,
        ):
            stream = run.streams.video[0]
            found = replace(
                first,
                width=stream.width,
                height=stream.height,
                pix_fmt=stream.pix_fmt or first.pix_fmt,
                time_base=Fraction(str(stream.time_base)),
                rate=Fraction(str(stream.average_rate or 0)) if first.rate else Fraction(0),
                sample_aspect_ratio=Fraction(str(stream.sample_aspect_ratio or 1)),
            )
            picture = next(run.decode(stream), None)
        # None comes through so early where a graph trims or selects.
        return found if picture is None else with_tags_of(found, picture)

    def run(self, graph: Graph, feeds: Sequence[Feed]) -> Iterator[av.VideoFrame]:
        """Run a graph, and yield its pictures with their times and colour.

        A few pictures are in memory at a time. The feeds are asked for pictures in the order of
        their times, and not any more when the graph has ended.

        Args:
            graph: As `describe` takes it.
            feeds: In the order in which the graph's inputs appear, or by number where its labels
                are numbers, as in `[1]`.

        Raises:
            GraphError: As `describe` has it, when the first picture is asked for.
            MissingFilterError: The same.
            RunError: A filter failed.
        """
        sources, sink = _build(graph, [video for video, _ in feeds])
        waiting = [iter(pictures) for _, pictures in feeds]
        before = Fraction(-1 << 62)
        reached = [before] * len(feeds)
        going = set(range(len(feeds)))
        while going:
            behind = min(going, key=reached.__getitem__)
            picture = next(waiting[behind], None)
            if picture is None:
                going.remove(behind)
                if not going and reached == [before] * len(feeds):
                    return  # libavfilter crashes where fftdnoiz is told of the end of nothing
            else:
                reached[behind] = (picture.pts or 0) * feeds[behind][0].time_base
            try:
                with _errors_of(graph, RunError):
                    sources[behind].push(picture)
                yield from _ready(graph, sink)
            except EOFError:
                return


def _ready(graph: Graph, sink: FilterContext) -> Iterator[av.VideoFrame]:
    """Yield the pictures that are ready.

    Raises:
        EOFError: The graph has ended.
    """
    while True:
        try:
            with _errors_of(graph, RunError):
                picture = sink.pull()
        except BlockingIOError:
            return
        if isinstance(picture, av.VideoFrame):
            yield picture


def _build(graph: Graph, videos: Sequence[Video]) -> tuple[list[FilterContext], FilterContext]:
    """Build and configure a graph.

    Returns:
        Its sources and its sink, which keep the graph alive.
    """
    built = LibavGraph()
    sink = built.add("buffersink")
    made: dict[str, Pad] = {}
    wanted: dict[str, Pad] = {"out0": (sink, 0)}
    sources = []
    with _errors_of(graph, GraphError):
        for number, video in enumerate(videos):
            source, tagged = _source(built, video)
            sources.append(source)
            made[f"in{number}"] = (tagged, 0)
        for node in _labelled(graph, inputs=len(videos)):
            context = _add(built, node)
            made |= {label: (context, index) for index, label in enumerate(node.outputs)}
            wanted |= {label: (context, index) for index, label in enumerate(node.inputs)}
        for label, (context, index) in wanted.items():
            maker, output = made[label]
            maker.link_to(context, output, index)
        built.configure()
    return sources, sink


def _source(built: LibavGraph, video: Video) -> tuple[FilterContext, FilterContext]:
    """Add a buffer for a video's pictures, and the filters that set its tags.

    Returns:
        The buffer, and the pad behind the tags.
    """
    source = built.add(
        "buffer",
        f"video_size={video.width}x{video.height}:pix_fmt={video.pix_fmt}:"
        f"time_base={video.time_base}:pixel_aspect={video.sample_aspect_ratio}:"
        f"frame_rate={video.rate or FALLBACK_RATE}:"
        f"colorspace={video.colorspace}:range={video.color_range}",
    )
    tagged = built.add("setparams", tags(video))
    source.link_to(tagged)
    return source, tagged


def _add(built: LibavGraph, node: Node) -> FilterContext:
    if node.name not in filters_available:
        raise MissingFilterError(f"{NAME} has no filter {node.name}")
    return built.add(node.name, node.arguments or None)


def _labelled(graph: Graph, inputs: int) -> list[Node]:
    """Label every pad of a graph's nodes.

    The open ones are named in0, in1, ... and out0. Only the filters themselves know how many pads
    they have, so they are made once for it.
    """
    scratch = LibavGraph()
    nodes: list[Node] = []
    for chain in graph.chains:
        carried: tuple[str, ...] = ()
        for node in chain:
            with _errors_of(graph, GraphError):
                context = _add(scratch, node)
            if any(pad.type != "video" for pad in (*context.inputs, *context.outputs)):
                raise GraphError(f"{node.name} is not for video alone: sound cannot be filtered")
            given, count = node.inputs + carried, len(nodes)
            taken = given + tuple(
                f"open{count}.{n}" for n in range(len(given), len(context.inputs))
            )
            if len(taken) > len(context.inputs):
                raise GraphError(
                    f"{node.name} takes {len(context.inputs)} streams, but the graph "
                    f"{graph.text!r} gives it {len(taken)}"
                )
            carried = tuple(
                f"made{count}.{n}" for n in range(len(node.outputs), len(context.outputs))
            )
            if len(node.outputs) > len(context.outputs):
                raise GraphError(
                    f"{node.name} gives {len(context.outputs)} streams, but the graph "
                    f"{graph.text!r} takes {len(node.outputs)} of it"
                )
            nodes.append(replace(node, inputs=taken, outputs=node.outputs + carried))
    return _with_ends(graph, nodes, inputs)


def _with_ends(graph: Graph, nodes: list[Node], inputs: int) -> list[Node]:
    """Name the open ends in0, in1, ... and out0.

    Raises:
        GraphError: There are more or fewer of them than the graph must have.
    """
    whole = Graph(text=graph.text, chains=(tuple(nodes),))
    for side, labels, wanted in (
        ("inputs", whole.open_inputs, inputs),
        ("outputs", whole.open_outputs, 1),
    ):
        if len(labels) != wanted:
            named = ", ".join(f"[{label}]" for label in labels if "." not in label)
            raise GraphError(
                f"the graph {graph.text!r} has {len(labels)} open {side}, not {wanted}"
                + (f": {named}" if named else "")
            )
    names = {label: f"in{n}" for n, label in enumerate(whole.open_inputs)}
    if all(label.split(":")[0].isdigit() for label in whole.open_inputs):
        names = {label: f"in{label.split(':')[0]}" for label in whole.open_inputs}
    names[whole.open_outputs[0]] = "out0"
    labelled = [node for chain in whole.renamed(names).chains for node in chain]
    _check_memory(labelled)
    return labelled


def _check_memory(nodes: list[Node]) -> None:
    """Refuse a graph that would write past its memory, in libavfilter 11 and 12 alike.

    fieldmatch with ppsrc weaves its first input, which has 8 bits, in rows as long as its second
    one's. Formats are not known before a graph runs, so the graph itself must settle this one.
    """
    makers = {label: node for node in nodes for label in node.outputs}
    for node in nodes:
        if node.name != "fieldmatch" or len(node.inputs) == 1:
            continue
        maker = makers.get(node.inputs[1])
        formats = maker.arguments.removeprefix("pix_fmts=") if maker else ""
        if (
            maker is None
            or maker.name != "format"
            or not _EIGHT_BITS.issuperset(formats.split("|"))
        ):
            raise GraphError(
                "fieldmatch with ppsrc overruns its memory where its second input has more than 8 "
                "bits: put a format of 8 bits right before that, such as format=yuv420p"
            )


@contextmanager
def _errors_of(graph: Graph, kind: type[GraphError | RunError]) -> Iterator[None]:
    """Turn libav's errors into `kind`, with the line that libav logged."""
    level, skip_repeated = av.logging.get_level(), av.logging.get_skip_repeated()
    av.logging.set_level(max(level or 0, av.logging.ERROR))
    av.logging.set_skip_repeated(False)  # what is skipped would be said in the next capture
    try:
        with av.logging.Capture(local=True) as lines:
            yield
    except (BlockingIOError, EOFError):
        raise
    except av.FFmpegError as error:
        # "Eval" is the parser of numbers: the filter says next which option it was.
        said = tuple(f"{_plain(name)}: {text.strip()}" for _, name, text in lines if name != "Eval")
        why = said[0] if said else error.strerror or str(error)
        message = f"the filter graph {graph.text!r} fails: {why}"
        if kind is GraphError:
            raise GraphError(message) from error
        raise RunError(message, command=(NAME, graph.text), lines=said) from error
    finally:
        av.logging.set_level(level)
        av.logging.set_skip_repeated(skip_repeated)


def _plain(name: str) -> str:
    """Extract a filter's name from libav's name for it in a graph, such as Parsed_scale_2."""
    return re.sub(r"^(Parsed_)?(\w+?)(_\d+)?$", r"\2", name)
