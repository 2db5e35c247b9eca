"""GenDR-Pix: a picture in, the restored picture of the same size out."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vs_gendrpix.model.unet import UNet, UNetConfig

CELL = 8
"""Side of a token in pixels: sizes must be multiples of it."""

LATTICE_WINDOW = 3
"""Cells to a side over which a tile counts as repeated: 24 pixels. Larger windows cost a few
hundredths of a dB less, but leave tiles that stand on a small flat area (docs/training-log.md)."""


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


class Prompted(nn.Module):
    """A UNet with its two conditions and its card: what a model file holds."""

    def __init__(self, config: UNetConfig, card: ModelCard) -> None:
        super().__init__()
        self.card = card
        self.unet = UNet(config)
        # Without a text encoder a prompt is just a tensor: given (full) or learnt (small models).
        shape = (config.condition_tokens, config.condition_dim)
        self.positive = nn.Parameter(torch.zeros(shape))
        self.negative = nn.Parameter(torch.zeros(shape))


class GenDRPix(Prompted):
    """One step in pixel space: 8x unshuffle, UNet, 8x shuffle (paper, figure 2)."""

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
        cells = cells.to(image.dtype)
        if self.card.residual:
            return image + F.pixel_shuffle(without_lattice(cells), CELL)
        return F.pixel_shuffle(cells, CELL)


def without_lattice(cells: Tensor) -> Tensor:
    """Take out of a change the 8x8 tile that it repeats from cell to cell.

    Each of the 64 pixels of a cell comes from weights of its own, so whatever these fail to share
    stands still on the picture as a grid (paper, equation 2). A loss against it only makes it
    faint: a twentieth of a code value is still a line in the spectrum where the resize has nothing.
    But nothing else than a tile puts a constant on a channel: so the local mean of every channel
    is subtracted, except for what all pixels of a cell share, which is brightness.

    A picture that truly repeats every 8 pixels keeps what the resize shows of it, no more.

    Args:
        cells: (B, 3 * 64, h, w), the unshuffled change; windows end at the border.

    Returns:
        The same shape.
    """
    tile = cells
    for window in ((LATTICE_WINDOW, 1), (1, LATTICE_WINDOW)):
        reach = (window[0] // 2, window[1] // 2)
        tile = F.avg_pool2d(tile, window, 1, reach, count_include_pad=False)
    batch, channels, height, width = tile.shape
    tile = tile.reshape(batch, channels // CELL**2, CELL**2, height, width)
    return cells - (tile - tile.mean(2, keepdim=True)).reshape(cells.shape)


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
