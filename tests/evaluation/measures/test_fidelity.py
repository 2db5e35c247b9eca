"""PSNR, SSIM and SSIMULACRA2 at points where their values are known."""

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from vs_gendrpix.evaluation.measures.fidelity import luma, psnr, ssim
from vs_gendrpix.evaluation.measures.ssimulacra import ssimulacra2


@pytest.fixture
def picture() -> Tensor:
    """Two pictures of soft blobs with fine grain, (2, 3, 60, 72)."""
    generator = torch.Generator().manual_seed(1)
    blobs = F.interpolate(torch.rand(2, 3, 9, 11, generator=generator), (60, 72), mode="bicubic")
    return (0.7 * blobs + 0.2 * torch.rand(2, 3, 60, 72, generator=generator)).clamp(0.1, 0.9)


def blurred(picture: Tensor, size: int) -> Tensor:
    return F.avg_pool2d(picture, size, stride=1, padding=size // 2, count_include_pad=False)


def test_luma_is_limited_range_bt601() -> None:
    colours = torch.tensor([[0.0, 0, 0], [1, 1, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    expected = torch.tensor([16.0, 235, 81.481, 144.553, 40.966])
    torch.testing.assert_close(luma(colours[..., None, None])[:, 0, 0], expected)


def test_psnr_of_a_known_error(picture: Tensor) -> None:
    """A step of 10/255 in all channels is 219 * 10/255 code values of luma."""
    found = psnr(picture + 10 / 255, picture)
    expected = 20 * math.log10(255 / (219 * 10 / 255))
    torch.testing.assert_close(found, torch.full((2,), expected).double(), rtol=1e-5, atol=0)


def test_the_border_of_four_pixels_does_not_count(picture: Tensor) -> None:
    framed = picture.clone()
    framed[..., :4, :] = framed[..., -4:, :] = framed[..., :, :4] = framed[..., :, -4:] = 0
    assert psnr(framed, picture).tolist() == [math.inf, math.inf]
    framed[..., 4, 4] = 0
    assert torch.all(psnr(framed, picture) < 80)


def test_ssim_is_one_for_equal_pictures_and_falls_with_blur(picture: Tensor) -> None:
    torch.testing.assert_close(ssim(picture, picture), torch.ones(2).double())
    soft, softer = (ssim(blurred(picture, size), picture) for size in (3, 7))
    assert torch.all(soft < 0.95)
    assert torch.all(softer < soft)


def test_ssim_of_flat_pictures_is_its_luminance_term() -> None:
    """No structure is left, so (2ab + C1) / (a^2 + b^2 + C1) is all."""
    a, b = torch.full((1, 3, 24, 24), 0.2), torch.full((1, 3, 24, 24), 0.7)
    x, y, c1 = 16 + 219 * 0.2, 16 + 219 * 0.7, 2.55**2
    expected = (2 * x * y + c1) / (x * x + y * y + c1)
    torch.testing.assert_close(ssim(a, b), torch.tensor([expected]).double(), rtol=1e-5, atol=0)


def test_ssimulacra2_grades_blur(picture: Tensor) -> None:
    equal, soft, softer = (ssimulacra2(blurred(picture, size), picture) for size in (1, 3, 7))
    assert torch.all(equal > 99)
    assert torch.all(soft < 80)
    assert torch.all(softer < soft)


def test_ssimulacra2_knows_the_reference(picture: Tensor) -> None:
    """The measure is not symmetric: lost detail and invented detail differ."""
    soft = blurred(picture, 3)
    assert torch.all((ssimulacra2(soft, picture) - ssimulacra2(picture, soft)).abs() > 0.1)
