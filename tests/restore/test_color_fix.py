import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from vs_gendrpix.restore.color_fix import LowBand

CODE = 1 / 255
SIGMA = 16
"""The low band: what a Gaussian of 16 pixels leaves."""


def lowband(output: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
    return LowBand(tuple(output.shape[-2:]), output.device)(output, reference)


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


@pytest.mark.slow
@pytest.mark.parametrize("size", [(240, 320), (233, 317)])
@pytest.mark.parametrize("period", [6, 8.3, 15, 17, 20, 24])
def test_texture_does_not_fold_into_the_low_band(size, period):
    """The mean of a cell sees its own beat with a texture of nearly the cell's size."""
    y, x = torch.meshgrid(torch.arange(size[0]), torch.arange(size[1]), indexing="ij")
    texture = 0.1 * torch.sin(2 * math.pi * (x + 0.3 * y) / period).expand(1, 3, *size)
    reference = torch.full((1, 3, *size), 0.5)
    output = reference + texture
    before = (low(output) - low(reference)).abs().max()
    fixed = lowband(output, reference)
    assert (low(fixed) - low(reference)).abs().max() < before + 0.2 * CODE
    inner = (..., slice(64, -64), slice(64, -64))
    assert (fixed - output)[inner].abs().max() < 0.03 * texture.max()


def test_a_loud_border_counts_as_much_as_the_rest():
    size = (160, 160)
    reference = torch.full((1, 3, *size), 0.5)
    output = reference.clone()
    output[..., 0, :] += 0.1
    output[..., :, -1] -= 0.1
    assert (low(output) - low(reference)).abs().max() > 0.8 * CODE
    fixed = lowband(output, reference)
    assert (low(fixed) - low(reference)).abs().max() < 0.35 * CODE


@pytest.mark.slow
def test_the_low_band_of_photographs_is_the_inputs(shared):
    """The hardest case: all that a restorer could add to a blurred and noisy picture."""
    folder = shared / "eval" / "kodak12"
    if not folder.is_dir():
        pytest.skip("no photographs beside the checkout")
    for path in sorted(folder.glob("*.webp"))[:4]:
        truth = torch.from_numpy(np.array(Image.open(path).convert("RGB")))
        truth = truth.permute(2, 0, 1)[None, :, :333, :501].to(torch.float32) / 255
        height, width = truth.shape[-2:]
        small = F.interpolate(truth, (height // 4, width // 4), mode="bicubic", antialias=True)
        small += 4 * CODE * torch.randn(small.shape, generator=torch.Generator().manual_seed(0))
        reference = F.interpolate(small, (height, width), mode="bicubic", antialias=True)
        fixed = lowband(truth + drift(height, width), reference)
        assert (low(fixed) - low(reference)).abs().max() < 0.5 * CODE
        detail_change = (fixed - truth).std() / (reference - truth).std()
        assert detail_change < 0.15


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
    near = slice(0, 160)  # 70 pixels a pass
    first, second = lowband(output, reference), lowband(other, reference)
    assert torch.equal(first[..., near], second[..., near])


@pytest.mark.parametrize("size", [(1, 1), (3, 50), (16, 16)])
def test_small_pictures_take_the_cast_away(size):
    reference = torch.full((1, 3, *size), 0.4)
    assert torch.allclose(lowband(reference + 0.1, reference), reference, atol=1e-6)
