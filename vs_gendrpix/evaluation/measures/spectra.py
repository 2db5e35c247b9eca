"""Energy of a picture's luma by place, period and direction."""

import math
from functools import cache

import torch
from torch import Tensor

from vs_gendrpix.evaluation.measures.fidelity import luma

PATCH = 64
"""Pixels to a side of a patch."""
STEP = 32
DIRECTIONS = 8
"""Sectors of half a turn: a wave and its opposite have one direction."""


def band_energies(image: Tensor, edges: tuple[float, ...]) -> Tensor:
    """Energy of overlapping patches of the luma, by ring of frequency and by direction.

    The patches have 64 pixels to a side and lie every 32. Each is weighted by a Hann window of mean
    square 1, so that the energies of all bands of a stationary texture add up to its variance.

    Args:
        image: (1, 3, H, W) RGB in [0, 1], at least 64 pixels on each side.
        edges: Limits of the rings in cycles per pixel, rising. Bins beyond the Nyquist frequency
            do not exist; a cell without bins has energy 0.

    Returns:
        (patches, rings, 8), in squared code values. Direction 0 has vertical stripes, 2 those of
        one diagonal, 4 horizontal ones.
    """
    y = luma(image.float())[0]
    patches = y.unfold(0, PATCH, STEP).unfold(1, PATCH, STEP).flatten(0, 1)
    patches = patches - patches.mean((1, 2), keepdim=True)
    energy = torch.fft.fft2(patches * _window()).abs().square() / PATCH**4
    sums = energy.flatten(1) @ cells(edges).flatten(1).T
    result: Tensor = sums.view(-1, len(edges) - 1, DIRECTIONS)
    return result


@cache
def cells(edges: tuple[float, ...]) -> Tensor:
    """Assign the bins of a patch's spectrum to rings and directions.

    Args:
        edges: Limits of the rings in cycles per pixel.

    Returns:
        (rings * 8, 64, 64) of 0 and 1, the direction fastest.
    """
    frequencies = torch.fft.fftfreq(PATCH)
    down, right = torch.meshgrid(frequencies, frequencies, indexing="ij")
    radius = torch.hypot(down, right)
    sector = (torch.atan2(down, right) / (math.pi / DIRECTIONS)).round().long() % DIRECTIONS
    ring = torch.bucketize(radius, torch.tensor(edges), right=True) - 1
    inside = (ring >= 0) & (ring < len(edges) - 1)
    cell = torch.where(inside, ring * DIRECTIONS + sector, -1)
    return torch.stack([(cell == c).float() for c in range((len(edges) - 1) * DIRECTIONS)])


@cache
def _window() -> Tensor:
    line = torch.hann_window(PATCH)
    window = line[:, None] * line
    return window / window.square().mean().sqrt()
