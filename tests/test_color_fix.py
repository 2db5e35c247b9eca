import math

import pytest
import torch
import torch.nn.functional as F

from vs_gendrpix.color_fix import lowband

CODE = 1 / 255
SIGMA = 32
"""The low band: what a Gaussian of 32 pixels leaves."""


def low(image: torch.Tensor) -> torch.Tensor:
    axis = torch.arange(-3 * SIGMA, 3 * SIGMA + 1, dtype=image.dtype)
    kernel = torch.exp(-0.5 * (axis / SIGMA) ** 2).expand(3, 1, 1, -1)

    def blur(x: torch.Tensor) -> torch.Tensor:
        x = F.conv2d(x, kernel, groups=3, padding=(0, 3 * SIGMA))
        return F.conv2d(x, kernel.transpose(2, 3), groups=3, padding=(3 * SIGMA, 0))

    # At a border only the pixels that exist count: a repeated noisy row would outweigh them.
    return blur(image) / blur(torch.ones_like(image))


def ramp(height: int, width: int) -> torch.Tensor:
    return torch.linspace(0.05, 0.95, width).expand(1, 3, height, width).contiguous()


def detail(height: int, width: int) -> torch.Tensor:
    noise = torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(1))
    return 0.05 * noise


def drift(height: int, width: int) -> torch.Tensor:
    """A cast of a few codes and a slow bend."""
    y, x = torch.meshgrid(torch.linspace(0, 1, height), torch.linspace(0, 1, width), indexing="ij")
    bends = [8 * x, -6 * y, 5 * torch.sin(2 * math.pi * x)]
    return (torch.stack(bends)[None] + torch.tensor([6.0, -4, 3])[None, :, None, None]) * CODE


@pytest.mark.parametrize("size", [(240, 320), (233, 317), (96, 400)])
def test_the_low_band_is_the_inputs(size):
    reference = ramp(*size)
    output = reference + drift(*size) + detail(*size)
    assert (low(output) - low(reference)).abs().max() > 5 * CODE
    fixed = lowband(output, reference)
    assert (low(fixed) - low(reference)).abs().max() < 0.5 * CODE


def test_detail_is_the_outputs():
    """Fine texture passes; a low band has nothing to say about it."""
    size = (240, 320)
    fixed = lowband(ramp(*size) + detail(*size), ramp(*size))
    change = fixed - (ramp(*size) + detail(*size))
    assert change.square().mean() < 0.01 * detail(*size).square().mean()


def test_equal_pictures_stay():
    image = ramp(64, 80) + detail(64, 80)
    assert torch.equal(lowband(image, image), image)


def test_the_fix_is_local():
    """An object far away changes nothing here, or frames would pulse."""
    reference = ramp(64, 400)
    output = reference + detail(64, 400)
    other = output.clone()
    other[..., 300:] += 0.3
    near = slice(0, 250)
    first, second = lowband(output, reference), lowband(other, reference)
    assert torch.equal(first[..., near], second[..., near])


@pytest.mark.parametrize("size", [(1, 1), (3, 50), (16, 16)])
def test_small_pictures_take_the_cast_away(size):
    reference = torch.full((1, 3, *size), 0.4)
    assert torch.allclose(lowband(reference + 0.1, reference), reference, atol=1e-6)
