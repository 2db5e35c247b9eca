"""Carry the input's low-frequency colour over to the output."""

import torch.nn.functional as F
from torch import Tensor

CELL = 12
"""Side in pixels of the cells whose mean colours are carried over.

Cells of 8 would draw the lattice of the tokens; 16 leave a fifth more of the drift.
"""


def lowband(output: Tensor, reference: Tensor) -> Tensor:
    """The output's detail on the reference's low band.

    A diffusion network drifts in brightness and in slow gradients. The difference of both pictures
    is averaged by a triangle over 2 x 2 cells and added back smoothly. (A plain mean of each cell
    aliases: it folds detail into the low band and makes it worse than no fix.) Every pixel depends
    on its surroundings alone, so nothing pulses when an object enters the frame; statistics of
    whole frames would.

    Args:
        output: (B, C, H, W), what the network made.
        reference: The same shape: the input at the output's size.

    Returns:
        (B, C, H, W).
    """
    height, width = output.shape[-2:]
    cells = (max(1, round(height / CELL)), max(1, round(width / CELL)))
    drift = F.interpolate(reference - output, cells, mode="bilinear", antialias=True)
    return output + F.interpolate(drift, (height, width), mode="bilinear")
