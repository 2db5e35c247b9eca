"""Change from frame to frame: flicker of a still, and of a picture that moves, motion undone."""

from itertools import pairwise

import torch
from torch import Tensor

from vs_gendrpix.evaluation.degradation import SCALE, degraded_frame
from vs_gendrpix.evaluation.methods import Method

FRAMES = 4
STEP = (3, 5)
"""Pixels that a panned clip moves down and to the right per frame. It is no multiple of a cell of
8 or of the scale, so that a pattern that does not move with the picture shows."""
BORDER = 16
"""Pixels at the edge that are not measured: a pan brings unseen content in there."""


def flicker(method: Method, sharp: Tensor) -> float:
    """Mean change of a still picture from frame to frame, each with noise of its own.

    Args:
        method: What restores.
        sharp: (1, 3, H, W) RGB in [0, 1], H and W multiples of 4.

    Returns:
        Mean absolute difference of successive results in code values of 255.
    """
    frames = [method(degraded_frame(sharp, number), SCALE) for number in range(FRAMES)]
    return _mean_step(frames)


def pan_error(method: Method, sharp: Tensor) -> float:
    """Mean change of a picture that moves by a known number of pixels a frame, motion undone.

    Args:
        method: What restores.
        sharp: (1, 3, H, W) RGB in [0, 1], larger than the whole way by 64 pixels at least.

    Returns:
        Mean absolute difference of successive results, the motion undone, in code values of 255.
    """
    down, right = STEP
    height, width = (
        (side - (FRAMES - 1) * step) // SCALE * SCALE
        for side, step in zip(sharp.shape[-2:], STEP, strict=True)
    )
    results = []
    for number in range(FRAMES):
        top, left = number * down, number * right
        window = sharp[..., top : top + height, left : left + width]
        results.append(method(degraded_frame(window, number), SCALE))
    # Frame n shows at (y, x) what frame n + 1 shows at (y - down, x - right).
    aligned = [
        (before[..., down:, right:], after[..., : height - down, : width - right])
        for before, after in pairwise(results)
    ]
    steps = [(b - a)[..., BORDER:-BORDER, BORDER:-BORDER].abs().mean() for a, b in aligned]
    return 255 * torch.stack(steps).mean().item()


def _mean_step(frames: list[Tensor]) -> float:
    steps = [(after - before).abs().mean() for before, after in pairwise(frames)]
    return 255 * torch.stack(steps).mean().item()
