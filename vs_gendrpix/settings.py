"""Choices that a user makes: frozen values that check themselves once."""

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Literal, Self, get_args

from vs_gendrpix.errors import SettingsError

Dtype = Literal["auto", "bf16", "fp16", "fp32", "fp8"]
ColorFix = Literal["lowband", "none"]
Attention = Literal["auto", "full"]
Deinterlace = Literal["auto", "off", "bwdif", "ivtc"]
OnChange = Literal["error", "scale"]
OutColor = Literal["keep", "bt709", "bt2020"]
Hdr = Literal["keep", "error"]

MAX_SCALE = 4
MAX_RESIZE = 8
"""`scale` ends at 4; a target size may reach 8 times the source (a 288-line tape to 2160 lines)."""


def _check_choice(what: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise SettingsError(f"there is no {what} {value!r}: use one of {', '.join(known)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadSettings:
    """How the input is read, and which part of it.

    Attributes:
        video_stream: Which video stream, counted from 0 among the file's, as in FFmpeg's `v:N`;
            None is the one that a player would show.
        rate: Frames a second of pictures and of raw video, which do not say it; None is 24.
        start_number: Number of the first picture of a sequence; None is the lowest there is.
        raw: Width, height and FFmpeg's pixel format of raw video; None if the input says so itself.
        on_change: `error` refuses a clip whose picture changes its size or format on the way,
            `scale` makes all frames like the first one.
        start: First second of the source to keep; None is its beginning.
        end: Second of the source before which to stop; None is its end.
        preview: How many seconds to keep instead of going on to an end: from `start` on, or else
            about the middle of the clip.
        hdr: `keep` restores PQ and HLG as what they are, `error` refuses them.
        drop_dynamic_hdr: Whether HDR metadata of single frames (HDR10+, Dolby Vision) may be left
            out; otherwise a clip that has some is refused.
    """

    video_stream: int | None = None
    rate: Fraction | None = None
    start_number: int | None = None
    raw: tuple[int, int, str] | None = None
    on_change: OnChange = "error"
    start: Fraction | None = None
    end: Fraction | None = None
    preview: Fraction | None = None
    hdr: Hdr = "keep"
    drop_dynamic_hdr: bool = False

    def __post_init__(self) -> None:
        if self.video_stream is not None and self.video_stream < 0:
            raise SettingsError(f"video stream {self.video_stream} is out of range: use 0 or more")
        if self.rate is not None and not 0 < self.rate <= 1000:
            raise SettingsError(f"{float(self.rate):g} frames/s is out of range: use up to 1000")
        if self.start_number is not None and self.start_number < 0:
            raise SettingsError(f"start number {self.start_number} is out of range: use 0 or more")
        if self.on_change not in get_args(OnChange):
            raise SettingsError(
                f"there is no way {self.on_change!r} to meet a change: use error or scale"
            )
        _check_choice("way to treat HDR", self.hdr, get_args(Hdr))
        self._check_range()

    def _check_range(self) -> None:
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
    """What is done to frames before they are restored.

    Attributes:
        deinterlace: `bwdif` makes a frame of each field, `ivtc` the film's 24 frames a second of
            telecined ones; `auto` does what a look at the clip calls for, unless the pre-filter
            does it; `off` warns of interlaced clips.
        pre_filter: Name of a preset of `ffmpeg_filters`, or a graph in FFmpeg's own syntax, that
            frames go through before they are restored.
        crop: Width, height, x and y in pixels of the part of the picture to restore; `auto` is what
            lies between black bars, and None all of it.
        ffmpeg: The ffmpeg program, for filters that PyAV's libavfilter lacks, here and in
            `FinishSettings`; None is `ffmpeg` on the PATH.
    """

    deinterlace: Deinterlace = "auto"
    pre_filter: str | None = None
    crop: tuple[int, int, int, int] | Literal["auto"] | None = None
    ffmpeg: str | None = None

    def __post_init__(self) -> None:
        _check_choice("way to deinterlace", self.deinterlace, get_args(Deinterlace))


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreSettings:
    """How frames are restored.

    Attributes:
        scale: Output size over input size, 1 to 4; None when a target size is given.
        width: Output width in pixels; None follows the height and the picture's shape.
        height: Output height in pixels; None follows the width and the picture's shape.
        model: Name of a built-in model, or `auto`: the default for the device.
        model_path: A safetensors model file; it wins over `model`.
        device: `auto`, `cpu`, `cuda` or `cuda:N`, or several with commas between them; `auto` is
            the first GPU, or else the CPU.
        dtype: Arithmetic of the network; `auto` is bf16 where the device has it, or else fp32.
            `fp8` is bf16 with the linear layers in 8-bit floating point, on GPUs that have it.
        guidance: Weight w of PadCFG, 1 = one pass; None takes the model's own.
        pad_seed: Draws the pad plan; 0 is the paper's (4, 4) and (3, 5).
        strength: Share of the network's residual that is applied: 0 is the resize, 1 all of it.
        grain: Share, 0 to 2, of the grain that the network takes that is put back, anew and at the
            output's size: 0 none, 1 as strong as it was.
        color_fix: `lowband` carries the input's low-frequency colour over, `none` does not.
        attention: `auto` lets a token see the 512 pixels around it on pictures larger than that,
            `full` the whole picture: at a cost that grows with the square of its size. Both are
            the same for a network without self-attention, as `tiny` is.
        tile: Width and height in pixels of the tiles that frames are restored in, multiples of 8
            from 64 on; None restores whole frames, and tiles only those that do not fit in memory.
        overlap: Columns and rows of pixels that tiles share, multiples of 4, at most half a tile:
            their middle half fades from one to the other.
        dedup: Whether a frame whose planes are those of the one before takes its result.
        compile: Whether the network is compiled: minutes at the start, less time a frame after.
    """

    scale: Fraction | None = None
    width: int | None = None
    height: int | None = None
    model: str = "auto"
    model_path: Path | None = None
    device: str = "auto"
    dtype: Dtype = "auto"
    guidance: float | None = None
    pad_seed: int = 0
    strength: float = 1.0
    grain: float = 0.0
    color_fix: ColorFix = "lowband"
    attention: Attention = "auto"
    tile: tuple[int, int] | None = None
    overlap: tuple[int, int] = (32, 32)
    dedup: bool = True
    compile: bool = False

    def __post_init__(self) -> None:
        if self.scale is not None and (self.width is not None or self.height is not None):
            raise SettingsError("give a scale or a target size, not both")
        if self.scale is not None and not 1 <= self.scale <= MAX_SCALE:
            raise SettingsError(
                f"scale {float(self.scale):g} is out of range: use 1 to {MAX_SCALE}"
            )
        for name, size in (("width", self.width), ("height", self.height)):
            if size is not None and size < 1:
                raise SettingsError(f"{name} {size} is out of range: use at least 1 pixel")
        for name, value, known in (
            ("dtype", self.dtype, get_args(Dtype)),
            ("colour fix", self.color_fix, get_args(ColorFix)),
            ("attention", self.attention, get_args(Attention)),
        ):
            _check_choice(name, value, known)
        if self.pad_seed < 0:
            raise SettingsError(f"pad seed {self.pad_seed} is out of range: use 0 or more")
        for what, share, most in (
            ("guidance", self.guidance, 10),
            ("strength", self.strength, 1),
            ("grain", self.grain, 2),
        ):
            if share is not None and not 0 <= share <= most:
                raise SettingsError(f"{what} {share:g} is out of range: use 0 to {most}")
        self._check_tiles()

    def _check_tiles(self) -> None:
        # A frame that turns out too large for memory is restored in tiles of 256 at least.
        for side, overlap in zip(self.tile or (256, 256), self.overlap, strict=True):
            if side < 64 or side % 8:
                raise SettingsError(f"tile {side} must be a multiple of 8, at least 64")
            if overlap < 4 or overlap % 4:
                raise SettingsError(f"tile overlap {overlap} must be a multiple of 4, at least 4")
            if 2 * overlap > side:
                raise SettingsError(
                    f"tile overlap {overlap} must be at most half the tile size {side}: "
                    "lower the overlap or raise the size"
                )

    def output_size(self, width: int, height: int, multiple: tuple[int, int]) -> tuple[int, int]:
        """The output size for a source of `width` x `height` pixels.

        Args:
            width: Source width in pixels.
            height: Source height in pixels.
            multiple: What the output width and height must be divisible by (2, 2 for 4:2:0).

        Returns:
            Width and height in pixels. Sizes that follow from a scale or from the picture's shape
            are rounded to `multiple`; sizes that were asked for are kept.

        Raises:
            SettingsError: The target is smaller than the source, beyond `MAX_RESIZE` times it, or
                not divisible by `multiple`.
        """
        target_width, target_height = self.width, self.height
        for name, size, step in zip(
            ("width", "height"), (target_width, target_height), multiple, strict=True
        ):
            if size is not None and size % step:
                raise SettingsError(f"{name} {size} must be a multiple of {step} for this output")
        if target_width is None and target_height is None:
            factor_x = factor_y = self.scale or Fraction(MAX_SCALE)
        else:
            factor_x = Fraction(target_width or 0, width)
            factor_y = Fraction(target_height or 0, height)
            factor_x, factor_y = factor_x or factor_y, factor_y or factor_x
            if min(factor_x, factor_y) < 1 or max(factor_x, factor_y) > MAX_RESIZE:
                raise SettingsError(
                    f"a target of {target_width or 'any'}x{target_height or 'any'} pixels for a "
                    f"source of {width}x{height} is out of range: use 1 to {MAX_RESIZE} times it"
                )
        return (
            target_width or _round_to(width * factor_x, multiple[0]),
            target_height or _round_to(height * factor_y, multiple[1]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishSettings:
    """What is done to restored frames before they are written.

    Attributes:
        post_filter: As `PrepareSettings.pre_filter`, for restored frames.
        keep_bars: Whether the restored part is put back between black bars.
        out_color: `keep` leaves matrix, primaries and transfer as they are; `bt709` and `bt2020`
            convert matrix and primaries, and name the transfer as that standard does where the
            curve is the same.
    """

    post_filter: str | None = None
    keep_bars: bool = False
    out_color: OutColor = "keep"

    def __post_init__(self) -> None:
        _check_choice("output colour", self.out_color, get_args(OutColor))


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodeSettings:
    """How the restored frames are encoded.

    Attributes:
        encoder: FFmpeg's name of a video encoder; `auto` is what the output's name asks for, see
            `vs_gendrpix.write.profiles`.
        pix_fmt: FFmpeg's name of the encoder's pixel format. `source` is what the encoder takes
            that is nearest to the source, with 10 bits at least; `auto` is yuv420p10le, or nearest
            to the source where the encoder does not take that.
        crf: Constant rate factor of the encoder; None leaves the encoder's own.
        preset: Speed preset of the encoder; None leaves the encoder's own.
        options: Further private options of the encoder, name and value.
    """

    encoder: str = "auto"
    pix_fmt: str = "auto"
    crf: float | None = None
    preset: str | None = None
    options: tuple[tuple[str, str], ...] = ()

    def over(self, profile: Self) -> Self:
        """A profile with all that these settings say, and its own values for the rest."""
        return replace(
            profile,
            pix_fmt=profile.pix_fmt if self.pix_fmt == "auto" else self.pix_fmt,
            crf=profile.crf if self.crf is None else self.crf,
            preset=self.preset or profile.preset,
            options=profile.options + self.options,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSettings:
    """What is carried over beside the picture.

    Attributes:
        audio: All sound.
        subtitles: All subtitles.
        chapters: The chapters.
        attachments: Fonts and other attached files, and covers.
        metadata: The tags of the file and of its streams. Languages are kept anyway, and what says
            which streams play by default: without them a player would choose wrongly.
    """

    audio: bool = True
    subtitles: bool = True
    chapters: bool = True
    attachments: bool = True
    metadata: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteSettings:
    """What is written, and how.

    Attributes:
        encode: How frames are encoded.
        streams: What is carried over beside them.
        overwrite: Whether an existing output may be replaced, once the new one is whole.
        report: A JSON file for the report of the run; None is none.
    """

    encode: EncodeSettings = EncodeSettings()
    streams: StreamSettings = StreamSettings()
    overwrite: bool = False
    report: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSettings:
    """How a video becomes a restored video, step by step.

    Attributes:
        read: How the input is read, and which part of it.
        prepare: What is done to frames before they are restored.
        restore: How frames are restored.
        finish: What is done to restored frames before they are written.
        write: What is written, and how.
    """

    read: ReadSettings = ReadSettings()
    prepare: PrepareSettings = PrepareSettings()
    restore: RestoreSettings = RestoreSettings()
    finish: FinishSettings = FinishSettings()
    write: WriteSettings = WriteSettings()

    def __post_init__(self) -> None:
        if self.finish.keep_bars and self.prepare.crop is None:
            raise SettingsError("there are no bars to keep without a crop: give --crop too")


def _round_to(size: Fraction, step: int) -> int:
    """`size` rounded to the nearest positive multiple of `step`, halves up."""
    return max(step, int(size / step + Fraction(1, 2)) * step)
