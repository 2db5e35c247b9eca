"""Texture that a result adds to its reference, and texture that it loses.

PSNR and classifiers forgive a woven pattern in place of grass; these measures look for it alone.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from vs_gendrpix.evaluation.measures.spectra import DIRECTIONS, band_energies, cells

BANDS = (1 / 13, 1 / 9.5, 1 / 7, 1 / 5)
"""Rings of the coarse texture that the eye finds first, in cycles per pixel."""
FINE = (1 / 16, 1 / 8, 1 / 4, 1 / 2)
"""Rings of fine texture: periods of 8 to 16, 4 to 8 and 2 to 4 pixels."""
VISIBLE = 2.0
"""Least root mean square, in code values, of a patch that counts as textured."""
ONE_WAY = 0.5
"""Largest share of one direction in texture: above it, a patch counts as an edge or stripes."""
INPUT_RINGS = tuple(0.2 * 2 ** (i / 4) for i in range(14))
"""Rings for the peak, in cycles per pixel of the input: four to an octave."""
FIRST_BEYOND = 6
"""Index of the first of `INPUT_RINGS` that the input cannot hold along a row; begins at 0.57."""
NEIGHBOUR = 2
"""Rings between a peak and what it is compared with: half an octave."""
FAINT = 1e-3
"""Mean squared codes of a bin below which nothing is seen: 8-bit rounding makes 2e-5 a bin."""


def excess_texture(image: Tensor, reference: Tensor) -> Tensor:
    """Energy that the reference has not, patch by patch.

    In each patch that is textured in the reference, the energy of periods of 5 to 13 pixels is
    taken in 24 cells (three rings, eight directions). What the result has above the reference is
    added up over the cells, as a share of the reference's energy in all of them. Sharper edges
    and other leaves count too, so a generative result is not at 0; a blurred one is.

    Args:
        image: (1, 3, H, W) RGB in [0, 1], at least 64 pixels on each side.
        reference: The same shape and range.

    Returns:
        One value for each textured patch, in dB: 0 = nothing added, 3 = as much again.
    """
    found, true = band_energies(image, BANDS), band_energies(reference, BANDS)
    total = true.sum((1, 2))
    one_way = true.sum(1).amax(1) / total.clamp_min(1e-12)
    textured = (total.sqrt() >= VISIBLE) & (one_way < ONE_WAY)
    added = (found - true).clamp_min(0).sum((1, 2))[textured] / total[textured]
    return 10 * torch.log10(1 + added)


def weave_peak(image: Tensor, low: Tensor) -> float | None:
    """Height of a pattern that the input cannot have, where there is no reference.

    Above the Nyquist frequency of the input, all energy of an enlarged picture is invented. That
    of edges, leaves and noise falls steadily with frequency; a weave, strokes or dots on the
    input's raster stand out as a peak. Energies are averaged over the patches that are textured in
    the input; the peak is the largest height of one ring and direction over the higher of the two
    half an octave below and above it.

    Args:
        image: (1, 3, s*h, s*w) RGB in [0, 1], at least 64 pixels on each side.
        low: (1, 3, h, w), the input.

    Returns:
        dB, 0 = no peak; None at scale 1, or where nothing is textured.
    """
    scale = image.shape[-1] // low.shape[-1]
    if scale == 1:
        return None
    resized = F.interpolate(low, image.shape[-2:], mode="bicubic")
    textured = band_energies(resized, BANDS).sum((1, 2)).sqrt() >= VISIBLE / 2
    if not textured.any():
        return None
    rings = tuple(edge / scale for edge in INPUT_RINGS)
    bins = cells(rings).sum((1, 2)).view(-1, DIRECTIONS)
    # The mean of a bin, not the sum of a ring: rings widen with frequency.
    energy = band_energies(image, rings)[textured].mean(0) / bins
    level = 10 * torch.log10(energy + FAINT)  # NaN where a cell has no bins
    inner = level[FIRST_BEYOND:-NEIGHBOUR]
    below = level[FIRST_BEYOND - NEIGHBOUR : -2 * NEIGHBOUR]
    above = level[FIRST_BEYOND + NEIGHBOUR :]
    height = inner - torch.maximum(below, above)
    return height.nan_to_num(0).amax().clamp_min(0).item()


def texture_kept(image: Tensor, reference: Tensor) -> Tensor:
    """Share of the reference's fine texture that is left, by band.

    Energy above the reference's does not make up for what is lost elsewhere: each cell of a patch
    counts up to what it had.

    Args:
        image: (1, 3, H, W) RGB in [0, 1], at least 64 pixels on each side.
        reference: The same shape and range.

    Returns:
        (3,) shares from 0 to 1 in periods of 8 to 16, 4 to 8 and 2 to 4 pixels.
    """
    found, true = band_energies(image, FINE), band_energies(reference, FINE)
    left = torch.minimum(found, true).sum((0, 2))
    return left / true.sum((0, 2)).clamp_min(1e-12)
