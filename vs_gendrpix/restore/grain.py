"""Grain: measured in the source, and put back at the output's size where the network has taken it.

The model. Grain is noise of a Gaussian spectrum, whose strength depends on the brightness under it.
Two grains look alike from a seat if they have the same power per area of the screen, not per pixel:
so the result, seen at the source's size, gets what the source had there. Its size grows more slowly
than the picture, with the power 3/4 of the scale: enlarged as a whole it would be coarse blobs, and
of the same size in pixels it would be dust. At four times the size it is then 0.7 times as large on
the screen, and 1.4 times as strong a pixel.

Only what was taken is put back: where the network has left the grain, or the source has none,
nothing is added. All three channels get the same, for little of the colour of a film's grain comes
through subsampling and compression.
"""

from collections.abc import Callable
from functools import cache
from math import ceil, exp, pi

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

Pool = Callable[[Tensor, tuple[int, int]], Tensor]

BLOCK = 16
"""Side in source pixels of the blocks in which grain is measured."""

FLATTEST = 0.5
"""Share of a picture's blocks that count as flat: others lose more than grain to the network."""

LEVELS = 9
"""Number of brightness levels, black and white included, at which grain is measured."""

DOUBT = 4
"""Number of blocks at a level that weigh as much as the mean over the whole picture."""

BAND = 2.0
"""Standard deviation in source pixels of the blur that parts grain from what is under it."""

EDGE = 0.02
"""Distance from black and white within which grain fades out: bars and clipped skies have none."""

SIZES = np.linspace(0.3, 1.5, 61)
"""Sizes of grain that are told apart: standard deviations in source pixels. A pixel's own area has
0.29; beyond 1.5 it is blotches of a codec."""

GROWTH = 0.75
"""Power of the scale with which the size of grain grows: chosen by looking."""

SAMPLE = 256
"""Side in source pixels of the part of the grain on which its strength is measured."""


class Regrain:
    """Puts back a share of the grain that restored pictures lack, and their source has.

    Args:
        amount: Share of the missing grain; 1 makes it as strong as it was in the source.
        device: Where the pictures are.
    """

    def __init__(self, amount: float, device: torch.device) -> None:
        self._amount = amount
        # Made here, once: a tensor of Python's numbers for each frame would let the host wait for
        # the device.
        self._sizes = torch.tensor(SIZES, dtype=torch.float32, device=device)
        self._likeness = torch.tensor(_likeness(), dtype=torch.float32, device=device)

    def __call__(self, output: Tensor, source: Tensor, seeds: Tensor) -> Tensor:
        """Add grain to pictures.

        Args:
            output: (B, 3, H, W) float32 R'G'B', nominally in [0, 1]; what the network made.
            source: (B, 3, h, w), what it was made of.
            seeds: (B,) int32, see `seeds_of`: each draws its picture's grain.

        Returns:
            (B, 3, H, W).
        """
        before, after = _luma(source), _luma(output)
        small, large = before.shape[-2:], after.shape[-2:]
        # Enlarged and reduced, as the network's picture was: what that loses the network did not
        # take.
        grain, under = _part(before)
        flat = _flat(grain, under)
        known, _ = _part(_resized(_resized(before, large), small))
        result = _resized(after, small)
        left, _ = _part(result)
        taken = _by_level(known.square() - left.square(), under, flat).clamp(min=0).sqrt()
        growth = (after[0].numel() / before[0].numel()) ** (GROWTH / 2)
        field = _blur(_noise(seeds, large), self._size(grain, flat) * growth, SIZES[-1] * growth)
        strength = self._amount * _at(taken, result) / _deviation_at(small, field)
        return torch.addcmul(output, field, _resized(strength, large, mode="bilinear"))

    def _size(self, grain: Tensor, flat: Tensor) -> Tensor:
        """Estimate the grain's size: (B,) standard deviation in pixels of a Gaussian."""
        power = (_blocks(grain.square()) * flat).sum(1)
        # Rolled, the border meets the other side: one column of many.
        shared = [(_blocks(grain * grain.roll(1, axis)) * flat).sum(1) for axis in (-2, -1)]
        alike = (shared[0] + shared[1]) / 2 / power.clamp(min=1e-12)
        place = torch.bucketize(alike, self._likeness).clamp(max=len(self._sizes) - 1)
        return self._sizes[place]


def _deviation_at(size: torch.Size, field: Tensor) -> Tensor:
    """Measure (B, 1, 1, 1) standard deviation of a field of grain, brought to a source's size.

    A part of the field itself tells how strong it would be, had it been in the source.
    """
    part = torch.Size(min(side, SAMPLE) for side in size)
    large = [round(side * part[i] / size[i]) for i, side in enumerate(field.shape[-2:])]
    sample = _resized(field[..., : large[0], : large[1]], part)
    sample = _resized(_resized(sample, torch.Size(large)), part)
    return _part(sample)[0].square().mean((1, 2, 3), keepdim=True).sqrt()


def seeds_of(plane: Tensor) -> Tensor:
    """Draw (B,) int32 seeds from all of (B, rows, columns) samples, the same on every device.

    Equal pictures get equal grain, as they get equal results; and the result does not depend on
    where in a clip, or in which part of a job, a picture stands.
    """
    if plane.is_floating_point():
        plane = plane.view(torch.int16 if plane.element_size() == 2 else torch.int32)
    codes = plane.to(torch.int32).flatten(1)
    places = _scramble(torch.arange(codes.shape[1], dtype=torch.int32, device=plane.device))
    return _scramble((codes * (places | 1)).sum(1, dtype=torch.int64).to(torch.int32))


def _luma(rgb: Tensor) -> Tensor:
    """(B, 1, H, W) brightness, by BT.709's weights whatever the matrix."""
    red, green, blue = rgb.unbind(1)
    luma: Tensor = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return luma[:, None]


def _resized(picture: Tensor, size: torch.Size, mode: str = "bicubic") -> Tensor:
    if picture.shape[-2:] == size:
        return picture
    return F.interpolate(picture, size, mode=mode, antialias=True)


def _part(picture: Tensor) -> tuple[Tensor, Tensor]:
    """Split (B, 1, h, w) into what may be grain and what is under it."""
    under = _blur(picture, torch.full((len(picture),), BAND, device=picture.device), BAND)
    return picture - under, under


def _flat(grain: Tensor, under: Tensor) -> Tensor:
    """(B, blocks) weights, 1 for the blocks in which all that changes is grain."""
    slope = _blocks(under, F.max_pool2d) + _blocks(-under, F.max_pool2d)
    level, power = _blocks(under), _blocks(grain.square())
    # Bars and clipped white are the flattest of all, and have no grain.
    telling = (level > EDGE) & (level < 1 - EDGE) & (power > 0)
    slope = slope.where(telling, torch.nan)
    power = power.where(slope <= slope.nanquantile(FLATTEST, dim=1, keepdim=True), torch.nan)
    return (power <= 8 * power.nanmedian(dim=1, keepdim=True).values).to(grain.dtype)


def _blocks(picture: Tensor, pool: Pool = F.avg_pool2d) -> Tensor:
    """Pool (B, 1, h, w) into (B, blocks), by their means or by another `pool`."""
    height, width = picture.shape[-2:]
    return pool(picture, (min(BLOCK, height), min(BLOCK, width))).flatten(1)


def _by_level(power: Tensor, under: Tensor, flat: Tensor) -> Tensor:
    """(B, LEVELS) mean power in the flat blocks of about each brightness."""
    power, level = _blocks(power), _blocks(under)
    overall = (power * flat).sum(1) / flat.sum(1).clamp(min=1)
    steps = torch.arange(LEVELS, device=level.device)[:, None]
    near = flat[:, None] * (1 - (level[:, None] * (LEVELS - 1) - steps).abs()).clamp(min=0)
    total = (near * power[:, None]).sum(2) + DOUBT * overall[:, None]
    return total / (near.sum(2) + DOUBT)


def _at(levels: Tensor, brightness: Tensor) -> Tensor:
    """Interpolate (B, LEVELS) at each brightness, faded out at both ends: (B, 1, h, w)."""
    place = (brightness * (LEVELS - 1)).clamp(0, LEVELS - 1)
    total = torch.zeros_like(brightness)
    for step in range(LEVELS):
        total += (1 - (place - step).abs()).clamp(min=0) * levels[:, step, None, None, None]
    return total * (brightness / EDGE).clamp(0, 1) * ((1 - brightness) / EDGE).clamp(0, 1)


@cache
def _likeness() -> list[float]:
    """List the correlation of neighbouring pixels, in the band of grain, for each of `SIZES`."""

    def correlation(size: float, distance: float) -> float:
        parts = ((1, 0), (-2, BAND**2), (1, 2 * BAND**2))
        total = 0.0
        for factor, more in parts:
            variance = 2 * size**2 + more
            total += factor * exp(-(distance**2) / (2 * variance)) / (2 * pi * variance)
        return total

    return [correlation(size, 1) / correlation(size, 0) for size in SIZES]


def _noise(seeds: Tensor, size: torch.Size) -> Tensor:
    """(B, 1, H, W) white noise: nearly normal, deviation 1, the same on every device."""
    height, width = size
    places = torch.arange(height * width, dtype=torch.int32, device=seeds.device)
    # Multiplied, so that the seeds of two pictures do not just exchange pixels.
    bits = _scramble(places.mul_(-0x61C88647) ^ seeds[:, None])
    # Each half is even over its range; the blur to come makes normal what is a triangle here.
    halves = bits.view(torch.int16)
    total = halves[:, ::2].to(torch.float32).add_(halves[:, 1::2]).add_(1)
    return total.div_((2 / 3) ** 0.5 * (1 << 15)).view(-1, 1, height, width)


def _scramble(numbers: Tensor) -> Tensor:
    """An int32 hash in which every bit of the result depends on every bit (C. Wellons, 2018)."""
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B - (1 << 32))):
        numbers = (numbers >> shift).bitwise_and_((1 << 32 - shift) - 1).bitwise_xor_(numbers)
        numbers.mul_(factor)
    return (numbers >> 16).bitwise_and_(0xFFFF).bitwise_xor_(numbers)


def _blur(picture: Tensor, deviation: Tensor, most: float) -> Tensor:
    """(B, 1, H, W) under Gaussians of (B,) standard deviations in pixels, `most` at most.

    Multiply-adds on shifted views: a convolution of one channel takes six times as long on a CPU.
    """
    reach = ceil(3 * most)
    steps = torch.arange(-reach, reach + 1, device=picture.device)
    taps = (steps.square() / (-2 * deviation[:, None].square())).exp()
    taps = (taps / taps.sum(1, keepdim=True))[:, :, None, None, None]  # (B, taps, 1, 1, 1)
    for axis, edges in ((-1, (reach, reach, 0, 0)), (-2, (0, 0, reach, reach))):
        size = picture.shape[axis]
        padded = F.pad(picture, edges, mode="replicate")
        picture = padded.narrow(axis, 0, size) * taps[:, 0]
        for step in range(1, 2 * reach + 1):
            picture.addcmul_(padded.narrow(axis, step, size), taps[:, step])
    return picture
