"""Initial weights: those of another network, or principal components for a new first layer."""

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vs_gendrpix.errors import SettingsError
from vs_gendrpix.models.ancestors.latent import OneStep
from vs_gendrpix.models.card import ModelCard
from vs_gendrpix.models.gendrpix.compact import Compact
from vs_gendrpix.models.gendrpix.layers import ResBlock
from vs_gendrpix.models.gendrpix.network import BodyConfig, GenDRPix, Prompted

if TYPE_CHECKING:
    from vs_gendrpix.models.gendrpix.unet import Level, UpLevel


def new[N: Prompted](
    kind: type[N], config: BodyConfig, *, channels: tuple[int, int], seed: int
) -> N:
    """Make a network with random weights and prompts.

    Args:
        kind: Its class.
        config: The UNet or the chain, but for its channels in and out.
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
        if not name.startswith(tuple(f"body.{layer}." for layer in but))
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


@torch.no_grad()
def take_over(student: GenDRPix, other: nn.Module) -> None:
    """Start a chain over cells of 4 pixels as the same function as a compact network of scale 4.

    The layers between are the other's own. Its first one sees the small picture, the student's what
    the resize has made of that: least squares find the weights that give the same values. The other
    adds its change to the repeated pixels of the small picture. The student's shortcut, found the
    same way, is their difference from the resize.

    Args:
        student: Its chain is changed in place.
        other: Real-ESRGAN's SRVGGNetCompact, as spandrel loads it.

    Raises:
        SettingsError: The networks do not fit.
    """
    chain = student.body
    convolutions = [part for part in other.modules() if isinstance(part, nn.Conv2d)]
    slopes = [part for part in other.modules() if isinstance(part, nn.PReLU)]
    shapes = [part.weight.shape for part in convolutions]
    if not (
        isinstance(chain, Compact)
        and student.cell == _SCALE
        and len(convolutions) == len(slopes) + 1 == chain.config.layers + 2
        and shapes[0] == (chain.config.width, 3, 3, 3)
        and shapes[-1] == (chain.config.out_channels, chain.config.width, 3, 3)
    ):
        raise SettingsError(
            "a chain can begin with a compact network of scale 4 alone, of as many layers and "
            "channels, and has cells of 4 pixels"
        )
    first, *between, last = convolutions
    small = torch.rand((4, 3, 64, 64), generator=torch.Generator().manual_seed(0))
    large = F.interpolate(small, scale_factor=_SCALE, mode="bicubic", antialias=True)
    cells = F.pixel_unshuffle(large * 2 - 1, _SCALE)
    repeated = F.interpolate(small, scale_factor=_SCALE, mode="nearest")
    _fit(chain.conv_in, cells, first(small))
    _fit(chain.shortcut, cells, F.pixel_unshuffle(2 * (repeated - large), _SCALE))
    chain.act_in.load_state_dict(slopes[0].state_dict())
    for layer, convolution, slope in zip(chain.layers, between, slopes[1:], strict=True):
        for own, taken in zip(layer.children(), (convolution, slope), strict=True):
            own.load_state_dict(taken.state_dict())
    chain.conv_out.load_state_dict(last.state_dict())
    for value in chain.conv_out.parameters():
        value.mul_(2)  # the range is [-1, 1] here, [0, 1] there
    for prompt in (student.positive, student.negative):
        prompt.zero_()


_SCALE = 4
_RIDGE = 1e-5
"""Added to the variances, of about 0.3, that the least squares divide by."""


def _fit(layer: nn.Conv2d, inputs: Tensor, wanted: Tensor) -> None:
    """Set a convolution of 3x3 to the least squares from (B, C, h, w) to (B, O, h, w)."""
    # Without the border, where a convolution sees zeros.
    patches = F.unfold(inputs, 3).transpose(1, 2).flatten(0, 1).double()
    values = wanted[..., 1:-1, 1:-1].flatten(2).transpose(1, 2).flatten(0, 1).double()
    ones = patches.new_ones(len(patches), 1)
    patches = torch.cat([patches, ones], 1)
    squares = patches.T @ patches / len(patches)
    squares.diagonal().add_(_RIDGE)
    solution = torch.linalg.solve(squares, patches.T @ values / len(patches))
    layer.weight.copy_(solution[:-1].T.reshape(layer.weight.shape))
    if layer.bias is not None:
        layer.bias.copy_(solution[-1])


def zero(layer: nn.Conv2d) -> None:
    """Set a layer to zero; its weights still get a gradient from its input."""
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
