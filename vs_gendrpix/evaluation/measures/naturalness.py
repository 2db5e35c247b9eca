"""NIQE: how far the local statistics of a picture are from those of good photographs."""

from importlib.resources import files

import torch
from safetensors.torch import load
from torch import Tensor
from torch.nn import functional as F

from vs_gendrpix.errors import SettingsError
from vs_gendrpix.evaluation.measures.fidelity import luma

BLOCK = 96
"""Pixels of a block's side: the model of good photographs was fitted to blocks of this size."""
SHIFTS = ((0, 1), (1, 0), (1, 1), (1, -1))
"""Rows and columns to the neighbour that a pixel is multiplied by."""


class NIQE:
    """The natural image quality evaluator (Mittal, Soundararajan and Bovik 2013): lower is better.

    The picture is cut into blocks of 96x96. Each gives 36 numbers: the parameters of generalised
    Gaussians fitted to its locally normalised luma and to the products of neighbours, at full and
    at half size. The score is the distance between the Gaussian of these numbers over the blocks
    and the authors' own for 125 good photographs. No reference is needed, so nothing says that what
    looks natural was there: read it beside a measure that has one.

    Good photographs score 2 to 4; blur, noise and blocks raise it. A picture of few blocks is
    judged by few: compare means over sets, of equal sizes.
    """

    def __init__(self) -> None:
        model = load((files(__package__) / "parameters" / "niqe.safetensors").read_bytes())
        self._mean, self._covariance = model["mean"], model["covariance"]

    def __call__(self, image: Tensor) -> Tensor:
        """The score of each picture.

        Args:
            image: (B, 3, H, W) RGB in [0, 1]; cropped at the right and bottom to whole blocks.

        Returns:
            (B,) float64 scores, 0 and up.

        Raises:
            SettingsError: There are not two blocks with any texture.
        """
        height, width = (side // BLOCK * BLOCK for side in image.shape[-2:])
        if height * width < 2 * BLOCK**2:
            raise SettingsError(
                f"NIQE of a picture of {image.shape[-1]}x{image.shape[-2]} pixels is not defined: "
                f"use at least {2 * BLOCK}x{BLOCK}"
            )
        y = luma(image.double().cpu()).round()[:, :height, :width]
        features = torch.cat([_features(y, BLOCK), _features(_half(y), BLOCK // 2)], -1)
        return torch.stack([self._distance(blocks) for blocks in features])

    def _distance(self, features: Tensor) -> Tensor:
        """From the Gaussian of (N, 36) features to that of good photographs."""
        # A flat block has no shape: only blocks with texture count.
        whole = features[features.isfinite().all(1)]
        if len(whole) < 2:
            raise SettingsError("NIQE of a picture without texture is not defined: leave it out")
        offset = whole.mean(0) - self._mean
        # The pseudo-inverse: fewer blocks than numbers leave the covariance without full rank.
        precision = torch.linalg.pinv((self._covariance + whole.T.cov()) / 2)
        distance: Tensor = offset @ precision @ offset
        return distance.sqrt()


def _half(y: Tensor) -> Tensor:
    """(B, H, W) at half its size, mirrored beyond the edges as MATLAB's resize does."""
    for dim in (1, 2):
        size = y.shape[dim]
        y = torch.cat([y.narrow(dim, 0, 4).flip(dim), y, y.narrow(dim, size - 4, 4).flip(dim)], dim)
    half = F.interpolate(y[:, None], scale_factor=0.5, mode="bicubic", antialias=True)
    return half[:, 0, 2:-2, 2:-2]


def _features(y: Tensor, side: int) -> Tensor:
    """(B, H, W) luma to (B, N, 18) features of its blocks; NaN where one is flat."""
    blocks = _normalised(y).unfold(1, side, side).unfold(2, side, side).flatten(1, 2)
    shape, left, right = _fit(blocks)
    numbers = [shape, (left + right) / 2]
    for shift in SHIFTS:
        shape, left, right = _fit(blocks * blocks.roll(shift, (2, 3)))
        mean = (right - left) * (torch.lgamma(2 / shape) - torch.lgamma(1 / shape)).exp()
        numbers += [shape, mean, left, right]
    return torch.stack(numbers, -1)


def _normalised(y: Tensor) -> Tensor:
    """(B, H, W) less the local mean, over the local deviation plus 1 (equation 1)."""
    offsets = torch.arange(-3, 4, dtype=y.dtype)
    line = torch.exp(-offsets.square() / (2 * (7 / 6) ** 2))
    kernel = (line / line.sum()).view(1, 1, 1, 7)

    def smooth(signal: Tensor) -> Tensor:
        padded = F.pad(signal[:, None], (3, 3, 3, 3), mode="replicate")
        return F.conv2d(F.conv2d(padded, kernel), kernel.mT)[:, 0]

    mean = smooth(y)
    deviation = (smooth(y.square()) - mean.square()).abs().sqrt()
    # Where the luma is flat the difference is 0, but for rounding, whose sign would be counted.
    return F.hardshrink(y - mean, 1e-6) / (deviation + 1)


def _fit(blocks: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Fit an asymmetric generalised Gaussian to the values of each block, by moments.

    Args:
        blocks: (B, N, h, w).

    Returns:
        The shape, and the scales to the left and to the right, (B, N) each.
    """
    squares = blocks.square()
    below, above = blocks < 0, blocks > 0
    left = ((squares * below).sum((2, 3)) / below.sum((2, 3))).sqrt()
    right = ((squares * above).sum((2, 3)) / above.sum((2, 3))).sqrt()
    ratio = left / right
    spread = blocks.abs().mean((2, 3)).square() / squares.mean((2, 3))
    spread = spread * (ratio**3 + 1) * (ratio + 1) / (ratio.square() + 1).square()
    # The relation of spread and shape has no inverse in closed form, but it rises: look it up.
    shapes = torch.arange(200, 10_001, dtype=blocks.dtype) / 1000
    spreads = (
        2 * torch.lgamma(2 / shapes) - torch.lgamma(1 / shapes) - torch.lgamma(3 / shapes)
    ).exp()
    after = torch.searchsorted(spreads, spread.contiguous()).clamp(1, len(spreads) - 1)
    nearer = spread - spreads[after - 1] < spreads[after] - spread
    shape = shapes[after - nearer.long()]
    scale = ((torch.lgamma(1 / shape) - torch.lgamma(3 / shape)) / 2).exp()
    return shape, left * scale, right * scale
