"""What a user can say on the command line, and the settings that it means."""

import argparse
import os
import re
from fractions import Fraction
from pathlib import Path
from typing import Literal, NoReturn, get_args

from vs_gendrpix.errors import SettingsError
from vs_gendrpix.models.catalogue import BUILT_IN
from vs_gendrpix.read.sequence import PICTURES
from vs_gendrpix.settings import (
    Deinterlace,
    EncodeSettings,
    FinishSettings,
    Hdr,
    OutColor,
    PrepareSettings,
    ProcessSettings,
    ReadSettings,
    RestoreSettings,
    StreamSettings,
    WriteSettings,
)
from vs_gendrpix.write.profiles import PROFILES

PROGRAM = "gendrpix-video"

_EPILOG = """\
examples:
  gendrpix-video in.mp4 out.mp4                     4 times the size
  gendrpix-video tape.mpg out.mkv --height 1080     to 1080 lines, whatever they were
  gendrpix-video in.mov out.mov -s 1 --profile prores422hq
  gendrpix-video scan/%06d.dpx out/%06d.exr --fps 24
  gendrpix-video script.vpy - | ffplay -
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
    made.add_argument(
        "input",
        type=Path,
        help="the video to restore: a file, numbered pictures (in/%%06d.dpx, or their folder), a "
        "VapourSynth script (.vpy), or - for the standard input",
    )
    made.add_argument(
        "output",
        type=Path,
        help="what to write: .mp4, .m4v, .mov, .mkv, .y4m; pictures (out/%%06d.png, .tif, .dpx, "
        ".exr) in a folder of their own; or - for YUV4MPEG on the standard output",
    )
    made.add_argument("-y", "--overwrite", action="store_true", help="replace an existing output")
    _add_input(made.add_argument_group("input"))
    _add_picture(made.add_argument_group("picture"))
    _add_filters(made.add_argument_group("filters (a preset's name, or FFmpeg's own syntax)"))
    _add_color(made.add_argument_group("colour"))
    _add_encode(made.add_argument_group("encoding"))
    _add_crop(made.add_argument_group("part of the picture"))
    group = made.add_argument_group("range (seconds, or [hours:]minutes:seconds)")
    group.add_argument("--start", type=_time, metavar="T", help="first moment to keep")
    group.add_argument("--end", type=_time, metavar="T", help="moment before which to stop")
    group.add_argument(
        "--preview",
        type=_time,
        metavar="T",
        help="keep this much, from --start on or else about the middle",
    )
    _add_streams(made.add_argument_group("streams (all that the container can hold is kept)"))
    group = made.add_argument_group("reporting")
    group.add_argument(
        "--progress",
        choices=("auto", "bar", "plain", "json", "none"),
        default="auto",
        help="auto is a bar on a terminal and plain lines elsewhere; json writes one event a line "
        "to the standard output",
    )
    group.add_argument(
        "--report",
        type=Path,
        metavar="FILE",
        help="write what was done as JSON: streams, settings, model, warnings, damage, timing",
    )
    group.add_argument("-q", "--quiet", action="store_true", help="say nothing but errors")
    group.add_argument("-v", "--verbose", action="store_true", help="say what is decided, and why")
    return made


def _add_input(group: argparse._ArgumentGroup) -> None:
    """How the input is read."""
    group.add_argument(
        "--video-stream",
        type=int,
        metavar="N",
        help="which of several video streams, from 0 (the one that a player would show)",
    )
    group.add_argument(
        "--fps", type=_rate, metavar="R", help="frames a second of pictures and raw video (24)"
    )
    group.add_argument(
        "--start-number",
        type=int,
        metavar="N",
        help="number of the first picture of a sequence (the lowest there is)",
    )
    group.add_argument(
        "--raw",
        type=_raw,
        metavar="WxH:FORMAT",
        help="the input is raw video of this size and pixel format, such as 720x576:yuv420p",
    )
    group.add_argument(
        "--on-change",
        choices=("error", "scale"),
        default="error",
        help="if the picture changes its size: refuse the clip, or scale to the first size",
    )


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
        help=f"{' or '.join(BUILT_IN)} (what suits the device), or a .safetensors file",
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
        "--grain",
        type=float,
        default=0.0,
        metavar="F",
        help="put back this share of the grain that the network takes, 0 (none) to 2; 1 is all",
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
        choices=("auto", "bf16", "fp16", "fp32", "fp8"),
        default="auto",
        help="arithmetic of the network; fp8 needs a GPU that has it",
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


def _add_color(group: argparse._ArgumentGroup) -> None:
    """What the code values of the output mean."""
    group.add_argument(
        "--out-color",
        choices=get_args(OutColor),
        default="keep",
        help="keep the source's matrix and primaries, or convert them: bt709 for SD that becomes "
        "HD, as players that ignore tags take HD for BT.709",
    )
    group.add_argument(
        "--hdr",
        choices=get_args(Hdr),
        default="keep",
        help="keep: PQ and HLG stay what they are; error: refuse them",
    )
    group.add_argument(
        "--drop-dynamic-hdr",
        action="store_true",
        help="leave out HDR10+ and Dolby Vision data, instead of refusing clips that have some",
    )


def _add_encode(group: argparse._ArgumentGroup) -> None:
    """How frames are encoded."""
    group.add_argument(
        "--profile",
        choices=PROFILES,
        metavar="NAME",
        help="what the output is for, if its extension leaves that open:\n"
        + ";\n".join(f"{name}: {profile.purpose}" for name, profile in PROFILES.items()),
    )
    group.add_argument(
        "-c",
        "--encoder",
        metavar="NAME",
        help="FFmpeg's name of a video encoder, instead of a profile",
    )
    group.add_argument(
        "--crf", type=float, metavar="N", help="quality of the encoder: less is finer"
    )
    group.add_argument("--preset", metavar="NAME", help="speed preset of the encoder")
    group.add_argument(
        "--pix-fmt",
        default="auto",
        metavar="NAME",
        help="FFmpeg's name of the pixel format, or source, which is near the source's (the "
        "profile's, or yuv420p10le where the encoder takes that)",
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


def _add_crop(group: argparse._ArgumentGroup) -> None:
    """Which part of the picture is restored."""
    group.add_argument(
        "--crop",
        type=_crop,
        metavar="auto|W:H:X:Y",
        help="restore this part only; auto is the picture between black bars",
    )
    group.add_argument(
        "--keep-bars", action="store_true", help="put the part back between black bars"
    )


def _add_streams(group: argparse._ArgumentGroup) -> None:
    """What is carried over beside the picture."""
    for name, what in (
        ("audio", "sound"),
        ("subs", "subtitles"),
        ("chapters", "chapters"),
        ("attachments", "fonts, other attached files and covers"),
        ("metadata", "tags of the file and its streams, but their languages"),
    ):
        group.add_argument(
            f"--no-{name}", dest=name, action="store_false", help=f"leave out {what}"
        )


def settings(options: argparse.Namespace) -> ProcessSettings:
    """The settings that the options say."""
    is_file = bool(Path(options.model).suffix) or os.sep in options.model
    return ProcessSettings(
        read=ReadSettings(
            video_stream=options.video_stream,
            rate=options.fps,
            start_number=options.start_number,
            raw=options.raw,
            on_change=options.on_change,
            start=options.start,
            end=options.end,
            preview=options.preview,
            hdr=options.hdr,
            drop_dynamic_hdr=options.drop_dynamic_hdr,
        ),
        prepare=PrepareSettings(
            deinterlace=options.deinterlace,
            pre_filter=options.pre_filter,
            crop=options.crop,
            ffmpeg=options.ffmpeg,
        ),
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
            grain=options.grain,
            color_fix=options.color_fix,
            attention=options.attention,
            tile=None if options.tile is None else (options.tile, options.tile),
            overlap=(options.overlap, options.overlap),
            compile=options.compile,
        ),
        finish=FinishSettings(
            post_filter=options.post_filter,
            keep_bars=options.keep_bars,
            out_color=options.out_color,
        ),
        write=WriteSettings(
            encode=_encode_settings(options),
            streams=StreamSettings(
                audio=options.audio,
                subtitles=options.subs,
                chapters=options.chapters,
                attachments=options.attachments,
                metadata=options.metadata,
            ),
            overwrite=options.overwrite,
            report=options.report,
        ),
    )


def output(options: argparse.Namespace) -> Path:
    """Where the result goes: a folder that a profile of pictures is written to gets their names."""
    path: Path = options.output
    suffix = PROFILES[options.profile].suffixes[0] if options.profile else ""
    return path / f"%06d{suffix}" if suffix in PICTURES and not path.suffix else path


def _encode_settings(options: argparse.Namespace) -> EncodeSettings:
    """How frames are encoded: by a profile, an encoder, or what the output's name asks for."""
    if options.progress == "json" and options.output == Path("-"):
        raise SettingsError("the standard output cannot take the video and --progress json both")
    chosen = EncodeSettings(
        encoder=options.encoder or "auto",
        pix_fmt=options.pix_fmt,
        crf=options.crf,
        preset=options.preset,
        options=tuple(options.encoder_opt),
    )
    if options.profile is None:
        return chosen
    if options.encoder is not None:
        raise SettingsError("give a profile or an encoder, not both")
    profile, path = PROFILES[options.profile], output(options)
    if path.suffix.lower() not in profile.suffixes and (options.profile, path) != (
        "y4m",
        Path("-"),
    ):
        raise SettingsError(
            f"the profile {options.profile} is written to {' or '.join(profile.suffixes)} files, "
            f"not to {path}"
        )
    return chosen.over(profile.encode)


def _rate(text: str) -> Fraction:
    """Frames a second, such as 25, 23.976 or 24000/1001; NTSC's are meant exactly."""
    if not re.fullmatch(r"\d{1,6}(\.\d{1,6}|/[1-9]\d{0,5})?", text) or not Fraction(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no rate: use 25, 23.976 or 24000/1001")
    ntsc = {"23.976": 24, "29.97": 30, "47.952": 48, "59.94": 60, "119.88": 120}
    return Fraction(ntsc[text] * 1000, 1001) if text in ntsc else Fraction(text)


def _raw(text: str) -> tuple[int, int, str]:
    """Width, height and pixel format of raw video."""
    found = re.fullmatch(r"(\d{1,5})x(\d{1,5}):(\w+)", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no raw format: use 720x576:yuv420p")
    return int(found[1]), int(found[2]), found[3]


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


def _crop(text: str) -> tuple[int, int, int, int] | Literal["auto"]:
    """The word auto, or a part of a picture as FFmpeg's filter has it."""
    if text == "auto":
        return "auto"
    parts = re.fullmatch(r"([1-9]\d{0,5}):([1-9]\d{0,5}):(\d{1,6}):(\d{1,6})", text)
    if parts is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no crop: use auto or WIDTH:HEIGHT:X:Y")
    width, height, x, y = map(int, parts.groups())
    return width, height, x, y


def _option(text: str) -> tuple[str, str]:
    """A pair KEY=VALUE."""
    key, found, value = text.partition("=")
    if not key or not found:
        raise argparse.ArgumentTypeError(f"{text!r} is no option: use KEY=VALUE")
    return key, value
