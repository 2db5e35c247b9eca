"""The attention parts of the UNet and of the VAE."""

import torch.nn.functional as F
from torch import Tensor, nn


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

    def _heads(self, x: Tensor) -> Tensor:
        batch, tokens, _ = x.shape
        return x.view(batch, tokens, -1, self.head_dim).transpose(1, 2)  # (B, nh, N, hs)

    def attend(self, x: Tensor, context: Tensor) -> Tensor:
        """Attend from (B, N, C) tokens to (B, M, context_dim) ones."""
        attended = F.scaled_dot_product_attention(
            self._heads(self.to_q(x)),
            self._heads(self.to_k(context)),
            self._heads(self.to_v(context)),
        )
        return self.to_out[0](attended.transpose(1, 2).flatten(2))


class Attention(Projections):
    """Attention of tokens over themselves or over a condition."""

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """Attend from (B, N, C) tokens to (B, M, context_dim) ones."""
        return self.attend(x, context)


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
    """The pointwise part of a transformer block."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        # The identity stands where diffusers has a dropout, so that the keys are the same.
        self.net = nn.Sequential(GEGLU(dim, 4 * dim), nn.Identity(), nn.Linear(4 * dim, dim))

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., dim) to (..., dim)."""
        return self.net(x)


class TransformerBlock(nn.Module):
    """Self-attention, cross-attention over the condition, feed-forward; each a residual."""

    def __init__(self, dim: int, context_dim: int, head_dim: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim)
        self.attn1 = Attention(dim, dim, head_dim)
        self.norm2 = nn.LayerNorm(dim)
        self.attn2 = Attention(dim, context_dim, head_dim)
        self.norm3 = nn.LayerNorm(dim)
        self.ff = FeedForward(dim)

    def self_attend(self, x: Tensor) -> Tensor:
        """Attend over the whole (B, h, w, C) grid: the one place that knows how far tokens see."""
        tokens = x.flatten(1, 2)
        return self.attn1(tokens, tokens).view(x.shape)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """Map a (B, h, w, C) grid of tokens to the same shape; the condition is (B, T, D)."""
        x = x + self.self_attend(self.norm1(x))
        x = x + self.attn2(self.norm2(x).flatten(1, 2), condition).view(x.shape)
        return x + self.ff(self.norm3(x))


class SpatialTransformer(nn.Module):
    """A transformer block between two linear projections, as a residual on a feature map."""

    def __init__(self, channels: int, context_dim: int, head_dim: int, groups: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(groups, channels, eps=1e-6)
        self.proj_in = nn.Linear(channels, channels)
        self.transformer_blocks = nn.ModuleList([TransformerBlock(channels, context_dim, head_dim)])
        self.proj_out = nn.Linear(channels, channels)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """Map (B, C, h, w) to the same shape."""
        y = self.proj_in(self.norm(x).permute(0, 2, 3, 1))  # (B, h, w, C)
        for block in self.transformer_blocks:
            y = block(y, condition)
        return x + self.proj_out(y).permute(0, 3, 1, 2)
