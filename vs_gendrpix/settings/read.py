"""Settings of reading the input and of preparing its frames."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from vs_gendrpix.errors import SettingsError
from vs_gendrpix.settings import parsing
from vs_gendrpix.settings.option import Range, check, option

OnChange = Literal["error", "scale"]
Hdr = Literal["keep", "error"]
InTransfer = Literal["auto", "cineon", "logc", "slog3", "linear"]
Deinterlace = Literal["auto", "off", "bwdif", "ivtc"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadSettings:
    """Settings of reading: the input, and the part of it to restore.

    `start`, `end`, `preview` and `still` are exact seconds from the beginning of the clip.
    """

    video_stream: int | None = option(
        None,
        "number of the video stream to restore, counted from 0 as in FFmpeg's `v:N`",
        "--video-stream",
        metavar="N",
        parse=int,
        within=Range(0),
        default_text="the one that a player would show",
    )
    rate: Fraction | None = option(
        None,
        "frames per second of raw video and of numbered pictures, which seldom say it: 25, 23.976 "
        "or 24000/1001",
        "--fps",
        metavar="R",
        parse=parsing.rate,
        default_text="that of a DPX or EXR header, or else 24",
    )
    start_number: int | None = option(
        None,
        "number of the first picture of a sequence",
        "--start-number",
        metavar="N",
        parse=int,
        within=Range(0),
        default_text="the lowest there is",
    )
    raw: tuple[int, int, str] | None = option(
        None,
        "read raw video of this size and FFmpeg pixel format, such as 720x576:yuv420p",
        "--raw",
        metavar="WxH:FORMAT",
        parse=parsing.raw_format,
    )
    on_change: OnChange = option(
        "error",
        "if the picture changes its size, shape or format: refuse the clip (`error`), or make all "
        "frames like the first one, between black bars if need be (`scale`)",
        "--on-change",
        name="answer to a change of the picture",
    )
    start: Fraction | None = option(
        None,
        "first moment to keep",
        "--start",
        metavar="T",
        parse=parsing.seconds,
        default_text="the beginning",
    )
    end: Fraction | None = option(
        None,
        "moment before which to stop",
        "--end",
        metavar="T",
        parse=parsing.seconds,
        default_text="the end",
    )
    preview: Fraction | None = option(
        None,
        "keep only this long: from the start that is given, or else around the middle of the clip",
        "--preview",
        metavar="T",
        parse=parsing.seconds,
    )
    still: Fraction | None = option(
        None,
        "restore only the frame that is shown at this time, to a picture such as out.png",
        "--still",
        metavar="T",
        parse=parsing.seconds,
    )
    in_transfer: InTransfer = option(
        "auto",
        "curve of the input's code values: Kodak `cineon` (10-bit log film), ARRI `logc` (LogC3 at "
        "EI 800), Sony `slog3`, `linear` light; `auto` is what the input says. The output has the "
        "same",
        "--in-transfer",
        name="input transfer",
    )
    hdr: Hdr = option(
        "keep",
        "`keep`: PQ and HLG stay what they are; `error`: refuse them",
        "--hdr",
        name="way to treat HDR",
    )
    drop_dynamic_hdr: bool = option(
        False,
        "leave out HDR metadata of single frames (HDR10+, Dolby Vision), instead of refusing a "
        "clip that has some",
        "--drop-dynamic-hdr",
    )

    def __post_init__(self) -> None:
        check(self)
        if self.rate is not None and not 0 < self.rate <= 1000:
            raise SettingsError(f"{float(self.rate):g} frames/s is out of range: use up to 1000")
        self._check_range()

    def _check_range(self) -> None:
        if self.still is not None and {self.start, self.end, self.preview} != {None}:
            raise SettingsError("give a still, or a range by start, end or preview, not both")
        if self.still is not None and self.still < 0:
            raise SettingsError(f"a still at {float(self.still):g} s: use 0 or more")
        if self.preview is not None and self.end is not None:
            raise SettingsError("give an end or the seconds of a preview, not both")
        if self.preview is not None and self.preview <= 0:
            raise SettingsError(f"a preview of {float(self.preview):g} s is empty: use more than 0")
        if self.start is not None and self.start < 0:
            raise SettingsError(f"start {float(self.start):g} s is before the clip: use 0 or more")
        if self.end is not None and self.end <= (self.start or 0):
            raise SettingsError(
                f"end {float(self.end):g} s is not after start {float(self.start or 0):g} s"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareSettings:
    """Settings of preparing frames: deinterlacing, filter and crop, before they are restored."""

    deinterlace: Deinterlace = option(
        "auto",
        "`auto` examines the clip and does what it needs, unless the pre-filter does it; `bwdif` "
        "makes a frame of each field; `ivtc` makes the 24 frames per second of telecined film; "
        "`off` warns of interlaced clips",
        "--deinterlace",
        name="way to deinterlace",
    )
    pre_filter: str | None = option(
        None,
        "filter before restoring: vhs, dvd_interlaced, film_16mm, film_35mm, silent_film, old_web, "
        "anime_dvd, or a graph such as `crop=704:576,atadenoise`",
        "--pre-filter",
        metavar="GRAPH",
    )
    crop: tuple[int, int, int, int] | Literal["auto"] | None = option(
        None,
        "restore only this part of the picture: width, height, x and y in pixels; `auto` is the "
        "picture between black bars",
        "--crop",
        metavar="auto|W:H:X:Y",
        parse=parsing.crop,
    )
    allow_filter_files: bool = option(
        False,
        "let filters before and after restoring open files and load plugins, as `movie`, `lut3d`, "
        "`subtitles` and `frei0r` do; the network stays closed",
        "--allow-filter-files",
    )
    ffmpeg: str | None = option(
        None,
        "the ffmpeg program, for filters that PyAV's libavfilter lacks, before and after restoring",
        "--ffmpeg",
        metavar="FILE",
        default_text="the one on the PATH",
    )

    def __post_init__(self) -> None:
        check(self)
