"""Self-attention in windows, by plain gathers and dense attention; `window_plan` says where."""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from vs_gendrpix.models.gendrpix.window_plan import AxisPlan, axis_plan

KEYS_AT_ONCE = 1 << 17
"""Keys that are gathered at a time: 32 windows of 64x64, 170 MB of keys and values at the finest
level of the full network in bf16."""


def dense_attention(query: Tensor, key: Tensor, value: Tensor, head_dim: int) -> Tensor:
    """Attend with every one of (B, N, C) queries to all (B, M, C) keys: (B, N, C)."""

    def heads(x: Tensor) -> Tensor:
        return x.view(*x.shape[:2], -1, head_dim).transpose(1, 2)  # (B, nh, N, hs)

    attended = F.scaled_dot_product_attention(heads(query), heads(key), heads(value))
    return attended.transpose(1, 2).flatten(2)


class WindowIndices(NamedTuple):
    """Indices of the tokens of each window in a flattened grid, as int32 tensors.

    Attributes:
        queries: (windows, tokens of a block).
        keys: (windows, tokens of a window).
        owners: (tokens of the grid,), where in the flattened `queries` each token's result lies.
    """

    queries: Tensor
    keys: Tensor
    owners: Tensor


def window_indices(
    height: int, width: int, window: int, *, shifted: bool, device: torch.device
) -> WindowIndices:
    """Find the tokens of each window of a grid, laid out as `window_plan` says."""
    if torch.compiler.is_compiling():
        # A compiler makes constants of them, but cannot look into the cache.
        return _indices(height, width, window, shifted=shifted, device=device)
    return _kept_indices(height, width, window, shifted=shifted, device=device)


@lru_cache(maxsize=64)  # a few sizes of picture, each with up to 3 levels and 2 shifts
def _kept_indices(
    height: int, width: int, window: int, *, shifted: bool, device: torch.device
) -> WindowIndices:
    # Made in inference mode they could never serve a training step.
    with torch.inference_mode(mode=False):
        return _indices(height, width, window, shifted=shifted, device=device)


def _indices(
    height: int, width: int, window: int, *, shifted: bool, device: torch.device
) -> WindowIndices:
    rows, columns = (axis_plan(length, window, shifted=shifted) for length in (height, width))
    queries = _rectangles(
        _spans(rows.blocks, rows.block), _spans(columns.blocks, columns.block), width
    )
    keys = _rectangles(
        _spans(rows.windows, rows.window), _spans(columns.windows, columns.window), width
    )
    (block_row, row), (block_column, column) = _owners(rows), _owners(columns)
    number = block_row[:, None] * len(columns.blocks) + block_column
    owners = (number * rows.block + row[:, None]) * columns.block + column
    made = (queries, keys, owners.flatten())
    return WindowIndices(*(index.to(device, torch.int32) for index in made))


def _spans(firsts: Sequence[int], length: int) -> Tensor:
    """Number the tokens of equally long spans of an axis: (spans, length)."""
    return torch.tensor(firsts)[:, None] + torch.arange(length)


def _rectangles(rows: Tensor, columns: Tensor, width: int) -> Tensor:
    """Pair all (spans, tokens) rows and columns, row by row: (rectangles, tokens)."""
    grid = rows[:, None, :, None] * width + columns[:, None, :]
    return grid.flatten(2).flatten(0, 1)


def _owners(plan: AxisPlan) -> tuple[Tensor, Tensor]:
    """Find the number of the block that owns each token of an axis, and its place there."""
    owners = torch.tensor(plan.owners())
    return owners, torch.arange(plan.length) - torch.tensor(plan.blocks)[owners]


def windowed_attention(
    projected: tuple[Tensor, Tensor, Tensor],
    indices: WindowIndices,
    *,
    head_dim: int,
    keys_at_once: int,
) -> Tensor:
    """Attend in each window from its queries to its keys.

    Args:
        projected: Queries, keys and values, (B, N, C) each.
        indices: The windows.
        head_dim: Width of a head.
        keys_at_once: Keys that are gathered at a time, over windows and batch; at least a window's.

    Returns:
        (B, N, C): for each token the result of the block that owns it.
    """
    query, key, value = projected
    batch, width = len(query), query.shape[-1]

    def gathered(x: Tensor, index: Tensor) -> Tensor:
        found = x.index_select(1, index.flatten())
        return found.view(batch * len(index), index.shape[1], width)

    at_once = max(1, keys_at_once // (batch * indices.keys.shape[1]))
    results = []
    for first in range(0, len(indices.keys), at_once):
        inner = indices.queries[first : first + at_once]
        outer = indices.keys[first : first + at_once]
        attended = dense_attention(
            gathered(query, inner), gathered(key, outer), gathered(value, outer), head_dim
        )
        results.append(attended.reshape(batch, -1, width))
    # A gather, for a scatter to the same token twice leaves to chance on a GPU who wins.
    return torch.cat(results, dim=1).index_select(1, indices.owners)
