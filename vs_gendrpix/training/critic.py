"""Discriminators: a U-Net that sees a network's changes, and the network of an earlier stage."""

import copy
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from vs_gendrpix.models.gendrpix.network import Prompted
from vs_gendrpix.models.gendrpix.unet import UNet

_SLOPE = 0.2
_BLOCK = 2
"""Side of the squares of pixels that `PixelCritic` takes in as one: a third of the time of pixels
one by one, and nothing of them is lost."""


class Judgement(NamedTuple):
    """A critic's answer about pictures.

    Attributes:
        logits: (B, C, h, w), above 0 where a place is taken for real.
        features: Activations (B, C, h, w) of the layers, before their nonlinearity; none for a
            critic whose features are not compared.
    """

    logits: Tensor
    features: list[Tensor]


class PixelCritic(nn.Module):
    """A U-Net discriminator with spectral norm (Real-ESRGAN, arXiv 2107.10833, section 3.4).

    Args:
        width: Channels of the finest level.
        seed: Decides the weights.
    """

    def __init__(self, width: int, seed: int) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.first = nn.Conv2d(3 * _BLOCK**2, width, 3, padding=1)
            self.down1 = _normed(width, 2 * width, kernel=4, stride=2)
            self.down2 = _normed(2 * width, 4 * width, kernel=4, stride=2)
            self.up2 = _normed(4 * width, 2 * width)
            self.up1 = _normed(2 * width, width)
            self.finish = _normed(width, width)
            self.last = nn.Conv2d(width, 1, 3, padding=1)

    def forward(self, residual: Tensor) -> Judgement:
        """Judge what has been added to pictures.

        Args:
            residual: (B, 3, H, W), H and W multiples of 8, of a deviation of about 0.3.
        """
        first = self.first(F.pixel_unshuffle(residual, _BLOCK))  # (B, width, H/2, W/2)
        down1 = self.down1(_leaky(first))  # (B, 2 width, H/4, W/4)
        down2 = self.down2(_leaky(down1))  # (B, 4 width, H/8, W/8)
        up2 = self.up2(_doubled(_leaky(down2)))
        up1 = self.up1(_doubled(_leaky(up2) + _leaky(down1)))
        finish = self.finish(_leaky(up1) + _leaky(first))
        return Judgement(self.last(_leaky(finish)), [first, down1, down2, up2, up1])


class StagedCritic(nn.Module):
    """The network of the stage before as a discriminator: its output map are logits (AdcSR).

    Args:
        teacher: The network whose kind the critic has.
        fresh: Whether it begins with random weights instead of the teacher's.
    """

    def __init__(self, teacher: Prompted, *, fresh: bool) -> None:
        super().__init__()
        self.network = copy.deepcopy(teacher)
        if fresh:
            self.network.body = UNet(teacher.unet.config)
        self.network.requires_grad_(requires_grad=True)

    def forward(self, image: Tensor) -> Judgement:
        """Judge (B, C, H, W) inputs of the teacher's kind: a logit for each of its outputs."""
        prompt = self.network.positive.expand(len(image), -1, -1)
        return Judgement(self.network(image, prompt), [])


def _normed(inside: int, outside: int, *, kernel: int = 3, stride: int = 1) -> nn.Module:
    layer = nn.Conv2d(inside, outside, kernel, stride, padding=1, bias=False)
    return spectral_norm(layer)


def _leaky(image: Tensor) -> Tensor:
    return F.leaky_relu(image, _SLOPE)


def _doubled(image: Tensor) -> Tensor:
    return F.interpolate(image, scale_factor=2, mode="bilinear")
