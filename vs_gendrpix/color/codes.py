"""Code values to R'G'B' and back, on tensors: matrix, range, chroma siting, bit depth, dither.

The formulas are those of ITU-T H.273 section 8.3.
"""

from collections.abc import Sequence
from functools import lru_cache
from math import floor

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vs_gendrpix.errors import MediaError
from vs_gendrpix.frame.format import LUMA_WEIGHTS, MAX_SUBSAMPLING, FrameFormat

DITHER_REACH = 31 / 32
"""Width of the dither in code values. It is less than 1, so that a value within 1/64 of a code, as
every exact code is after its conversion to float32, stays on that code."""


def to_rgb(planes: Sequence[Tensor], source: FrameFormat) -> Tensor:
    """Convert planes of code values to R'G'B'.

    Chroma is interpolated by Catmull-Rom from the sample positions of `chroma_location`.

    Args:
        planes: (B, rows, columns) for each of `source.plane_shapes`: uint8, uint16, float16 or
            float32. An alpha plane is not used.
        source: The format of the planes; its matrix must be known if its family is `yuv`.

    Returns:
        (B, 3, H, W) float32, black 0 and white 1; codes outside that range are kept, not clamped.

    Raises:
        MediaError: The matrix or the subsampling is not supported.
    """
    (luma_scale, luma_offset), (chroma_scale, chroma_offset) = _levels(source)
    if source.layout.family == "rgb":
        return torch.stack([_decode(plane, luma_scale, luma_offset) for plane in planes[:3]], 1)
    luma = _decode(planes[0], luma_scale, luma_offset)
    if source.layout.family == "gray":
        return luma.unsqueeze(1).repeat(1, 3, 1, 1)
    kr, kb = _luma_weights(source)
    chroma = torch.stack([_decode(plane, chroma_scale, chroma_offset) for plane in planes[1:3]], 1)
    blue, red = _resample(chroma, source, down=False).unbind(1)
    rgb = luma.new_empty(len(luma), 3, source.height, source.width)
    torch.add(luma, red, alpha=2 * (1 - kr), out=rgb[:, 0])
    torch.add(luma, red, alpha=-2 * (1 - kr) * kr / (1 - kr - kb), out=rgb[:, 1])
    rgb[:, 1].add_(blue, alpha=-2 * (1 - kb) * kb / (1 - kr - kb))
    torch.add(luma, blue, alpha=2 * (1 - kb), out=rgb[:, 2])
    return rgb


def from_rgb(rgb: Tensor, target: FrameFormat) -> tuple[Tensor, ...]:
    """Convert R'G'B' to planes of dithered code values.

    The dither is a fixed pattern: equal pictures give equal codes, and nothing flickers. Chroma is
    filtered by an antialiasing Catmull-Rom.

    Args:
        rgb: (B, 3, H, W) float32, black 0 and white 1, of the size of `target`.
        target: The format to make; its matrix must be known if its family is `yuv` or `gray`.

    Returns:
        (B, rows, columns) for each of `target.plane_shapes` but alpha: uint8 or uint16, clamped; or
        float16 or float32, neither dithered nor clamped.

    Raises:
        MediaError: The matrix or the subsampling is not supported.
    """
    luma_levels, (chroma_scale, chroma_offset) = _levels(target)
    if target.layout.family == "rgb":
        return tuple(_encode(plane, *luma_levels, target) for plane in rgb.unbind(1))
    kr, kb = _luma_weights(target)
    red, green, blue = rgb.unbind(1)
    luma = (red * kr).add_(green, alpha=1 - kr - kb).add_(blue, alpha=kb)
    codes = _encode(luma, *luma_levels, target)
    if target.layout.family == "gray":
        return (codes,)
    chroma = torch.stack((blue, red), 1).sub_(luma.unsqueeze(1))
    blue, red = _resample(chroma, target, down=True).unbind(1)
    return (
        codes,
        _encode(blue, chroma_scale / (2 * (1 - kb)), chroma_offset, target),
        _encode(red, chroma_scale / (2 * (1 - kr)), chroma_offset, target),
    )


def resized_alpha(plane: Tensor, source: FrameFormat, target: FrameFormat) -> Tensor:
    """Convert an alpha plane to the size and depth of the target, by bicubic resizing.

    Args:
        plane: (B, H, W) codes of `source`: 0 is clear and `source.top` opaque.
        source: The format of the plane.
        target: The format to make.

    Returns:
        (B, height, width) codes of `target`. Fully clear and fully opaque areas stay exactly so.
    """
    alpha = plane.to(torch.float32).div_(source.top).unsqueeze(1)
    size = (target.height, target.width)
    if size != tuple(alpha.shape[-2:]):
        alpha = F.interpolate(alpha, size, mode="bicubic", antialias=True)
    return opacity(alpha.squeeze(1), target)


def opacity(alpha: Tensor, target: FrameFormat) -> Tensor:
    """Convert opacity to an alpha plane.

    Args:
        alpha: (B, H, W) float32, 0 clear and 1 opaque.
        target: The format to make.

    Returns:
        (B, H, W) codes of `target`.
    """
    return _encode(alpha.clamp(0, 1), target.top, 0, target)


def _luma_weights(form: FrameFormat) -> tuple[float, float]:
    """Kr and Kb of the format's matrix."""
    try:
        return LUMA_WEIGHTS[form.color.matrix]
    except KeyError:
        raise MediaError(
            f"{form.layout.family} frames with matrix {form.color.matrix} are not supported: "
            f"use one of {', '.join(map(str, LUMA_WEIGHTS))}"
        ) from None


def _levels(form: FrameFormat) -> tuple[tuple[float, int], tuple[float, int]]:
    """Scale and offset of luma or RGB, and of chroma (H.273 equations 20 to 28).

    A code is `offset + scale * value`: luma from 0 to 1, chroma from -0.5 to 0.5.
    """
    chroma_scale = form.top
    if not form.layout.floating and not form.color.full_range:
        chroma_scale = 224 << form.layout.bits - 8
    return (form.white - form.black, form.black), (chroma_scale, form.neutral)


def _decode(codes: Tensor, scale: float, offset: int) -> Tensor:
    """Convert codes to float32. Subtracting first makes black and neutral chroma exactly 0."""
    return codes.to(torch.float32).sub_(offset).div_(scale)


def _encode(values: Tensor, scale: float, offset: int, target: FrameFormat) -> Tensor:
    """Convert float values to samples of the target: codes are dithered and clamped."""
    if target.layout.floating:
        return (values * scale).to(torch.float16 if target.layout.bits == 16 else torch.float32)
    rows, columns = values.shape[-2:]
    dither = _dither(rows, columns, values.device) + offset
    codes = torch.add(dither, values, alpha=scale).clamp_(0, target.top)
    # A cast truncates, which is floor here. Straight to uint8 it is ten times slower on a CPU.
    return (
        codes.to(torch.int16).to(torch.uint8) if target.layout.bits == 8 else codes.to(torch.uint16)
    )


@lru_cache(maxsize=8)
def _dither(rows: int, columns: int, device: torch.device) -> Tensor:
    """(rows, columns) dither thresholds in (0, 1), around 0.5.

    They are the R2 sequence of M. Roberts, "The unreasonable effectiveness of quasirandom
    sequences" (2018). It has high frequencies only, an even mean over any small window, and no
    period. A Bayer matrix would put its energy on the 8x8 lattice on which the faults of a
    pixel-shuffle network lie.
    """
    across = 0.7548776662466927 * np.arange(columns)
    down = 0.5698402909980532 * np.arange(rows)
    thresholds = (0.5 + across + down[:, None]) % 1
    spread = 0.5 + (thresholds - 0.5) * DITHER_REACH
    return torch.from_numpy(spread.astype(np.float32)).to(device)


def _resample(chroma: Tensor, form: FrameFormat, *, down: bool) -> Tensor:
    """Resample (B, 2, h, w) chroma to luma's size, or `down` from luma's size to its own."""
    location = form.color.chroma_location
    sub_w, sub_h = form.layout.subsampling
    if max(sub_w, sub_h) > MAX_SUBSAMPLING:
        raise MediaError(f"chroma subsampled by {1 << max(sub_w, sub_h)} is not supported: use 4")
    siting_x = 0.0 if location in {"left", "topleft", "bottomleft"} else 0.5
    siting_y = 0.0 if "top" in location else 1.0 if "bottom" in location else 0.5
    rows, columns = form.plane_shapes[1 if down else 0]
    for dim, log2, siting, size in ((-2, sub_h, siting_y, rows), (-1, sub_w, siting_x, columns)):
        if log2:
            factor = 1 << log2
            offset = siting * (factor - 1)
            chroma = (_down if down else _up)(chroma, dim, factor, offset, size)
    return chroma


def _up(values: Tensor, dim: int, factor: int, offset: float, size: int) -> Tensor:
    """Interpolate `factor` times as many samples along `dim`, cut to `size`.

    Input sample i lies at output position factor * i + offset.
    """
    phases = []
    for phase in range(factor):
        position = (phase - offset) / factor
        taps = {i: _cubic(position - i) for i in range(floor(position) - 1, floor(position) + 3)}
        phases.append(_filter(values, dim, taps, 1, values.shape[dim]))
    return torch.stack(phases, dim).flatten(dim - 1, dim).narrow(dim, 0, size)


def _down(values: Tensor, dim: int, factor: int, offset: float, size: int) -> Tensor:
    """Filter down to `size` samples along `dim`.

    Output sample i lies at input position factor * i + offset.
    """
    reach = 2 * factor
    taps = {i: _cubic((i - offset) / factor) for i in range(-reach, reach + factor)}
    total = sum(taps.values())
    taps = {i: weight / total for i, weight in taps.items()}
    return _filter(values, dim, taps, factor, size)


def _filter(values: Tensor, dim: int, taps: dict[int, float], step: int, count: int) -> Tensor:
    """Filter (B, C, h, w) along `dim`: output i is the sum of weight * input[step * i + tap].

    Beyond its ends the input repeats its last sample. A convolution would do the same, but cuDNN
    rounds its inputs to TF32, which is too coarse for 10-bit codes.
    """
    taps = {i: weight for i, weight in taps.items() if weight}
    lead = max(0, -min(taps))
    tail = max(0, step * (count - 1) + max(taps) + 1 - values.shape[dim])
    values = F.pad(values, (lead, tail, 0, 0) if dim == -1 else (0, 0, lead, tail), "replicate")
    total = torch.zeros(())
    for number, (i, weight) in enumerate(taps.items()):
        window = slice(lead + i, lead + i + step * (count - 1) + 1, step)
        view = values[..., window] if dim == -1 else values[..., window, :]
        total = total.add_(view, alpha=weight) if number else view * weight
    return total


def _cubic(distance: float) -> float:
    """The Catmull-Rom weight at a distance: cubic, a = -0.5, exact on straight ramps."""
    x = abs(distance)
    if x < 1:
        return (1.5 * x - 2.5) * x * x + 1
    return ((-0.5 * x + 2.5) * x - 4) * x + 2 if x < 2 else 0.0
