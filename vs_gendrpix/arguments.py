"""What a user can say on the command line, and the settings that it means."""

import argparse
import os
import re
from fractions import Fraction
from pathlib import Path
from typing import NoReturn, get_args

from vs_gendrpix.errors import SettingsError
from vs_gendrpix.settings import Deinterlace, EncodeSettings, ProcessSettings, RestoreSettings

PROGRAM = "gendrpix-video"

_EPILOG = """\
examples:
  gendrpix-video in.mp4 out.mp4                     4 times the size
  gendrpix-video tape.mpg out.mkv --height 1080     to 1080 lines, whatever they were
  gendrpix-video in.mov out.mov -s 1 -c prores_ks --pix-fmt yuv422p10le
  gendrpix-video in.mp4 try.mp4 --start 1:30 --end 1:40 --preset ultrafast

exit codes:
  0    finished and verified
  1    finished, but the input was damaged or its times had to be made up; warnings say where
  2    a bad argument, or an encoder that fails its trial
  3    the input cannot be read or is not supported
  4    the output is refused, or cannot be written
  5    the model is bad or missing
  6    no such device, or out of memory
  7    the result failed its check; nothing was published
  70   a fault of the program: please report it
  75   stopped for a while (disk full, SIGTERM): run it again
  130  interrupted (Ctrl-C)
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Say what is wrong in one line, without the usage in front of it."""
        raise SettingsError(f"{message} (see {PROGRAM} --help)")


def parser() -> argparse.ArgumentParser:
    """All arguments; what they mean is said once, here."""
    made = _Parser(
        prog=PROGRAM,
        description="Restore a video with a one-step diffusion model: sharper, cleaner, larger.\n"
        "Sound, subtitles, chapters, colour and timing are carried over.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.add_argument("input", type=Path, help="the video file to restore")
    made.add_argument("output", type=Path, help="the file to write: .mp4, .m4v, .mov or .mkv")
    made.add_argument("-y", "--overwrite", action="store_true", help="replace an existing output")
    _add_picture(made.add_argument_group("picture"))
    _add_filters(made.add_argument_group("filters (a preset's name, or FFmpeg's own syntax)"))
    _add_encode(made.add_argument_group("encoding"))
    group = made.add_argument_group("range (seconds, or [hours:]minutes:seconds)")
    group.add_argument("--start", type=_time, metavar="T", help="first moment to keep")
    group.add_argument("--end", type=_time, metavar="T", help="moment before which to stop")
    group = made.add_argument_group("reporting")
    group.add_argument(
        "--progress",
        choices=("auto", "bar", "plain", "json", "none"),
        default="auto",
        help="auto is a bar on a terminal and plain lines elsewhere; json writes one event a line "
        "to the standard output",
    )
    group.add_argument("-q", "--quiet", action="store_true", help="say nothing but errors")
    group.add_argument("-v", "--verbose", action="store_true", help="say what is decided, and why")
    return made


def _add_picture(group: argparse._ArgumentGroup) -> None:
    """How frames are restored."""
    group.add_argument(
        "-s", "--scale", type=_scale, metavar="F", help="output over input size, 1 to 4 (default 4)"
    )
    group.add_argument("--height", type=int, metavar="N", help="output lines, instead of a scale")
    group.add_argument("--width", type=int, metavar="N", help="output columns, instead of a scale")
    group.add_argument(
        "-m",
        "--model",
        default="auto",
        metavar="NAME|FILE",
        help="a built-in model, or a .safetensors file",
    )
    group.add_argument(
        "--guidance", type=float, metavar="W", help="weight of PadCFG, 1 = one pass (the model's)"
    )
    group.add_argument(
        "--pad-seed", type=int, default=0, metavar="N", help="draws PadCFG's paddings (0: paper's)"
    )
    group.add_argument(
        "--strength", type=float, default=1.0, metavar="S", help="0 resizes only, 1 restores fully"
    )
    group.add_argument(
        "--color-fix",
        choices=("lowband", "none"),
        default="lowband",
        help="carry the input's low-frequency colour over (lowband)",
    )
    group.add_argument(
        "--attention",
        choices=("auto", "full"),
        default="auto",
        help="how far the network sees on large pictures: 512 pixels (auto) or all, slowly (full)",
    )
    group.add_argument(
        "--tile",
        type=int,
        metavar="N",
        help="restore in tiles of N pixels (whole frames, and tiles if memory runs out)",
    )
    group.add_argument(
        "--overlap",
        type=int,
        default=32,
        metavar="N",
        help="pixels that tiles share, to fade into one another (32)",
    )
    group.add_argument(
        "--compile",
        action="store_true",
        help="compile the network: minutes at the start, less time a frame after; for long jobs",
    )
    group.add_argument(
        "--dtype",
        choices=("auto", "bf16", "fp16", "fp32"),
        default="auto",
        help="arithmetic of the network",
    )
    group.add_argument(
        "-d",
        "--device",
        default="auto",
        metavar="D",
        help="auto, cpu, cuda or cuda:N; several with commas share the frames",
    )


def _add_filters(group: argparse._ArgumentGroup) -> None:
    """What happens to frames before and after they are restored."""
    group.add_argument(
        "--deinterlace",
        choices=get_args(Deinterlace),
        default="auto",
        help="auto looks at the clip; bwdif makes a frame of each field; ivtc undoes telecine; off "
        "warns where it is interlaced",
    )
    group.add_argument(
        "--pre-filter",
        metavar="GRAPH",
        help="before: vhs, dvd_interlaced, film_16mm, film_35mm, silent_film, old_web, anime_dvd, "
        "or such as 'crop=704:576,atadenoise'",
    )
    group.add_argument("--post-filter", metavar="GRAPH", help="after, such as noise=c0s=6:c0f=t")
    group.add_argument(
        "--ffmpeg",
        metavar="FILE",
        help="the ffmpeg program, for filters that need it (the one on the PATH)",
    )


def _add_encode(group: argparse._ArgumentGroup) -> None:
    """How frames are encoded."""
    plain = EncodeSettings()
    group.add_argument(
        "-c",
        "--encoder",
        default=plain.encoder,
        metavar="NAME",
        help=f"FFmpeg's name of a video encoder ({plain.encoder})",
    )
    group.add_argument(
        "--crf", type=float, metavar="N", help="quality of the encoder: less is finer"
    )
    group.add_argument("--preset", metavar="NAME", help="speed preset of the encoder")
    group.add_argument(
        "--pix-fmt",
        default=plain.pix_fmt,
        metavar="NAME",
        help=f"FFmpeg's name of the pixel format ({plain.pix_fmt})",
    )
    group.add_argument(
        "-e",
        "--encoder-opt",
        type=_option,
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a private option of the encoder; may be given again",
    )


def settings(options: argparse.Namespace) -> ProcessSettings:
    """The settings that the options say."""
    is_file = bool(Path(options.model).suffix) or os.sep in options.model
    return ProcessSettings(
        restore=RestoreSettings(
            scale=options.scale,
            width=options.width,
            height=options.height,
            model="auto" if is_file else options.model,
            model_path=Path(options.model) if is_file else None,
            device=options.device,
            dtype=options.dtype,
            guidance=options.guidance,
            pad_seed=options.pad_seed,
            strength=options.strength,
            color_fix=options.color_fix,
            attention=options.attention,
            tile=None if options.tile is None else (options.tile, options.tile),
            overlap=(options.overlap, options.overlap),
            compile=options.compile,
        ),
        encode=EncodeSettings(
            encoder=options.encoder,
            pix_fmt=options.pix_fmt,
            crf=options.crf,
            preset=options.preset,
            options=tuple(options.encoder_opt),
        ),
        start=options.start,
        end=options.end,
        overwrite=options.overwrite,
        deinterlace=options.deinterlace,
        pre_filter=options.pre_filter,
        post_filter=options.post_filter,
        ffmpeg=options.ffmpeg,
    )


def _scale(text: str) -> Fraction:
    """A number such as 2, 1.5 or 3/2; longer ones would take an age to read exactly."""
    if not re.fullmatch(r"\d{1,6}(\.\d{1,9}|/[1-9]\d{0,5})?", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no scale: use a number from 1 to 4")
    return Fraction(text)


def _time(text: str) -> Fraction:
    """Seconds, exactly, of 90, 90.5, 1:30.5 or 0:01:30.500."""
    if not re.fullmatch(r"(\d{1,6}:){0,2}\d{1,6}(\.\d{1,9})?", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no time: use seconds or [h:]mm:ss.ms")
    seconds = Fraction(0)
    for part in text.split(":"):
        seconds = seconds * 60 + Fraction(part)
    return seconds


def _option(text: str) -> tuple[str, str]:
    """A pair KEY=VALUE."""
    key, found, value = text.partition("=")
    if not key or not found:
        raise argparse.ArgumentTypeError(f"{text!r} is no option: use KEY=VALUE")
    return key, value
