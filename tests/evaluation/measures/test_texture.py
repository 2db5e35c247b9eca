"""Texture measures: planted weaves, grids and strokes of known strength, and texture taken away."""

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from tests.evaluation.measures.test_grid import planted, scene, tile
from vs_gendrpix.evaluation.measures.spectra import PATCH, band_energies
from vs_gendrpix.evaluation.measures.texture import (
    BANDS,
    excess_texture,
    texture_kept,
    weave_peak,
)

SIDE = 320


def grass(seed: int = 0, side: int = SIDE) -> Tensor:
    """A stationary texture with visible energy in every band, (1, 3, side, side)."""
    numbers = torch.Generator().manual_seed(seed)
    coarse, fine = (
        torch.randn(1, 1, side // step, side // step, generator=numbers) for step in (4, 2)
    )
    blades = F.interpolate(coarse, (side, side), mode="bicubic")
    blades = blades + 0.5 * F.interpolate(fine, (side, side), mode="bicubic")
    return (0.5 + 0.05 * blades).clamp(0, 1).expand(-1, 3, -1, -1)


def waves(right: float, down: float, side: int = SIDE) -> Tensor:
    """A sine of amplitude 1 with so many cycles per pixel."""
    place = torch.arange(side, dtype=torch.float32)
    return torch.sin(2 * math.pi * (right * place + down * place[:, None]))


def in_codes(energy: float) -> float:
    """The amplitude in [0, 1] of a sine whose luma has a mean square in code values."""
    return math.sqrt(2 * energy) / (65.481 + 128.553 + 24.966)


@pytest.mark.parametrize("share", [0.25, 1.0, 3.0])
@pytest.mark.parametrize(("right", "down"), [(1 / 8, 0), (0.09, 0.09), (-0.05, 0.08)])
def test_a_planted_weave_is_found_with_its_strength(
    share: float, right: float, down: float
) -> None:
    reference = grass()
    energy = band_energies(reference, BANDS).sum((1, 2)).mean().item()
    result = reference + in_codes(share * energy) * waves(right, down)
    found = excess_texture(result, reference).mean().item()
    assert found == pytest.approx(10 * math.log10(1 + share), abs=0.4)


def test_equal_blurred_and_darker_pictures_add_nothing() -> None:
    reference = grass()
    assert excess_texture(reference, reference).eq(0).all()
    assert excess_texture(F.avg_pool2d(reference, 5, 1, 2), reference).mean() < 0.05
    assert excess_texture(reference - 0.1, reference).mean() < 0.05


def test_other_blades_of_the_same_grass_add_little() -> None:
    assert 0.2 < excess_texture(grass(1), grass(2)).mean() < 1.5


def test_one_woven_corner_is_in_the_upper_percentile_only() -> None:
    reference = grass()
    result = reference.clone()
    result[..., :96, :96] += 0.2 * waves(0.09, 0.09, 96)
    found = excess_texture(result, reference)
    assert found.median() < 0.1
    assert found.quantile(0.95) > 3


def test_only_textured_patches_count() -> None:
    edge = torch.full((1, 3, 128, 128), 0.2)
    edge[..., 57:] = 0.8
    for reference in (torch.full((1, 3, 128, 128), 0.5), edge):
        assert len(excess_texture(reference + 0.1 * waves(0.1, 0, 128), reference)) == 0
    assert len(excess_texture(grass(), grass())) == ((SIDE - PATCH) // 32 + 1) ** 2


def enlarged(low: Tensor, scale: int = 4) -> Tensor:
    return F.interpolate(low, scale_factor=scale, mode="bicubic")


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_resizes_and_sharper_grass_have_no_peak(scale: int) -> None:
    low = grass(3, 96)
    # Bicubic lets a little of what is near the Nyquist frequency through, mirrored.
    assert weave_peak(enlarged(low, scale), low) < 2
    sharper = grass(4, 96 * scale)
    shrunk = F.interpolate(sharper, (96, 96), mode="bicubic", antialias=True)
    assert weave_peak(sharper, shrunk) < 2


@pytest.mark.parametrize(("right", "down"), [(3 / 16, 3 / 16), (3 / 16, -3 / 16), (0.2, 0.05)])
def test_a_planted_pattern_of_the_raster_is_found_and_grows(right: float, down: float) -> None:
    low = grass(3, 96)
    resized = enlarged(low)
    faint, plain = (
        weave_peak(resized + codes / 255 * waves(right, down, 384), low) for codes in (1, 4)
    )
    assert faint > 6
    assert plain == pytest.approx(faint + 20 * math.log10(4), abs=1.5)


def test_strokes_on_the_raster_are_found() -> None:
    """Short diagonal strokes, bright between dark ones, begin at random input pixels."""
    low = grass(3, 96)
    numbers = torch.Generator().manual_seed(5)
    strokes = torch.zeros(384, 384)
    stroke = torch.eye(12) - torch.eye(12).roll(3, 1) - torch.eye(12).roll(-3, 1)
    for _ in range(800):
        top, left = (4 * int(torch.randint(93, (), generator=numbers)) for _ in range(2))
        strokes[top : top + 12, left : left + 12] += stroke
    resized = enlarged(low)
    found = [weave_peak(resized + codes / 255 * strokes, low) for codes in (0, 8, 24)]
    assert found == sorted(found)
    assert found[0] < 2
    assert found[-1] > found[0] + 2


def test_a_grid_is_found_by_both_measures() -> None:
    low = grass(3, 96)
    gridded = planted(enlarged(low), tile(8), 6)
    assert weave_peak(gridded, low) > 5
    reference = grass(3)
    assert excess_texture(planted(reference, tile(8), 24), reference).mean() > 1


def test_flat_pictures_and_scale_1_have_no_peak_to_speak_of() -> None:
    flat = torch.full((1, 3, 32, 32), 0.5)
    assert weave_peak(enlarged(flat), flat) is None
    low = grass(3, 96)
    assert weave_peak(low, low) is None


def test_a_photograph_keeps_all_of_itself() -> None:
    image = scene(128, 160, count=1)
    torch.testing.assert_close(texture_kept(image, image), torch.ones(3))


def test_what_a_blur_takes_away_is_known() -> None:
    """A mean over 2x2 pixels keeps cos^2 of pi f on each axis."""
    place = torch.arange(128, dtype=torch.float32)
    for period, band in ((12, 0), (6, 1), (3, 2)):
        image = (0.5 + 0.2 * torch.sin(2 * math.pi * place / period)).expand(1, 3, 128, 128)
        soft = (image + image.roll(1, -1)) / 2
        kept = texture_kept(soft[..., 1:], image[..., 1:])[band].item()
        assert kept == pytest.approx(math.cos(math.pi / period) ** 2, abs=0.02)


def test_texture_added_elsewhere_does_not_make_up_for_a_loss() -> None:
    image = grass()
    half = SIDE // 2
    soft, louder = F.avg_pool2d(image, 5, 1, 2), 0.5 + 2 * (image - 0.5)
    result = torch.cat([soft[..., :half], louder[..., half:]], -1)
    assert texture_kept(result, image)[2] < 0.75
