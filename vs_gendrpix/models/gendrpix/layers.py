"""The convolutional parts of the UNet and of the VAE."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def silu(x: Tensor) -> Tensor:
    """Apply SiLU, x * sigmoid(x), to a tensor that nothing else holds: in place without gradients.

    Fresh memory for every step costs as much as the steps themselves.
    """
    return F.silu(x, inplace=not torch.is_grad_enabled())


class Affine(nn.Module):
    """A scale and a shift of each channel: a norm that does not look at the picture.

    A GroupNorm divides by a deviation over the whole picture: what is left of an amplitude, of
    noise say, depends on the contrast elsewhere, and so does the result (EDSR, arXiv 1707.02921,
    section 3.1, leaves norms out for the same reason).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, h, w) to the same shape."""
        weight, bias = self.weight.to(x.dtype), self.bias.to(x.dtype)
        return torch.addcmul(bias[:, None, None], x, weight[:, None, None])


def norm(channels: int, groups: int, eps: float) -> nn.Module:
    """Make a GroupNorm, or an `Affine` under the same keys where there are no groups."""
    return nn.GroupNorm(groups, channels, eps=eps) if groups else Affine(channels)


class ResBlock(nn.Module):
    """Two 3x3 convolutions with a shortcut; a timestep may shift the features between them.

    Args:
        in_channels: Channels that come in.
        out_channels: Channels that go out.
        groups: Groups of both norms; 0 only scales and shifts.
        eps: Epsilon of both norms: 1e-5 in the UNet, 1e-6 in the VAE.
        time_dim: Width of the time embedding; None leaves it out.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        groups: int,
        eps: float = 1e-5,
        time_dim: int | None = None,
    ) -> None:
        super().__init__()
        self.norm1 = norm(in_channels, groups, eps)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.time_emb_proj: nn.Linear | None = (
            None if time_dim is None else nn.Linear(time_dim, out_channels)
        )
        self.norm2 = norm(out_channels, groups, eps)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.conv_shortcut = (
            None if in_channels == out_channels else nn.Conv2d(in_channels, out_channels, 1)
        )

    def forward(self, x: Tensor, time: Tensor | None = None) -> Tensor:
        """Map (B, in, h, w) to (B, out, h, w); `time` is (1, time_dim) where there is one."""
        y = self.conv1(silu(self.norm1(x)))
        if self.time_emb_proj is not None and time is not None:
            y = y + self.time_emb_proj(F.silu(time))[:, :, None, None]
        y = self.conv2(silu(self.norm2(y)))
        return y.add_(x if self.conv_shortcut is None else self.conv_shortcut(x))


class Downsample(nn.Module):
    """Halve the grid by a strided convolution; an odd side n becomes (n + 1) / 2."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, h, w) to (B, C, ceil(h / 2), ceil(w / 2))."""
        return self.conv(x)


class Upsample(nn.Module):
    """Nearest-neighbour enlargement to a given grid, then a convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor, size: tuple[int, int]) -> Tensor:
        """Map (B, C, h, w) to (B, C, *size).

        The size is that of the skip that joins next, not twice the input: odd grids lose a
        row or a column on the way back otherwise.
        """
        return self.conv(F.interpolate(x, size=size, mode="nearest"))
