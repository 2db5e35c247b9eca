"""Outlines: dark and bright seams that a sharpener leaves beside strong edges."""

import torch
from torch import Tensor
from torch.nn import functional as F

from vs_gendrpix.evaluation.measures.fidelity import luma

REACH = 2
"""Input pixels around a place within which its extremes are looked for."""
STRONG = 40.0
"""Code values between the extremes from which there is a strong edge."""


def outlines(image: Tensor, low: Tensor) -> tuple[float, float]:
    """Mean excursion of a picture beyond the range of its input, beside strong edges.

    The range of a place is that of the input's luma within 5x5 pixels. A blurred edge that becomes
    sharp stays inside it; a seam darker or brighter than both sides does not.

    Args:
        image: (1, 3, s*h, s*w) RGB in [0, 1].
        low: (1, 3, h, w), the input.

    Returns:
        Mean undershoot (dark seams) and overshoot (bright ones) over the places with a strong
        edge, in code values; 0 where there is none.
    """
    y, source = luma(image)[:, None], luma(low)[:, None]
    size = y.shape[-2:]
    largest, smallest = (F.interpolate(x, size) for x in (_largest(source), -_largest(-source)))
    strong = largest - smallest >= STRONG
    if not strong.any():
        return 0.0, 0.0
    under, over = (smallest - y)[strong], (y - largest)[strong]
    return under.clamp_min(0).mean().item(), over.clamp_min(0).mean().item()


def _largest(y: Tensor) -> Tensor:
    result: Tensor = torch.max_pool2d(y, 2 * REACH + 1, 1, REACH)
    return result
