"""The lattice ratio: finds a tile that repeats every 8 pixels, and nothing in its absence."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from vs_gendrpix.errors import SettingsError
from vs_gendrpix.evaluation.measures.grid import lattice_ratio


def scene(height: int, width: int, *, count: int = 6, seed: int = 0) -> Tensor:
    """Pictures with the 1/f spectrum of photographs: noise of every octave, (count, 3, H, W)."""
    generator = torch.Generator().manual_seed(seed)
    total = torch.full((count, 3, height, width), 0.5)
    for octave in (2, 4, 7, 13, 27, 55):
        size = (max(2, height // octave), max(2, width // octave))
        noise = torch.randn((count, 1, *size), generator=generator)
        total += 0.01 * octave**0.5 * F.interpolate(noise, (height, width), mode="bicubic")
    return (total + 0.004 * torch.randn(total.shape, generator=generator)).clamp(0, 1)


def planted(image: Tensor, tile: Tensor, codes: float) -> Tensor:
    height, width = image.shape[-2:]
    repeated = tile.repeat(-(-height // tile.shape[0]), -(-width // tile.shape[1]))
    return image + codes / 255 * repeated[:height, :width]


def tile(side: int) -> Tensor:
    values = torch.randn(side, side, generator=torch.Generator().manual_seed(3))
    return (values - values.mean()) / values.std()


@pytest.mark.parametrize("size", [(64, 64), (96, 200), (203, 117), (512, 512)])
def test_near_one_without_a_grid_at_any_size(size: tuple[int, int]) -> None:
    assert 0.75 < lattice_ratio(scene(*size)).mean() < 1.1


@pytest.mark.parametrize("size", [(64, 64), (96, 200), (203, 117), (512, 512)])
def test_finds_a_planted_tile(size: tuple[int, int]) -> None:
    image = scene(*size)
    before = lattice_ratio(image)
    faint, plain = (lattice_ratio(planted(image, tile(8), codes)) for codes in (0.5, 2))
    assert torch.all(faint > 1.2 * before)
    assert torch.all(plain > 3)
    assert torch.all(plain > faint)


def test_cells_of_4_are_told_from_cells_of_8() -> None:
    image = scene(200, 160)
    fine, coarse = planted(image, tile(4), 1), planted(image, tile(8), 1)
    assert torch.all(lattice_ratio(fine, 4) > 3)
    assert torch.all(lattice_ratio(fine, 4) > lattice_ratio(coarse, 4))
    assert 0.7 < lattice_ratio(image, 4).mean() < 1.15


def test_finds_a_tile_whose_strength_varies() -> None:
    image = scene(256, 256)
    fade = torch.linspace(0, 1, 256) * (planted(image, tile(8), 3) - image)
    assert torch.all(lattice_ratio(image + fade) > 3)


def test_other_periods_are_not_taken_for_it() -> None:
    image = scene(210, 210)
    before = lattice_ratio(image)
    torch.testing.assert_close(lattice_ratio(planted(image, tile(7), 4)), before, rtol=0.3, atol=0)


def test_contrast_and_brightness_do_not_matter() -> None:
    image = planted(scene(128, 128), tile(8), 1)
    torch.testing.assert_close(
        lattice_ratio(0.3 + 0.5 * image), lattice_ratio(image), rtol=1e-2, atol=0
    )


def test_a_flat_picture_has_no_grid() -> None:
    assert lattice_ratio(torch.full((2, 3, 64, 80), 0.5)).tolist() == [1, 1]


def test_too_small_a_picture_is_refused() -> None:
    with pytest.raises(SettingsError, match="70x63 pixels"):
        lattice_ratio(torch.zeros(1, 3, 63, 70))
