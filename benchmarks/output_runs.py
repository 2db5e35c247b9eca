"""The runs of the benchmark of equal outputs: input, options and expected kind of output."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av

from benchmarks import output_clips as clips
from benchmarks.output_clips import EVEN, LOSSLESS, UNEVEN, Clip

ROOT = Path(__file__).parents[1]
MODEL = ROOT / "benchmarks" / "same_output.safetensors"
"""A small network of random weights, which changes every pixel."""
SHARED = ROOT.parent / "shared" / "data" / "video"

X265 = ("--preset", "ultrafast", "-e", "x265-params=pools=none:frame-threads=1:log-level=none")
X264 = (*("-c", "libx264", "--preset", "ultrafast", "--crf", "20"), *("-e", "threads=1"))
FFV1 = ("--profile", "ffv1", "-e", "threads=1")
"""Options of encoders for one thread: with more, some write other bytes on another machine."""
P3 = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50)"
SCRIPT = """\
import vapoursynth as vs
clip = vs.core.std.BlankClip(
    width=48, height=32, format=vs.YUV422P10, length=3, fpsnum=24, color=[300, 400, 600]
)
clip = clip.std.SetFrameProps(_Matrix=1, _Transfer=1, _Primaries=1, _Range=0)
clip = vs.core.std.StackHorizontal([clip, clip.std.Invert()])
clip.set_output()
"""


@dataclass(frozen=True)
class Command:
    """A run of `gendrpix-video`, in a folder of its own.

    Attributes:
        make: Writes the input, `source`, there.
        source: The input's name; `-` is `piped` on the standard input.
        output: The output's name; `-` is kept as `piped.y4m`.
        options: What is asked for.
        code: The exit code that it ends with.
        piped: The file that goes to the standard input.
    """

    make: Callable[[Path], object]
    source: str
    output: str
    options: tuple[str, ...] = ()
    code: int = 0
    piped: str | None = None


def command(
    clip: Clip | Callable[[Path], object],
    source: str,
    output: str,
    *options: str,
    code: int = 0,
    piped: str | None = None,
) -> Command:
    """Make a run of the command with a clip or with a function that writes one."""
    write = clip.write if isinstance(clip, Clip) else clip
    return Command(write, source, output, options, code, piped)


def real(name: str, output: str, *options: str) -> Command:
    """Make a run of the command with a clip of the shared ones."""
    return Command(lambda _: None, str(SHARED / name), output, options)


def hdr(transfer: int) -> Clip:
    """Describe a graded clip of PQ (16) or HLG (18)."""
    params = (
        f"log-level=none:pools=none:frame-threads=1:lossless=1:master-display={P3}:max-cll=1203,397"
    )
    return Clip(
        codec="libx265",
        pix_fmt="yuv420p10le",
        size=(64, 64),
        times=EVEN[:3],
        options={"x265-params": params, "preset": "ultrafast"},
        color=(9, 9, transfer),
        location=3,
    )


def lossless(pix_fmt: str, color: tuple[int, int, int] = (1, 1, 1), *, full: bool = False) -> Clip:
    """Describe a clip in FFV1."""
    return Clip(codec="ffv1", pix_fmt=pix_fmt, options={}, color=color, full=full)


def pictures(codec: str, pix_fmt: str, **options: str) -> Clip:
    """Describe numbered pictures of R'G'B'."""
    return Clip(
        codec=codec,
        pix_fmt=pix_fmt,
        times=(0, 1, 2),
        tick=Fraction(1, 24),
        options=options,
        color=(0, 1, 1 if codec != "exr" else 8),
        full=True,
        container={"start_number": "1001"},
    )


def woven(frames: int) -> Clip:
    """Describe an interlaced clip with a television system's height and rate."""
    return Clip(
        codec="mpeg2video",
        size=(96, 480),
        times=tuple(range(frames)),
        tick=Fraction(1001, 30000),
        color=(6, 6, 6),
        options={"b": "8M", "flags": "+ildct+ilme"},
        woven=1,
    )


def rotated(stream: av.VideoStream) -> None:
    """Set a quarter turn, and pixels that are not square."""
    stream.set_display_rotation(90)
    stream.codec_context.sample_aspect_ratio = Fraction(16, 15)
    stream.metadata["language"] = "fra"


BESIDE = (
    clips.sound("aac", "eng"),
    clips.sound("flac", "deu"),
    clips.subtitles("fra"),
    clips.chapters,
    clips.attachment,
)
WIDE = Clip(size=(64, 64), bars=True, color=(6, 6, 6))
DNXHR = ("--profile", "dnxhr-hqx", "-e", "threads=1")

COMMANDS: dict[str, Command] = {
    # containers, codecs, depths
    "mp4 hevc10": command(Clip(beside=BESIDE[:1]), "in.mp4", "out.mp4", "-s", "2", *X265),
    "mkv h264 to hevc8": command(
        Clip(pix_fmt="yuv422p10le"), "in.mkv", "out.mkv", "--pix-fmt", "yuv420p", *X265
    ),
    "mov prores422hq": command(
        Clip(
            codec="prores_ks",
            pix_fmt="yuv422p10le",
            options={},
            beside=(clips.sound("pcm_s24le", "eng"),),
        ),
        *("in.mov", "out.mov", "-s", "2", "--profile", "prores422hq", "-e", "threads=1"),
    ),
    "mov prores4444 alpha": command(
        lossless("yuva444p10le"),
        *("in.mkv", "out.mov", "-s", "2", "--profile", "prores4444", "-e", "threads=1"),
    ),
    "mov dnxhr": command(Clip(size=(64, 32)), "in.mp4", "out.mov", *DNXHR),
    "mxf in": command(
        Clip(
            codec="mpeg2video",
            pix_fmt="yuv422p",
            size=(64, 48),
            times=(0, 1, 2, 3),
            tick=Fraction(1, 25),
            options={"b": "20M", "intra_vlc": "1"},
            beside=(clips.sound("pcm_s16le", "eng"),),
        ),
        *("in.mxf", "out.mkv", "-s", "1", *FFV1),
    ),
    "webm to av1": command(
        Clip(
            codec="libvpx-vp9",
            size=(64, 64),
            options={"lossless": "1", "deadline": "realtime", "cpu-used": "8"},
            beside=(clips.sound("libopus", "eng"),),
        ),
        *("in.webm", "out.mp4", "-s", "1", "--profile", "web", "--preset", "12"),
        *("-e", "svtav1-params=lp=1"),
    ),
    "ts h264": command(
        Clip(size=(64, 48), options=LOSSLESS | {"bf": "2"}, beside=(clips.sound("mp2", "eng"),)),
        *("in.ts", "out.mkv", "-s", "1.5", *X264),
    ),
    "ffv1 gray16": command(lossless("gray16le"), "in.mkv", "out.mkv", "-s", "2", *FFV1),
    "ffv1 gray8 to mp4": command(
        Clip(pix_fmt="gray", location=0), "in.mp4", "out.mp4", "-s", "2", *X265
    ),
    "ffv1 yuv444p16 bt2020": command(
        lossless("yuv444p16le", color=(9, 9, 14)), "in.mkv", "out.mkv", "-s", "1", *FFV1
    ),
    "ffv1 gbrp12 to h264": command(
        lossless("gbrp12le", color=(0, 1, 13), full=True), "in.mkv", "out.mkv", "-s", "2", *X264
    ),
    "avi mjpeg full range": command(
        Clip(
            codec="mjpeg",
            pix_fmt="yuvj422p",
            options={},
            full=True,
            color=(5, 5, 6),
            times=(0, 1, 2),
            tick=Fraction(1, 25),
        ),
        *("in.avi", "out.mkv", "-s", "2", *FFV1),
    ),
    "chroma sited center": command(Clip(location=2), "in.mkv", "out.mkv", "-s", "2", *FFV1),
    # pictures and pipes
    "png to png": command(
        pictures("png", "rgb24"), "in/%04d.png", "out/%04d.png", "-s", "2", "--fps", "24"
    ),
    "tiff to tiff alpha": command(
        pictures("tiff", "rgba64le"), "in/%04d.tif", "out/%04d.tif", "-s", "1", "--fps", "24"
    ),
    "dpx to dpx": command(
        pictures("dpx", "gbrp10le"), "in/%04d.dpx", "out/%04d.dpx", "-s", "2", "--fps", "24"
    ),
    "exr to exr": command(
        pictures("exr", "gbrpf32le", format="float"),
        *("in/%04d.exr", "out/%04d.exr", "-s", "2", "--fps", "24", "--start-number", "1002"),
    ),
    "exr to hevc10": command(
        pictures("exr", "gbrpf32le", format="half"),
        *("in/%04d.exr", "out.mkv", "-s", "2", "--fps", "24", *X265),
    ),
    "y4m pipe to pipe": command(
        Clip(codec="wrapped_avframe", pix_fmt="yuv444p", options={}),
        *("-", "-", "-s", "2"),
        piped="in.y4m",
    ),
    "raw video": command(
        clips.write_raw,
        *("in.yuv", "out.mkv", "-s", "2", "--raw", "48x32:yuv422p10le", "--fps", "23.976", *FFV1),
    ),
    "vapoursynth script": command(
        lambda path: path.write_text(SCRIPT), "in.vpy", "out.mkv", "-s", "2", *FFV1
    ),
    # filters, fields
    "deinterlace bwdif": command(
        woven(3),
        *("in.ts", "out.mkv", "-s", "1", "--deinterlace", "bwdif", *FFV1),
    ),
    "deinterlace auto": command(woven(4), "in.mkv", "out.mkv", "-s", "1", *FFV1),
    "telecine": command(woven(10), "in.mkv", "out.mkv", "-s", "1", "--deinterlace", "ivtc", *FFV1),
    "pre and post filter": command(
        Clip(size=(64, 48)),
        *("in.mp4", "out.mkv", "-s", "2", "--pre-filter", "crop=48:32:8:8,atadenoise"),
        *("--post-filter", "noise=c0s=6:c0f=t:all_seed=1", *FFV1),
    ),
    "filter preset": command(
        Clip(size=(64, 48)), "in.mp4", "out.mkv", "-s", "1", "--pre-filter", "old_web", *FFV1
    ),
    # the picture
    "crop auto": command(WIDE, "in.mp4", "out.mkv", "-s", "2", "--crop", "auto", *FFV1),
    "crop in its bars": command(
        WIDE, "in.mp4", "out.mkv", "-s", "2", "--crop", "48:40:8:12", "--keep-bars", *FFV1
    ),
    "grain": command(Clip(), "in.mp4", "out.mkv", "-s", "2", "--grain", "0.7", *FFV1),
    "strength without colour fix": command(
        Clip(), "in.mp4", "out.mkv", "--strength", "0.5", "--color-fix", "none", *FFV1
    ),
    "guidance": command(
        Clip(repeats=(0, 0, 1, 1)),
        *("in.mp4", "out.mkv", "-s", "2", "--guidance", "1.5", "--pad-seed", "3", *FFV1),
    ),
    "tiles": command(
        Clip(size=(96, 80)),
        "in.mp4",
        "out.mkv",
        "-s",
        "2",
        "--tile",
        "64",
        "--overlap",
        "16",
        *FFV1,
    ),
    "squeezed to a size": command(
        Clip(size=(64, 48)), "in.mp4", "out.mkv", "--width", "160", "--height", "96", *FFV1
    ),
    "bfloat16": command(Clip(), "in.mp4", "out.mkv", "-s", "2", "--dtype", "bf16", *FFV1),
    # colour
    "pq": command(hdr(16), "in.mkv", "out.mp4", "-s", "1", *X265),
    "hlg": command(hdr(18), "in.mp4", "out.mkv", "-s", "1", *X265),
    "bt601 to bt709": command(
        Clip(color=(5, 5, 6)), "in.mp4", "out.mkv", "-s", "2", "--out-color", "bt709", *FFV1
    ),
    # streams beside the picture
    "all streams carried": command(Clip(beside=BESIDE), "in.mkv", "out.mkv", "-s", "1", *X264),
    "streams converted": command(
        Clip(beside=(clips.sound("pcm_u8", "eng"), *BESIDE[1:])),
        "in.mkv",
        "out.mp4",
        "-s",
        "1",
        *X264,
    ),
    "streams left out": command(
        Clip(beside=BESIDE),
        *("in.mkv", "out.mkv", "-s", "1", "--no-subs", "--no-chapters", "--no-attachments"),
        *("--no-metadata", *X264),
    ),
    # time
    "start and end": command(
        Clip(
            times=tuple(512 * n for n in range(10)),
            options=LOSSLESS | {"g": "4"},
            beside=BESIDE[:1],
        ),
        *("in.mp4", "out.mkv", "-s", "1", "--start", "0.08", "--end", "0.25", *X264),
    ),
    "preview": command(
        Clip(times=tuple(512 * n for n in range(10)), beside=BESIDE[1:3]),
        *("in.mkv", "out.mkv", "-s", "1", "--preview", "0.12", *X264),
    ),
    "variable rate": command(
        Clip(times=UNEVEN, size=(64, 32)), "in.mp4", "out.mp4", "-s", "1", *X265
    ),
    "rotation and pixel shape": command(
        Clip(prepare=rotated, size=(64, 32)), "in.mp4", "out.mp4", "-s", "1", *X265
    ),
    # trouble
    "size changes": command(
        clips.write_changing,
        *("in.h264", "out.mkv", "-s", "1", "--on-change", "scale", *FFV1),
        code=1,
    ),
    "truncated": command(clips.write_truncated, "in.mkv", "out.mkv", "-s", "1", *FFV1, code=1),
}
REAL: dict[str, Command] = {
    "real phone": real("weird/iphone_ios9_rot90.mov", "out.mp4", "-s", "1", "--end", "0.1", *X265),
    "real broadcast": real(
        "weird/interlaced_real_352x288_mpeg2.ts", "out.mkv", "-s", "1", "--end", "0.1", *X264
    ),
    "real subtitles": real(
        "weird/subtitles_2tracks_640x480_vfr.m4v", "out.mp4", "-s", "1", "--end", "0.1", *X264
    ),
}
"""Runs of the shared clips, which need the folder beside the checkout."""
