"""Carry the input's low-frequency colour over to the output."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

CELL = 8
"""Side in pixels of the cells in which the difference of the two pictures is filtered."""

KERNEL = np.convolve([1, 8, 28, 56, 70, 56, 28, 8, 1], [-7 / 6, 10 / 3, -7 / 6]) / 256
"""Low-pass over cells. A binomial of order 8 removes periods under 24 pixels; the second factor
undoes, to the second order, what it and the two triangles of `LowBand` take from the longest
periods: those from 96 pixels on pass by 95 % or more, those of 24 pixels by 1 %."""

MARGIN = 7
"""Cells around the picture: the kernel's reach of 5 and one for each triangle."""

PASSES = 2
"""Number of passes. One leaves a tenth of a drift at the border: half a code of the five that a
heavily damaged clip made. Each reaches 70 pixels far."""


class LowBand:
    """The colour fix for pictures of one size on one device: output's detail, input's low band.

    A diffusion network drifts in brightness and in slow gradients. The difference of both pictures
    is averaged by triangles of 16 pixels, filtered, and added back. Every pixel depends on its
    surroundings alone, so nothing pulses when an object enters the frame; statistics of whole
    frames would.

    Two things look simpler and are worse than no fix on a textured picture: the plain mean of each
    cell, which folds texture of the cell's size into the low band, and a kernel that is cut off at
    the border, where the first row then counts too much.

    Args:
        size: Height and width of the pictures.
        device: Where they are.
    """

    def __init__(self, size: tuple[int, int], device: torch.device) -> None:
        # Made here, once: a tensor of Python's numbers for each frame would let the host wait for
        # the device.
        self._taps = torch.tensor(KERNEL, dtype=torch.float32, device=device)
        self._size = size
        self._echoes = [self._echo(side, device) for side in size]

    def __call__(self, output: Tensor, reference: Tensor) -> Tensor:
        """Give an output the low band of a reference.

        Args:
            output: (B, C, H, W) float32, what the network made.
            reference: The same shape: the input at the output's size.

        Returns:
            (B, C, H, W), new memory.
        """
        cells = _cells(reference - output)
        drift = first = self._filtered(cells)
        down, across = self._echoes
        # What a further pass would find is known from the cells alone: no picture need be made.
        for _ in range(PASSES - 1):
            found = down @ drift @ across.mT
            drift = first + drift - self._filtered(found)
        drift = _spread(_spread(drift, -2, self._size[0]), -1, self._size[1])
        return drift.add_(output)

    def _filtered(self, cells: Tensor) -> Tensor:
        """Low-pass (B, C, h, w) cells. Only places where the whole kernel lies inside are kept."""
        taps = self._taps.expand(cells.shape[1], 1, 1, -1)
        cells = F.conv2d(cells, taps, groups=len(taps))
        return F.conv2d(cells, taps.transpose(2, 3), groups=len(taps))

    @staticmethod
    def _echo(size: int, device: torch.device) -> Tensor:
        """Matrix of one round trip along a side of `size` pixels: filtered cells, pixels, cells.

        Returns:
            (cells, filtered cells) float32.
        """
        count = -(-size // CELL) + 2 * MARGIN - len(KERNEL) + 1
        single = torch.eye(count, device=device)[None, None]
        return _cells_along(_spread(single, -1, size), -1)[0, 0].T


def _cells(picture: Tensor) -> Tensor:
    """Average mirrored (B, C, H, W) over triangles into cells, `MARGIN` more on each side."""
    return _cells_along(_cells_along(picture, -2), -1)


def _cells_along(picture: Tensor, dim: int) -> Tensor:
    """Average (B, C, H, W) into cells along one dimension."""
    size = picture.shape[dim]
    count = -(-size // CELL) + 2 * MARGIN
    place = torch.arange(count * CELL, device=picture.device) - MARGIN * CELL
    # Mirrored with its border samples doubled: then every sample counts once in all means.
    place %= 2 * size
    picture = picture.index_select(dim, torch.minimum(place, 2 * size - 1 - place))
    shape = [*picture.shape[-2:]]
    shape[dim] = count
    return F.interpolate(picture, shape, mode="bilinear", antialias=True)


def _spread(cells: Tensor, dim: int, size: int) -> Tensor:
    """Interpolate filtered cells linearly along `dim` over the `size` pixels of the picture."""
    count = cells.shape[dim] - 1
    first = cells.narrow(dim, 0, count).unsqueeze(dim)
    second = cells.narrow(dim, 1, count).unsqueeze(dim)
    weights = (torch.arange(CELL, dtype=cells.dtype, device=cells.device) + 0.5) / CELL
    weights = weights if dim == -1 else weights[:, None]
    # The first value lies half a cell behind the start of the first cell that the kernel left.
    lead = (MARGIN - len(KERNEL) // 2) * CELL - CELL // 2
    return torch.lerp(first, second, weights).flatten(dim - 1, dim).narrow(dim, lead, size)
