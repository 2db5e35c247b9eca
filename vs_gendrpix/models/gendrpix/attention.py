"""The attention parts of the UNet and of the VAE."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vs_gendrpix.models.gendrpix.layers import norm
from vs_gendrpix.models.gendrpix.windows import (
    KEYS_AT_ONCE,
    dense_attention,
    window_indices,
    windowed_attention,
)

TOKENS_AT_ONCE = 1 << 14
"""Tokens in a feed-forward part at a time: 84 MB of its widest values at the finest level of the
full network in bf16, instead of 660 MB for a whole 4K frame."""


class Projections(nn.Module):
    """The linear layers of multi-head attention, and what lies between them.

    Args:
        dim: Width of the tokens.
        context_dim: Width of what they attend to.
        head_dim: Width of a head.
        bias: Whether queries, keys and values have one; the VAE's do, the UNet's do not.
    """

    def __init__(self, dim: int, context_dim: int, head_dim: int, *, bias: bool = False) -> None:
        super().__init__()
        self.head_dim = head_dim
        self.to_q = nn.Linear(dim, dim, bias=bias)
        self.to_k = nn.Linear(context_dim, dim, bias=bias)
        self.to_v = nn.Linear(context_dim, dim, bias=bias)
        self.to_out = nn.ModuleList([nn.Linear(dim, dim)])  # a list for diffusers' key, to_out.0

    def attend(self, x: Tensor, context: Tensor) -> Tensor:
        """Attend from (B, N, C) tokens to (B, M, context_dim) ones."""
        query, key, value = self.to_q(x), self.to_k(context), self.to_v(context)
        return self.to_out[0](dense_attention(query, key, value, self.head_dim))


class Attention(Projections):
    """Attention of tokens over themselves or over a condition."""

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """Attend from (B, N, C) tokens to (B, M, context_dim) ones."""
        return self.attend(x, context)


class SelfAttention(Projections):
    """Attention of a grid of tokens over itself: in full where it is small, or else in windows.

    Args:
        dim: Width of the tokens.
        head_dim: Width of a head.
        window: Side of a window on large grids; None attends in full on all of them.
        shifted: Whether the windows' blocks are moved by half a block.

    Attributes:
        keys_at_once: Keys that are gathered at a time, over all windows: bounds their memory.
    """

    def __init__(self, dim: int, head_dim: int, *, window: int | None, shifted: bool) -> None:
        super().__init__(dim, dim, head_dim)
        self.window, self.shifted = window, shifted
        self.keys_at_once = KEYS_AT_ONCE

    def forward(self, x: Tensor) -> Tensor:
        """Map a (B, h, w, C) grid to the same shape."""
        height, width = x.shape[1:3]
        tokens = x.flatten(1, 2)
        if self.window is None or max(height, width) <= self.window + self.window // 8:
            return self.attend(tokens, tokens).view(x.shape)
        attended = windowed_attention(
            (self.to_q(tokens), self.to_k(tokens), self.to_v(tokens)),
            # As Python's numbers: where the network is being recorded, a shape is of tensors.
            window_indices(
                int(height), int(width), self.window, shifted=self.shifted, device=x.device
            ),
            head_dim=self.head_dim,
            keys_at_once=self.keys_at_once,
        )
        return self.to_out[0](attended).view(x.shape)


class GEGLU(nn.Module):
    """Gated linear unit: half of the projection gates the other through an exact GELU."""

    def __init__(self, dim: int, inner_dim: int) -> None:
        super().__init__()
        self.proj = nn.Linear(dim, 2 * inner_dim)

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., dim) to (..., inner_dim)."""
        value, gate = self.proj(x).chunk(2, dim=-1)
        return value * F.gelu(gate)


class FeedForward(nn.Module):
    """The pointwise part of a transformer block.

    Attributes:
        tokens_at_once: Tokens that are worked on at a time at inference: between its layers they
            are eight times as wide, which would be the network's peak of memory.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        # The identity stands where diffusers has a dropout, so that the keys are the same.
        self.net = nn.Sequential(GEGLU(dim, 4 * dim), nn.Identity(), nn.Linear(4 * dim, dim))
        self.tokens_at_once = TOKENS_AT_ONCE

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., dim) to (..., dim)."""
        rows = x.flatten(0, -2)
        # A gradient needs all that lies between anyway.
        if torch.is_grad_enabled() or len(rows) <= self.tokens_at_once:
            return self.net(x)
        output = torch.empty_like(rows)
        for first in range(0, len(rows), self.tokens_at_once):
            part = slice(first, first + self.tokens_at_once)
            output[part] = self.net(rows[part])
        return output.view(x.shape)


class TransformerBlock(nn.Module):
    """Self-attention where asked for, cross-attention over the condition, feed-forward.

    Each is a residual.
    """

    def __init__(
        self, dim: int, context_dim: int, head_dim: int, itself: SelfAttention | None
    ) -> None:
        super().__init__()
        if itself is not None:
            self.norm1 = nn.LayerNorm(dim)
            self.attn1 = itself
        self.norm2 = nn.LayerNorm(dim)
        self.attn2 = Attention(dim, context_dim, head_dim)
        self.norm3 = nn.LayerNorm(dim)
        self.ff = FeedForward(dim)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """Map a (B, h, w, C) grid of tokens to the same shape; the condition is (B, T, D)."""
        if hasattr(self, "attn1"):
            x = self.attn1(self.norm1(x)).add_(x)
        x = self.attn2(self.norm2(x).flatten(1, 2), condition).view(x.shape).add_(x)
        return self.ff(self.norm3(x)).add_(x)


class SpatialTransformer(nn.Module):
    """A transformer block between two linear projections, as a residual on a feature map.

    Args:
        channels: Width of the feature map.
        context_dim: Width of the condition's tokens.
        head_dim: Width of a head.
        groups: Groups of the norm; 0 only scales and shifts.
        itself: How the feature map attends to itself; None leaves that out.
    """

    def __init__(
        self,
        channels: int,
        context_dim: int,
        head_dim: int,
        groups: int,
        itself: SelfAttention | None,
    ) -> None:
        super().__init__()
        self.norm = norm(channels, groups, 1e-6)
        self.proj_in = nn.Linear(channels, channels)
        block = TransformerBlock(channels, context_dim, head_dim, itself)
        self.transformer_blocks = nn.ModuleList([block])
        self.proj_out = nn.Linear(channels, channels)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """Map (B, C, h, w) to the same shape."""
        y = self.proj_in(self.norm(x).permute(0, 2, 3, 1))  # (B, h, w, C)
        for block in self.transformer_blocks:
            y = block(y, condition)
        return self.proj_out(y).permute(0, 3, 1, 2).add_(x)
