"""Settings of restoring frames."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

from vs_gendrpix.errors import SettingsError
from vs_gendrpix.settings import parsing
from vs_gendrpix.settings.option import Range, check, option

Dtype = Literal["auto", "bf16", "fp16", "fp32", "fp8"]
ColorFix = Literal["lowband", "none"]
Attention = Literal["auto", "full"]

MAX_SCALE = 4
MAX_RESIZE = 8
"""Largest ratio of output to input in pixels, by width or height: 288 lines to 2160 fit. `scale`
itself ends at 4."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreSettings:
    """Settings of restoring frames: size, model, device and arithmetic.

    `tile` and `overlap` are width and height; `model_path` wins over `model`.
    """

    scale: Fraction | None = option(
        None,
        "output size over input size",
        "-s",
        "--scale",
        metavar="F",
        parse=parsing.scale,
        within=Range(1, MAX_SCALE),
        default_text="4, unless a size is given",
    )
    width: int | None = option(
        None,
        "output width in pixels, up to 8 times the input's",
        "--width",
        metavar="N",
        parse=int,
        within=Range(1),
        default_text="follows the height",
    )
    height: int | None = option(
        None,
        "output height in pixels, up to 8 times the input's",
        "--height",
        metavar="N",
        parse=parsing.lines,
        within=Range(1),
        default_text="follows the width",
    )
    model: str = option(
        "auto",
        "name of a built-in model; `auto` is `tiny` on a CPU and `base` on a GPU",
        "-m",
        "--model",
        flag_text="name of a built-in model (see gendrpix models), or a model file: ours, or any "
        "that spandrel knows (.safetensors, .pth)",
        metavar="NAME|FILE",
    )
    model_path: Path | None = option(None, "a model file (.safetensors, .pth), instead of `model`")
    device: str = option(
        "auto",
        "`auto`, `cpu`, `cuda`, `cuda:N`, `xpu`, `xpu:N` or `mps`; several, with commas between "
        "them, share the frames",
        "-d",
        "--device",
        metavar="D",
    )
    dtype: Dtype = option(
        "auto",
        "arithmetic of the network: `bf16`, `fp16`, `fp32`; `auto` is bf16 where the device has "
        "it, or else fp32; `fp8` is bf16 with linear layers in 8 bits, for the paper's network on "
        "GPUs that have it, and needs the network compiled",
        "--dtype",
    )
    detail: float | None = option(
        None,
        "how much detail a model with two ends draws: 0 is true to the input, 1 draws most",
        "--detail",
        metavar="D",
        parse=float,
        within=Range(0, 1),
        default_text="the model's own",
    )
    strength: float = option(
        1.0,
        "share of the network's change to apply: 0 only resizes, 1 restores fully",
        "--strength",
        metavar="S",
        parse=float,
        within=Range(0, 1),
    )
    grain: float = option(
        0.0,
        "share of the grain that the network removes to put back, made anew at the output's size: "
        "1 is as strong as it was",
        "--grain",
        metavar="F",
        parse=float,
        within=Range(0, 2),
    )
    color_fix: ColorFix = option(
        "lowband",
        "`lowband` carries the input's low-frequency colour over, `none` does not",
        "--color-fix",
        name="colour fix",
    )
    tile: tuple[int, int] | None = option(
        None,
        "restore in tiles of this many pixels, a multiple of 8 from 64 on",
        "--tile",
        metavar="N",
        parse=parsing.square,
        default_text="whole frames, and tiles only if memory runs out",
    )
    overlap: tuple[int, int] = option(
        (32, 32),
        "pixels that neighbouring tiles share and fade across, a multiple of 4 up to half a tile",
        "--overlap",
        metavar="N",
        parse=parsing.square,
        default_text="32",
    )
    batch_size: int = option(
        1,
        "frames that a device computes together",
        "--batch-size",
        metavar="N",
        parse=int,
        within=Range(1, 16),
    )
    dedup: bool = option(
        True,
        "take the result of the frame before for a frame that is equal to it",
        "--no-dedup",
        flag_text="compute every frame, also one that is equal to the frame before",
    )
    compile: bool = option(
        False,
        "compile the network: minutes at the start, less time per frame afterwards",
        "--compile",
    )
    guidance: float | None = option(
        None,
        "weight of PadCFG; 1 runs the network once per frame",
        "--guidance",
        metavar="W",
        parse=float,
        within=Range(0, 10),
        default_text="the model's own",
        paper=True,
    )
    pad_seed: int = option(
        0,
        "selects the two paddings of PadCFG; 0 is the paper's (4, 4) and (3, 5)",
        "--pad-seed",
        metavar="N",
        parse=int,
        within=Range(0),
        paper=True,
    )
    attention: Attention = option(
        "auto",
        "how far a token sees on large pictures: 512 pixels around it (`auto`), or the whole "
        "picture, at a cost that grows with the square of its size (`full`)",
        "--attention",
        paper=True,
    )

    def __post_init__(self) -> None:
        check(self)
        if self.scale is not None and (self.width is not None or self.height is not None):
            raise SettingsError("give a scale or a target size, not both")
        if self.dtype == "fp8" and not self.compile:
            raise SettingsError(
                "fp8 is slower than bf16 where the network is not compiled: add compile "
                "(--compile), or use dtype bf16"
            )
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
        """Compute the output size for a source of `width` x `height` pixels.

        Args:
            width: Source width in pixels.
            height: Source height in pixels.
            multiple: Divisors of the output width and height (2 and 2 for 4:2:0).

        Returns:
            Width and height in pixels. Sizes that follow from a scale or from the other side are
            rounded to `multiple`; sizes that were asked for are kept.

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

    def aspect_change(self, source: tuple[int, int], target: tuple[int, int]) -> Fraction:
        """Factor by which the sample aspect ratio changes between two sizes in pixels.

        It is 1 unless width and height are both asked for. Then the picture may be squeezed, but
        its shape on the screen must not change. The rounding of a size that follows from a scale is
        not a squeeze.
        """
        if self.width is None or self.height is None:
            return Fraction(1)
        return Fraction(source[0] * target[1], source[1] * target[0])


def _round_to(size: Fraction, step: int) -> int:
    """Round `size` to the nearest positive multiple of `step`, halves up."""
    return max(step, int(size / step + Fraction(1, 2)) * step)
