"""Initial weights: those of another network, or principal components for a new first layer."""

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vs_gendrpix.errors import SettingsError
from vs_gendrpix.models.ancestors.latent import OneStep
from vs_gendrpix.models.card import ModelCard
from vs_gendrpix.models.gendrpix.layers import ResBlock
from vs_gendrpix.models.gendrpix.network import GenDRPix, Prompted
from vs_gendrpix.models.gendrpix.unet import Level, UNetConfig, UpLevel


def new[N: Prompted](
    kind: type[N], config: UNetConfig, *, channels: tuple[int, int], seed: int
) -> N:
    """Make a network with random weights and prompts.

    Args:
        kind: Its class.
        config: The UNet, but for its channels in and out.
        channels: These.
        seed: Decides the weights.
    """
    config = replace(config, in_channels=channels[0], out_channels=channels[1])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = kind(config, ModelCard(name="untrained"))
        for prompt in (network.positive, network.negative):
            nn.init.normal_(prompt)
    return network


def inherit(student: Prompted, teacher: Prompted, *, but: Sequence[str]) -> None:
    """Give a student its teacher's weights, except those of some layers of the UNet.

    Args:
        student: Changed in place.
        teacher: A network of the same widths.
        but: The layers that begin anew, `conv_in` or `conv_out`.
    """
    weights = {
        name: value
        for name, value in teacher.state_dict().items()
        if not name.startswith(tuple(f"unet.{layer}." for layer in but))
    }
    student.load_state_dict(weights, strict=False)


@torch.no_grad()
def deepen(student: Prompted, teacher: Prompted) -> None:
    """Start a student with more ResBlocks per level as the same function as its teacher.

    After Net2Net (arXiv 1511.05641).

    On the way down the further ones come last. What they pass on is also the skip that the first on
    the way up takes in, as before; then come as many further ones, then the others.

    Args:
        student: Changed in place. Its further ResBlocks begin as the identity.
        teacher: A network of the same numbers but for the layers.

    Raises:
        SettingsError: The networks differ in more, or attend outside the middle.
    """
    deep, flat = student.unet.config, teacher.unet.config
    extra = deep.layers - flat.layers
    if extra < 0 or replace(flat, layers=deep.layers) != deep or any(deep.attention):
        raise SettingsError(
            f"{teacher.card.name} cannot begin a network of {deep.layers} layers a level: it needs "
            "as many or fewer, all other numbers the same, and attention in the middle only"
        )
    tensors = student.state_dict()
    for name, value in teacher.state_dict().items():
        tensors[_LATER.sub(lambda up: f"{up[1]}{int(up[2]) + extra}.", name)] = value
    student.load_state_dict(tensors)
    for down in student.unet.down_blocks:
        for block in cast("Level", down).resnets[flat.layers :]:
            _pass_on(cast("ResBlock", block))
    for up in student.unet.up_blocks:
        for block in cast("Level", up).resnets[1 : 1 + extra]:
            _pass_on(cast("ResBlock", block))


_LATER = re.compile(r"(up_blocks\.\d+\.resnets\.)([1-9])\.")
"""Keys of all but the first ResBlock of a level on the way up."""


def _pass_on(block: ResBlock) -> None:
    """Start a ResBlock as the identity of its first channels, those before the skip's."""
    zero(block.conv2)
    if block.conv_shortcut is not None:
        zero(block.conv_shortcut)
        nn.init.dirac_(block.conv_shortcut.weight)


@torch.no_grad()
def give_latents(student: Prompted, step: OneStep) -> None:
    """Scale the last layer of a student so that it gives latents, not noise or velocity.

    The step x_0 = skip x_t + scale output needs x_t, a latent, which a network that sees pixels has
    not. What has learnt to restore changes a latent little, so x_t is nearly x_0, and then
    x_0 = scale / (1 - skip) output.

    Args:
        student: Its `conv_out` is changed in place.
        step: The teacher's.
    """
    factor = step.scale / (1 - step.skip)
    for value in student.unet.conv_out.parameters():
        value.mul_(factor)


def analyse(network: Prompted, degraded: Tensor) -> None:
    """Set a network's first layer to the principal components of degraded cells.

    The values of a cell are nearly one value, its brightness. Random weights would pass that
    on in every channel and drown the detail that there is to restore.

    Args:
        network: Its `conv_in` is changed in place.
        degraded: (N, 3, H, W) pictures in [-1, 1].
    """
    first = network.unet.conv_in
    side = math.isqrt(first.in_channels // 3)
    cells = F.pixel_unshuffle(degraded, side).transpose(0, 1).flatten(1)  # (values, cells)
    mean = cells.mean(1, keepdim=True)
    strength, vectors = torch.linalg.eigh((cells - mean) @ (cells - mean).T / cells.shape[1])
    count = min(first.out_channels, len(strength))
    strength = strength.flip(0)[:count]
    directions = vectors.flip(1)[:, :count]
    # Components below a code value of 255 hold nothing but rounding: they stay small.
    projection = (directions / (strength + (2 / 255) ** 2).sqrt()).T  # (count, values)
    with torch.no_grad():
        first.weight.mul_(0.1)
        first.weight[:count, :, 1, 1] += projection
        if first.bias is not None:
            first.bias.zero_()
            first.bias[:count] = -(projection @ mean)[:, 0]


def straighten(network: GenDRPix, degraded: Tensor) -> None:
    """Start a network as the identity, with the components of a cell before its last layer.

    What `analyse` finds goes straight through: every ResBlock begins as its shortcut, as in
    diffusion UNets (ADM, arXiv 2105.05233), and shortcuts of the finest level as the mean of what
    they join. So the last layer learns to filter at once, and what the blocks add is of use from
    there on. Random blocks, with features among the losses, had learnt nothing after 500 steps or
    grew to activations of 10^9: without norms nothing bounds them.

    Args:
        network: Changed in place.
        degraded: (N, 3, H, W) pictures in [-1, 1].
    """
    analyse(network, degraded)
    unet = network.unet
    with torch.no_grad():
        for block in (part for part in unet.modules() if isinstance(part, ResBlock)):
            zero(block.conv2)
        for number, joining in enumerate(cast("UpLevel", unet.up_blocks[-1]).resnets):
            shortcut = cast("nn.Conv2d", joining.conv_shortcut)
            width = shortcut.out_channels
            shortcut.weight.mul_(0.1)
            below, skip = shortcut.weight[:, :-width], shortcut.weight[:, -width:]
            same = torch.eye(width)[:, :, None, None]
            # What comes from the coarser level first holds none of the components.
            if number:
                below.add_(same / 2)
            skip.add_(same / 2 if number else same)
    zero(unet.conv_out)


def zero(layer: nn.Conv2d) -> None:
    """Set a layer to zero; its weights still get a gradient from its input."""
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
