import pytest
import torch

from vs_gendrpix.training.data import film
from vs_gendrpix.training.data.draw import Draw


def scene(height: int = 64, width: int = 80) -> torch.Tensor:
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    waves = [0.5 + 0.3 * torch.sin((x * (c + 1) + y * 2) / 9) for c in range(3)]
    return torch.stack(waves).float()


def luma(image: torch.Tensor) -> torch.Tensor:
    return (image * torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)).sum(0)


@pytest.mark.parametrize("damage", [film.film, film.tape, film.fields, film.banded])
def test_every_damage_is_legal_seen_and_repeatable(damage):
    for seed in range(8):
        degraded = damage(scene(), Draw(seed))
        assert degraded.shape == scene().shape
        assert degraded.min() >= 0
        assert degraded.max() <= 1
        assert 0.0005 < (degraded - scene()).abs().mean() < 0.2
        assert torch.equal(degraded, damage(scene(), Draw(seed)))


def test_a_move_by_whole_pixels_is_exact_and_by_half_ones_between():
    image = scene()
    torch.testing.assert_close(film.moved(image, 2, 1)[:, 1:, 2:], image[:, :-1, :-2])
    between = (image[:, :, :-1] + image[:, :, 1:]) / 2
    torch.testing.assert_close(film.moved(image, 0.5, 0)[:, :, 1:], between)


def test_combed_fields_leave_every_other_line_alone():
    touched = []
    for seed in range(40):
        same = (film.fields(scene(), Draw(seed)) == scene()).all(dim=(0, 2))
        if same[::2].all() != same[1::2].all():
            touched.append(seed)
    assert len(touched) > 15  # combed and bobbed ones


def test_tape_smears_colours_more_than_lines_and_keeps_gray_gray():
    edge = torch.zeros(3, 32, 64)
    edge[0, :, 32:] = 0.8  # red beside black
    quiet = next(seed for seed in range(50) if not _noisy(seed))
    degraded = film.tape(edge, Draw(quiet))
    steps = (luma(degraded)[16].diff().abs() > 0.01).sum()
    red_difference = (degraded[0] - luma(degraded))[16]
    assert (red_difference.diff().abs() > 0.01).sum() > steps
    gray = torch.full((3, 32, 64), 0.4)
    torch.testing.assert_close(film.tape(gray, Draw(quiet)), gray, atol=1e-4, rtol=0)


def _noisy(seed: int) -> bool:
    gray = torch.full((3, 32, 64), 0.4)
    return bool((film.tape(gray, Draw(seed)) - gray).abs().max() > 1e-3)


def test_grain_is_strongest_between_black_and_white():
    seeds = range(30)
    spread = {
        tone: sum(
            film._grain(torch.full((3, 48, 48), tone), Draw(seed)).std().item() for seed in seeds
        )
        for tone in (0.02, 0.5)
    }
    assert spread[0.5] > 1.5 * spread[0.02]


def test_scratches_run_along_the_film():
    image = torch.full((3, 64, 64), 0.4)
    change = (film._scratches(image, Draw(1)) - image).abs().mean(0)
    assert change.max(1).values.min() > 0.05  # in every line
    assert (change.max(0).values > 0.05).float().mean() < 0.2  # in few columns


def test_bands_have_few_levels():
    assert len(film.banded(scene(), Draw(2)).unique()) <= 101
