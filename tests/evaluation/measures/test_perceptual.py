"""The SqueezeNet distance: zero for equal pictures, growing with damage, differentiable."""

from itertools import pairwise

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from vs_gendrpix.evaluation.measures.perceptual import SqueezeNetDistance

GOLDEN = (0.11890, 0.10901)


@pytest.fixture(scope="module")
def distance() -> SqueezeNetDistance:
    return SqueezeNetDistance()


@pytest.fixture
def picture() -> Tensor:
    """Two pictures of soft blobs with fine grain, (2, 3, 64, 80)."""
    generator = torch.Generator().manual_seed(7)
    blobs = F.interpolate(torch.rand(2, 3, 9, 11, generator=generator), (64, 80), mode="bicubic")
    grain = torch.rand(2, 3, 64, 80, generator=generator)
    return (0.8 * blobs + 0.2 * grain).clamp(0, 1)


def blurred(picture: Tensor, size: int) -> Tensor:
    return F.avg_pool2d(picture, size, stride=1, padding=size // 2, count_include_pad=False)


def test_has_the_published_number_of_weights(distance: SqueezeNetDistance) -> None:
    assert sum(weight.numel() for weight in distance.layers.parameters()) == 722_496
    assert not any(weight.requires_grad for weight in distance.parameters())


def test_zero_for_equal_pictures_and_grows_with_blur(
    distance: SqueezeNetDistance, picture: Tensor
) -> None:
    steps = [distance(blurred(picture, size), picture) for size in (1, 3, 5, 9)]
    assert torch.all(steps[0] < 1e-6)
    for less, more in pairwise(steps):
        assert torch.all(less < more)


def test_pictures_of_a_batch_do_not_mix(distance: SqueezeNetDistance, picture: Tensor) -> None:
    together = distance(blurred(picture, 3), picture)
    alone = distance(blurred(picture[1:], 3), picture[1:])
    assert together.shape == (2,)
    torch.testing.assert_close(together[1:], alone)


def test_colours_are_told_apart(distance: SqueezeNetDistance, picture: Tensor) -> None:
    assert torch.all(distance(picture.flip(1), picture) > 100 * distance(picture, picture) + 0.01)


def test_gradient_descent_lowers_it(distance: SqueezeNetDistance, picture: Tensor) -> None:
    image = blurred(picture, 3).requires_grad_()
    before = distance(image, picture).sum()
    (gradient,) = torch.autograd.grad(before, image)
    assert torch.all(torch.isfinite(gradient))
    after = distance(image.detach() - 0.02 * gradient / gradient.abs().max(), picture).sum()
    assert after < before


def test_autocast_changes_it_little(distance: SqueezeNetDistance, picture: Tensor) -> None:
    exact = distance(blurred(picture, 3), picture)
    with torch.autocast("cpu", torch.bfloat16):
        cast = distance(blurred(picture, 3), picture)
    assert cast.dtype == torch.float32
    torch.testing.assert_close(cast, exact, rtol=0.03, atol=0)


def test_keeps_its_figures(distance: SqueezeNetDistance, picture: Tensor) -> None:
    """Golden: the weights, the taps, the channel order and the mean are all in these numbers."""
    found = distance(blurred(picture, 5), picture)
    torch.testing.assert_close(found, torch.tensor(GOLDEN), rtol=1e-3, atol=0)
