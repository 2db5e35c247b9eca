"""Where tiles lie and how they are blended: integers only.

A tile is restored alone, so it needs only a tile's memory, but the network's statistics are its
own: tiles are for frames that do not fit.
"""

from dataclasses import dataclass
from functools import cache

STEP = 8
"""Tiles begin at multiples of it: the cells of the network lie as they would without tiles."""


@dataclass(frozen=True, slots=True)
class Span:
    """Where a tile lies along one axis.

    Attributes:
        first: Its first pixel.
        end: The pixel behind its last one.
        weights: What each of its pixels counts, of `whole`; over all tiles they sum to `whole`.
        whole: The weight of a pixel that is this tile's alone.
    """

    first: int
    end: int
    weights: tuple[int, ...]
    whole: int


@cache
def tile_spans(length: int, tile: int, overlap: int) -> tuple[Span, ...]:
    """Cover an axis with tiles.

    Args:
        length: Pixels of the axis.
        tile: Pixels of a tile, a multiple of 8. The last one takes up to 7 more.
        overlap: Pixels that a tile shares with the next one at least, a multiple of 4, at most half
            a tile. The middle half fades from one to the other; the rest is context only, since a
            tile is least sure of its border.

    Returns:
        The tiles in order; one, of full weight, where the axis is no longer than a tile.
    """
    fade = overlap // 2
    if length <= tile:
        return (Span(0, length, (2 * fade,) * length, 2 * fade),)
    last = (length - tile) // STEP * STEP
    stride = (tile - overlap) // STEP * STEP
    firsts = [*range(0, last, stride), last]
    ends = [*(first + tile for first in firsts[:-1]), length]
    # The last tile is moved inwards: it shares more, and still fades in the middle.
    fades = [(first + end - fade) // 2 for first, end in zip(firsts[1:], ends, strict=False)]
    return tuple(
        Span(first, end, _weights(range(first, end), rise, fall, fade), 2 * fade)
        for first, end, rise, fall in zip(
            firsts, ends, [-fade, *fades], [*fades, length], strict=True
        )
    )


def _weights(pixels: range, rise: int, fall: int, fade: int) -> tuple[int, ...]:
    """Odd numbers up from the pixel `rise` on and down from `fall` on, over `fade` pixels each."""
    return tuple(
        min(max(2 * (pixel - rise) + 1, 0), 2 * fade)
        - min(max(2 * (pixel - fall) + 1, 0), 2 * fade)
        for pixel in pixels
    )
