"""The 8x KL autoencoder of Stable Diffusion (diffusers' AutoencoderKL), any width.

The restorer itself needs none: the paper's teacher GenDR works between its two halves, and
GenDR-Adc before the second one.
"""

import math
from dataclasses import dataclass
from typing import cast

import torch.nn.functional as F
from torch import Tensor, nn

from vs_gendrpix.errors import ModelError
from vs_gendrpix.model.attention import Attention
from vs_gendrpix.model.layers import ResBlock, Upsample

EPS = 1e-6
"""Epsilon of every GroupNorm."""

LOG_VARIANCE = (-30.0, 20.0)
"""Range to which the encoder's log-variance is clamped, so that its exponential stays finite."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VAEConfig:
    """The numbers that make a VAE; the defaults are those of Stable Diffusion 2.1.

    Attributes:
        channels: Width of each of the four levels; each level after the first halves the grid.
        layers: ResBlocks a level in the encoder; one more in the decoder.
        latent_channels: Values of a latent cell.
        groups: Groups of every GroupNorm.
        scaling: Factor of latents on their way out, so that their deviation is about 1.
    """

    channels: tuple[int, ...] = (128, 256, 512, 512)
    layers: int = 2
    latent_channels: int = 4
    groups: int = 32
    scaling: float = 0.18215

    def __post_init__(self) -> None:
        if len(self.channels) != 4:
            raise ModelError(f"an 8x VAE has 4 levels, got {len(self.channels)} widths")
        if not 1 <= self.layers <= 8 or min(self.latent_channels, self.groups) < 1:
            raise ModelError("a VAE needs 1 to 8 layers a level, latent channels and groups")
        for width in self.channels:
            if width < 1 or width % self.groups:
                raise ModelError(
                    f"a VAE level of {width} channels does not divide into {self.groups} groups"
                )
        if not 0 < self.scaling < math.inf:
            raise ModelError(f"a VAE's scaling {self.scaling} must be above 0 and finite")


class GridAttention(Attention):
    """Attention of every cell over all others, in one head as wide as they are: a residual."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__(channels, channels, channels, bias=True)
        self.group_norm = nn.GroupNorm(groups, channels, eps=EPS)

    def over_grid(self, x: Tensor) -> Tensor:
        """Map (B, C, h, w) to the same shape."""
        tokens = self.group_norm(x).flatten(2).transpose(1, 2)  # (B, N, C)
        return x + self(tokens, tokens).transpose(1, 2).view(x.shape)


class Middle(nn.Module):
    """A ResBlock, attention, a ResBlock, on the coarsest grid."""

    def __init__(self, width: int, groups: int) -> None:
        super().__init__()
        self.resnets = nn.ModuleList(
            [ResBlock(width, width, groups=groups, eps=EPS) for _ in range(2)]
        )
        self.attentions = nn.ModuleList([GridAttention(width, groups)])

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, h, w) to the same shape."""
        x = self.resnets[0](x)
        x = cast("GridAttention", self.attentions[0]).over_grid(x)
        return self.resnets[1](x)


class Halve(nn.Module):
    """A strided convolution whose padding lies below and to the right, as the VAE's does."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, h, w) to (B, C, h / 2, w / 2)."""
        return self.conv(F.pad(x, (0, 1, 0, 1)))


class Level(nn.Module):
    """ResBlocks of one grid, and at its end a way to the next finer or coarser one."""

    def __init__(self, widths: list[tuple[int, int]], groups: int, end: nn.Module | None) -> None:
        super().__init__()
        self.resnets = nn.ModuleList(
            [ResBlock(before, after, groups=groups, eps=EPS) for before, after in widths]
        )
        if isinstance(end, Halve):
            self.downsamplers = nn.ModuleList([end])
        elif isinstance(end, Upsample):
            self.upsamplers = nn.ModuleList([end])

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, in, h, w) to (B, out, h', w')."""
        for resnet in self.resnets:
            x = resnet(x)
        if hasattr(self, "downsamplers"):
            return self.downsamplers[0](x)
        if hasattr(self, "upsamplers"):
            return self.upsamplers[0](x, (2 * x.shape[-2], 2 * x.shape[-1]))
        return x


class Half(nn.Module):
    """What the encoder and the decoder have in common: a first layer, levels, a middle, a last."""

    def __init__(
        self, config: VAEConfig, channels: tuple[int, int], inner: tuple[int, int]
    ) -> None:
        super().__init__()
        self.conv_in = nn.Conv2d(channels[0], inner[0], 3, padding=1)
        self.mid_block = Middle(config.channels[-1], config.groups)
        self.conv_norm_out = nn.GroupNorm(config.groups, inner[1], eps=EPS)
        self.conv_out = nn.Conv2d(inner[1], channels[1], 3, padding=1)

    def last(self, x: Tensor) -> Tensor:
        """The last layer."""
        return self.conv_out(F.silu(self.conv_norm_out(x)))


class Encoder(Half):
    """Pictures to the moments of their latents."""

    def __init__(self, config: VAEConfig) -> None:
        widths, coarsest = config.channels, len(config.channels) - 1
        channels = (3, 2 * config.latent_channels)
        super().__init__(config, channels, (widths[0], widths[-1]))
        self.down_blocks = nn.ModuleList(
            [
                Level(
                    [(widths[max(level - 1, 0)], width)] + [(width, width)] * (config.layers - 1),
                    config.groups,
                    Halve(width) if level < coarsest else None,
                )
                for level, width in enumerate(widths)
            ]
        )

    def forward(self, image: Tensor) -> Tensor:
        """Map (B, 3, H, W) to (B, 2 L, H/8, W/8)."""
        x = self.conv_in(image)
        for level in self.down_blocks:
            x = level(x)
        return self.last(self.mid_block(x))


class Decoder(Half):
    """Latents to pictures."""

    def __init__(self, config: VAEConfig) -> None:
        widths = config.channels[::-1]
        channels = (config.latent_channels, 3)
        super().__init__(config, channels, (widths[0], widths[-1]))
        self.up_blocks = nn.ModuleList(
            [
                Level(
                    [(widths[max(level - 1, 0)], width)] + [(width, width)] * config.layers,
                    config.groups,
                    Upsample(width) if level < len(widths) - 1 else None,
                )
                for level, width in enumerate(widths)
            ]
        )

    def forward(self, latent: Tensor) -> Tensor:
        """Map (B, L, h, w) to (B, 3, 8 h, 8 w)."""
        x = self.mid_block(self.conv_in(latent))
        for level in self.up_blocks:
            x = level(x)
        return self.last(x)


class VAE(nn.Module):
    """Pictures in [-1, 1] to latents an eighth as large, and back."""

    def __init__(self, config: VAEConfig) -> None:
        super().__init__()
        self.config = config
        moments, latent = 2 * config.latent_channels, config.latent_channels
        self.encoder, self.decoder = Encoder(config), Decoder(config)
        self.quant_conv = nn.Conv2d(moments, moments, 1)
        self.post_quant_conv = nn.Conv2d(latent, latent, 1)

    def moments(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance (B, L, H/8, W/8) of the unscaled latents of (B, 3, H, W)."""
        mean, log_variance = self.quant_conv(self.encoder(image)).chunk(2, dim=1)
        return mean, log_variance.clamp(*LOG_VARIANCE)

    def encode(self, image: Tensor) -> Tensor:
        """The scaled mean latents (B, L, H/8, W/8) of pictures, H and W multiples of 8."""
        return self.moments(image)[0] * self.config.scaling

    def decode(self, latent: Tensor) -> Tensor:
        """The pictures (B, 3, 8 h, 8 w), nominally in [-1, 1], of scaled latents."""
        return self.decoder(self.post_quant_conv(latent / self.config.scaling))

    def forward(self, image: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """What training needs: pictures from a sample of their latents, and its divergence.

        Args:
            image: (B, 3, H, W) in [-1, 1].
            noise: (B, L, H/8, W/8), standard normal.

        Returns:
            The pictures, and the mean divergence of a latent value from the normal distribution.
        """
        mean, log_variance = self.moments(image)
        sample = mean + (0.5 * log_variance).exp() * noise
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean()
        return self.decoder(self.post_quant_conv(sample)), divergence
