"""Run a graph by the ffmpeg program, for filters that PyAV's libavfilter lacks."""

import os
import re
import shutil
import subprocess
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from io import BytesIO
from pathlib import Path
from subprocess import DEVNULL, PIPE
from threading import Thread
from typing import IO

import av

from ffmpeg_filters.errors import GraphError, MissingFilterError, RunError
from ffmpeg_filters.graph import Graph, Node
from ffmpeg_filters.video import Feed, Video, grey, tags, with_tags_of

_FINER = 20
"""Ticks of the program per tick of its input: fields are halves, and four frames become five."""
_MAX_TICKS = 1 << 30
_LAST_LINES = 20

# The encoder that describes a graph knows limited range alone. Since 7.1 FFmpeg would convert all
# other pictures, before the graph's first filter. So the graph says its range itself, in the log,
# and what is encoded is called limited.
_SHOW = Node(name="showinfo@described", arguments="", inputs=(), outputs=())
_CALL_LIMITED = Node(name="setparams", arguments="range=limited", inputs=(), outputs=())
_RANGES = {"unknown": 0, "tv": 1, "pc": 2}


@dataclass(frozen=True, slots=True)
class Program:
    """Runs graphs by the ffmpeg program.

    Pictures go to it and come back through pipes, as raw video in NUT, which keeps times exactly.
    It does not keep colour, so that is told to the graph and asked of it beforehand. More than one
    input needs a system on which a process can inherit pipes: not Windows.

    Attributes:
        path: The program's file.
    """

    path: Path

    @classmethod
    def find(cls, named: str | Path | None = None) -> "Program | None":
        """Find the program of a file name, or else `ffmpeg` on the PATH; None if there is none."""
        found = shutil.which(str(named or "ffmpeg"))
        return None if found is None else cls(Path(found))

    @property
    def name(self) -> str:
        """Name of this runner in messages."""
        return f"the program {self.path}"

    @property
    def filters(self) -> frozenset[str]:
        """Names of all filters of the program."""
        return _filters_of(self.path)

    def describe(self, graph: Graph, videos: Sequence[Video]) -> Video:
        """Find the format that a graph gives, by running it on a few grey pictures.

        Args:
            graph: With as many open inputs as there are videos, and one open output.
            videos: What it will be fed with.

        Raises:
            GraphError: A filter does not take an option or these videos, the graph has other open
                ends, or nothing comes out of it.
            MissingFilterError: There is no such filter here.
        """
        self._check(graph)
        command = self._command(
            [part for video in videos for part in ("-f", "lavfi", "-i", grey(video))],
            _fed(graph.followed_by(_SHOW).followed_by(_CALL_LIMITED), videos),
            ["-frames:v", "1", "-c:v", "ffv1", "-f", "matroska", "pipe:1"],
            log="level+info",
        )
        ended = subprocess.run(  # noqa: S603 - the program that the caller chose
            command, stdin=DEVNULL, capture_output=True, check=False
        )
        lines = ended.stderr.decode(errors="replace").splitlines()
        if ended.returncode:
            raise GraphError(f"the filter graph {graph.text!r} fails: {_why(_errors(lines))}")
        try:
            made = _described(ended.stdout, videos[0])
        except (av.FFmpegError, StopIteration):
            raise GraphError(
                f"the filter graph {graph.text!r} makes nothing of the first frames"
            ) from None
        return replace(made, color_range=_shown_range(lines))

    def run(self, graph: Graph, feeds: Sequence[Feed]) -> Iterator[av.VideoFrame]:
        """Run a graph, and yield its pictures with their times and colour.

        Args:
            graph: As `describe` takes it.
            feeds: In the order of the graph's inputs. Threads of this runner ask them for pictures.

        Raises:
            GraphError: As `describe` has it, when the first picture is asked for.
            MissingFilterError: The same.
            RunError: The program failed; the error has its command and last lines.
        """
        videos = [video for video, _ in feeds]
        made = self.describe(graph, videos)
        pipes = [os.pipe() for _ in feeds[1:]]
        readable = [reading for reading, _ in pipes]
        command = self._command(
            [part for pipe in (0, *readable) for part in ("-f", "nut", "-i", f"pipe:{pipe}")],
            _fed(graph, videos),
            [
                *("-pix_fmt", made.pix_fmt, "-c:v", "rawvideo", "-fps_mode", "passthrough"),
                *("-enc_time_base", f"{made.time_base.numerator}:{made.time_base.denominator}"),
                *("-f", "nut", "pipe:1"),
            ],
        )
        process = subprocess.Popen(  # noqa: S603 - the program that the caller chose
            command, stdin=PIPE, stdout=PIPE, stderr=PIPE, pass_fds=readable
        )
        for reading in readable:
            os.close(reading)
        # A pipe that nobody reads stops its writer: each has a thread of its own.
        ends = [_pipe_of(process.stdin), *(os.fdopen(writing, "wb") for _, writing in pipes)]
        lines = _Lines(_pipe_of(process.stderr))
        feeders = [_Feeder(feed, end) for feed, end in zip(feeds, ends, strict=True)]
        try:
            yield from _pictures(_pipe_of(process.stdout), made)
            process.wait()
        finally:
            process.kill()  # nothing happens if it has ended
            process.wait()
            for thread in (lines, *feeders):
                thread.join()
        for feeder in feeders:
            if feeder.error is not None:
                raise feeder.error
        if process.returncode:
            raise RunError(
                f"the filter graph {graph.text!r} fails: {_why(list(lines.last))}",
                command=tuple(command),
                lines=tuple(lines.last),
            )

    def _command(
        self, inputs: list[str], text: list[str], output: list[str], *, log: str = "error"
    ) -> list[str]:
        start = [str(self.path), "-hide_banner", "-nostdin", "-v", log, "-copyts"]
        return [*start, *inputs, *text, *output]

    def _check(self, graph: Graph) -> None:
        missing = sorted(graph.filters - self.filters)
        if missing:
            raise MissingFilterError(f"{self.name} has no filter {missing[0]}")


class _Feeder(Thread):
    """Writes the pictures of a feed to the program, as raw video in NUT."""

    def __init__(self, feed: Feed, pipe: IO[bytes]) -> None:
        super().__init__(daemon=True)
        self.error: BaseException | None = None
        self._feed, self._pipe, self._wanted = feed, pipe, True
        self.start()

    def run(self) -> None:
        """Write the pictures until the feed or the program ends."""
        video, pictures = self._feed
        try:
            with av.open(self, "w", format="nut") as output:
                stream = output.add_stream("rawvideo", rate=25)
                stream.width, stream.height = video.width, video.height
                stream.pix_fmt = video.pix_fmt
                stream.codec_context.time_base = stream.time_base = video.time_base
                for picture in pictures:
                    output.mux(stream.encode(picture))
                    if not self._wanted:
                        break
                output.mux(stream.encode(None))
        except BaseException as error:  # noqa: BLE001 - a thread's boundary: the runner raises it
            self.error = error
        with suppress(BrokenPipeError):
            self._pipe.close()

    def write(self, data: bytes) -> int:
        """Write bytes for libav's muxer.

        A program may end early, because its filter wants no more pictures. That is no error.
        """
        try:
            self._pipe.write(data)
        except BrokenPipeError:
            self._wanted = False
        return len(data)


class _Lines(Thread):
    """Reads the program's standard error stream and keeps its last lines."""

    def __init__(self, pipe: IO[bytes]) -> None:
        super().__init__(daemon=True)
        self.last: deque[str] = deque(maxlen=_LAST_LINES)
        self._pipe = pipe
        self.start()

    def run(self) -> None:
        """Read until the program closes it."""
        with self._pipe:
            for line in self._pipe:
                self.last.append(line.decode(errors="replace").rstrip())


def _pictures(pipe: IO[bytes], made: Video) -> Iterator[av.VideoFrame]:
    """Decode the pictures that come back, and set the colour that raw video cannot carry."""
    with pipe:
        try:
            container = av.open(pipe, "r", format="nut")
        except av.FFmpegError:
            return  # nothing came: the program's exit code says whether that is an error
        with container:
            stream = container.streams.video[0]
            for picture in container.decode(stream):
                ticks = Fraction(str(picture.time_base)) / made.time_base
                if picture.pts is not None:
                    picture.pts = round(picture.pts * ticks)
                picture.duration = 0
                picture.time_base = made.time_base
                picture.colorspace = made.colorspace
                picture.color_primaries = made.color_primaries
                picture.color_trc = made.color_trc
                picture.color_range = made.color_range
                yield picture


def _described(file: bytes, given: Video) -> Video:
    """Read the format from a Matroska file of one picture."""
    with av.open(BytesIO(file), "r", format="matroska") as made:
        stream = made.streams.video[0]
        rate = Fraction(str(stream.average_rate or 0))
        if (
            given.rate
        ):  # Matroska rounds to nanoseconds: no rate is far from a simple part of another
            rate = (rate / given.rate).limit_denominator(1250) * given.rate
        found = replace(
            given,
            width=stream.width,
            height=stream.height,
            pix_fmt=stream.pix_fmt or given.pix_fmt,
            time_base=_tick(given),
            rate=rate if given.rate else Fraction(0),
            sample_aspect_ratio=Fraction(str(stream.sample_aspect_ratio or 1)),
        )
        return with_tags_of(found, next(made.decode(stream)))


def _fed(graph: Graph, videos: Sequence[Video]) -> list[str]:
    """Write the graph's arguments, with filters that tag its inputs: raw video has no tags."""
    known = [f"setsar={video.sample_aspect_ratio},setparams={tags(video)}" for video in videos]
    if not graph.open_inputs:  # the program feeds the first filter, if there is one input
        text = f"{known[0]},{graph.text}"
    else:
        names = {label: f"given{n}" for n, label in enumerate(graph.open_inputs)}
        heads = [f"[{n}:v]{what}[given{n}]" for n, what in enumerate(known)]
        text = ";".join([*heads, graph.renamed(names).text])
    outputs = [part for label in graph.open_outputs for part in ("-map", f"[{label}]")]
    return ["-filter_complex", text, *outputs]


def _shown_range(lines: list[str]) -> int:
    """Read the range of the described pictures from the log."""
    shown = (re.search(r"\[showinfo@described .* color_range:(\w+)", line) for line in lines)
    return next((_RANGES.get(found[1], 0) for found in shown if found), 0)


def _tick(video: Video) -> Fraction:
    """Choose the time base of the pictures that come back."""
    finer = video.time_base / _FINER
    return finer if finer.denominator <= _MAX_TICKS else video.time_base


def _errors(lines: list[str]) -> list[str]:
    """Keep the errors of a log with levels, without the levels."""
    level = re.compile(r"\[(error|fatal|panic)\] ")
    return [level.sub("", line, count=1) for line in lines if level.search(line)]


def _why(lines: list[str]) -> str:
    """Choose the most telling line of the program: a filter's complaint comes first."""
    said = [line for line in lines if line.startswith("[") and "Eval @" not in line]
    line = re.sub(r"^\[fc#.*?\] ", "", (said or lines or ["it does not say why"])[0])
    return re.sub(r"\[(Parsed_)?(\w+?)(_\d+)? @ 0x[0-9a-f]+\]", r"\2:", line)


def _pipe_of(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise AssertionError("the process was started with pipes")
    return pipe


@cache
def _filters_of(path: Path) -> frozenset[str]:
    """List the program's filters: `ffmpeg -filters` prints flags, name, pads and description."""
    listed = subprocess.run(  # noqa: S603 - the program that the caller chose
        [path, "-hide_banner", "-filters"], capture_output=True, text=True, check=False
    )
    if listed.returncode:
        raise RunError(
            f"{path} is no ffmpeg program: it cannot list its filters",
            command=(str(path), "-filters"),
            lines=tuple(listed.stderr.splitlines()[-_LAST_LINES:]),
        )
    words = [line.split() for line in listed.stdout.splitlines()]
    return frozenset(found[1] for found in words if len(found) > 2 and "->" in found[2])
