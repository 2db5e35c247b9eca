"""Frames of a clip through graphs of FFmpeg filters, before or after the restoration."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction

import av

from ffmpeg_filters import (
    FieldOrder,
    FilterError,
    Graph,
    Neighbours,
    RunError,
    Video,
    graph_of,
    neighbours,
    runner_for,
)
from vs_gendrpix.errors import MediaError, SettingsError
from vs_gendrpix.frame.clip import STREAM_RATE, ClipInfo
from vs_gendrpix.frame.format import Frame, FrameFormat, Timing, said
from vs_gendrpix.frame.transfer import stated
from vs_gendrpix.libav.pixels import (
    frame_format,
    layout_of,
    location_code,
    planar_name,
    read_planes,
    to_picture,
)

Around = Neighbours
"""Number of frames before and after one that a chain of graphs needs for its result."""


class Filters:
    """A chain of filter graphs, possibly empty, for the frames of one clip.

    Creating it runs each graph on a few grey pictures, so that faults show before the work.

    Attributes:
        info: The clip after the last graph.
        taken: Number of frames that have gone in so far.
        given: Number of frames that have come out so far.

    Args:
        info: The clip before the first graph.
        graphs: The graphs, in order, each in FFmpeg's syntax.
        field_order: The field order that the first graph is told.
        program: The ffmpeg program for filters that need it; None is `ffmpeg` on the PATH.

    Raises:
        SettingsError: A graph is wrong, needs a program that is not there, or makes pictures of a
            format that is not supported.
    """

    def __init__(
        self,
        info: ClipInfo,
        graphs: Sequence[str],
        *,
        field_order: FieldOrder = "auto",
        program: str | None = None,
    ) -> None:
        self.info = info
        self.taken = self.given = 0
        self._stages: list[_Stage] = []
        for graph in graphs:
            self._stages.append(_Stage(self.info, _parsed(graph), field_order, program))
            self.info = self._stages[-1].info
            field_order = "auto"

    def through(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """Run frames through all graphs. May be called once.

        Yields:
            The frames that come out, in order.

        Raises:
            SettingsError: A filter failed, changed the format of its pictures, or gave a picture
                that is not later than the one before.
        """
        passing: Iterable[Frame] = self._counted(frames)
        for stage in self._stages:
            passing = stage.through(passing)
        for frame in passing:
            self.given += 1
            yield frame

    def _counted(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        for frame in frames:
            self.taken += 1
            yield frame


def needed_around(graphs: Sequence[str], rate: Fraction | None = None) -> Neighbours | None:
    """Count the frames around one that a chain of graphs needs to make its result.

    Args:
        graphs: The graphs, in FFmpeg's syntax.
        rate: Frames a second of frames that are evenly spaced; None if they are not.

    Returns:
        The frames; None where a graph needs the whole clip, or may need it.
    """
    total = Neighbours()
    for graph in graphs:
        own = neighbours(_parsed(graph), rate)
        if own is None or (total.recounts and own.cycle > 1):
            return None
        total += own
    return total


def _parsed(text: str) -> Graph:
    """Parse a graph, with its error as ours."""
    try:
        return graph_of(text)
    except FilterError as error:
        raise SettingsError(str(error)) from error


class _Stage:
    """One graph of the chain."""

    def __init__(
        self, info: ClipInfo, graph: Graph, field_order: FieldOrder, program: str | None
    ) -> None:
        self._graph, self._was, form = graph, info, info.format
        around = neighbours(graph)
        self._drops_in_cycles = around is not None and around.cycle > 1
        self._begun: Timing | None = None
        self._taken = 0
        self._pix_fmt = planar_name(form.layout)
        self._video = _video(info, self._pix_fmt, field_order)
        with self._faults():
            self._runner = runner_for(graph, program)
            made = self._runner.describe(graph, [self._video])
            self.info = self._described(made)

    def through(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """Yield the frames that the graph makes of the given ones."""
        last: int | None = None
        late = 0
        with self._faults():
            feed = (self._video, map(self._picture, frames))
            for picture in self._runner.run(self._graph, [feed]):
                frame = self._frame(picture)
                if last is None:
                    late = self._late(frame)
                frame = replace(frame, timing=replace(frame.timing, pts=frame.timing.pts - late))
                if last is not None and frame.timing.pts <= last and self._taken == 1:
                    frame = self._later(frame, last)
                elif last is not None and frame.timing.pts <= last:
                    seconds = float(frame.timing.pts * self.info.time_base)
                    raise SettingsError(
                        f"{self} gives two frames at {seconds:g} s or goes back: "
                        "each must be later than the one before"
                    )
                last = frame.timing.pts
                yield frame

    def _late(self, first: Frame) -> int:
        """Ticks by which the graph's first frame is later than the first frame that went in.

        `decimate` counts its times from the first frame that it keeps: if it drops the very first
        one, all others are a frame late, and a part of a clip is apart from the rest.
        """
        if not self._drops_in_cycles or self._begun is None:
            return 0
        begun = self._begun.pts * self._begun.time_base
        return first.timing.pts - round(begun / first.timing.time_base)

    def _later(self, frame: Frame, last: int) -> Frame:
        """The frame a step after the last one, where both are made of a single frame.

        FFmpeg's deinterlacers put the second field halfway to the next frame. Without one they give
        it the first field's time.
        """
        timing = frame.timing
        step = timing.duration or round(
            1 / (self.info.average_rate or STREAM_RATE) / timing.time_base
        )
        return replace(frame, timing=replace(timing, pts=last + max(step, 1)))

    def __str__(self) -> str:
        return f"the filter graph {self._graph.text!r}"

    @contextmanager
    def _faults(self) -> Iterator[None]:
        """Raise errors of the filters as SettingsError."""
        try:
            yield
        except RunError as error:
            raise SettingsError(f"{error} (command: {' '.join(error.command)})") from error
        except FilterError as error:
            raise SettingsError(str(error)) from error

    def _picture(self, frame: Frame) -> av.VideoFrame:
        """Convert a frame to a picture for the graph."""
        self._begun = self._begun or frame.timing
        self._taken += 1
        picture = to_picture(frame, self._pix_fmt)
        picture.duration = frame.timing.duration
        picture.chroma_location = location_code(frame.format.color)
        return picture

    def _frame(self, picture: av.VideoFrame) -> Frame:
        """Convert a picture of the graph to a frame of the clip after it."""
        form, tick = self.info.format, self.info.time_base
        if replace(frame_format(picture), color=form.color) != form:
            raise SettingsError(
                f"{self} changes its picture from {form.width}x{form.height} to {picture.width}x"
                f"{picture.height} {picture.format.name}: all must be alike"
            )
        if picture.pts is None:
            raise SettingsError(f"{self} gives frames without times")
        ticks = Fraction(str(picture.time_base)) / tick
        timing = Timing(
            pts=round(picture.pts * ticks),
            duration=round((picture.duration or 0) * ticks),
            time_base=tick,
        )
        return Frame(format=form, planes=read_planes(picture), timing=timing)

    def _described(self, made: Video) -> ClipInfo:
        """Describe the clip after the graph, by one of the graph's pictures."""
        was = self._was
        try:
            form = _format(made, was.format)
        except MediaError as error:
            raise SettingsError(f"{self} must end with another format: {error}") from error
        more = made.rate / was.average_rate if was.average_rate else Fraction(1)
        return replace(
            was,
            format=form,
            time_base=made.time_base,
            average_rate=made.rate,
            frames=round(was.frames * more),
            sample_aspect_ratio=made.sample_aspect_ratio,
        )


def _video(info: ClipInfo, pix_fmt: str, field_order: FieldOrder) -> Video:
    """The description of a clip for the filters."""
    form, color = info.format, info.format.color
    return Video(
        width=form.width,
        height=form.height,
        pix_fmt=pix_fmt,
        time_base=info.time_base,
        rate=info.average_rate,
        sample_aspect_ratio=info.sample_aspect_ratio,
        colorspace=color.matrix,
        color_primaries=color.primaries,
        color_trc=stated(color.transfer),
        color_range=2 if color.full_range else 1,
        field_order=field_order,
    )


def _format(made: Video, was: FrameFormat) -> FrameFormat:
    """The format of a graph's pictures.

    Colour that a filter leaves unspecified is taken to be unchanged, as far as the picture still
    has the planes that it applies to.

    Args:
        made: The graph's description of its pictures.
        was: The format of the frames before the graph.
    """
    picture = av.VideoFrame(made.width, made.height, made.pix_fmt)
    same_family = layout_of(made.pix_fmt).family == was.layout.family
    told, color = made, was.color
    if same_family and not said(made.colorspace):
        told = replace(told, colorspace=color.matrix)
    if not said(made.color_primaries):
        told = replace(told, color_primaries=color.primaries)
    if not said(made.color_trc):
        told = replace(told, color_trc=color.transfer)
    if same_family and not made.color_range:
        told = replace(told, color_range=2 if color.full_range else 1)
    picture.colorspace = told.colorspace
    picture.color_primaries, picture.color_trc = told.color_primaries, told.color_trc
    picture.color_range = told.color_range
    found = frame_format(picture)
    if found.layout.subsampling != was.layout.subsampling:
        return found
    where = color.chroma_location
    return replace(found, color=replace(found.color, chroma_location=where))
