"""Energy that repeats every 8 or 4 pixels: the trace of a bad pixel-shuffle tail."""

import torch
from torch import Tensor

from vs_gendrpix.errors import SettingsError
from vs_gendrpix.evaluation.measures.fidelity import luma
from vs_gendrpix.models.gendrpix.network import CELL

RING = 3
"""Distance in bins between a lattice point and its neighbours.

Close, because the spectrum of a photograph falls steeply; beyond the window's spread of one bin.
"""
MIN_SIDE = 64
"""From here on the neighbours of one lattice point stay clear of the next one."""


def lattice_ratio(image: Tensor, cell: int = CELL) -> Tensor:
    """The energy on a lattice of cells over the energy around it: about 1 = no grid.

    For cells of 8, a tile of 8x8 pixels that repeats over the picture has its whole spectrum at
    (kH/8, lW/8), k and l from 0 to 7: 64 bins, less the one of the brightness. At each of these 63
    points the mean energy of the luma on 3x3 bins, over which the Hann window spreads a line, is
    divided by the mean energy of the 24 bins at distance 3 (along the larger axis). The geometric
    mean of the ratios gives every frequency one vote. Without the window the picture's borders,
    which do not meet, would fill the row and the column through 0.

    Photographs give 0.9 (standard deviation 0.15 from picture to picture) at 64 pixels as at 512,
    and a faint tile of one code value of 255 above 3. Means over the first 30 Canon pairs of
    RealSR, rounded to 8 bits: references 0.95, bicubic 0.99, realesr-general-x4v3 1.22,
    4xLSDIRCompactC3 1.32, realesr-general-wdn-x4v3 1.40. Round before measuring: a resize by 4
    leaves gaps in the spectrum at the lattice (0.55), which the rounding of a file fills.

    Args:
        image: (B, 3, H, W) RGB in [0, 1]; cropped at the right and bottom to whole cells.
        cell: Pixels to a side of the tile that is looked for.

    Returns:
        (B,) ratios in the dtype of `image`.

    Raises:
        SettingsError: A side is shorter than 64 pixels, too few to tell the bins apart.
    """
    height, width = (side // cell * cell for side in image.shape[-2:])
    if min(height, width) < MIN_SIDE:
        raise SettingsError(
            f"the grid of a picture of {image.shape[-1]}x{image.shape[-2]} pixels cannot be "
            f"measured: use at least {MIN_SIDE}x{MIN_SIDE}"
        )
    y = luma(image)[:, :height, :width]
    y = y - y.mean((1, 2), keepdim=True)
    rows, columns = (torch.hann_window(n, dtype=y.dtype, device=y.device) for n in y.shape[1:])
    energy = torch.fft.fft2(y * rows[:, None] * columns).abs().square()
    # A flat picture has no energy at all: the floor makes its ratio 1 and alters no other.
    around = _around(energy, cell).clamp_min(1e-12)
    steps = torch.arange(-RING, RING + 1, device=y.device).abs()
    distance = torch.maximum(steps[:, None], steps)
    on_lattice = around[..., distance <= 1].mean(-1)  # (B, cell**2 - 1)
    on_ring = around[..., distance == RING].mean(-1)
    return (on_lattice.log() - on_ring.log()).mean(1).exp()


def _around(energy: Tensor, cell: int) -> Tensor:
    """The 7x7 bins around each lattice point of (B, H, W) but the first: (B, cell**2 - 1, 7, 7)."""
    points = torch.arange(cell, device=energy.device)[:, None]
    steps = torch.arange(-RING, RING + 1, device=energy.device)
    rows, columns = (points * (side // cell) + steps for side in energy.shape[1:])  # (cell, 7)
    height, width = energy.shape[1:]
    windows = energy[:, (rows % height)[:, None, :, None], (columns % width)[:, None, :]]
    return windows.flatten(1, 2)[:, 1:]
