import av
import ffmpeg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ffmpeg_filters import GraphError, InProcess, Node, Video, deblock, graph_of, side_by_side
from ffmpeg_filters.graph import parse

WORDS = st.text("ab =:'\\,;[]|\t", max_size=12)


def test_chains_labels_and_arguments():
    graph = parse(" [0:v] crop = 64:48 , hflip [a];[a][1:v]overlay@top=x='min(1,2)'[out]")
    first, second = graph.chains
    assert [(n.name, n.arguments) for n in first] == [("crop", "64:48"), ("hflip", "")]
    assert second == (
        Node(name="overlay", arguments="x=min(1,2)", inputs=("a", "1:v"), outputs=("out",)),
    )
    assert (graph.open_inputs, graph.open_outputs) == (("0:v", "1:v"), ("out",))
    assert graph.filters == {"crop", "hflip", "overlay"}


@given(WORDS)
def test_a_node_written_and_read_is_the_same(arguments):
    node = Node(name="null", arguments=arguments.strip(), inputs=("i",), outputs=("o",))
    assert parse(str(node)).chains == ((node,),)


@given(WORDS)
def test_text_is_read_as_libavfilter_reads_it(value):
    """The lavfi device has FFmpeg's own parser: whatever is written there, we read the same."""
    text = f"metadata=mode=add:key=k:value={value}"
    try:
        with av.open(f"color=s=16x16:d=0.04,{text}", format="lavfi") as device:
            wanted = next(device.decode(video=0)).metadata.get("k")
    except (av.FFmpegError, ValueError):
        return
    # FFmpeg lets an unfinished graph pass, which we refuse.
    if text.rstrip().endswith((",", ";")):
        return
    try:
        graph = parse(text)
    except GraphError as refused:
        assert "a quote is not closed" in str(refused)  # noqa: PT017 - other texts are read
        return
    picture = av.VideoFrame(16, 16, "gray")
    picture.pts = 0
    video = Video(width=16, height=16, pix_fmt="gray", time_base=1, rate=1)
    (found,) = InProcess().run(graph, [(video, [picture])])
    assert found.metadata.get("k") == wanted


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "name is missing at its end"),
        ("null,,null", "name is missing at ',null'"),
        ("null]", "at ']'"),
        ("crop='10", "quote is not closed"),
        ("sws_flags=lanczos;scale=2", "give flags to its scale"),
    ],
)
def test_what_is_no_graph_is_refused(text, why):
    with pytest.raises(GraphError, match=why):
        parse(text)


def test_a_stream_keeps_its_files_and_their_options():
    stream = side_by_side(
        ffmpeg.input("a.mkv").filter("hue", s=0),
        ffmpeg.input("%d.png", framerate=24, format="image2"),
    )
    graph = graph_of(stream)
    assert sorted(graph.files) == [
        ("-f", "image2", "-framerate", "24", "-i", "%d.png"),
        ("-i", "a.mkv"),
    ]
    assert graph.filters == {"hue", "hstack"}


def test_an_input_that_is_used_twice_is_split():
    file = ffmpeg.input("a.mkv")
    graph = graph_of(side_by_side(file, file.filter("negate")))
    assert graph.open_inputs == ("0",)
    assert graph.filters == {"split", "negate", "hstack"}


def test_a_function_is_a_graph_without_files():
    graph = graph_of(deblock)
    assert graph.files == ()
    assert graph.text == "[0]deblock=block=8:filter=strong[s0]"


def test_what_ffmpeg_python_cannot_compile_is_told():
    file = ffmpeg.input("a.mkv").filter("null")
    with pytest.raises(GraphError, match="split"):
        graph_of(side_by_side(file, file.filter("negate")))
    with pytest.raises(GraphError, match="no filter"):
        graph_of(ffmpeg.input("a.mkv"))


@pytest.mark.parametrize("text", ["hflip", "[in]hflip[out]"])
def test_a_filter_more_goes_behind_the_open_output(text):
    longer = graph_of(text).followed_by(Node(name="vflip", arguments="", inputs=(), outputs=()))
    assert [node.name for chain in longer.chains for node in chain] == ["hflip", "vflip"]
    assert parse(longer.text) == longer
    assert longer.open_outputs == ()
