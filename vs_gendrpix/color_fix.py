"""Carry the input's low-frequency colour over to the output."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

CELL = 8
"""Side in pixels of the cells in which the difference of the two pictures is filtered."""

KERNEL = np.convolve([1, 8, 28, 56, 70, 56, 28, 8, 1], [-7 / 6, 10 / 3, -7 / 6]) / 256
"""Low-pass over cells. A binomial of order 8 removes periods under 24 pixels; the second factor
undoes, to the second order, what it and the two triangles of `lowband` take from the longest
periods: those from 96 pixels on pass by 95 % or more, those of 24 pixels by 1 %."""

MARGIN = 7
"""Cells around the picture: the kernel's reach of 5 and one for each triangle."""

PASSES = 2
"""One leaves a tenth of a drift at the border: half a code of the five that a heavily damaged clip
made. Each reaches 70 pixels far."""


def lowband(output: Tensor, reference: Tensor) -> Tensor:
    """The output's detail on the reference's low band.

    A diffusion network drifts in brightness and in slow gradients. The difference of both pictures
    is averaged by triangles of 16 pixels, filtered, and added back. Every pixel depends on its
    surroundings alone, so nothing pulses when an object enters the frame; statistics of whole
    frames would.

    Two things look simpler and are worse than no fix on a textured picture: the plain mean of each
    cell, which folds texture of the cell's size into the low band, and a kernel that is cut off at
    the border, where the first row then counts too much.

    Args:
        output: (B, C, H, W), what the network made.
        reference: The same shape: the input at the output's size.

    Returns:
        (B, C, H, W).
    """
    for _ in range(PASSES):
        output = _closer(output, reference)
    return output


def _closer(output: Tensor, reference: Tensor) -> Tensor:
    """One pass of `lowband`."""
    height, width = output.shape[-2:]
    drift = _cells(reference - output)
    taps = torch.tensor(KERNEL, dtype=drift.dtype, device=drift.device)
    taps = taps.expand(drift.shape[1], 1, 1, -1)
    drift = F.conv2d(drift, taps, groups=len(taps))
    drift = F.conv2d(drift, taps.transpose(2, 3), groups=len(taps))
    drift = _spread(_spread(drift, -1), -2)
    # The first value lies half a cell behind the start of the first cell that the kernel left.
    lead = (MARGIN - len(KERNEL) // 2) * CELL - CELL // 2
    return drift[..., lead : lead + height, lead : lead + width].add_(output)


def _cells(picture: Tensor) -> Tensor:
    """Means of cells under triangles, with `MARGIN` cells around the picture, which is mirrored."""
    for dim in (-2, -1):
        size = picture.shape[dim]
        count = -(-size // CELL) + 2 * MARGIN
        place = torch.arange(count * CELL, device=picture.device) - MARGIN * CELL
        # Mirrored with its border samples doubled: then every sample counts once in all means.
        place %= 2 * size
        picture = picture.index_select(dim, torch.minimum(place, 2 * size - 1 - place))
        shape = [*picture.shape[-2:]]
        shape[dim] = count
        picture = F.interpolate(picture, shape, mode="bilinear", antialias=True)
    return picture


def _spread(cells: Tensor, dim: int) -> Tensor:
    """Interpolate linearly along `dim` from the first cell's centre to the last one's."""
    count = cells.shape[dim] - 1
    first = cells.narrow(dim, 0, count).unsqueeze(dim)
    second = cells.narrow(dim, 1, count).unsqueeze(dim)
    weights = (torch.arange(CELL, dtype=cells.dtype, device=cells.device) + 0.5) / CELL
    weights = weights if dim == -1 else weights[:, None]
    return torch.lerp(first, second, weights).flatten(dim - 1, dim)
