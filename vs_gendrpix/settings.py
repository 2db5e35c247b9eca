"""Choices that a user makes: frozen values that check themselves once."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal, get_args

from vs_gendrpix.errors import SettingsError

Dtype = Literal["auto", "bf16", "fp16", "fp32"]
ColorFix = Literal["lowband", "none"]
Attention = Literal["auto", "full"]
Deinterlace = Literal["auto", "off", "bwdif", "ivtc"]

MAX_SCALE = 4
MAX_RESIZE = 8
"""`scale` ends at 4; a target size may reach 8 times the source (a 288-line tape to 2160 lines)."""


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
        guidance: Weight w of PadCFG, 1 = one pass; None takes the model's own.
        pad_seed: Draws the pad plan; 0 is the paper's (4, 4) and (3, 5).
        strength: Share of the network's residual that is applied: 0 is the resize, 1 all of it.
        color_fix: `lowband` carries the input's low-frequency colour over, `none` does not.
        attention: `auto` lets a token see the 512 pixels around it on pictures larger than that,
            `full` the whole picture: at a cost that grows with the square of its size.
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
            if value not in known:
                raise SettingsError(f"there is no {name} {value!r}: use one of {', '.join(known)}")
        if self.guidance is not None and not 0 <= self.guidance <= 10:
            raise SettingsError(f"guidance {self.guidance:g} is out of range: use 0 to 10")
        if self.pad_seed < 0:
            raise SettingsError(f"pad seed {self.pad_seed} is out of range: use 0 or more")
        if not 0 <= self.strength <= 1:
            raise SettingsError(f"strength {self.strength:g} is out of range: use 0 to 1")
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
class EncodeSettings:
    """How the restored frames are encoded.

    Attributes:
        encoder: FFmpeg's name of a video encoder.
        pix_fmt: FFmpeg's name of the encoder's pixel format.
        crf: Constant rate factor of the encoder; None leaves the encoder's own.
        preset: Speed preset of the encoder; None leaves the encoder's own.
        options: Further private options of the encoder, name and value.
    """

    encoder: str = "libx265"
    pix_fmt: str = "yuv420p10le"
    crf: float | None = None
    preset: str | None = None
    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSettings:
    """How a file becomes a restored file.

    Attributes:
        restore: How frames are restored.
        encode: How they are encoded.
        start: First second of the source to keep; None is its beginning.
        end: Second of the source before which to stop; None is its end.
        overwrite: Whether an existing output may be replaced, once the new one is whole.
        deinterlace: `bwdif` makes a frame of each field, `ivtc` the film's 24 frames a second of
            telecined ones; `auto` does what a look at the clip calls for, unless the pre-filter
            does it; `off` warns of interlaced clips.
        pre_filter: Name of a preset of `ffmpeg_filters`, or a graph in FFmpeg's own syntax, that
            frames go through before they are restored.
        post_filter: The same, after.
        ffmpeg: The ffmpeg program, for filters that PyAV's libavfilter lacks; None is `ffmpeg` on
            the PATH.
    """

    restore: RestoreSettings = RestoreSettings()
    encode: EncodeSettings = EncodeSettings()
    start: Fraction | None = None
    end: Fraction | None = None
    overwrite: bool = False
    deinterlace: Deinterlace = "auto"
    pre_filter: str | None = None
    post_filter: str | None = None
    ffmpeg: str | None = None

    def __post_init__(self) -> None:
        if self.deinterlace not in get_args(Deinterlace):
            known = ", ".join(get_args(Deinterlace))
            raise SettingsError(f"there is no deinterlace {self.deinterlace!r}: use one of {known}")
        if self.start is not None and self.start < 0:
            raise SettingsError(f"start {float(self.start):g} s is before the clip: use 0 or more")
        if self.end is not None and self.end <= (self.start or 0):
            raise SettingsError(
                f"end {float(self.end):g} s is not after start {float(self.start or 0):g} s"
            )


def _round_to(size: Fraction, step: int) -> int:
    """`size` rounded to the nearest positive multiple of `step`, halves up."""
    return max(step, int(size / step + Fraction(1, 2)) * step)
