"""The main path of a video: decode, upload, restore, download, encode."""

import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from vs_gendrpix.bound import Waits
from vs_gendrpix.errors import VerificationError
from vs_gendrpix.filtering import Filters, graphs_after, graphs_before
from vs_gendrpix.frames import ClipInfo, Frame
from vs_gendrpix.interlace import scan
from vs_gendrpix.media import LibavLog
from vs_gendrpix.pipeline import prefetch
from vs_gendrpix.pixels import encoder_layout, target_format
from vs_gendrpix.progress import Progress
from vs_gendrpix.publish import Output
from vs_gendrpix.report import Report, Start
from vs_gendrpix.settings import ProcessSettings
from vs_gendrpix.side_streams import SideStreams
from vs_gendrpix.sink import Sink
from vs_gendrpix.source import Source

if TYPE_CHECKING:
    from concurrent.futures import Future

    from vs_gendrpix.engine import Engine

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
        src: The input file.
        dst: The output file: .mp4, .m4v, .mov or .mkv.
        settings: What to do; None is a restoration to 4 times the size.
        progress: Is told of the start, of every frame and of the end.

    Returns:
        What was done, with all warnings and the damage that was met.

    Raises:
        GendrpixError: One of its kinds, see `vs_gendrpix.errors`; nothing has been published.
    """
    source_path, settings = Path(src), settings or ProcessSettings()
    progress = progress or Progress()
    began, waits = time.monotonic(), Waits()
    with ExitStack() as stack:
        output = Output(Path(dst), source=source_path, overwrite=settings.overwrite)
        start, end = settings.start, settings.end
        source = stack.enter_context(Source(source_path, start=start, end=end))
        stack.enter_context(output)
        stack.enter_context(LibavLog(this_thread=True))  # the decoder's lines are the source's
        found = scan(source_path, start=start, end=end)
        before = Filters(
            source.info,
            graphs_before(settings, found, source.report),
            field_order=found.order,
            program=settings.ffmpeg,
        )
        restored_as = output_clip(before.info, settings)
        after = Filters(restored_as, graphs_after(settings), program=settings.ffmpeg)
        side = SideStreams(source_path, offset=source.offset, start=start, end=end)
        stack.enter_context(side)
        sink = stack.enter_context(
            Sink(output, clip=after.info, settings=settings.encode, side=side)
        )
        # torch takes seconds to load: only once we know that input, output and encoder are good.
        from vs_gendrpix.engine import Engine  # noqa: PLC0415

        engine = stack.enter_context(
            Engine(settings.restore, before.info.format, restored_as.format)
        )
        described = _describe(source, output, engine, after.info)
        progress.start(described)
        frames = after.through(_restored(before.through(source), engine, waits))
        with closing(prefetch(frames, AHEAD)) as restored:
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
        copied=side.copied,
        notes=(source.report, side.notes, sink.notes),
        seconds=time.monotonic() - began,
    )
    progress.done(report)
    return report


def output_clip(source: ClipInfo, settings: ProcessSettings) -> ClipInfo:
    """What the output will be: its size, format and shape of a pixel.

    Raises:
        SettingsError: The size or the pixel format is not possible.
    """
    form, restore = source.format, settings.restore
    multiple_x, multiple_y = (1 << n for n in encoder_layout(settings.encode.pix_fmt).subsampling)
    width, height = restore.output_size(form.width, form.height, (multiple_x, multiple_y))
    shape = source.sample_aspect_ratio
    if restore.width is not None and restore.height is not None:
        # The picture may be squeezed; its shape on the screen must not be.
        shape *= Fraction(width, form.width) ** -1 * Fraction(height, form.height)
    target = target_format(form, pix_fmt=settings.encode.pix_fmt, width=width, height=height)
    return replace(source, format=target, sample_aspect_ratio=shape.limit_denominator(255))


def _restored(source: Iterable[Frame], engine: "Engine", waits: Waits) -> Iterator[Frame]:
    """Restored frames in order, a few under way at once."""
    under_way: deque[Future[Frame]] = deque()
    with closing(prefetch(source, AHEAD)) as decoded:
        for frame in waits.for_each("decoded", decoded):
            under_way.append(engine.submit(frame))
            if len(under_way) >= engine.capacity:
                with waits.on("results"):
                    result = under_way.popleft().result()
                yield result
    while under_way:
        with waits.on("results"):
            result = under_way.popleft().result()
        yield result


def _describe(source: Source, output: Output, engine: "Engine", clip: ClipInfo) -> Start:
    """What is known before the first frame."""
    return Start(
        source=source.path,
        output=output.path,
        frames=clip.frames,
        average_rate=clip.average_rate,
        size=(clip.format.width, clip.format.height),
        model=engine.model_name,
        device=",".join(map(str, engine.devices)),
        dtype=str(engine.dtype).removeprefix("torch."),
    )
