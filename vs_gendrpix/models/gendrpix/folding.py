"""Fold what is constant at inference into weights: timestep, keys of the prompts, scales.

The network works at one timestep, so its embedding adds a constant to each ResBlock: a bias. The
prompts are two tensors, so cross-attention's keys and values of all layers are two larger ones. A
norm without statistics is a scale and a shift, which the convolution before it can make. Training
needs all of these as they were: it folds nothing.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vs_gendrpix.models.gendrpix.attention import Attention
from vs_gendrpix.models.gendrpix.layers import Affine, ResBlock
from vs_gendrpix.models.gendrpix.network import Prompted
from vs_gendrpix.models.gendrpix.unet import UNet


class Part(nn.Module):
    """Cuts the part that belongs to one layer out of a folded condition."""

    def __init__(self, first: int, width: int) -> None:
        super().__init__()
        self.first, self.width = first, width

    def forward(self, condition: Tensor) -> Tensor:
        """Cut (B, T, all layers) to (B, T, width), without a copy."""
        return condition.narrow(-1, self.first, self.width)


@torch.no_grad()
def fold[N: Prompted](network: N) -> N:
    """Fold a network in place; it cannot be trained or saved any more.

    Its prompts become wider: they hold the keys and values of every layer.

    Returns:
        The same network, equal but for rounding.
    """
    if not isinstance(network.body, UNet):  # a chain has none of them
        return network
    _fold_time(network.body)
    _fold_scales(network.body)
    layers = [part for part in network.body.modules() if isinstance(part, Attention)]
    prompts = torch.stack([network.positive, network.negative])
    folded = []
    first = 0
    for layer in layers:
        for name in ("to_k", "to_v"):
            projected = _linear(getattr(layer, name), prompts)
            setattr(layer, name, Part(first, projected.shape[-1]))
            first += projected.shape[-1]
            folded.append(projected)
    positive, negative = torch.cat(folded, dim=-1)
    network.positive, network.negative = _constant(positive), _constant(negative)
    return network


def _fold_time(unet: UNet) -> None:
    embedding = unet.time_embedding
    if embedding is None:
        return
    time = _linear(embedding.linear_1, unet.time_sinusoid)
    time = F.silu(_linear(embedding.linear_2, F.silu(time)))
    for block in (part for part in unet.modules() if isinstance(part, ResBlock)):
        if block.time_emb_proj is not None and block.conv1.bias is not None:
            shift = _linear(block.time_emb_proj, time)[0]
            block.conv1.bias = _constant(block.conv1.bias.float() + shift)
            block.time_emb_proj = None
    unet.time_embedding = None


def _fold_scales(unet: UNet) -> None:
    """Move a norm that only scales and shifts into the convolution before it."""
    for block in (part for part in unet.modules() if isinstance(part, ResBlock)):
        scale, conv = block.norm2, block.conv1
        if isinstance(scale, Affine) and conv.bias is not None:
            gain = scale.weight.float()
            conv.weight = _constant(conv.weight.float() * gain[:, None, None, None])
            conv.bias = _constant(conv.bias.float() * gain + scale.bias.float())
            block.norm2 = nn.Identity()


def _linear(layer: nn.Linear, x: Tensor) -> Tensor:
    """Apply a linear layer in fp32, whatever its weights are stored as."""
    bias = None if layer.bias is None else layer.bias.float()
    return F.linear(x.float(), layer.weight.float(), bias)


def _constant(value: Tensor) -> nn.Parameter:
    return nn.Parameter(value, requires_grad=False)
