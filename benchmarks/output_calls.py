"""The runs of the benchmark of equal outputs that are made from Python: the filter, and a file."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import vapoursynth as vs

from benchmarks import output_clips as clips
from benchmarks.output_clips import UNEVEN, Clip
from benchmarks.output_facts import Facts, digest, facts_of
from vs_gendrpix import (
    EncodeSettings,
    ProcessSettings,
    RestoreSettings,
    WriteSettings,
    gendrpix,
    process,
    source_clip,
)

Call = Callable[[Path, Path], Facts]
"""A run in a folder of its own, with a model file; it gives the facts itself."""

BT709 = {"_Matrix": 1, "_Primaries": 1, "_Transfer": 1, "_Range": 0}
RGB = BT709 | {"_Matrix": 0, "_Range": 1}
YUV_FORMATS = (vs.YUV420P8, vs.YUV422P10, vs.YUV444P16, vs.YUV420PH, vs.YUV444PS)
GRAY_FORMATS = (vs.GRAY8, vs.GRAY10, vs.GRAY16, vs.GRAYH, vs.GRAYS)
RGB_FORMATS = (vs.RGB24, vs.RGB30, vs.RGB48, vs.RGBH, vs.RGBS)


def clip_of(form: int, props: dict[str, int], size: tuple[int, int] = (48, 32)) -> vs.VideoNode:
    """Make three frames of moving blocks and grain."""
    blank = vs.core.std.BlankClip(width=size[0], height=size[1], format=form, length=3, keep=True)

    def fill(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        for index in range(frame.format.num_planes):
            plane = np.asarray(frame[index])
            luma = 0 if frame.format.color_family != vs.YUV else index
            codes = clips.codes(*plane.shape, 1, n + (index if luma == 0 else 0), luma)[..., 0]
            if frame.format.sample_type == vs.FLOAT:
                plane[:] = codes / 255 - (0.5 if luma else 0)
            else:
                plane[:] = codes << (frame.format.bits_per_sample - 8)
        frame.props.update(props | {"number": n})
        return frame

    return blank.std.ModifyFrame(blank, fill)


def facts_of_clips(made: dict[str, vs.VideoNode]) -> Facts:
    """List the facts of all frames of clips, by their names."""
    found: Facts = {"frames": {}, "times": {}, "tags": {}}
    for name, clip in made.items():
        frames, times, tags = [], [], []
        for frame in clip.frames(close=True):
            frames.append(digest(np.array(plane).tobytes() for plane in frame))
            props = dict(frame.props)
            alpha = props.pop("_Alpha", None)
            if alpha is not None:
                props["_Alpha"] = digest(np.array(plane).tobytes() for plane in alpha)
            time = [
                props.pop(key, None) for key in ("_AbsoluteTime", "_DurationNum", "_DurationDen")
            ]
            times.append(time)
            tags.append({key: str(value) for key, value in sorted(props.items())})
        form = f"{clip.width}x{clip.height} {clip.format.name} {clip.fps} {clip.num_frames}"
        found["frames"][name], found["times"][name] = frames, times
        found["tags"][name] = {"format": form, "props": tags}
    return found


def each(formats: tuple[int, ...], props: dict[str, int], **given: object) -> Call:
    """Restore clips of several formats to 2 times the size."""

    def run(_: Path, model: Path) -> Facts:
        made = {
            vs.core.get_video_format(form).name: gendrpix(
                clip_of(form, props), 2, model_path=model, device_index=-1, dtype="fp32", **given
            )
            for form in formats
        }
        return facts_of_clips(made)

    return run


def settings_of_the_filter(_: Path, model: Path) -> Facts:
    """Restore a clip with pixels that are not square under each parameter of the filter."""
    clip = clip_of(vs.YUV420P8, BT709 | {"_SARNum": 16, "_SARDen": 15, "_FieldBased": 0}, (96, 80))

    def restored(**given: object) -> vs.VideoNode:
        return gendrpix(clip, model_path=model, device_index=-1, dtype="fp32", **given)

    return facts_of_clips(
        {
            "height": restored(height=120),
            "squeezed": restored(width=192, height=100),
            "grain": restored(scale=1, grain=0.7, strength=0.6, color_fix="none"),
            "tiles": restored(scale=1, tile=64, overlap=16),
            "guided": restored(scale=1, guidance=1.5, pad_seed=3, batch_size=2, prefetch=4),
        }
    )


def sources(folder: Path, _: Path) -> Facts:
    """Open clips by the source filter, unrestored."""
    made = {
        "varying": Clip(times=UNEVEN, color=(5, 5, 6), location=2),
        "alpha": Clip(codec="ffv1", pix_fmt="yuva444p10le", options={}),
        "float": Clip(
            codec="exr",
            pix_fmt="gbrpf32le",
            options={"format": "float"},
            color=(0, 1, 8),
            full=True,
        ),
    }
    paths = {name: folder / f"{name}.mkv" for name in made} | {
        "float": folder / "float" / "%04d.exr"
    }
    for name, clip in made.items():
        clip.write(paths[name])
    return facts_of_clips({name: source_clip(path) for name, path in paths.items()})


def a_file(folder: Path, model: Path) -> Facts:
    """Restore a file by `process`, and examine its report as a value."""
    Clip(beside=(clips.sound("aac", "eng"), clips.chapters)).write(folder / "in.mp4")
    settings = ProcessSettings(
        restore=RestoreSettings(
            scale=Fraction(3, 2), model_path=model, device="cpu", dtype="fp32", grain=0.4
        ),
        write=WriteSettings(
            encode=EncodeSettings(
                encoder="ffv1", pix_fmt="yuv422p10le", options=(("threads", "1"),)
            )
        ),
    )
    report = process(folder / "in.mp4", folder / "out.mkv", settings)
    said = {
        "exit_code": report.exit_code,
        "frames": [report.frames_decoded, report.frames_encoded],
        "streams": [[done.index, done.kind, done.codec, done.action] for done in report.streams],
        "warnings": len(report.warnings),
    }
    return facts_of(folder / "out.mkv") | {"report": said}


CALLS: dict[str, Call] = {
    "filter yuv": each(YUV_FORMATS, BT709 | {"_ChromaLocation": 0}),
    "filter gray": each(GRAY_FORMATS, BT709),
    "filter rgb": each(RGB_FORMATS, RGB),
    "filter yuv of full range to yuv420p10": each(
        (vs.YUV420P8, vs.YUV444PS), {"_Matrix": 9, "_Range": 1}, format=vs.YUV420P10
    ),
    "filter yuv to rgb and gray": each((vs.YUV420P8, vs.YUV422P10), BT709, format=vs.RGBS),
    "filter rgb to yuv420p16": each((vs.RGB24, vs.RGBS), RGB, format=vs.YUV420P16),
    "filter linear rgb to yuv420p10": each(
        (vs.RGBH, vs.RGBS), RGB | {"_Transfer": 8}, format=vs.YUV420P10
    ),
    "filter chroma sited center": each(
        (vs.YUV420P8, vs.YUV422P10), BT709 | {"_ChromaLocation": 1}, format=vs.YUV420P16
    ),
    "filter settings": settings_of_the_filter,
    "filter source": sources,
    "process": a_file,
}
"""All calls by name."""
