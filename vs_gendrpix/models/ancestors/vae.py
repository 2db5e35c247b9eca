"""The 8x KL autoencoder of Stable Diffusion (diffusers' AutoencoderKL), any width.

The restorer itself needs none: the paper's teacher GenDR works between its two halves, and
GenDR-Adc before the second one.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from vs_gendrpix.errors import ModelError
from vs_gendrpix.models.gendrpix.attention import Projections
from vs_gendrpix.models.gendrpix.layers import ResBlock, Upsample, silu

LEVELS = 4
"""Grids, each of half the size of the one before: 1, 1/2, 1/4, 1/8."""

MAX_WIDTH = 1 << 14
"""The largest width of a network that is built."""

EPS = 1e-6
"""Epsilon of every GroupNorm."""

LOG_VARIANCE = (-30.0, 20.0)
"""Range to which the encoder's log-variance is clamped, so that its exponential stays finite."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VAEConfig:
    """The configuration of a VAE; the defaults are those of Stable Diffusion 2.1.

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
        if len(self.channels) != LEVELS:
            raise ModelError(f"an 8x VAE has {LEVELS} levels, got {len(self.channels)} widths")
        if not 1 <= self.layers <= 8 or min(self.latent_channels, self.groups) < 1:
            raise ModelError("a VAE needs 1 to 8 layers a level, latent channels and groups")
        if max(*self.channels, self.latent_channels) > MAX_WIDTH:
            raise ModelError(f"no width of a VAE may be above {MAX_WIDTH}")
        for width in self.channels:
            if width < 1 or width % self.groups:
                raise ModelError(
                    f"a VAE level of {width} channels does not divide into {self.groups} groups"
                )
        if not 0 < self.scaling < math.inf:
            raise ModelError(f"a VAE's scaling {self.scaling} must be above 0 and finite")


class GridAttention(Projections):
    """Attention of every cell over all others, in one head as wide as they are: a residual."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__(channels, channels, channels, bias=True)
        self.group_norm = nn.GroupNorm(groups, channels, eps=EPS)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, h, w) to the same shape."""
        cells = self.group_norm(x).flatten(2).transpose(1, 2)  # (B, h w, C)
        return x + self.attend(cells, cells).transpose(1, 2).reshape(x.shape)


class Middle(nn.Module):
    """A ResBlock, attention, a ResBlock, on the coarsest grid."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        self.resnets = nn.ModuleList(
            [ResBlock(channels, channels, groups=groups, eps=EPS) for _ in range(2)]
        )
        self.attentions = nn.ModuleList([GridAttention(channels, groups)])

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, h, w) to the same shape."""
        x = self.resnets[0](x)
        x = self.attentions[0](x)
        return self.resnets[1](x)


class Halve(nn.Module):
    """A strided convolution that sees one row and column beyond the right and lower border only."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, h, w), both even, to (B, C, h / 2, w / 2)."""
        return self.conv(F.pad(x, (0, 1, 0, 1)))


def _resnets(before: int, width: int, layers: int, groups: int) -> nn.ModuleList:
    """Make the ResBlocks of a level; the first one changes the width."""
    widths = [before, *[width] * (layers - 1)]
    return nn.ModuleList([ResBlock(channels, width, groups=groups, eps=EPS) for channels in widths])


class DownLevel(nn.Module):
    """ResBlocks of one width; all levels but the last end by halving the grid."""

    def __init__(self, before: int, width: int, config: VAEConfig, *, last: bool) -> None:
        super().__init__()
        self.resnets = _resnets(before, width, config.layers, config.groups)
        self.downsamplers = nn.ModuleList([] if last else [Halve(width)])

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, before, h, w) to (B, width, h, w), or to half the grid."""
        for layer in (*self.resnets, *self.downsamplers):
            x = layer(x)
        return x


class UpLevel(nn.Module):
    """ResBlocks of one width; all levels but the last end by doubling the grid."""

    def __init__(self, before: int, width: int, config: VAEConfig, *, last: bool) -> None:
        super().__init__()
        self.resnets = _resnets(before, width, config.layers + 1, config.groups)
        self.upsamplers = nn.ModuleList([] if last else [Upsample(width)])

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, before, h, w) to (B, width, h, w), or to twice the grid."""
        for resnet in self.resnets:
            x = resnet(x)
        for upsample in self.upsamplers:
            x = upsample(x, (2 * x.shape[-2], 2 * x.shape[-1]))
        return x


class Encoder(nn.Module):
    """Maps a picture to the mean and log-variance of its latent."""

    def __init__(self, config: VAEConfig) -> None:
        super().__init__()
        first, last, groups = config.channels[0], config.channels[-1], config.groups
        self.conv_in = nn.Conv2d(3, first, 3, padding=1)
        self.down_blocks = nn.ModuleList(
            [
                DownLevel(before, width, config, last=level == LEVELS)
                for level, (before, width) in enumerate(pairwise((first, *config.channels)), 1)
            ]
        )
        self.mid_block = Middle(last, groups)
        self.conv_norm_out = nn.GroupNorm(groups, last, eps=EPS)
        self.conv_out = nn.Conv2d(last, 2 * config.latent_channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, 3, H, W) to (B, 2 * latent_channels, H / 8, W / 8)."""
        x = self.conv_in(x)
        for level in self.down_blocks:
            x = level(x)
        x = self.mid_block(x)
        return self.conv_out(silu(self.conv_norm_out(x)))


class Decoder(nn.Module):
    """Maps a latent to a picture."""

    def __init__(self, config: VAEConfig) -> None:
        super().__init__()
        widths, groups = config.channels[::-1], config.groups
        self.conv_in = nn.Conv2d(config.latent_channels, widths[0], 3, padding=1)
        self.mid_block = Middle(widths[0], groups)
        self.up_blocks = nn.ModuleList(
            [
                UpLevel(before, width, config, last=level == LEVELS)
                for level, (before, width) in enumerate(pairwise((widths[0], *widths)), 1)
            ]
        )
        self.conv_norm_out = nn.GroupNorm(groups, widths[-1], eps=EPS)
        self.conv_out = nn.Conv2d(widths[-1], 3, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, latent_channels, h, w) to (B, 3, 8 h, 8 w)."""
        x = self.mid_block(self.conv_in(x))
        for level in self.up_blocks:
            x = level(x)
        return self.conv_out(silu(self.conv_norm_out(x)))


class VAE(nn.Module):
    """Maps pictures to latents of an eighth of their size, and back."""

    def __init__(self, config: VAEConfig) -> None:
        super().__init__()
        self.config = config
        latent = config.latent_channels
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        self.quant_conv = nn.Conv2d(2 * latent, 2 * latent, 1)
        self.post_quant_conv = nn.Conv2d(latent, latent, 1)

    def encode(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Find the normal distribution of a picture's latent.

        Args:
            image: (B, 3, H, W) RGB in [-1, 1], H and W multiples of 8.

        Returns:
            Mean and logarithm of the variance, (B, latent_channels, H / 8, W / 8) each, of the
            scaled latent, which is what a UNet works on and what `decode` takes.
        """
        mean, log_variance = self.quant_conv(self.encoder(image)).chunk(2, dim=1)
        scaling = self.config.scaling
        return mean * scaling, log_variance.clamp(*LOG_VARIANCE) + 2 * math.log(scaling)

    def decode(self, latent: Tensor) -> Tensor:
        """Decode a scaled latent.

        Args:
            latent: (B, latent_channels, h, w), scaled as `encode` does.

        Returns:
            (B, 3, 8 h, 8 w) RGB, nominally in [-1, 1], not clamped.
        """
        return self.decoder(self.post_quant_conv(latent / self.config.scaling))
