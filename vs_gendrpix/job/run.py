"""The main path of a video: decode, upload, restore, download, encode."""

import time
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from vs_gendrpix.errors import SettingsError, VerificationError
from vs_gendrpix.frame.area import Area, cropped, with_bars
from vs_gendrpix.frame.clip import ClipInfo
from vs_gendrpix.frame.format import usual_matrix
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.frame.target import aspect_change, target_format
from vs_gendrpix.job.grading import check_hdr
from vs_gendrpix.job.inputs import Input, look_for_fields, open_side_streams, open_source
from vs_gendrpix.job.prefetch import prefetch
from vs_gendrpix.job.prepare import graphs_after, graphs_before
from vs_gendrpix.job.progress import Progress
from vs_gendrpix.job.record import report_output, write_report
from vs_gendrpix.job.report import Report, Start
from vs_gendrpix.job.survey import picture_area, with_range
from vs_gendrpix.job.targets import open_output, open_sink
from vs_gendrpix.job.waits import Waits
from vs_gendrpix.libav.filters import Filters
from vs_gendrpix.libav.log import LibavLog
from vs_gendrpix.libav.pixels import encoder_layout
from vs_gendrpix.restore.heap import keep_freed
from vs_gendrpix.settings import ProcessSettings
from vs_gendrpix.write.color_tags import color_tags
from vs_gendrpix.write.encoder import settled

if TYPE_CHECKING:
    from vs_gendrpix.restore.engine import Engine

AHEAD = 2
"""Frames that wait on each side of the engine: enough to overlap, few enough for 4K frames."""


def process(
    src: str | Path,
    dst: str | Path,
    settings: ProcessSettings | None = None,
    *,
    progress: Progress | None = None,
) -> Report:
    """Restore a video file.

    Decoding, restoring and encoding overlap; a few frames are in memory at a time, however long the
    clip is. The output appears when it is whole and checked; on any error, none does.

    Args:
        src: The input: a file, a pattern such as `%06d.png` or a folder of pictures, a VapourSynth
            script, or `-`, the standard input.
        dst: The output: a file, .mp4, .m4v, .mov, .mkv or .y4m; pictures in a folder of their own,
            such as `out/%06d.exr`; or `-`, YUV4MPEG on the standard output.
        settings: What to do; None is a restoration to 4 times the size, encoded as the output's
            name asks for.
        progress: Is told of the start, of every frame and of the end.

    Returns:
        What was done, with all warnings and the damage that was met.

    Raises:
        GendrpixError: One of its kinds, see `vs_gendrpix.errors`; nothing has been published.
    """
    keep_freed()
    source_path = Path(src)
    settings = with_range(source_path, settings or ProcessSettings())
    progress = progress or Progress()
    began, waits, notes = time.monotonic(), Waits(), Notes()
    with ExitStack() as stack:
        output = open_output(Path(dst), source=source_path, overwrite=settings.write.overwrite)
        record = None
        if settings.write.report is not None:
            record = report_output(
                settings.write.report,
                output=output.path,
                source=source_path,
                overwrite=settings.write.overwrite,
            )
        stack.enter_context(output)
        source = stack.enter_context(open_source(source_path, settings))
        dropped = check_hdr(source.info, settings)
        if record is not None:
            stack.enter_context(record)
        stack.enter_context(LibavLog(this_thread=True))  # the decoder's lines are the source's
        found = look_for_fields(source, settings)
        asked = graphs_before(settings, found, source.report)
        program = settings.prepare.ffmpeg
        before = Filters(source.info, asked, field_order=found.order, program=program)
        settings = _with_encoder(settings, Path(dst), before.info)
        area = _area(source, before.info, settings)
        settings = _with_crop(settings, area)
        framed, place = _framed(before.info, settings, area)
        after = Filters(framed, graphs_after(settings), program=program)
        clip = after.info
        _tell_what_changes(source, clip, settings, dropped)
        side = open_side_streams(source, settings)
        stack.enter_context(side)
        sink = open_sink(output, clip=clip, settings=settings.write.encode, side=side)
        stack.enter_context(sink)
        engine = _open_engine(settings, notes)
        lanes = stack.enter_context(
            engine.clip(area.of(before.info.format), place.of(framed.format))
        )
        progress.start(described := _describe(source, output.path, clip, engine))
        pictures = prefetch((cropped(frame, area) for frame in before.through(source)), AHEAD)
        # Closed before the source is: until then a thread decodes ahead.
        stack.enter_context(closing(pictures))
        results = lanes.map(
            waits.for_each("decoded", pictures), waiting=partial(waits.on, "results")
        )
        whole = (with_bars(frame, framed.format, place) for frame in results)
        with closing(prefetch(after.through(whole), AHEAD)) as restored:
            for frame in waits.for_each("restored", restored):
                with waits.on("encode"):
                    sink.write(frame)
                progress.frame(sink.frames, waits.bound)
        if before.given != after.taken or after.given != sink.frames:
            raise VerificationError(
                f"{before.given} frames came in, {after.taken} were restored, and of "
                f"{after.given} {sink.frames} went out"
            )
        sink.finish()
        report = Report(
            start=described,
            frames_decoded=source.decoded,
            frames_encoded=sink.frames,
            streams=side.actions,
            copied=side.copied,
            notes=(source.report, notes, side.notes, sink.notes),
            bound=waits.bound,
            seconds=time.monotonic() - began,
        )
        if record is not None:
            write_report(record, report, _with_tile(settings, lanes.tile))
    progress.done(report)
    return report


def _with_encoder(settings: ProcessSettings, output: Path, clip: ClipInfo) -> ProcessSettings:
    """The settings with the encoder that the output's name and the clip's format ask for."""
    encode = settled(settings.write.encode, output, clip.format)
    return replace(settings, write=replace(settings.write, encode=encode))


def _with_crop(settings: ProcessSettings, area: Area) -> ProcessSettings:
    """The settings with the crop that was found, for the report, if one was asked for."""
    if settings.prepare.crop is None:
        return settings
    crop = (area.width, area.height, area.x, area.y)
    return replace(settings, prepare=replace(settings.prepare, crop=crop))


def output_clip(source: ClipInfo, settings: ProcessSettings) -> ClipInfo:
    """What the output will be: its size, format and shape of a pixel.

    Raises:
        SettingsError: The size or the pixel format is not possible, or left open.
    """
    form, restore, encode = source.format, settings.restore, settings.write.encode
    layout = encoder_layout(encode.pix_fmt)
    size = restore.output_size(form.width, form.height, layout.chroma_step)
    out_color = settings.finish.out_color
    target = target_format(form, layout, size, tags=color_tags(encode), out_color=out_color)
    shape = source.sample_aspect_ratio * aspect_change(form, target, restore)
    return replace(source, format=target, sample_aspect_ratio=shape.limit_denominator(255))


def _area(source: Input, filtered: ClipInfo, settings: ProcessSettings) -> Area:
    """The part of filtered frames that is restored, which is told and found in the source's."""
    was, now = source.info.format, filtered.format
    if settings.prepare.crop is None:
        return Area.whole(now)
    if (was.width, was.height) != (now.width, now.height):
        raise SettingsError(
            f"the pre-filter makes {now.width}x{now.height} of {was.width}x{was.height} pixels, in "
            "which a crop has no place: crop in the pre-filter"
        )
    return picture_area(source, settings)


def _framed(source: ClipInfo, settings: ProcessSettings, area: Area) -> tuple[ClipInfo, Area]:
    """What the output will be, and which part of its picture a restored `area` fills."""
    if settings.finish.keep_bars:
        clip = output_clip(source, settings)
        return clip, area.scaled(source.format, clip.format)
    clip = output_clip(replace(source, format=area.of(source.format)), settings)
    return clip, Area.whole(clip.format)


def _tell_what_changes(
    source: Input, clip: ClipInfo, settings: ProcessSettings, dropped: str
) -> None:
    """Name what of the picture is left out, and what players may take for something else."""
    was, now = source.info.format, clip.format
    if dropped:
        source.report.warn(f"not carried over: {dropped}")
    if was.layout.alpha and not now.layout.alpha:
        pix_fmt = settings.write.encode.pix_fmt
        source.report.warn(f"the alpha channel is dropped: {pix_fmt} has none")
    taken_for = usual_matrix(now.height)
    if taken_for == 1 != usual_matrix(was.height) and now.color.matrix in {5, 6}:
        source.report.inform(
            "an HD picture with the colour of SD, as its tags say: --out-color bt709 is for "
            "players that do not read them"
        )


def _with_tile(settings: ProcessSettings, tile: tuple[int, int] | None) -> ProcessSettings:
    """The settings with the tile that was used: a smaller one where memory ran out."""
    return replace(settings, restore=replace(settings.restore, tile=tile))


def _open_engine(settings: ProcessSettings, notes: Notes) -> "Engine":
    """Load torch and the model, once it is known that input, output and encoder are good."""
    from vs_gendrpix.restore.engine import Engine  # noqa: PLC0415 - torch takes seconds to load

    return Engine(settings.restore, notes)


def _describe(source: Input, output: Path, clip: ClipInfo, engine: "Engine") -> Start:
    """What is known before the first frame."""
    return Start(
        source=source.path,
        output=output,
        source_clip=source.info,
        output_clip=clip,
        frames=clip.frames,
        average_rate=clip.average_rate,
        size=(clip.format.width, clip.format.height),
        model=engine.model_name,
        model_file=engine.model_file,
        device=",".join(map(str, engine.devices)),
        dtype=engine.restorer.dtype,
    )
