"""Choose what a comparison page shows: frames, spread and the worst, and where each is opened."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

WORST_SHARE = 1 / 3
"""Share of the frames that are chosen because they are the worst."""
CELL, PART = 32, 8
"""Pixels along a cell, and cells along the square part of a picture that differs most."""


def chosen(badness: Sequence[float], count: int) -> list[int]:
    """Choose frames to show.

    The worst are taken first, but no two neighbours, so that one bad scene does not take all
    places. The rest is spread evenly.

    Args:
        badness: A value for each frame; higher is worse.
        count: How many to choose at most, 1 or more.

    Returns:
        Places in `badness`, rising.
    """
    total = len(badness)
    if total <= count:
        return list(range(total))
    apart = max(total // (2 * count), 1)
    worst: list[int] = []
    for place in sorted(range(total), key=lambda place: -badness[place]):
        if len(worst) >= max(count * WORST_SHARE, 1):
            break
        if all(abs(place - other) > apart for other in worst):
            worst.append(place)
    others = [place for place in range(total) if place not in worst]
    rest = count - len(worst)
    spread = [others[step * (len(others) - 1) // max(rest - 1, 1)] for step in range(rest)]
    return sorted([*worst, *spread])


def spot(pictures: Sequence[Tensor], anchor: int) -> tuple[int, int]:
    """Find where in a frame the clips differ most: what the page is opened at.

    Args:
        pictures: (1, 3, H, W) RGB in [0, 1], one for each clip.
        anchor: The one that the others are compared with.

    Returns:
        Column and row of the middle of that part; those of the picture where all are equal.
    """
    true = pictures[anchor]
    others = [each for side, each in enumerate(pictures) if side != anchor]
    apart = torch.stack([(each - true).abs().mean(1) for each in others]).sum(0)
    height, width = apart.shape[1:]
    cell = min(CELL, height, width)
    cells = avg_pool2d(apart, cell, ceil_mode=True)
    part = min(PART, *cells.shape[1:])
    parts = avg_pool2d(cells, part, stride=1)
    if not parts.any():
        return width // 2, height // 2
    row, column = divmod(int(parts.argmax()), parts.shape[2])
    return cell * (2 * column + part) // 2, cell * (2 * row + part) // 2
