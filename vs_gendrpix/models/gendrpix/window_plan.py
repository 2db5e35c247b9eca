"""The layout of the windows of self-attention: integers only.

Full attention costs the square of the picture: at 3840x2160 it is 85 % of the network. Windowed,
queries are cut into equal blocks, and each block attends to one window of keys that contains it,
lies wholly inside the grid and is as large as what the network saw in training. So every token sees
as many others as every other token does, at the border too, and no mask is needed.
"""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisPlan:
    """Blocks of queries and windows of keys along one axis of the grid.

    Attributes:
        length: Tokens along the axis.
        block: Queries of a block.
        window: Keys of a window; `length` where the axis is attended to in full.
        blocks: First query of each block, ascending.
        windows: First key of each block's window.
    """

    length: int
    block: int
    window: int
    blocks: tuple[int, ...]
    windows: tuple[int, ...]

    def owners(self) -> list[int]:
        """List for each token the number of the block whose result counts.

        Blocks that were moved inwards overlap the ones before: there the later block owns.
        """
        owners = [0] * self.length
        for number, first in enumerate(self.blocks):
            owners[first : first + self.block] = [number] * self.block
        return owners


def axis_plan(length: int, base: int, *, shifted: bool) -> AxisPlan:
    """Lay blocks and windows along an axis.

    Args:
        length: Tokens along the axis, at least 1.
        base: Side of a window. An axis of up to an eighth more is attended to in full: PadCFG adds
            a token, and 64 tokens of 65 would not be what the network learnt at 512 pixels.
        shifted: Whether the blocks begin half a block earlier, so that borders of one layer lie
            within blocks of the next.

    Returns:
        The plan: for block i from b_i and window from w_i, 0 <= w_i <= b_i and
        b_i + block <= w_i + window <= length.
    """
    if length <= base + base // 8:
        return AxisPlan(length=length, block=length, window=length, blocks=(0,), windows=(0,))
    block = _block(length, base)
    count = math.ceil(length / block)
    firsts = range(0, count * block, block)
    if shifted:
        firsts = range(-(block // 2), count * block, block)
    # A block that would reach beyond the grid is moved inwards, never padded.
    blocks = tuple(dict.fromkeys(min(max(first, 0), length - block) for first in firsts))
    middle = block // 2 - base // 2
    windows = tuple(min(max(first + middle, 0), length - base) for first in blocks)
    return AxisPlan(length=length, block=block, window=base, blocks=blocks, windows=windows)


def _block(length: int, base: int) -> int:
    """Choose a block of 0.4 to 0.6 windows: the fewest tokens twice, and of equals the largest.

    Larger blocks gather fewer keys, smaller ones have more context around them.
    """
    sides = range(math.ceil(0.4 * base), math.floor(0.6 * base) + 1)
    return min(sides, key=lambda side: (math.ceil(length / side) * side - length, -side))
