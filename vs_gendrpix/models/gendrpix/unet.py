"""The UNet: the topology of Stable Diffusion 2.1 (diffusers' UNet2DConditionModel), any width."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from vs_gendrpix.errors import ModelError
from vs_gendrpix.models.gendrpix.attention import (
    TOKENS_AT_ONCE,
    FeedForward,
    SelfAttention,
    SpatialTransformer,
)
from vs_gendrpix.models.gendrpix.layers import Downsample, ResBlock, Upsample, norm, silu
from vs_gendrpix.models.gendrpix.windows import KEYS_AT_ONCE

MAX_WIDTH = 1 << 14
"""The largest width of a network that is built: ten times that of the paper's."""

TIMESTEPS = 1000
"""Steps of Stable Diffusion's training."""

Prediction = Literal["epsilon", "v", "sample"]
"""The meaning of a diffusion network's output: the noise, the velocity (arXiv 2202.00512), or the
clean latent itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UNetConfig:
    """The configuration of a UNet; the defaults are those of `full`, the paper's network.

    Attributes:
        channels: Width of each level; every further level halves the grid.
        attention: Whether a level has a transformer after each ResBlock. The middle always has.
        self_attention: Whether transformers attend to the grid itself, beside the condition.
        layers: ResBlocks a level on the way down; one more on the way up.
        condition_tokens: Tokens of a prompt.
        condition_dim: Width of a prompt's tokens.
        head_dim: Width of an attention head. (diffusers' `attention_head_dim` of SD2.1,
            (5, 10, 20, 20), is the number of heads in spite of its name.)
        groups: Groups of every GroupNorm; 0 leaves their statistics out and only scales and shifts.
        timestep: The one diffusion step at which the network works.
        prediction: What the output of a restorer of latents is at this step. Networks that take or
            give pixels have `sample`.
        in_channels: Values of a token that comes in: 3 x 8 x 8 pixels or 3 x 4 x 4, or those of a
            VAE's latent.
        out_channels: Values of a token that goes out.
    """

    channels: tuple[int, ...] = (320, 640, 1280, 1280)
    attention: tuple[bool, ...] = (True, True, True, False)
    self_attention: bool = True
    layers: int = 2
    condition_tokens: int = 77
    condition_dim: int = 1024
    head_dim: int = 64
    groups: int = 32
    timestep: int = 354
    prediction: Prediction = "sample"
    in_channels: int = 192
    out_channels: int = 192

    def __post_init__(self) -> None:
        if not 1 <= len(self.channels) <= 8 or len(self.attention) != len(self.channels):
            raise ModelError(
                f"a UNet needs 1 to 8 levels and an attention flag for each, "
                f"got {len(self.channels)} widths and {len(self.attention)} flags"
            )
        if not 1 <= self.layers <= 8 or min(self.condition_tokens, self.condition_dim) < 1:
            raise ModelError("a UNet needs 1 to 8 layers a level and a condition that is not empty")
        if min(self.head_dim, self.in_channels, self.out_channels) < 1 or self.groups < 0:
            raise ModelError("a UNet's head width and channels must be at least 1, its groups 0")
        widths = (*self.channels, self.condition_tokens, self.condition_dim)
        if max(*widths, self.in_channels, self.out_channels) > MAX_WIDTH:
            raise ModelError(f"no width of a UNet may be above {MAX_WIDTH}")
        if not 0 <= self.timestep < TIMESTEPS:
            raise ModelError(f"a UNet's timestep must be 0 to {TIMESTEPS - 1}")
        attends = (*self.attention[:-1], True)
        for width, attend in zip(self.channels, attends, strict=True):
            if width < 2 or width % (self.groups or 1) or (attend and width % self.head_dim):
                raise ModelError(
                    f"a UNet level of {width} channels does not divide into {self.groups} groups"
                    + (f" and heads of {self.head_dim}" if attend else "")
                )

    @property
    def prompt(self) -> tuple[int, int]:
        """Tokens of a prompt, and their width."""
        return self.condition_tokens, self.condition_dim


FULL = UNetConfig()
TINY = UNetConfig(
    channels=(64, 32, 32),
    attention=(False, False, False),
    self_attention=False,
    layers=3,
    condition_tokens=8,
    condition_dim=64,
    head_dim=32,
    groups=0,
    in_channels=48,
    out_channels=48,
)


WINDOWS = (64, 32, 16)
"""Sides of self-attention's windows at the finest levels: the 512 pixels of the paper's training
(256 with cells of 4). Deeper levels attend in full: they are small."""


def timestep_embedding(timestep: int, dim: int) -> Tensor:
    """Compute the sinusoidal embedding (1, dim) of a timestep, cosines first (freq_shift 0)."""
    # Not on the meta device, where the first of these loads half of torch: a second of each start.
    with torch.device("cpu"):
        half = dim // 2
        frequencies = torch.exp(-math.log(10_000) * torch.arange(half, dtype=torch.float32) / half)
        angles = timestep * frequencies
        embedding = torch.cat([angles.cos(), angles.sin()])[None]
    return embedding.to(torch.get_default_device())


class TimeEmbedding(nn.Module):
    """Two linear layers over the sinusoid of the fixed timestep."""

    def __init__(self, in_dim: int, out_dim: int) -> None:
        super().__init__()
        self.linear_1 = nn.Linear(in_dim, out_dim)
        self.linear_2 = nn.Linear(out_dim, out_dim)

    def forward(self, sinusoid: Tensor) -> Tensor:
        """Map (1, in_dim) to (1, out_dim)."""
        return self.linear_2(F.silu(self.linear_1(sinusoid)))


def _transformer(config: UNetConfig, level: int, *, shifted: bool) -> SpatialTransformer:
    """Make the transformer for the grid of a level."""
    width = config.channels[level]
    window = WINDOWS[level] if level < len(WINDOWS) else None
    itself = (
        SelfAttention(width, config.head_dim, window=window, shifted=shifted)
        if config.self_attention
        else None
    )
    return SpatialTransformer(width, config.condition_dim, config.head_dim, config.groups, itself)


def _transformers(config: UNetConfig, level: int, *, first: int) -> list[nn.Module]:
    """Make the transformers of a level in one direction: one for each ResBlock, or none.

    Every second one is shifted: a grid of windows that all layers shared would stand still under a
    panning camera.
    """
    if not config.attention[level]:
        return []
    count = config.layers + (first > 0)
    return [_transformer(config, level, shifted=bool((first + i) % 2)) for i in range(count)]


class Level(nn.Module):
    """One level in one direction: ResBlocks, each followed by a transformer where there are any.

    Attributes:
        recomputes: Whether a gradient computes each layer again, instead of what it has kept of it.
    """

    def __init__(
        self, widths: list[tuple[int, int]], config: UNetConfig, *, attentions: list[nn.Module]
    ) -> None:
        super().__init__()
        self.recomputes = False
        time_dim, groups = 4 * config.channels[0], config.groups
        self.resnets = nn.ModuleList(
            [ResBlock(before, after, groups=groups, time_dim=time_dim) for before, after in widths]
        )
        if attentions:
            self.attentions = nn.ModuleList(attentions)

    def layers(self) -> Iterator[tuple[ResBlock, SpatialTransformer | None]]:
        """Yield the ResBlocks in order, each with its transformer or None."""
        attentions = getattr(self, "attentions", [None] * len(self.resnets))
        for resnet, attention in zip(self.resnets, attentions, strict=True):
            yield cast("ResBlock", resnet), attention

    def run(self, layer: nn.Module, *inputs: Tensor | None) -> Tensor:
        """Run a layer of the level."""
        if self.recomputes and torch.is_grad_enabled():
            recomputed: Tensor = checkpoint(layer, *inputs, use_reentrant=False)
            return recomputed
        return layer(*inputs)


class DownLevel(Level):
    """A level on the way down; all but the last end by halving the grid."""

    def __init__(self, config: UNetConfig, level: int) -> None:
        width, before = config.channels[level], config.channels[max(level - 1, 0)]
        widths = [(before if i == 0 else width, width) for i in range(config.layers)]
        super().__init__(widths, config, attentions=_transformers(config, level, first=0))
        if level < len(config.channels) - 1:
            self.downsamplers = nn.ModuleList([Downsample(width)])

    def forward(self, x: Tensor, time: Tensor | None, condition: Tensor) -> list[Tensor]:
        """Run (B, in, h, w) through the level; every output is a skip, the last one goes on."""
        outputs = []
        for resnet, attention in self.layers():
            x = self.run(resnet, x, time)
            x = x if attention is None else self.run(attention, x, condition)
            outputs.append(x)
        if hasattr(self, "downsamplers"):
            outputs.append(self.downsamplers[0](x))
        return outputs


class Middle(Level):
    """A ResBlock, a transformer and a ResBlock, on the coarsest grid."""

    def __init__(self, config: UNetConfig) -> None:
        width = config.channels[-1]
        attention = _transformer(config, len(config.channels) - 1, shifted=False)
        super().__init__([(width, width)] * 2, config, attentions=[attention])

    def forward(self, x: Tensor, time: Tensor | None, condition: Tensor) -> Tensor:
        """Map (B, C, h, w) to the same shape."""
        x = self.run(self.resnets[0], x, time)
        x = self.run(self.attentions[0], x, condition)
        return self.run(self.resnets[1], x, time)


class UpLevel(Level):
    """A level on the way up: each ResBlock takes a skip in; all but the last enlarge the grid.

    Attributes:
        skips: Widths of these skips.
    """

    def __init__(self, config: UNetConfig, level: int) -> None:
        width = config.channels[level]
        below = config.channels[min(level + 1, len(config.channels) - 1)]
        skip_last = config.channels[max(level - 1, 0)]
        skips = [width] * config.layers + [skip_last]
        widths = [((below if i == 0 else width) + skip, width) for i, skip in enumerate(skips)]
        # Counted on from those on the way down, so that every second one of a level is shifted.
        attentions = _transformers(config, level, first=config.layers)
        super().__init__(widths, config, attentions=attentions)
        self.skips = skips
        if level > 0:
            self.upsamplers = nn.ModuleList([Upsample(width)])

    def forward(
        self, x: Tensor, skips: list[Tensor], time: Tensor | None, condition: Tensor
    ) -> Tensor:
        """Join (B, C, h, w) with the newest `skips`, which are taken off the list."""
        for resnet, attention in self.layers():
            x = self.run(resnet, torch.cat([x, skips.pop()], dim=1), time)
            x = x if attention is None else self.run(attention, x, condition)
        if hasattr(self, "upsamplers"):
            x = self.upsamplers[0](x, tuple(skips[-1].shape[-2:]))
        return x


class UNet(nn.Module):
    """The network over tokens; its state dict has the keys of diffusers' UNet2DConditionModel."""

    time_sinusoid: Tensor

    def __init__(self, config: UNetConfig) -> None:
        super().__init__()
        self.config = config
        first, levels = config.channels[0], range(len(config.channels))
        sinusoid = timestep_embedding(config.timestep, first)
        self.register_buffer("time_sinusoid", sinusoid, persistent=False)
        self.conv_in = nn.Conv2d(config.in_channels, first, 3, padding=1)
        self.time_embedding: TimeEmbedding | None = TimeEmbedding(first, 4 * first)
        self.down_blocks = nn.ModuleList([DownLevel(config, level) for level in levels])
        self.mid_block = Middle(config)
        self.up_blocks = nn.ModuleList([UpLevel(config, level) for level in reversed(levels)])
        self.conv_norm_out = norm(first, config.groups, 1e-5)
        self.conv_out = nn.Conv2d(first, config.out_channels, 3, padding=1)

    def attend_fully(self) -> None:
        """Let every token see every other one, however large the grid."""
        for part in self.modules():
            if isinstance(part, SelfAttention):
                part.window = None

    def recompute(self) -> None:
        """Let gradients compute each layer again (checkpointing): less memory, a third slower."""
        for part in self.modules():
            if isinstance(part, Level):
                part.recomputes = True

    def work_on(self, tokens: int | None) -> None:
        """Limit the tokens that transformers process at a time; None restores the default."""
        for part in self.modules():
            if isinstance(part, SelfAttention):
                part.keys_at_once = tokens or KEYS_AT_ONCE
            elif isinstance(part, FeedForward):
                part.tokens_at_once = tokens or TOKENS_AT_ONCE

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """Map (B, in_channels, h, w) tokens under a (B, T, D) condition to out_channels each."""
        # Without an embedding it has been folded into the ResBlocks' biases.
        time = None if self.time_embedding is None else self.time_embedding(self.time_sinusoid)
        x = self.conv_in(x)
        skips = [x]
        for down in self.down_blocks:
            skips += down(skips[-1], time, condition)
        x = self.mid_block(skips[-1], time, condition)
        for up in self.up_blocks:
            x = up(x, skips, time, condition)
        return self.conv_out(silu(self.conv_norm_out(x)))
