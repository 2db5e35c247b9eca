"""A job made in segments beside the same in one piece, and all that a test compares of the two."""

import hashlib
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from tests.clips import add_audio
from tests.nearest import LOSSLESS, settings
from vs_gendrpix import process
from vs_gendrpix.frame.format import ColorSpec, Frame, FrameFormat, Timing
from vs_gendrpix.job.report import Report
from vs_gendrpix.job.segments.folder import JobFolder
from vs_gendrpix.libav.display_matrix import read_orientation
from vs_gendrpix.libav.hdr import read_metadata
from vs_gendrpix.libav.pixels import layout_of, read_planes, to_picture
from vs_gendrpix.write.encoding.configuring import kept_priority

DAMAGED = "the input is damaged"
"""Begins the sentence that counts what else is compared."""

TICK = Fraction(1, 12800)
STEP = 512
"""Ticks of a frame at 25 a second."""


@dataclass(kw_only=True)
class Kept:
    """What a file has to say.

    Attributes:
        times: Seconds at which each frame is shown.
        pictures: A digest of each frame's decoded values.
        packets: Seconds at which each packet of the video is shown, and that it lasts.
        others: The packets of the other streams, each stream with its kind.
        said: What the file and its frames say of themselves.
    """

    times: list[Fraction]
    pictures: list[str]
    packets: list[tuple[Fraction, Fraction]]
    others: list[tuple[str, str, list[tuple[bytes, Fraction, Fraction]]]]
    said: dict[str, object]


def kept(path: Path) -> Kept:
    """Read all of a file."""
    with av.open(str(path)) as opened:
        video = opened.streams.video[0]
        unit = Fraction(video.time_base)
        frames = [(frame.pts * unit, digest(frame), facts(frame)) for frame in opened.decode(video)]
    with av.open(str(path)) as opened:
        video = opened.streams.video[0]
        packets, others = [], {}
        for packet in opened.demux():
            if not packet.size:
                continue
            lasts = (packet.pts * packet.time_base, (packet.duration or 0) * packet.time_base)
            if packet.stream_index == video.index:
                packets.append(lasts)
            else:
                others.setdefault(packet.stream_index, []).append((bytes(packet), *lasts))
        context = video.codec_context
        said = {
            "codec": (context.name, context.codec_tag, video.profile),
            "pixels": (context.width, context.height, context.pix_fmt),
            "rates": (video.average_rate, video.guessed_rate, video.sample_aspect_ratio),
            "tags": dict(video.metadata),
            "start": video.start_time * unit,
            "frames": {fact for _, _, fact in frames},
            "file": (opened.format.name, dict(opened.metadata), opened.chapters()),
        }
        streams = [
            (each.type, str(each.codec_context and each.codec_context.name))
            for each in opened.streams
        ]
    return Kept(
        times=[time for time, _, _ in frames],
        pictures=[picture for _, picture, _ in frames],
        packets=sorted(packets),
        others=[(*streams[index], found) for index, found in sorted(others.items())],
        said=said,
    )


def digest(frame) -> str:
    """A digest of a frame's values, without the padding of its lines."""
    return hashlib.sha256(b"".join(plane.tobytes() for plane in read_planes(frame))).hexdigest()


def facts(frame) -> tuple[object, ...]:
    """What each frame must say of itself."""
    color = (frame.colorspace, frame.color_primaries, frame.color_trc, frame.color_range)
    return (color, read_orientation(frame.side_data), read_metadata(frame.side_data))


@dataclass(kw_only=True)
class Both:
    """Two files, and the reports on them.

    Attributes:
        one: Made in one piece.
        job: Made in segments.
        segments: How many; 0 where it was one piece too.
    """

    one: Path
    job: Path
    one_report: Report
    job_report: Report
    segments: int

    def differences(self, *, lossy: bool = False) -> dict[str, object]:
        """What differs, by its name, as the pair of the one piece's and the job's.

        Args:
            lossy: Whether an encoder that begins anew gives other pictures, which are not compared.
        """
        one, job = ({**vars(kept(path)), **told(report)} for path, report in self.made)
        found = {name: (was, job[name]) for name, was in one.items() if job[name] != was}
        if lossy:
            found.pop("pictures", None)
        elif "pictures" in found:
            pairs = enumerate(zip(*found["pictures"], strict=False))
            found["pictures"] = [number for number, (was, now) in pairs if was != now]
        if self.segments < 2:
            found["segments"] = self.segments
        return found

    @property
    def made(self):
        """Both files with their reports, the one piece first."""
        return (self.one, self.one_report), (self.job, self.job_report)


def told(report: Report) -> dict[str, object]:
    """What a report says of the work, as far as it must not depend on how it was made."""
    notes = report.notes
    return {
        "frames": (report.frames_decoded, report.frames_encoded),
        "times": list(report.times),
        "durations": list(report.durations),
        "copied": dict(report.copied),
        # Decoders say errors a few frames early, so that of one at a cut some lines may be lost.
        "errors": bool(notes.errors),
        "damage": (notes.corrupt_frames, notes.made_up_times, notes.missing),
        "warnings": sorted(line for line in report.warnings if not line.startswith(DAMAGED)),
        "faults": notes.faults,
        "exit code": report.exit_code,
    }


def make_both(source: Path, name: str = "out.mp4", encode=LOSSLESS, scale=1, **chosen) -> Both:
    """Make a clip in one piece, and in segments.

    Args:
        source: The input.
        name: The name of both outputs, in folders of their own beside the input.
        encode: How to encode.
        scale: The scale.
        chosen: Further settings.
    """
    wanted = settings(scale, encode, **chosen)
    ways = {"one": {"segments": False}, "job": {"keep": True}}
    reports, paths = [], []
    for way, choice in ways.items():
        paths.append(source.parent / way / name)
        (paths[-1].parents[1] if "%" in name else paths[-1].parent).mkdir(parents=True)
        own = replace(wanted, job=replace(wanted.job, **choice))
        reports.append(process(source, paths[-1], own))
    folder = JobFolder.beside(paths[1])
    made = len(folder.finished(folder.names())) if folder.exists() else 0
    return Both(
        one=paths[0], job=paths[1], one_report=reports[0], job_report=reports[1], segments=made
    )


def moving_frames(count: int, pix_fmt="yuv420p", size=(64, 48), times=None, tick=TICK):
    """Frames of a texture that moves and brightens: each tells from others, and from history."""
    layout = layout_of(pix_fmt)
    color = ColorSpec(matrix=0 if layout.family == "rgb" else 1)
    form = FrameFormat(width=size[0], height=size[1], layout=layout, color=color)
    noise = np.random.default_rng(5).random((3, size[1] * 2, size[0] * 2))
    noise = (noise + np.roll(noise, 1, 1) + np.roll(noise, 1, 2)) / 3
    for n in range(count):
        planes = []
        for number, (rows, columns) in enumerate(form.plane_shapes):
            moved = np.roll(noise[number % 3], (n // 2, n * 2), (0, 1))[:rows, :columns]
            value = 0.15 + 0.4 * moved + 0.2 * (n % 20) / 20
            planes.append(
                value.astype(form.dtype)
                if layout.floating
                else (value * (2**layout.bits - 1)).astype(form.dtype)
            )
        pts = n * STEP if times is None else times[n]
        yield Frame(
            format=form, planes=tuple(planes), timing=Timing(pts=pts, duration=0, time_base=tick)
        )


def make_moving(
    path: Path,
    count=45,
    *,
    codec="libx264",
    pix_fmt="yuv420p",
    size=(64, 48),
    times=None,
    tick=TICK,
    container=None,
    options=None,
    sound=None,
    seconds=None,
    prepare=None,
    muxing=None,
):
    """Write a clip of moving frames.

    Args:
        path: The file.
        count: Frames.
        codec: The encoder.
        pix_fmt: Its pixel format.
        size: Width and height.
        times: Ticks of each frame; None is 25 a second.
        tick: Seconds of a tick.
        container: FFmpeg's name of the muxer; None goes by the name.
        options: The encoder's options.
        sound: The encoder of a tone beside it.
        seconds: How long that is.
        prepare: Is given the output and the stream before the header is written.
        muxing: The muxer's options.
    """
    opened = av.open(str(path), "w", format=container, container_options=muxing or {})
    with kept_priority(), opened as output:
        stream = output.add_stream(codec, rate=25, options=options or {})
        stream.width, stream.height, stream.pix_fmt = *size, pix_fmt
        stream.codec_context.time_base = stream.time_base = tick
        encode_sound = (
            add_audio(output, sound, seconds or float(count * STEP * TICK)) if sound else None
        )
        if prepare:
            prepare(output, stream)
        for frame in moving_frames(count, pix_fmt, size, times, tick):
            picture = to_picture(frame, pix_fmt)
            output.mux(stream.encode(picture))
        output.mux(stream.encode(None))
        if encode_sound:
            encode_sound()
