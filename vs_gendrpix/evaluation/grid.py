"""How much of a picture repeats every 8 pixels: the trace of a bad pixel-shuffle tail."""

import torch
from torch import Tensor

from vs_gendrpix.errors import SettingsError
from vs_gendrpix.evaluation.fidelity import luma

CELL = 8
RING = 3
"""Distance in bins between a lattice point and its neighbours.

The Hann window spreads a point over one bin around it; on 64 pixels the next point is 8 bins away.
"""
MIN_SIDE = 64


def lattice_ratio(image: Tensor) -> Tensor:
    """The spectrum on the 8x8 lattice over the spectrum around it: 1 = no grid.

    A tile of 8x8 pixels that repeats over the picture has its whole spectrum at (kH/8, lW/8), k
    and l from 0 to 7: 64 bins, less the one of the brightness. The measure is the geometric mean
    of the luma's magnitude over these 63 bins, over its geometric mean on the 24 bins at distance
    3 (in the larger of the two axes) around each. Logarithms give every frequency one vote: the
    plain mean is ruled by the few lowest bins, where pictures differ most. The Hann window keeps
    the picture's borders, which do not meet, from filling the rows and columns through 0.

    Photographs give 1.0 to 1.1 (standard deviation 0.13 from picture to picture), at 64 pixels as
    at 512; a tile of one code value of 255 gives above 3 on all but the noisiest.

    Args:
        image: (B, 3, H, W) RGB in [0, 1]; cropped at the right and bottom to multiples of 8.

    Returns:
        (B,) ratios in the dtype of `image`.

    Raises:
        SettingsError: A side is shorter than 64 pixels, too few to tell bins apart.
    """
    height, width = (side // CELL * CELL for side in image.shape[-2:])
    if min(height, width) < MIN_SIDE:
        raise SettingsError(
            f"the grid of a picture of {image.shape[-1]}x{image.shape[-2]} pixels cannot be "
            f"measured: use at least {MIN_SIDE}x{MIN_SIDE}"
        )
    y = luma(image)[:, :height, :width]
    y = y - y.mean((1, 2), keepdim=True)
    rows, columns = (torch.hann_window(n, dtype=y.dtype, device=y.device) for n in y.shape[1:])
    magnitude = torch.fft.fft2(y * rows[:, None] * columns).abs()
    # A flat picture has no spectrum; the floor makes its ratio 1 and alters no other.
    log = magnitude.clamp_min(torch.finfo(y.dtype).tiny).log()
    return (_lattice(log, (0, 0)) - _around(log)).exp()


def _around(log: Tensor) -> Tensor:
    """Mean of (B, H, W) over the ring of every lattice point, (B,)."""
    reach = range(-RING, RING + 1)
    ring = [(i, j) for i in reach for j in reach if max(abs(i), abs(j)) == RING]
    return torch.stack([_lattice(log, offset) for offset in ring]).mean(0)


def _lattice(log: Tensor, offset: tuple[int, int]) -> Tensor:
    """Mean of (B, H, W) over the 63 lattice points, all moved by `offset`, (B,)."""
    height, width = log.shape[1:]
    points = log.roll((-offset[0], -offset[1]), (1, 2))[:, :: height // CELL, :: width // CELL]
    return points.flatten(1)[:, 1:].mean(1)
