"""The main path of a video: read, restore, write."""

import time
from array import array
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack, closing
from functools import partial
from typing import TYPE_CHECKING

from vs_gendrpix.errors import (
    MediaError,
    ModelError,
    NoFramesError,
    SettingsError,
    VerificationError,
    cancellation,
)
from vs_gendrpix.frame.area import cropped, with_bars
from vs_gendrpix.frame.captions import Captions
from vs_gendrpix.frame.format import Frame
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.frame.sequence import Names
from vs_gendrpix.frame.span import Seam, Span, Window, Within
from vs_gendrpix.job.open import open_input, open_outputs
from vs_gendrpix.job.plan import ModelFile, Plan
from vs_gendrpix.job.prefetch import prefetch
from vs_gendrpix.job.progress import Progress
from vs_gendrpix.job.rate import Waits
from vs_gendrpix.job.record import keep_report
from vs_gendrpix.job.report import Report, Start
from vs_gendrpix.job.spanned import Chosen, Given, NoFrames
from vs_gendrpix.job.survey import begins, shown_at
from vs_gendrpix.job.total import Total
from vs_gendrpix.libav.filters import Filters
from vs_gendrpix.libav.log import LibavLog
from vs_gendrpix.models.heap import keep_freed
from vs_gendrpix.read.input import Frames, Input
from vs_gendrpix.read.state import InputState
from vs_gendrpix.write.carry.copy import SideStreams
from vs_gendrpix.write.carry.plan import CarryPlan
from vs_gendrpix.write.output import Output
from vs_gendrpix.write.writer import open_writer

if TYPE_CHECKING:
    from vs_gendrpix.restore.beside import SourceBeside
    from vs_gendrpix.restore.engine import Engine
    from vs_gendrpix.restore.lanes import ClipLanes

AHEAD = 2
"""Frames that wait on each side of the engine: enough to overlap, few enough for 4K frames."""


def run(plan: Plan, progress: Progress | None = None, engine: "Engine | None" = None) -> Report:
    """Restore a video as a plan says.

    Args:
        plan: The plan, perhaps made by another process.
        progress: Is told of the start, of every frame and of the end.
        engine: An engine of the plan's restorer, which is left open; None opens one for this run.

    Returns:
        What was done, with all warnings and the damage that was met.

    Raises:
        GendrpixError: One of its kinds; nothing has been published.
    """
    progress = progress or Progress()
    notes = notes_of(plan)
    with ExitStack() as stack:
        stack.callback(notes.tell_damage)  # a run that fails says it too
        outputs = open_outputs(plan.source, plan.output, plan.settings.write, notes)
        output, record = stack.enter_context(outputs)
        report = write_frames(plan, output, notes, progress=progress, engine=engine)
        keep_report(record, report)
    progress.done(report)
    return report


def write_frames(
    plan: Plan,
    output: Output,
    notes: Notes,
    *,
    progress: Progress,
    engine: "Engine | None" = None,
    span: Span | None = None,
    seam: Seam | None = None,
) -> Report:
    """Read, restore and write the frames of a plan, or a span of them.

    Args:
        plan: The plan.
        output: Where to; entered already, and published at the end.
        notes: Where warnings and damage go.
        progress: Is told of the start and of every frame.
        engine: An engine of the plan's restorer, which is left open; None opens one.
        span: The frames to write; None is all of them, and only then the streams beside the picture
            are carried over.
        seam: Where the span meets the one before; is told what was decoded there.

    Returns:
        What was done.

    Raises:
        OtherPicturesError: Decoding gives another frame before the span than was expected.
        GendrpixError: One of its kinds; nothing has been published.
    """
    keep_freed()
    began, waits = time.monotonic(), Waits()
    before_work = InputState.of(plan.source, plan.settings.read)
    with ExitStack() as stack:
        clip = stack.enter_context(open_input(plan.source, plan.settings.read, notes))
        stack.enter_context(LibavLog(this_thread=True))  # the decoder's lines are the input's
        seam = seam or Seam()
        source = _planned_frames(plan, clip, span, seam)
        side = stack.enter_context(_side_streams(plan, source, span, notes))
        encode = plan.settings.write.encode
        begin = None if span is None else span.begin
        writer = stack.enter_context(open_writer(output, plan.result, encode, side, notes, begin))
        cancellation.check()
        if engine is None:
            engine = stack.enter_context(open_engine(plan, notes))
        device = ",".join(map(str, engine.devices))
        start = Start(plan=plan, device=device, dtype=engine.restorer.dtype)
        progress.start(start)
        part, place = plan.area.of(plan.filtered.format), plan.place.of(plan.framed.format)
        lanes = stack.enter_context(engine.clip(part, place, notes))
        before, after = _filters(plan)
        total, captions = Total(plan, progress), Captions()
        given, beside = Given(source, span, seam), _beside(plan)
        watched = total.watch(given if beside is None else beside.watch(given))
        prepared = before.through(captions.taken_off(watched))
        chosen = Chosen(span, _still(plan, clip, source, prepared), captions)
        # Closed before the input is: until then threads read and restore ahead.
        results = _finished(plan, chosen, lanes, after, waits, beside)
        finished = stack.enter_context(closing(results))
        times, durations = array("q"), array("q")  # 16 bytes a frame
        for frame in _captioned(finished, captions, span):
            with waits.on("encode"):
                writer.write(frame)
            times.append(frame.timing.pts)
            durations.append(frame.timing.duration)
            total.written(writer.frames)
            progress.written(*writer.size)
            progress.frame(writer.frames, waits.bound)
        total.finished(writer.frames)
        _check_count(chosen, after, writer.frames, span)
        if span is None and captions.left:
            notes.warn("not carried over: closed captions behind the last frame of the output")
        if writer.frames:  # damage may leave nothing of a part: then there is no file of it
            writer.finish()
        if span is None:
            notes.tell_damage()
        _tell_change(plan, before_work, notes)
        return Report(
            start=start,
            frames_decoded=given.count,
            frames_encoded=writer.frames,
            times=times,
            durations=durations,
            streams=side.plan.streams,
            copied=side.copied,
            notes=notes,
            tile=lanes.tile,
            bound=waits.bound,
            seconds=time.monotonic() - began,
        )


def notes_of(plan: Plan) -> Notes:
    """Make notes with all that the planning has logged, so that it is not logged again."""
    return Notes(
        warnings=list(plan.warnings), informed=list(plan.informed), decided=list(plan.decided)
    )


def _planned_frames(plan: Plan, clip: Input, span: Span | None, seam: Seam) -> Frames:
    """Begin to read the frames that the plan asks for.

    Raises:
        MediaError: The input has changed since.
    """
    read = plan.settings.read
    if span is None:
        source = clip.frames(read.start, read.end)
        # A pipe was planned by its first frame, which may lie before the range.
        as_planned = source.info == plan.clip
        same = as_planned if clip.rereadable else source.info.format == plan.clip.format
    else:
        window, counted = span.seconds(span.read), span.seconds(span.written)
        start = read.start if window.start is None else window.start
        within = Within(counted=counted, first=span.first, shape=span.shape, back=seam.back)
        try:
            source = clip.frames(start, window.end or read.end, within)
        except NoFramesError:
            return NoFrames(plan.clip, span)
        found, planned = source.info, plan.clip
        same = (found.format, found.time_base) == (planned.format, planned.time_base)
    if not same:
        raise MediaError(f"{plan.source} has changed since the job was planned: plan it again")
    return source


def _tell_change(plan: Plan, before: InputState | None, notes: Notes) -> None:
    """Warn if the input has changed while it was read: replaced, or still being written."""
    now = InputState.of(plan.source, plan.settings.read)
    if now != before:
        found = "is gone by now" if now is None else f"was {before}, and is now {now}"
        notes.fault(
            f"the input {plan.source} has changed while it was read: it {found}; "
            "the output may have a part of it"
        )


def _side_streams(plan: Plan, source: Frames, span: Span | None, notes: Notes) -> SideStreams:
    """Open the streams beside the picture, as planned. A part of a job has none.

    Of the timecode every picture of a part has its own; a file gets it when the parts are joined.
    """
    carried = plan.carried
    if span is not None:
        carried = CarryPlan(timecode=carried.timecode if Names.of(plan.output) else "")
    read = plan.settings.read
    return SideStreams(
        plan.source,
        carried,
        notes,
        chosen=read,
        offset=source.offset,
        provenance=plan.provenance,
    )


def open_engine(plan: Plan, notes: Notes) -> "Engine":
    """Load the plan's model. A built-in one is looked up anew, as paths differ between machines.

    Raises:
        ModelError: Its file has changed since.
    """
    from vs_gendrpix.restore.engine import Engine  # noqa: PLC0415 - torch takes seconds to load

    restore = plan.settings.restore
    found = ModelFile.of(restore.model_path or restore.model)
    if found.sha256 != plan.model.sha256:
        raise ModelError(f"{found.path} has changed since the job was planned: plan it again")
    return Engine(plan.settings.restore, notes)


def _filters(plan: Plan) -> tuple[Filters, Filters]:
    """Make the filters before and after the restoration."""
    program = plan.settings.prepare.ffmpeg
    before = Filters(plan.clip, plan.before, field_order=plan.fields.order, program=program)
    return before, Filters(plan.framed, plan.after, program=program)


def _still(plan: Plan, clip: Input, source: Frames, frames: Iterator[Frame]) -> Iterator[Frame]:
    """Keep the one frame of a still; all frames of what is none."""
    if plan.still is None:
        return frames
    return shown_at(frames, plan.still - begins(clip, source))


def _beside(plan: Plan) -> "SourceBeside | None":
    """Make what shows the source beside the results; None unless `--compare` asks for it."""
    kind = plan.settings.finish.compare
    if kind == "none":
        return None
    from vs_gendrpix.restore.beside import SourceBeside  # noqa: PLC0415 - loads torch

    return SourceBeside(kind, plan.area, plan.result.format, plan.place)


def _finished(
    plan: Plan,
    source: Iterable[Frame],
    lanes: "ClipLanes",
    after: Filters,
    waits: Waits,
    beside: "SourceBeside | None",
) -> Generator[Frame]:
    """Crop, restore, pad, filter and compare frames, with a few under way at each step."""
    areas = (cropped(frame, plan.area) for frame in source)
    with closing(prefetch(areas, AHEAD)) as ahead:
        restored = lanes.map(waits.for_each("decoded", ahead), waiting=partial(waits.on, "results"))
        whole = (with_bars(frame, plan.framed.format, plan.place) for frame in restored)
        done = after.through(whole)
        if beside is not None:
            done = beside.through(done)
        with closing(prefetch(done, AHEAD)) as finished:
            yield from waits.for_each("restored", finished)


def _captioned(frames: Iterable[Frame], captions: Captions, span: Span | None) -> Iterator[Frame]:
    """Give finished frames their captions, and drop frames that only filters needed."""
    window = Window() if span is None else span.written
    for frame in frames:
        cancellation.check()
        captioned = captions.onto(frame)
        if window.holds(frame.timing):
            yield captioned


def _check_count(chosen: Chosen, after: Filters, written: int, span: Span | None) -> None:
    """Check that no frame was lost between the steps, and that there is at least one.

    Raises:
        SettingsError: The filters gave none.
        VerificationError: One was.
    """
    if chosen.count != after.taken or (span is None and after.given != written):
        raise VerificationError(
            f"frames were lost: {chosen.count} read, {after.taken} restored, "
            f"{after.given} filtered, {written} written"
        )
    if not written and span is None:
        raise SettingsError("the filters let no frame of this clip through: nothing is written")
