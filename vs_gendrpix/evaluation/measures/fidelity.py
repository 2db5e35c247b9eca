"""Closeness of the luma to the reference: PSNR and SSIM."""

import torch
from torch import Tensor
from torch.nn import functional as F

BORDER = 4
"""Pixels left out at every edge, as the benchmarks of x4 super-resolution do."""


def luma(image: Tensor) -> Tensor:
    """The BT.601 luma of (B, 3, H, W) RGB in [0, 1]: (B, H, W) in 16 to 235, as in MATLAB."""
    red, green, blue = image.unbind(1)
    return 16 + 65.481 * red + 128.553 * green + 24.966 * blue


def psnr(image: Tensor, reference: Tensor) -> Tensor:
    """The peak signal-to-noise ratio on luma, peak 255, without the border.

    Args:
        image: (B, 3, H, W) RGB in [0, 1].
        reference: The same shape and range.

    Returns:
        (B,) decibels; infinity for equal pictures.
    """
    error = _inner(image) - _inner(reference)
    return 20 * torch.log10(255 / error.square().mean((1, 2)).sqrt())


def ssim(image: Tensor, reference: Tensor) -> Tensor:
    """The structural similarity (Wang et al. 2004) on luma, without the border.

    Gaussian window of 11x11 and sigma 1.5, only where it lies whole within the picture; K1 0.01,
    K2 0.03, peak 255.

    Args:
        image: (B, 3, H, W) RGB in [0, 1], at least 19 pixels on each side.
        reference: The same shape and range.

    Returns:
        (B,) similarities, 1 for equal pictures.
    """
    x, y = _inner(image)[:, None], _inner(reference)[:, None]
    offsets = torch.arange(-5, 6, dtype=x.dtype, device=x.device)
    line = torch.exp(-offsets.square() / (2 * 1.5**2))
    line = line / line.sum()

    def mean(signal: Tensor) -> Tensor:
        return F.conv2d(F.conv2d(signal, line.view(1, 1, -1, 1)), line.view(1, 1, 1, -1))

    mean_x, mean_y = mean(x), mean(y)
    variance_x = mean(x * x) - mean_x.square()
    variance_y = mean(y * y) - mean_y.square()
    covariance = mean(x * y) - mean_x * mean_y
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    luminance = (2 * mean_x * mean_y + c1) / (mean_x.square() + mean_y.square() + c1)
    structure = (2 * covariance + c2) / (variance_x + variance_y + c2)
    return (luminance * structure).mean((1, 2, 3))


def _inner(image: Tensor) -> Tensor:
    """The luma without the border, in float64: SSIM subtracts squares of near-equal size."""
    return luma(image.double())[:, BORDER:-BORDER, BORDER:-BORDER]
