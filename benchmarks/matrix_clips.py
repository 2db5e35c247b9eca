"""The clips of the media matrix: six patches, a ramp, and streams beside the picture."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from benchmarks.colour_reference import (
    Meaning,
    Planes,
    depth,
    encoded,
    family,
    yuv_matrix,
)
from benchmarks.matrix_cases import COLORS, FRAMES, TIMINGS, Case
from vs_gendrpix.write.encoding.configuring import kept_priority

TICK = Fraction(1, 12800)
PATCH = 48
COLUMNS, ROWS = 4 * PATCH, 2 * PATCH
INSET = 20
"""Pixels around a patch that are not compared: twice the reach of the filter of 4:1:0 chroma."""


def pattern(meaning: Meaning, frame: int) -> Planes:
    """Draw six flat patches and a ramp of chroma, brighter by a code of 8 bits each frame."""
    grid = (np.arange(COLUMNS, dtype=float), np.arange(ROWS, dtype=float))
    patches = [
        *((0.2, 0, 0), (0.5, 0.15, -0.1), (0.6, -0.12, 0.14), (0.4, -0.1, -0.1)),
        *((0.8, 0, 0), (0.35, 0.1, 0.12), (0.5, 0, 0), (0.5, 0, 0)),
    ]
    ycc = np.zeros((3, ROWS, COLUMNS))
    for index, patch in enumerate(patches):
        top, left = divmod(index, 4)
        place = np.s_[:, top * PATCH : (top + 1) * PATCH, left * PATCH : (left + 1) * PATCH]
        ycc[place] = np.array(patch)[:, None, None]
    ycc[0] += frame / 219
    ramp = (grid[0] - 3 * PATCH + 0.5) / PATCH * 0.25
    ycc[1, PATCH:, 2 * PATCH :] = ramp[2 * PATCH :]
    ycc[2, PATCH:, 2 * PATCH :] = -ramp[2 * PATCH :]
    rgb = np.einsum("ij,jhw->ihw", np.linalg.inv(yuv_matrix(6)), ycc)
    if family(meaning.pix_fmt) == "rgb":
        return [np.round(plane) for plane in encoded(rgb, meaning, COLUMNS, ROWS)]
    inverse = np.linalg.inv(yuv_matrix(meaning.matrix))
    same = np.einsum("ij,jhw->ihw", inverse, ycc)  # the same codes whatever the matrix
    return [np.round(plane) for plane in encoded(same, meaning, COLUMNS, ROWS)]


def looked_at(scale: Fraction) -> dict[str, tuple[slice, slice]]:
    """List rows and columns of the patches and the ramp in a scaled picture, without borders."""

    def span(first: int, last: int) -> slice:
        return slice(-int(-(first + INSET) * scale // 1), int((last - INSET) * scale))

    places = {
        f"patch {4 * top + left}": (
            span(top * PATCH, (top + 1) * PATCH),
            span(left * PATCH, (left + 1) * PATCH),
        )
        for top in range(2)
        for left in range(4)
        if (top, left) < (1, 2)
    }
    return places | {"ramp": (span(PATCH, 2 * PATCH), span(2 * PATCH, 4 * PATCH))}


def write_clip(case: Case, path: Path) -> None:
    """Write the source of a case."""
    matrix, primaries, transfer = COLORS[case.color]
    coded = case.source
    made = {"nv12": "yuv420p", "rgb24": "gbrp", "bgr0": "gbrp"}.get(coded.pix_fmt, coded.pix_fmt)
    known = 6 if matrix == 2 else matrix
    meaning = Meaning(made, known, primaries, transfer, case.full_range, case.location)
    times, tick = TIMINGS[case.timing], TICK
    if coded.encoder == "mpeg2video" or coded.suffix == "avi":
        times, tick = tuple(range(FRAMES)), Fraction(1, 25)
    options = {"avoid_negative_ts": "disabled"} if coded.suffix == "mkv" else {}
    # SVT-AV1 would give real-time priority to this thread, for all that comes after.
    with kept_priority(), av.open(str(path), "w", container_options=options) as output:
        stream = output.add_stream(coded.encoder, rate=25, options=dict(coded.options))
        context = stream.codec_context
        context.width, context.height, context.pix_fmt = COLUMNS, ROWS, coded.pix_fmt
        context.time_base = stream.time_base = tick
        context.colorspace = 0 if family(made) == "rgb" else matrix
        context.color_primaries, context.color_trc = primaries, transfer
        context.color_range = 2 if case.full_range else 1
        context.chroma_sample_location = case.location
        finish = add_sides(case, output)
        for index, pts in enumerate(times):
            picture = fill(pattern(meaning, index), made)
            picture.color_range = context.color_range
            if made != coded.pix_fmt:
                picture = picture.reformat(format=coded.pix_fmt)
            picture.colorspace = context.colorspace
            picture.color_primaries, picture.color_trc = primaries, transfer
            picture.pts, picture.time_base = pts, tick
            output.mux(stream.encode(picture))
        output.mux(stream.encode(None))
        for last in finish:
            last()


def add_sides(case: Case, output: av.container.OutputContainer) -> list[Callable[[], None]]:
    """Add streams beside the picture; returns functions that write them."""
    suffix = case.source.suffix
    if case.side == "two audios":
        codec = "libopus" if suffix == "webm" else "aac"
        return [add_audio(output, codec, 0.32, language) for language in ("eng", "deu")]
    if case.side == "subtitles":
        return [add_subtitles(output, text=suffix != "mkv")]
    if case.side == "attachment":
        output.add_attachment("font.ttf", "font/ttf", bytes(range(256)))
    if case.side == "chapters":
        output.set_chapters(
            [
                {
                    "id": i,
                    "start": 100 * i,
                    "end": 100 * (i + 1),
                    "metadata": {"title": f"part {i}"},
                }
                | {"time_base": Fraction(1, 1000)}
                for i in range(3)
            ]
        )
    return []


def add_audio(
    output: av.container.OutputContainer, codec: str, seconds: float, language: str
) -> Callable[[], None]:
    """Add a stream of a tone."""
    rate = 48000
    stream = output.add_stream(codec, rate=rate)
    stream.metadata["language"] = language

    def finish() -> None:
        step = stream.codec_context.frame_size or 960
        for start in range(0, int(seconds * rate), step):
            wave = np.sin(np.arange(start, start + step) / 20).astype(np.float32) * 0.2
            form = stream.codec_context.format.name
            samples = wave[None].repeat(2, 0)
            if form == "s16":
                samples = (wave.repeat(2)[None] * 32767).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(samples, format=form, layout="stereo")
            frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))

    return finish


def add_subtitles(output: av.container.OutputContainer, *, text: bool) -> Callable[[], None]:
    """Add two lines of subtitles, as MP4 (text) or Matroska has them."""
    if text:
        stream = output.add_stream("mov_text")
        stream.codec_context.subtitle_header = b"[Script Info]\n"
        stream.time_base = Fraction(1, 1000)
    else:
        stream = output.add_mux_stream("subrip")

    def finish() -> None:
        for begin, words in ((40, b"one"), (200, b"two")):
            packet = av.Packet(len(words).to_bytes(2, "big") + words if text else words)
            packet.stream, packet.time_base = stream, Fraction(1, 1000)
            packet.pts = packet.dts = begin
            packet.duration = 80
            output.mux(packet)

    return finish


def fill(planes: Planes, pix_fmt: str) -> av.VideoFrame:
    """Make a picture of planar code values."""
    picture = av.VideoFrame(COLUMNS, ROWS, pix_fmt)
    kind = np.uint8 if depth(pix_fmt) == 8 else np.uint16
    order = (1, 2, 0) if family(pix_fmt) == "rgb" else range(len(planes))
    for plane, index in zip(picture.planes, order, strict=False):
        rows = np.frombuffer(plane, kind).reshape(plane.height, -1)
        rows[:, : plane.width] = planes[index].astype(kind)
    return picture
