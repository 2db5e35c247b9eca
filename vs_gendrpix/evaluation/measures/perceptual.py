"""The SqueezeNet distance between pictures, as a measure and as a loss."""

from importlib.resources import files
from itertools import pairwise
from typing import Final

import torch
from safetensors.torch import load
from torch import Tensor, nn
from torch.nn import functional as F

BGR_MEAN: Final = (103.939, 116.779, 123.68)
TAPS: Final = (1, 4, 7, 9, 10, 11, 12)
"""Index of the layer after which features are compared: the seven taps of LPIPS (squeeze)."""
WIDTHS: Final = (64, 128, 256, 384, 384, 512, 512)
"""Channels at each tap."""


class Fire(nn.Module):
    """A fire module: squeeze 1x1, then expand 1x1 and 3x3 side by side (section 3.1 of the paper).

    Args:
        width: Channels of the input.
        squeeze: Channels between.
        expand: Channels of each expansion; the output has twice as many.
    """

    def __init__(self, width: int, squeeze: int, expand: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(width, squeeze, 1)
        self.expand1x1 = nn.Conv2d(squeeze, expand, 1)
        self.expand3x3 = nn.Conv2d(squeeze, expand, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, width, H, W) to (B, 2 * expand, H, W)."""
        x = F.relu(self.squeeze(x))
        return F.relu(torch.cat((self.expand1x1(x), self.expand3x3(x)), 1))


def _layers() -> nn.Sequential:
    """The feature layers of SqueezeNet v1.1; keys as in torchvision, without `features.`."""
    pool = nn.MaxPool2d(3, stride=2, ceil_mode=True)  # Caffe rounds pooled sizes up
    return nn.Sequential(
        nn.Conv2d(3, 64, 3, stride=2),
        nn.ReLU(),
        pool,
        Fire(64, 16, 64),
        Fire(128, 16, 64),
        pool,
        Fire(128, 32, 128),
        Fire(256, 32, 128),
        pool,
        Fire(256, 48, 192),
        Fire(384, 48, 192),
        Fire(384, 64, 256),
        Fire(512, 64, 256),
    )


class SqueezeNetDistance(nn.Module):
    """Distance of two pictures in the features of a small classifier: 0 = equal, higher is worse.

    The squared difference of the unit-length feature vectors of SqueezeNet v1.1 (Iandola et al.
    2016, the authors' own weights), channels weighed by the heads of LPIPS v0.1 (Zhang et al.
    2018), averaged over space and summed over seven layers: about 0.25 for a bicubic x4 of real
    photographs. The form is that of LPIPS, but its figures are not LPIPS's: those come from another
    training of the same net. Weights are frozen; gradients flow to the pictures.
    """

    mean: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.layers = _layers()
        self.heads = nn.ParameterList(torch.ones(width) for width in WIDTHS)
        weights = (files(__package__) / "parameters" / "squeezenet.safetensors").read_bytes()
        self.load_state_dict(load(weights))
        self.register_buffer("mean", torch.tensor(BGR_MEAN).view(3, 1, 1), persistent=False)
        self.requires_grad_(requires_grad=False).eval().to(memory_format=torch.channels_last)

    def features(self, image: Tensor) -> list[Tensor]:
        """The feature maps of unit length at the taps, in float32.

        Args:
            image: (B, 3, H, W) RGB in [0, 1]; at least 17 pixels on each side.

        Returns:
            Seven maps (B, C, h, w); the C channels of each pixel have length 1, or all are 0.
        """
        x = (image.flip(1) * 255 - self.mean).contiguous(memory_format=torch.channels_last)
        maps = []
        for start, stop in pairwise((0, *(tap + 1 for tap in TAPS))):
            x = self.layers[start:stop](x)
            # Under autocast x is bf16, too coarse for a difference of near-equal vectors.
            maps.append(F.normalize(x.float(), dim=1, eps=1e-8))
        return maps

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """The distance of each pair of pictures.

        Args:
            x: (B, 3, H, W) RGB in [0, 1].
            y: The same shape and range.

        Returns:
            (B,) float32 distances, at least 0.
        """
        total = x.new_zeros(len(x), dtype=torch.float32)
        for a, b, weight in zip(self.features(x), self.features(y), self.heads, strict=True):
            total = total + ((a - b).square() * weight.view(-1, 1, 1)).sum(1).mean((1, 2))
        return total
