"""A graph of filters as a value: read from FFmpeg's own syntax, or compiled by ffmpeg-python."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import ffmpeg
from ffmpeg.nodes import FilterableStream as Stream

from ffmpeg_filters.errors import GraphError

type Filter = Callable[[Stream], Stream]
"""A function from stream to stream: a preset, or a filter of this package in a lambda."""

_LABEL = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]")
_NAME = re.compile(r"\s*([A-Za-z0-9_]+)(@[^=,;\[\s]*)?\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One filter of a graph.

    Attributes:
        name: FFmpeg's name of the filter.
        arguments: Its options, with the graph's level of escaping taken off; empty for none.
        inputs: Labels of its first inputs.
        outputs: Labels of its first outputs.
    """

    name: str
    arguments: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def __str__(self) -> str:
        """The node in FFmpeg's syntax."""
        arguments = re.sub(r"([\\'\[\],;])", r"\\\1", self.arguments)
        inputs, outputs = ("".join(f"[{x}]" for x in side) for side in (self.inputs, self.outputs))
        return f"{inputs}{self.name}{'=' if arguments else ''}{arguments}{outputs}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """A graph of video filters.

    Attributes:
        text: The graph in FFmpeg's syntax, as `-filter_complex` takes it.
        chains: The same, parsed: within a chain each filter feeds the next one.
        files: The inputs of a graph that ffmpeg-python made: options and name of each, as the
            program takes them. Empty for a graph that is fed by its caller.
    """

    text: str
    chains: tuple[tuple[Node, ...], ...]
    files: tuple[tuple[str, ...], ...] = ()

    @property
    def filters(self) -> frozenset[str]:
        """Names of all filters in the graph."""
        return frozenset(node.name for chain in self.chains for node in chain)

    @property
    def open_inputs(self) -> tuple[str, ...]:
        """Labels that are read but never written, in the order of their appearance."""
        made = set(self._labels("outputs"))
        return tuple(label for label in self._labels("inputs") if label not in made)

    @property
    def open_outputs(self) -> tuple[str, ...]:
        """Labels that are written but never read, in the order of their appearance."""
        taken = set(self._labels("inputs"))
        return tuple(label for label in self._labels("outputs") if label not in taken)

    def followed_by(self, node: Node) -> "Graph":
        """Append a filter behind the open output."""
        labels, chains = self.open_outputs, self.chains
        if labels:
            return Graph.of((*chains, (replace(node, inputs=labels),)), self.files)
        return Graph.of((*chains[:-1], (*chains[-1], node)), self.files)

    def renamed(self, names: Mapping[str, str]) -> "Graph":
        """Rename labels; those without a new name stay."""

        def new(labels: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(names.get(label, label) for label in labels)

        chains = tuple(
            tuple(replace(n, inputs=new(n.inputs), outputs=new(n.outputs)) for n in chain)
            for chain in self.chains
        )
        return Graph.of(chains, self.files)

    @classmethod
    def of(
        cls, chains: tuple[tuple[Node, ...], ...], files: tuple[tuple[str, ...], ...] = ()
    ) -> "Graph":
        """Build a graph, and its text, from chains."""
        text = ";".join(",".join(map(str, chain)) for chain in chains)
        return cls(text=text, chains=chains, files=files)

    def _labels(self, side: Literal["inputs", "outputs"]) -> list[str]:
        nodes = [node for chain in self.chains for node in chain]
        return [label for node in nodes for label in getattr(node, side)]


def graph_of(given: str | Filter | Stream) -> Graph:
    """Make a graph from a text, a function or an ffmpeg-python stream.

    Args:
        given: FFmpeg's own syntax, such as `bwdif,scale=-2:576`; a function from stream to stream;
            or a stream of ffmpeg-python with its inputs.

    Raises:
        GraphError: The text is no graph, or the stream has no filter or several outputs.
    """
    if isinstance(given, str):
        return parse(given)
    if isinstance(given, Stream):
        return _compiled(given)
    made = _compiled(given(ffmpeg.input("pipe:")))
    return Graph(text=made.text, chains=made.chains)


def parse(text: str) -> Graph:
    """Parse a graph in FFmpeg's own syntax.

    Raises:
        GraphError: It is empty or malformed.
    """
    chains: list[tuple[Node, ...]] = []
    position = 0
    if re.match(r"\s*sws_flags=", text):
        raise GraphError("sws_flags before a graph are not supported: give flags to its scale")
    while True:
        chain: list[Node] = []
        while True:
            node, position = _node(text, position)
            chain.append(node)
            if text[position : position + 1] != ",":
                break
            position += 1
        chains.append(tuple(chain))
        if position == len(text):
            return _with_splits(Graph(text=text, chains=tuple(chains)))
        if text[position] != ";":
            raise GraphError(f"cannot read the filter graph {text!r} at {text[position:]!r}")
        position += 1


def _node(text: str, position: int) -> tuple[Node, int]:
    """Parse the filter that begins at `position`.

    Returns:
        The filter, and the position behind it.
    """
    inputs, position = _labels(text, position)
    found = _NAME.match(text, position)
    if found is None:
        rest = text[position:].strip()
        where = f"at {rest!r}" if rest else "at its end"
        raise GraphError(
            f"cannot read the filter graph {text!r}: a filter's name is missing {where}"
        )
    position = found.end()
    arguments = ""
    if text[position : position + 1] == "=":
        arguments, position = _token(text, position + 1)
    outputs, position = _labels(text, position)
    while text[position : position + 1].isspace():
        position += 1
    return Node(name=found[1], arguments=arguments, inputs=inputs, outputs=outputs), position


def _labels(text: str, position: int) -> tuple[tuple[str, ...], int]:
    labels = []
    while found := _LABEL.match(text, position):
        labels.append(found[1])
        position = found.end()
    return tuple(labels), position


def _token(text: str, position: int) -> tuple[str, int]:
    """Read text up to a character of the graph's syntax, and unescape it once.

    It does what FFmpeg's av_get_token does: what stands between quotes is taken as it is, also a
    backslash; the filter takes off its own level after that.
    """
    made, kept = "", 0
    while text[position : position + 1].isspace():
        position += 1
    while position < len(text) and text[position] not in "[],;":
        character = text[position]
        if character == "\\" and position + 1 < len(text):
            made += text[position + 1]
            position += 2
            kept = len(made)
        elif character == "'":
            end = text.find("'", position + 1)
            if end < 0:
                raise GraphError(f"cannot read the filter graph {text!r}: a quote is not closed")
            made += text[position + 1 : end]
            position = end + 1
            kept = len(made)
        else:
            made += character
            position += 1
    return made[:kept] + made[kept:].rstrip(), position  # quoted white space stays


def _with_splits(graph: Graph) -> Graph:
    """Insert a split behind each open input that is used more than once.

    A file may be used so, and ffmpeg-python takes two equal inputs for one; a label may not.
    """
    uses = Counter(graph.open_inputs)
    for label in [label for label, count in uses.items() if count > 1]:
        parts = tuple(f"{label}.{number}" for number in range(uses[label]))
        split = Node(name="split", arguments=str(len(parts)), inputs=(label,), outputs=parts)
        left = iter(parts)
        chains = [
            tuple(
                replace(node, inputs=tuple(next(left) if i == label else i for i in node.inputs))
                for node in chain
            )
            for chain in graph.chains
        ]
        graph = Graph.of(((split,), *chains))
    return graph


def _compiled(stream: Stream) -> Graph:
    """Compile an ffmpeg-python stream into a graph with its input files."""
    try:
        arguments = ffmpeg.get_args(ffmpeg.output(stream, "-"))
    except (ValueError, TypeError) as error:
        raise GraphError(f"ffmpeg-python cannot compile the graph: {error}") from error
    if "-filter_complex" not in arguments:
        raise GraphError("the stream has no filter: there is nothing to run")
    at = arguments.index("-filter_complex")
    files: list[tuple[str, ...]] = []
    options: list[str] = []
    for argument in arguments[:at]:
        options.append(argument)
        if len(options) > 1 and options[-2] == "-i":
            files.append(tuple(options))
            options = []
    parsed = parse(arguments[at + 1])
    return Graph(text=parsed.text, chains=parsed.chains, files=tuple(files))
