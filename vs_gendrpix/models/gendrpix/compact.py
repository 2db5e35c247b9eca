"""A chain of convolutions over cells: Real-ESRGAN's compact network (SRVGGNetCompact), any length.

There is no coarser level: every layer works on the finest structure that the cells hold. Over cells
of 4 pixels a chain does at scale 4 what Real-ESRGAN's does, layer by layer, so that it can begin
with weights of that kind (`training/beginnings.py`).
"""

from dataclasses import dataclass

from torch import Tensor, nn

from vs_gendrpix.errors import ModelError
from vs_gendrpix.models.gendrpix.unet import MAX_WIDTH

MAX_LAYERS = 256
"""The largest number of layers of a chain that is built: eight times Real-ESRGAN's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompactConfig:
    """The configuration of a chain; the defaults are those of realesr-general-x4v3.

    Attributes:
        width: Channels of all layers between the first and the last.
        layers: Convolutions between the first and the last.
        in_channels: Values of a cell that comes in: 3 x 4 x 4 pixels, or 3 x 8 x 8.
        out_channels: Values of a cell that goes out.
    """

    width: int = 64
    layers: int = 32
    in_channels: int = 48
    out_channels: int = 48

    def __post_init__(self) -> None:
        if not 1 <= self.layers <= MAX_LAYERS:
            raise ModelError(f"a chain has 1 to {MAX_LAYERS} layers, not {self.layers}")
        for width in (self.width, self.in_channels, self.out_channels):
            if not 1 <= width <= MAX_WIDTH:
                raise ModelError(f"a chain's widths are 1 to {MAX_WIDTH}, not {width}")

    @property
    def prompt(self) -> tuple[int, int]:
        """Tokens of a prompt, and their width: one, which shifts the first layer's channels."""
        return 1, self.width


class Compact(nn.Module):
    """The network over cells: convolutions of 3x3, each with a PReLU, beside a linear shortcut."""

    def __init__(self, config: CompactConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.conv_in = nn.Conv2d(config.in_channels, width, 3, padding=1)
        self.act_in = nn.PReLU(width)
        self.layers = nn.Sequential(*(Layer(width) for _ in range(config.layers)))
        self.conv_out = nn.Conv2d(width, config.out_channels, 3, padding=1)
        self.shortcut = nn.Conv2d(config.in_channels, config.out_channels, 3, padding=1)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """Map (B, in_channels, h, w) cells under a (B, 1, width) condition to out_channels each."""
        y = self.act_in(self.conv_in(x) + condition[:, 0, :, None, None])
        return self.conv_out(self.layers(y)) + self.shortcut(x)


class Layer(nn.Sequential):
    """A 3x3 convolution and a PReLU with a slope for each channel."""

    def __init__(self, width: int) -> None:
        super().__init__(nn.Conv2d(width, width, 3, padding=1), nn.PReLU(width))
