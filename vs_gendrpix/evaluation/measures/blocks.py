"""Block edges: steps on the grid of the codec that coded the input."""

from torch import Tensor

from vs_gendrpix.evaluation.measures.fidelity import luma

CODED = 8
"""Input pixels between the edges of a transform block; smaller ones begin at 4."""


def block_edges(image: Tensor, scale: int) -> tuple[float, float]:
    """Steepness of a picture on the codec's grid over that beside it.

    The mean absolute step of the luma across the place of each border between two input pixels is
    compared: borders on the grid over those off it, geometric mean of both axes. A picture that
    was never coded gives 1 within the error of its size.

    Args:
        image: (1, 3, H, W) RGB in [0, 1]; its input began on the codec's grid.
        scale: How many times the size of its input it is.

    Returns:
        The ratio for borders at multiples of 8 input pixels, and for those halfway between.
    """
    y = luma(image)[0]
    (whole_across, half_across), (whole_down, half_down) = _ratios(y, scale), _ratios(y.T, scale)
    return (whole_across * whole_down) ** 0.5, (half_across * half_down) ** 0.5


def _ratios(y: Tensor, scale: int) -> tuple[float, float]:
    """Both ratios for borders between columns."""
    steps = y.diff(dim=1).abs().mean(0)  # [x]: between columns x and x + 1
    reach = (scale - 1) // 2
    # A resize spreads a step over the columns around it: the window is as wide as an input pixel,
    # less one so that windows of neighbours stay apart.
    places = range(scale, len(steps) - reach, scale)
    borders = [steps[at - 1 - reach : at + reach].mean().item() for at in places]
    numbered = list(enumerate(borders, start=1))
    on = [step for number, step in numbered if number % CODED == 0]
    half = [step for number, step in numbered if number % CODED == CODED // 2]
    off = [step for number, step in numbered if number % (CODED // 2)]
    # A flat picture has no steps at all: the floor makes its ratios 1 and alters no other.
    beside = sum(off) / len(off) + 1e-6
    return (sum(on) / len(on) + 1e-6) / beside, (sum(half) / len(half) + 1e-6) / beside
