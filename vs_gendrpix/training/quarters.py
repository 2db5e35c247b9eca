"""A network whose finest level shares its weights between the four quarters of a cell.

A filter for pixels means the same everywhere, but a network on cells of 8 pixels has to learn it
anew for every place within a cell, and needs more pictures than one on pixels does. Until
the rest is learnt, cells of 4 pixels with a quarter of the channels do: a convolution over them is
exactly a convolution over cells of 8 with four times the channels, in which the four quarters share
their weights. `unfolded` writes it so; from there on each quarter learns for itself.
"""

import itertools
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vs_gendrpix.errors import SettingsError
from vs_gendrpix.model.gendrpix import CELL, Prompted
from vs_gendrpix.model.layers import Affine, Downsample, Upsample
from vs_gendrpix.model.unet import Stage, UNet, UNetConfig

QUARTER = CELL // 2
"""Side in pixels of the quarters that share their weights."""
_QUARTERS = 4


class _Gathered(nn.Module):
    """A `Downsample` that first puts quarters together to cells."""

    def __init__(self, down: Downsample) -> None:
        super().__init__()
        self.inner = down

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C / 4, 2h, 2w) to (B, C, ceil(h / 2), ceil(w / 2))."""
        halved: Tensor = self.inner(F.pixel_unshuffle(x, 2))
        return halved


class _Spread(nn.Module):
    """An `Upsample` that takes cells apart to quarters in the end."""

    def __init__(self, up: Upsample) -> None:
        super().__init__()
        self.inner = up

    def forward(self, x: Tensor, size: tuple[int, int]) -> Tensor:
        """Map (B, C, h, w) to (B, C / 4, *size)."""
        return F.pixel_shuffle(self.inner(x, (size[0] // 2, size[1] // 2)), 2)


class QuarteredUNet(UNet):
    """A UNet whose finest level works on cells of 4 pixels, a quarter as wide.

    It takes and gives the same as the UNet of the same numbers.

    Raises:
        SettingsError: The numbers leave no level to share, or widths that four does not divide.
    """

    def __init__(self, config: UNetConfig) -> None:
        widths = (*config.channels[:2], config.in_channels, config.out_channels)
        if len(config.channels) < 2 or any(width % _QUARTERS for width in widths):
            raise SettingsError("shared quarters need two levels or more, of multiples of 4")
        if config.attention[0] or config.groups:
            raise SettingsError("shared quarters need a finest level without attention and groups")
        super().__init__(config)
        for stage in (self.down_blocks[0], self.up_blocks[-1]):
            _narrow(cast("Stage", stage).resnets)
        for name in ("conv_in", "conv_norm_out", "conv_out"):
            setattr(self, name, _narrowed(getattr(self, name)))
        down = cast("nn.ModuleList", self.down_blocks[0].downsamplers)
        up = cast("nn.ModuleList", self.up_blocks[-2].upsamplers)
        down[0] = _Gathered(cast("Downsample", down[0]))
        up[0] = _Spread(cast("Upsample", up[0]))

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """As `UNet.forward`, in quarters between the first layer and the last."""
        order = _order(x.shape[1], x.device)
        quarters = F.pixel_shuffle(x[:, order], 2)
        y = F.pixel_unshuffle(super().forward(quarters, condition), 2)
        return y[:, _order(y.shape[1], x.device).argsort()]


def share_quarters(network: Prompted) -> None:
    """Give a network a `QuarteredUNet` with random weights."""
    network.unet = QuarteredUNet(network.unet.config)


def unfolded[N: Prompted](network: N) -> N:
    """The network that does the same with a plain UNet; itself if it has one."""
    if not isinstance(network.unet, QuarteredUNet):
        return network
    whole = type(network)(network.unet.config, network.card)
    wanted = whole.state_dict()
    tensors = {}
    for key, value in network.state_dict().items():
        name = key.replace(".inner.", ".")
        tensors[name] = value if value.shape == wanted[name].shape else _repeated(value)
    first, last = "unet.conv_in", "unet.conv_out"
    order = _order(network.unet.config.in_channels, network.positive.device)
    tensors[f"{first}.weight"] = tensors[f"{first}.weight"][:, order.argsort()]
    order = _order(network.unet.config.out_channels, network.positive.device)
    for part in ("weight", "bias"):
        tensors[f"{last}.{part}"] = tensors[f"{last}.{part}"][order.argsort()]
    whole.load_state_dict(tensors)
    return whole.to(network.positive.device)


def _repeated(value: Tensor) -> Tensor:
    """A layer's tensor for four quarters side by side in the channels of a cell.

    Quarter (Y, X) reads with tap (y, x) what lies (Y + y, X + x) quarters from its cell's corner:
    in the cell itself or in the next.
    """
    if value.ndim <= 2:  # biases, scales, what time adds
        return value.repeat_interleave(_QUARTERS, 0)
    outputs, inputs, side, _ = value.shape
    whole = value.new_zeros(outputs, 2, 2, inputs, 2, 2, side, side)
    reach = side // 2
    for row, column, y, x in itertools.product(range(2), range(2), range(side), range(side)):
        (down, source_row), (right, source_column) = (
            divmod(row + y - reach, 2),
            divmod(column + x - reach, 2),
        )
        whole[:, row, column, :, source_row, source_column, down + reach, right + reach] = value[
            :, :, y, x
        ]
    return whole.reshape(_QUARTERS * outputs, _QUARTERS * inputs, side, side)


def _narrow(parent: nn.Module) -> None:
    """Make every layer of a module a quarter as wide."""
    for name, child in parent.named_children():
        if isinstance(child, (nn.Conv2d, nn.Linear, Affine)):
            setattr(parent, name, _narrowed(child))
        else:
            _narrow(child)


def _narrowed(layer: nn.Module) -> nn.Module:
    """A layer anew, a quarter as wide: one for the time, which is no picture, at its end only."""
    if isinstance(layer, nn.Conv2d):
        widths = (layer.in_channels // _QUARTERS, layer.out_channels // _QUARTERS)
        return nn.Conv2d(*widths, layer.kernel_size[0], padding=layer.padding[0])
    if isinstance(layer, nn.Linear):
        return nn.Linear(layer.in_features, layer.out_features // _QUARTERS)
    return Affine(len(cast("Affine", layer).weight) // _QUARTERS)


def _order(channels: int, device: torch.device) -> Tensor:
    """Which values of unshuffled cells of 8 pixels to put where, for cells of 4 in quarters.

    (color, row of 8, column of 8) becomes (color, row of 4, column of 4, quarter).
    """
    places = torch.arange(channels, device=device).view(-1, 2, QUARTER, 2, QUARTER)
    return places.permute(0, 2, 4, 1, 3).reshape(-1)
