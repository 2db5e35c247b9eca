"""Tiles: where they lie, and a restorer run over them.

A tile is restored alone, so it needs only a tile's memory, but the network's statistics are its
own: tiles are for frames that do not fit.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

Run = Callable[[Tensor], Tensor]
"""(B, 3, H, W) pictures to restored ones of a fixed multiple of that size."""


class Tiles:
    """Tiles of one size over pictures of one size.

    Args:
        size: Width and height of the pictures.
        tile: Width and height of a tile.
        overlap: Columns and rows that neighbouring tiles share at least.
        multiple: Tiles begin at multiples of it.
        scale: How many times as wide and high the results are.
        device: Where the pictures are.
    """

    def __init__(
        self,
        size: tuple[int, int],
        tile: tuple[int, int],
        overlap: tuple[int, int],
        *,
        multiple: int,
        scale: int,
        device: torch.device,
    ) -> None:
        columns, rows = (
            [
                _Strip(
                    slice(span.first // scale, span.end // scale),
                    slice(span.first, span.end),
                    # Made here, once: weights that are made from Python's numbers for each frame
                    # would let the host wait for the device.
                    torch.tensor(span.weights, dtype=torch.float32, device=device) / span.whole,
                )
                for span in tile_spans(
                    scale * length, scale * side, scale * shared, scale * multiple
                )
            ]
            for length, side, shared in zip(size, tile, overlap, strict=True)
        )
        self._strips = [(row, column) for row in rows for column in columns]
        self._scale = scale

    def run(self, restore: Run, image: Tensor) -> Tensor:
        """Restore (B, 3, H, W) pictures tile by tile; neighbours fade into one another."""
        height, width = (self._scale * side for side in image.shape[-2:])
        output = image.new_zeros(*image.shape[:2], height, width)
        for row, column in self._strips:
            tile = restore(image[..., row.inside, column.inside])
            output[..., row.outside, column.outside] += tile * (
                row.weights[:, None] * column.weights
            )
        return output


@dataclass(frozen=True, slots=True)
class _Strip:
    """The pixels of a tile along one axis: of the picture, of the result, and their weights."""

    inside: slice
    outside: slice
    weights: Tensor


@dataclass(frozen=True, slots=True)
class Span:
    """The pixels of a tile along one axis.

    Attributes:
        first: The first pixel.
        end: The pixel behind the last one.
        weights: The share of this tile in each pixel, in parts of `whole`; over all tiles they sum
            to `whole`.
        whole: The weight of a pixel that belongs to this tile alone.
    """

    first: int
    end: int
    weights: tuple[int, ...]
    whole: int


@cache
def tile_spans(length: int, tile: int, overlap: int, multiple: int) -> tuple[Span, ...]:
    """Cover an axis with tiles.

    Args:
        length: Pixels of the axis.
        tile: Pixels of a tile. The last one takes up to `multiple` - 1 more.
        overlap: Pixels that a tile shares with the next one at least, a multiple of 4, at most half
            a tile. The middle half fades from one to the other; the rest is context only, since a
            tile is least sure of its border.
        multiple: Tiles begin at multiples of it, so that the cells of a network lie as they would
            without tiles; at most half a tile.

    Returns:
        The tiles in order; one, of full weight, where the axis is no longer than a tile.
    """
    fade = overlap // 2
    if length <= tile:
        return (Span(0, length, (2 * fade,) * length, 2 * fade),)
    last = (length - tile) // multiple * multiple
    stride = (tile - overlap) // multiple * multiple
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
    """List odd numbers that rise over `fade` pixels from `rise` on, and fall from `fall` on."""
    return tuple(
        min(max(2 * (pixel - rise) + 1, 0), 2 * fade)
        - min(max(2 * (pixel - fall) + 1, 0), 2 * fade)
        for pixel in pixels
    )
