"""Restorers for tests: what they make can be predicted."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vs_gendrpix.models.card import ModelCard
from vs_gendrpix.models.gendrpix.network import GenDRPix
from vs_gendrpix.models.restorer import Restorer


class Negative(Restorer):
    """A model in five lines: light becomes dark."""

    card = ModelCard(name="negative")

    def __call__(self, rgb: Tensor) -> Tensor:
        return 1 - rgb


class Doubled(Restorer):
    """A model that enlarges by itself, to twice the size, by repeating its pixels."""

    card, scale, multiple = ModelCard(name="doubled"), 2, 4

    def __init__(self) -> None:
        self.seen: set[tuple[int, ...]] = set()

    def __call__(self, rgb: Tensor) -> Tensor:
        self.seen.add(tuple(rgb.shape[-2:]))
        return F.interpolate(rgb, scale_factor=2, mode="nearest")


class Calling(Restorer):
    """A model that is a function of its pictures; `seen` has the shapes of all of them."""

    card = ModelCard(name="calling")

    def __init__(self, function: Callable[[Tensor], Tensor] = Tensor.clone) -> None:
        self.function, self.seen = function, []

    def __call__(self, rgb: Tensor) -> Tensor:
        self.seen.append(tuple(rgb.shape))
        return self.function(rgb)


class Hungry(Calling):
    """A model whose memory ends at so many pixels of a batch."""

    def __init__(self, pixels: int) -> None:
        super().__init__()
        self.pixels = pixels

    def __call__(self, rgb: Tensor) -> Tensor:
        if rgb.shape[0] * rgb.shape[-2] * rgb.shape[-1] > self.pixels:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return super().__call__(rgb)


def opener(model: Callable[[Tensor], Tensor] | Restorer):
    """What gives an engine one restorer on all devices, which may be just a function."""
    restorer = model if hasattr(model, "card") else Calling(model)
    return lambda _device: restorer


def zero_tail(network: GenDRPix) -> GenDRPix:
    """Zero the last convolution: with the residual, the network is then exactly the identity."""
    nn.init.zeros_(network.unet.conv_out.weight)
    nn.init.zeros_(network.unet.conv_out.bias)
    return network
