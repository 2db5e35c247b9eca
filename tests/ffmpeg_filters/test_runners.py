"""Both runners do the same, but for the unit of their times."""

import stat
from fractions import Fraction
from itertools import islice

import av
import ffmpeg
import numpy as np
import pytest

from ffmpeg_filters import (
    IN_BOTH,
    PROGRAM_ONLY,
    GraphError,
    InProcess,
    MissingFilterError,
    Program,
    RunError,
    Video,
    graph_of,
    read,
    runner_for,
)

TICK = Fraction(1, 90000)
VIDEO = Video(
    width=64,
    height=48,
    pix_fmt="yuv420p10le",
    time_base=TICK,
    rate=Fraction(30000, 1001),
    sample_aspect_ratio=Fraction(8, 9),
    colorspace=6,
    color_primaries=6,
    color_trc=1,
    color_range=1,
    field_order="tff",
)
UNEVEN = (3003, 6006, 9010, 20000, 20001, 25000)


def pictures(times=UNEVEN, video=VIDEO):
    for number, pts in enumerate(times):
        picture = av.VideoFrame(video.width, video.height, video.pix_fmt)
        for plane in picture.planes:
            samples = np.frombuffer(plane, np.uint16)
            samples[:] = 200 + 50 * number + np.arange(samples.size) % 7
        picture.pts, picture.time_base = pts, video.time_base
        picture.colorspace, picture.color_range = video.colorspace, video.color_range
        picture.color_primaries, picture.color_trc = video.color_primaries, video.color_trc
        yield picture


def seconds(picture):
    return picture.pts * Fraction(str(picture.time_base))


def test_pictures_times_and_colour_come_through(runner):
    found = list(runner.run(graph_of("null"), [(VIDEO, pictures())]))
    assert [seconds(picture) for picture in found] == [pts * TICK for pts in UNEVEN]
    for picture, given in zip(found, pictures(), strict=True):
        assert np.array_equal(picture.to_ndarray(), given.to_ndarray())
        assert (picture.colorspace, picture.color_primaries, picture.color_trc) == (6, 6, 1)
        assert picture.color_range == 1


@pytest.mark.parametrize(
    ("text", "size", "pix_fmt", "rate", "shape"),
    [
        ("null", (64, 48), "yuv420p10le", Fraction(30000, 1001), Fraction(8, 9)),
        ("bwdif", (64, 48), "yuv420p10le", Fraction(60000, 1001), Fraction(8, 9)),
        ("decimate", (64, 48), "yuv420p10le", Fraction(24000, 1001), Fraction(8, 9)),
        ("fps=25", (64, 48), "yuv420p10le", Fraction(25), Fraction(8, 9)),
        ("crop=32:24", (32, 24), "yuv420p10le", Fraction(30000, 1001), Fraction(8, 9)),
        ("format=yuv444p,setsar=1", (64, 48), "yuv444p", Fraction(30000, 1001), Fraction(1)),
        (
            "[in]split[a][b];[a][b]vstack[out]",
            (64, 96),
            "yuv420p10le",
            Fraction(30000, 1001),
            Fraction(8, 9),
        ),
    ],
)
def test_what_a_graph_makes_is_known_before(runner, text, size, pix_fmt, rate, shape):
    made = runner.describe(graph_of(text), [VIDEO])
    assert ((made.width, made.height), made.pix_fmt) == (size, pix_fmt)
    assert (made.rate, made.sample_aspect_ratio) == (rate, shape)
    if "vstack" not in text:  # some versions of it forget the colour
        assert (made.colorspace, made.color_range) == (6, 1)
    found = list(runner.run(graph_of(text), [(VIDEO, pictures())]))
    assert {(picture.width, picture.height) for picture in found} == {size}
    assert {Fraction(str(picture.time_base)) for picture in found} == {made.time_base}


def test_a_picture_for_each_field_halfway_in_time(runner):
    found = list(runner.run(graph_of("bwdif"), [(VIDEO, pictures((0, 3003, 6006)))]))
    assert [seconds(picture) / TICK for picture in found] == [
        n * Fraction(3003, 2) for n in range(6)
    ]


def test_the_first_field_is_the_one_that_was_told(runner):
    """Rows 0, 2, ... of the first picture are kept if the top field is first, else 1, 3, ..."""
    graph = graph_of("bwdif")
    for order, kept in (("tff", 0), ("bff", 1)):
        video = Video(
            width=64, height=48, pix_fmt="gray", time_base=TICK, rate=25, field_order=order
        )
        given = []
        for number in range(3):
            rows = np.random.default_rng(number).integers(0, 255, (48, 1)).repeat(64, 1)
            given.append(av.VideoFrame.from_ndarray(rows.astype(np.uint8), format="gray"))
            given[-1].pts, given[-1].time_base = 3600 * number, TICK
        first = list(runner.run(graph, [(video, given)]))[2].to_ndarray()
        was = given[1].to_ndarray()
        assert np.array_equal(first[kept::2], was[kept::2])
        assert not np.array_equal(first[1 - kept :: 2], was[1 - kept :: 2])


def test_two_inputs_by_number(runner):
    white = Video(width=64, height=48, pix_fmt="yuv420p10le", time_base=Fraction(1, 25), rate=25)
    times = range(4)
    feeds = [(VIDEO, pictures((0, 3600, 7200, 10800))), (white, pictures(times, white))]
    found = list(runner.run(graph_of("[1][0]hstack"), feeds))
    assert len(found) == 4
    assert found[0].width == 128


def test_a_graph_that_ends_early_wants_no_more(runner):
    asked = []

    def endless():
        for picture in pictures(range(0, 3_000_000, 3003)):
            asked.append(picture.pts)
            yield picture

    found = list(runner.run(graph_of("trim=end_frame=3"), [(VIDEO, endless())]))
    assert len(found) == 3
    assert len(asked) < 900


def test_of_no_pictures_nothing_is_made():
    for graph in ("fftdnoiz", "deflicker,fftdnoiz=next=1", "null"):
        assert list(InProcess().run(graph_of(graph), [(VIDEO, [])])) == []


def test_a_consumer_may_stop_early(runner):
    running = runner.run(graph_of("null"), [(VIDEO, pictures(range(0, 300_000, 3003)))])
    next(running)
    running.close()


def test_an_error_of_the_feed_comes_out_as_it_is(runner):
    def failing():
        yield from pictures((0, 3003))
        raise KeyError("the tape tore")

    with pytest.raises(KeyError, match="tore"):
        list(runner.run(graph_of("null"), [(VIDEO, failing())]))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("scale=bogus=1", r"fails: (scale: .*bogus|[^\[]*bogus.*'scale')"),
        ("crop=999:999", "crop: Invalid too big"),
        ("noise=alls=500", "noise: Value 500"),
        ("lut3d=file=/no/such.cube", "lut3d: /no/such.cube: No such file"),
        ("overlay", "overlay"),
        ("volume", "volume"),
    ],
)
def test_what_a_filter_refuses_is_told_before_the_work(runner, text, why):
    with pytest.raises(GraphError, match=why) as told:
        runner.describe(graph_of(text), [VIDEO])
    assert "\n" not in str(told.value)
    with pytest.raises(GraphError):
        next(iter(runner.run(graph_of(text), [(VIDEO, pictures())])))


@pytest.mark.parametrize(
    ("clean", "safe"),
    [
        ("null", False),
        ("format=yuv420p10le", False),
        ("format=yuv420p|yuv422p16le", False),
        ("format=yuv420p,null", False),
        ("format=yuv420p", True),
        ("format=pix_fmts=yuv420p|yuv422p", True),
    ],
)
def test_what_would_overrun_memory_is_refused(clean, safe):
    text = f"split[a][b];[a]format=yuv420p[c];[b]{clean}[d];[c][d]fieldmatch=ppsrc=1"
    if safe:
        assert len(list(InProcess().run(graph_of(text), [(VIDEO, pictures())]))) == 5
        return
    with pytest.raises(GraphError, match=r"overruns its memory .* format=yuv420p"):
        InProcess().describe(graph_of(text), [VIDEO])


def test_a_program_that_fails_is_told_with_its_command_and_last_lines(tmp_path, program):
    """A wrapper stands for a program that works at first, writes far more than a pipe, and dies."""
    wrapper = tmp_path / "ffmpeg"
    wrapper.write_text(
        '#!/bin/sh\ncase "$*" in '
        '*nut*) for n in $(seq 20000); do echo "line $n" >&2; done; exit 3;; '
        f'*) exec {program.path} "$@";; esac\n'
    )
    wrapper.chmod(wrapper.stat().st_mode | stat.S_IXUSR)
    with pytest.raises(RunError) as told:
        list(Program(wrapper).run(graph_of("null"), [(VIDEO, pictures())]))
    assert told.value.command[0] == str(wrapper)
    assert told.value.lines[-1] == "line 20000"


def test_what_is_no_ffmpeg_is_told():
    with pytest.raises(RunError, match="no ffmpeg program"):
        _ = Program.find("false").filters


def test_the_catalogue_is_true(program):
    assert InProcess().filters >= IN_BOTH
    assert not InProcess().filters & PROGRAM_ONLY
    later_removed = {"derain", "pp", "sr"}
    assert program.filters >= IN_BOTH | PROGRAM_ONLY - later_removed


def test_the_catalogue_is_true_of_this_process():
    assert InProcess().filters >= IN_BOTH
    assert not InProcess().filters & PROGRAM_ONLY


def test_the_program_runs_only_what_this_process_cannot(program):
    assert isinstance(runner_for(graph_of("bwdif")), InProcess)
    assert runner_for(graph_of("bwdif,hqdn3d")) == program


def test_a_missing_filter_says_what_has_it(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingFilterError, match="hqdn3d needs the ffmpeg program: install it"):
        runner_for(graph_of("hqdn3d"))
    with pytest.raises(GraphError, match="no filter hqdn4d: did you mean hqdn3d"):
        runner_for(graph_of("hqdn4d"))
    with pytest.raises(GraphError, match="no program /no/ffmpeg"):
        runner_for(graph_of("hqdn3d"), "/no/ffmpeg")


def test_filters_that_no_single_runner_has(program, tmp_path):
    """A wrapper stands for a program without a filter that this process has."""
    wrapper = tmp_path / "ffmpeg"
    wrapper.write_text(f'#!/bin/sh\nexec {program.path} "$@" | grep -v xpsnr\n')
    wrapper.chmod(wrapper.stat().st_mode | stat.S_IXUSR)
    with pytest.raises(MissingFilterError, match="has no filter xpsnr"):
        runner_for(graph_of("hqdn3d,split[a][b];[a][b]xpsnr"), str(wrapper))


def test_the_rate_of_a_tape_is_that_of_its_frames(tmp_path):
    """Its average is 60000 a second: the ticks of its clock."""
    with av.open(str(tmp_path / "in.dv"), "w") as output:
        stream = output.add_stream("dvvideo", rate=25)
        stream.width, stream.height, stream.pix_fmt = 720, 576, "yuv420p"
        for _ in range(4):
            black = av.VideoFrame.from_ndarray(np.zeros((864, 720), np.uint8), "yuv420p")
            output.mux(stream.encode(black))
        output.mux(stream.encode(None))
    made = ffmpeg.input(str(tmp_path / "in.dv")).filter("fps", "source_fps")
    assert sum(1 for _ in islice(read(made), 100)) == 4
