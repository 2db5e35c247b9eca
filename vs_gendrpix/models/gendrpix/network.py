"""GenDR-Pix: a picture in, the restored picture of the same size out."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vs_gendrpix.errors import ModelError
from vs_gendrpix.models.card import ModelCard
from vs_gendrpix.models.gendrpix.compact import Compact, CompactConfig
from vs_gendrpix.models.gendrpix.unet import UNet, UNetConfig

CELL = 8
"""Side of the paper's token in pixels: sizes must be multiples of it."""
CELLS = (CELL, CELL // 2)
"""Sides that a network's tokens may have."""

LATTICE_WINDOW = 24
"""Pixels to a side over which a tile counts as repeated: 3 cells of 8. Larger windows cost a few
hundredths of a dB less, but leave tiles that stand on a small flat area: see
docs/results/training-log.md."""

FLAT = 1 / 127.5
"""Change, in [-1, 1], up to which a cell counts as flat: one code of 255."""


BodyConfig = UNetConfig | CompactConfig
"""The configuration of a network between the cells: the paper's UNet, or a chain."""


class Prompted(nn.Module):
    """A body with its two conditions and its card: what a model file holds.

    Attributes:
        body: The network between the cells, or on latents.
    """

    def __init__(self, config: BodyConfig, card: ModelCard) -> None:
        super().__init__()
        self.card = card
        self.body = UNet(config) if isinstance(config, UNetConfig) else Compact(config)
        # Without a text encoder a prompt is just a tensor: given (full) or learnt (small models).
        self.positive = nn.Parameter(torch.zeros(config.prompt))
        self.negative = nn.Parameter(torch.zeros(config.prompt))

    @property
    def unet(self) -> UNet:
        """The body, for what only a UNet has.

        Raises:
            ModelError: It is a chain.
        """
        if not isinstance(self.body, UNet):
            raise ModelError(f"the network of {self.card.name} is a chain: this needs a UNet")
        return self.body


class GenDRPix(Prompted):
    """One step in pixel space: 8x unshuffle, UNet or chain, 8x shuffle (paper, figure 2).

    A filter for pixels means the same everywhere, but has to be learnt anew for every place within
    a cell. Cells of 4 pixels have a quarter of the places, so they learn sooner.

    Attributes:
        cell: Side of a cell in pixels, one of `CELLS`; the body's channels tell it.

    Raises:
        ModelError: The body takes or gives other things than such cells, or predicts a latent's.
    """

    def __init__(self, config: BodyConfig, card: ModelCard) -> None:
        channels = (config.in_channels, config.out_channels)
        sides = {(3 * side**2,) * 2: side for side in CELLS}
        if channels not in sides:
            wanted = " or ".join(str(3 * side**2) for side in CELLS)
            raise ModelError(
                f"a restorer of pictures has {wanted} channels at both ends, not {channels[0]} and "
                f"{channels[1]}: this is another stage of training"
            )
        if isinstance(config, UNetConfig) and config.prediction != "sample":
            raise ModelError(f"a restorer of pictures predicts sample, not {config.prediction}")
        super().__init__(config, card)
        self.cell = sides[channels]

    def forward(self, image: Tensor, condition: Tensor) -> Tensor:
        """Restore a batch.

        Args:
            image: (B, 3, H, W) RGB in [-1, 1], H and W multiples of 8, already at the output size.
            condition: (B, T, D) prompt tokens.

        Returns:
            (B, 3, H, W) RGB, nominally in [-1, 1], not clamped, in the dtype of `image`.
        """
        dtype = self.body.conv_in.weight.dtype
        cells = F.pixel_unshuffle(image, self.cell)  # (B, 192, H/8, W/8) or (B, 48, H/4, W/4)
        cells = cells.to(dtype, memory_format=torch.channels_last)
        cells = self.body(cells, condition.to(dtype))
        # The sum is made in the image's precision: bf16 would quantise the picture itself.
        cells = cells.to(image.dtype)
        if self.card.residual:
            flat = FLAT if isinstance(self.body, Compact) else None
            return image + F.pixel_shuffle(without_lattice(cells, flat=flat), self.cell)
        return F.pixel_shuffle(cells, self.cell)


def without_lattice(cells: Tensor, *, flat: float | None = None) -> Tensor:
    """Remove from a change the pattern that repeats from cell to cell.

    Each of the pixels of a cell comes from weights of its own, so whatever these fail to share
    stands still on the picture as a grid (paper, equation 2). A loss against it only makes it
    faint: a twentieth of a code value is still a line in the spectrum where the resize has nothing.
    But nothing else than a tile puts a constant on a channel: so the local mean of every channel
    is subtracted, except for what all pixels of a cell share, which is brightness.

    What is done to an edge has a mean too, which comes back as faint rows of lines on the smooth
    places beside it. So cells may count by the inverse of their change's power. But then a pattern
    within texture stays, and networks that were trained with equal weights leave one there.

    A picture that truly repeats with the cells keeps what the resize shows of it, no more.

    Args:
        cells: (B, 3 * side * side, h, w), the unshuffled change; windows end at the border.
        flat: Change up to which a cell counts as a flat one; None weighs all cells alike.

    Returns:
        The same shape.
    """
    batch, channels, height, width = cells.shape
    area = channels // 3
    length = LATTICE_WINDOW // math.isqrt(area) | 1  # odd: a window has a cell in its middle
    if flat is None:
        tile = _local_mean(cells, length)
    else:
        weight = (cells.square().mean(1, keepdim=True) + flat**2).reciprocal()
        tile = _local_mean(cells * weight, length) / _local_mean(weight, length)
    tile = tile.reshape(batch, 3, area, height, width)
    return cells - (tile - tile.mean(2, keepdim=True)).reshape(cells.shape)


def _local_mean(image: Tensor, side: int) -> Tensor:
    """Mean of (B, C, h, w) over a square of an odd side; at the border over what there is of it."""
    for window in ((side, 1), (1, side)):
        reach = (window[0] // 2, window[1] // 2)
        image = F.avg_pool2d(image, window, 1, reach, count_include_pad=False)
    return image


def random_network(config: BodyConfig, *, seed: int, card: ModelCard | None = None) -> GenDRPix:
    """Make a network with random weights, the tail included: proves plumbing, never quality."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = GenDRPix(config, card or ModelCard(name="random"))
        for prompt in (network.positive, network.negative):
            nn.init.normal_(prompt)
    return network.eval()
