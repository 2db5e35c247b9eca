"""GenDR-Pix: a picture in, the restored picture of the same size out."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vs_gendrpix.model.unet import UNet, UNetConfig

CELL = 8
"""Side of a token in pixels: sizes must be multiples of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """What a model file says about itself, beside its numbers.

    Attributes:
        name: Short name.
        residual: Whether the network's output is added to its input (ours) or is the picture.
        guidance: The weight w of PadCFG that suits the model; 1 = one pass.
        scale: Resize factors of the training, as text.
        licence: SPDX identifier of the weights' licence, or its name.
        training: Fingerprint of the training: recipe, data, steps.
    """

    name: str
    residual: bool = True
    guidance: float = 1.0
    scale: str = "1-4"
    licence: str = "unknown"
    training: str = "none: random weights"


class GenDRPix(nn.Module):
    """One step in pixel space: 8x unshuffle, UNet, 8x shuffle (paper, figure 2)."""

    def __init__(self, config: UNetConfig, card: ModelCard) -> None:
        super().__init__()
        self.card = card
        self.unet = UNet(config)
        # Without a text encoder a prompt is just a tensor: given (full) or learnt (small models).
        shape = (config.condition_tokens, config.condition_dim)
        self.positive = nn.Parameter(torch.zeros(shape))
        self.negative = nn.Parameter(torch.zeros(shape))

    def forward(self, image: Tensor, condition: Tensor) -> Tensor:
        """Restore a batch.

        Args:
            image: (B, 3, H, W) RGB in [-1, 1], H and W multiples of 8, already at the output size.
            condition: (B, T, D) prompt tokens.

        Returns:
            (B, 3, H, W) RGB, nominally in [-1, 1], not clamped, in the dtype of `image`.
        """
        dtype = self.unet.conv_in.weight.dtype
        cells = F.pixel_unshuffle(image, CELL)  # (B, 192, H/8, W/8)
        cells = cells.to(dtype, memory_format=torch.channels_last)
        cells = self.unet(cells, condition.to(dtype))
        # The sum is made in the image's precision: bf16 would quantise the picture itself.
        picture = F.pixel_shuffle(cells.to(image.dtype), CELL)
        return image + picture if self.card.residual else picture


def random_network(config: UNetConfig, *, seed: int, card: ModelCard | None = None) -> GenDRPix:
    """A network with random weights, the tail included: proves plumbing, never quality."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = GenDRPix(config, card or ModelCard(name="random"))
        for prompt in (network.positive, network.negative):
            nn.init.normal_(prompt)
    return network.eval()


def zero_tail(network: GenDRPix) -> GenDRPix:
    """Zero the last convolution: with the residual, the network is then exactly the identity."""
    nn.init.zeros_(network.unet.conv_out.weight)
    if network.unet.conv_out.bias is not None:
        nn.init.zeros_(network.unet.conv_out.bias)
    return network
