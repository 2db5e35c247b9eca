"""The evaluation's degradation: fixed for ever, or scores could not be compared."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from vs_gendrpix.evaluation.degradation import _noisy, degrade
from vs_gendrpix.evaluation.measures.fidelity import psnr

DECIBELS = (38.98, 37.85, 31.31, 31.56)
"""Golden: PSNR of the four kinds against the plain resize of `scene`."""


def scene(height: int = 256, width: int = 320) -> Tensor:
    generator = torch.Generator().manual_seed(5)
    blobs = torch.rand(1, 3, height // 16, width // 16, generator=generator)
    edges = (torch.arange(width) // 24 % 2) * 0.25
    soft = F.interpolate(blobs, (height, width), mode="bicubic")
    return (0.2 + 0.5 * soft + edges).clamp(0, 1)


def shrunk(image: Tensor) -> Tensor:
    return F.interpolate(image, scale_factor=0.25, mode="bicubic", antialias=True)


@pytest.mark.parametrize("number", range(4))
def test_the_same_on_every_call(number: int) -> None:
    image = scene()
    first = degrade(image, number)
    assert torch.equal(first, degrade(image, number))
    assert first.shape == (1, 3, 64, 80)
    assert torch.equal(first, (first * 255).round() / 255)


@pytest.mark.parametrize("number", range(4))
def test_strength_is_golden(number: int) -> None:
    """Codec versions may move it by little; a changed blur, noise or quality moves it by more."""
    found = psnr(degrade(scene(), number), shrunk(scene())).item()
    assert found == pytest.approx(DECIBELS[number], abs=0.15)


def test_pictures_of_a_set_get_different_noise() -> None:
    image = torch.full((1, 3, 128, 128), 0.5)
    assert not torch.equal(degrade(image, 0), degrade(image, 4))


def test_noise_in_colour_and_in_grey() -> None:
    image = torch.full((1, 3, 128, 128), 0.5)
    color, grey = (_noisy(image, number).astype(int) - 127.5 for number in (0, 1))
    for noise in (color, grey):
        assert noise.std() == pytest.approx(3, rel=0.05)
    assert (color[..., 0] != color[..., 1]).mean() > 0.8
    assert (grey[..., 0] == grey[..., 1]).all()


@pytest.mark.parametrize("number", [0, 2])
def test_brightness_and_place_are_kept(number: int) -> None:
    """A wrong matrix, range or shift of a codec would be taken for the picture's own wear."""
    image = scene()
    small = degrade(image, number)
    torch.testing.assert_close(small.mean((2, 3)), image.mean((2, 3)), atol=1 / 255, rtol=0)
    plain = shrunk(image)
    inner = (..., slice(8, -8), slice(8, -8))
    here = (small - plain)[inner].square().mean()
    for axis in (2, 3):
        for step in (-1, 1):
            assert here < (small.roll(step, axis) - plain)[inner].square().mean()


@pytest.mark.parametrize("number", [0, 2])
def test_odd_sizes(number: int) -> None:
    assert degrade(scene(140, 100), number).shape == (1, 3, 35, 25)
