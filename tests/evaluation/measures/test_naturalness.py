"""NIQE: the figures of another implementation, and worse for every kind of damage."""

import io
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from vs_gendrpix.errors import SettingsError
from vs_gendrpix.evaluation.measures.naturalness import NIQE
from vs_gendrpix.evaluation.sets import read_picture

BASICSR = {(192, 288): 6.5346299, (200, 400): 6.7803715, (96, 192): 7.2399968}
"""What BasicSR 1.4.2 gives for `natural` of a size and the seed in this order, in float64."""


def natural(height: int, width: int, seed: int) -> Tensor:
    """Noise with the 1/f spectrum of photographs, colours alike, 8 bits."""
    numbers = np.random.default_rng(seed)
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width))
    frequency[0, 0] = 1
    planes = []
    for _ in range(3):
        spectrum = np.fft.fft2(numbers.normal(size=(height, width))) / frequency
        plane = np.fft.ifft2(spectrum).real
        planes.append(plane / plane.std())
    first, *others = planes
    image = np.stack([first, *(0.3 * plane + 0.7 * first for plane in others)])
    return torch.from_numpy(np.clip(np.rint(128 + 45 * image), 0, 255))[None].float() / 255


def blurred(image: Tensor, size: int) -> Tensor:
    return F.avg_pool2d(image, size, stride=1, padding=size // 2, count_include_pad=False)


def noisy(image: Tensor, codes: float) -> Tensor:
    noise = torch.randn(image.shape, generator=torch.Generator().manual_seed(0))
    return (image + noise * codes / 255).clamp(0, 1)


def compressed(image: Tensor, quality: int) -> Tensor:
    codes = image[0].permute(1, 2, 0).mul(255).round().byte().numpy()
    file = io.BytesIO()
    Image.fromarray(codes).save(file, "JPEG", quality=quality)
    with Image.open(file) as decoded:
        return torch.from_numpy(np.array(decoded)).permute(2, 0, 1)[None].float() / 255


@pytest.fixture(scope="module")
def niqe() -> NIQE:
    return NIQE()


@pytest.mark.parametrize("seed", range(3))
def test_gives_the_figures_of_another_implementation(niqe: NIQE, seed: int) -> None:
    (height, width), figure = list(BASICSR.items())[seed]
    assert niqe(natural(height, width, seed)).item() == pytest.approx(figure, rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("damage", "degrees"),
    [(blurred, (1, 3, 5, 9)), (noisy, (0, 5, 10, 20)), (compressed, (100, 30, 15, 8))],
)
@pytest.mark.parametrize("name", ["13.webp", "8.webp"])
def test_rises_with_damage(niqe: NIQE, shared: Path, name: str, *, damage, degrees) -> None:
    image = read_picture(shared / "eval" / "kodak12" / name)
    found = [niqe(damage(image, degree)).item() for degree in degrees]
    for less, more in pairwise(found):
        assert less < more


def test_good_photographs_score_two_to_four(niqe: NIQE, shared: Path) -> None:
    paths = sorted((shared / "eval" / "kodak12").iterdir())[:4]
    scores = [niqe(read_picture(path)).item() for path in paths]
    assert 2 < sum(scores) / len(scores) < 4


def test_pictures_of_a_batch_do_not_mix(niqe: NIQE) -> None:
    images = torch.cat([natural(192, 288, 0), natural(192, 288, 5)])
    torch.testing.assert_close(niqe(images)[1:], niqe(images[1:]))


def test_flat_blocks_do_not_count(niqe: NIQE) -> None:
    image = natural(192, 288, 0)
    image[..., 184:] = 0.5  # 8 pixels before the block: no filter mixes the two
    torch.testing.assert_close(niqe(image), niqe(image[..., :192]))


@pytest.mark.parametrize("image", [torch.zeros(1, 3, 191, 96), torch.full((1, 3, 192, 288), 0.3)])
def test_too_small_or_flat_pictures_are_refused(niqe: NIQE, image: Tensor) -> None:
    with pytest.raises(SettingsError, match="is not defined"):
        niqe(image)
