import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from vs_gendrpix.training.data.draw import Draw
from vs_gendrpix.training.losses import (
    Perception,
    _prominence,
    grainy,
    lattice_windows,
    masked_fourier_loss,
    phase_loss,
    rand_pad,
    texture_loss,
)


def scene(height: int = 96, width: int = 128) -> torch.Tensor:
    """Noise whose spectrum falls off like a photograph's."""
    noise = torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(2))
    return F.avg_pool2d(F.pad(noise, (1,) * 4, mode="circular"), 3, 1) * 0.5


def test_equal_pictures_cost_nothing():
    assert masked_fourier_loss(scene(), scene(), relative=True) == 0


def test_a_planted_tile_is_found():
    tile = torch.randn(8, 8, generator=torch.Generator().manual_seed(3)) * 0.05
    planted = scene() + tile.repeat(12, 16)
    assert masked_fourier_loss(planted, scene(), relative=True) > 0.2


@pytest.mark.parametrize("relative", [True, False])
def test_equal_magnitudes_cost_nothing_in_either_form(relative):
    moved = scene().roll((8, 24), (-2, -1))  # phases differ, magnitudes do not
    assert masked_fourier_loss(scene(), scene(), relative=relative) == 0
    assert masked_fourier_loss(moved, scene(), relative=relative) < 1e-3


def test_the_plain_form_is_the_mean_difference_of_magnitudes():
    """Equation 2 of the paper, by hand over one window."""
    soft = F.avg_pool2d(F.pad(scene(), (1,) * 4, mode="circular"), 3, 1)
    spectra = [torch.fft.fft2(one, norm="ortho").abs() for one in (soft, scene())]
    rows, columns = lattice_windows(96, 128, reach=1)
    expected = (spectra[0] - spectra[1]).abs()[..., rows, columns].mean()
    loss = masked_fourier_loss(soft, scene(), relative=False)
    torch.testing.assert_close(loss, expected)


def test_brightness_is_no_tile():
    assert masked_fourier_loss(scene() + 0.3, scene(), relative=True) < 1e-3


def test_softness_costs_far_less_than_a_tile():
    """The reason for relative magnitudes: a soft student must not be driven to draw a grid."""
    soft = F.avg_pool2d(F.pad(scene(), (1,) * 4, mode="circular"), 3, 1)
    tile = torch.randn(8, 8, generator=torch.Generator().manual_seed(3)) * 0.05
    tiled = scene() + tile.repeat(12, 16)
    assert masked_fourier_loss(soft, scene(), relative=True) < 0.5 * masked_fourier_loss(
        tiled, scene(), relative=True
    )


@given(st.integers(8, 20), st.integers(8, 20))
def test_windows_surround_the_63_points(rows, columns):
    height, width = 8 * rows, 8 * columns
    row, column = lattice_windows(height, width, reach=2)
    centres = {(int(r[2, 0]), int(c[0, 2])) for r, c in zip(row, column, strict=True)}
    expected = {(k * rows, m * columns) for k in range(8) for m in range(8)} - {(0, 0)}
    assert centres == expected


def test_half_a_spectrum_is_enough():
    """The product reads rfft2; the whole fft2 must say the same."""
    image = scene()
    magnitude = torch.fft.fft2(image, norm="ortho").abs()
    rows, columns = lattice_windows(*image.shape[-2:], reach=4)
    windows = magnitude[..., rows, columns]
    around = (windows.sum((-2, -1)) - windows[..., 2:7, 2:7].sum((-2, -1))) / 56
    expected = windows[..., 3:6, 3:6] / (around[..., None, None] + 0.01)
    assert torch.allclose(_prominence(image), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_gradients_lead_away_from_the_tile(dtype):
    tile = torch.randn(8, 8, generator=torch.Generator().manual_seed(3)) * 0.1
    strength = torch.ones((), requires_grad=True)
    output = (scene() + strength * tile.repeat(12, 16)).to(dtype)
    masked_fourier_loss(output, scene(), relative=True).backward()
    assert strength.grad > 0


def test_grain_is_fresh_for_each_picture_and_view_and_changes_no_brightness():
    grey = torch.zeros(40, 3, 64, 72)
    first, second = grainy(grey, Draw(1), 6), grainy(grey, Draw(2), 6)
    assert torch.equal(first, grainy(grey, Draw(1), 6))
    codes = 255 / 2
    strengths = first.std((1, 2, 3)) * codes
    assert strengths.min() == 0  # some pictures stay as they are
    assert 3 < strengths.max() < 8
    assert (first.mean() * codes).abs() < 0.1
    both = torch.stack([first.flatten(), second.flatten()])
    assert torch.corrcoef(both)[0, 1].abs() < 0.02
    neighbours = torch.stack([first[..., 1:].flatten(), first[..., :-1].flatten()])
    assert torch.corrcoef(neighbours)[0, 1] > 0.5  # as coarse as what has been enlarged


@pytest.mark.slow
def test_features_see_a_weave_half_of_the_time_and_structure_always():
    """A weave of two pixels is gone at half the size; edges are not."""
    perception = Perception()
    plain = torch.zeros(1, 3, 96, 96)
    weave, edges = plain.clone(), plain.clone()
    weave += 0.1 * (-1.0) ** torch.arange(96) * (-1.0) ** torch.arange(96)[:, None]
    edges[..., 24:40, :] = edges[..., 64:80, :] = 0.2
    draws = range(40)
    costs = [perception(weave, plain, Draw(number)).item() for number in draws]
    seen = sum(cost > max(costs) / 3 for cost in costs)
    assert 10 < seen < 30
    assert all(cost < max(costs) / 20 for cost in sorted(costs)[: len(costs) - seen])
    others = [perception(edges, plain, Draw(number)).item() for number in draws]
    assert min(others) > max(others) / 5


def test_each_picture_of_a_batch_is_padded_its_own_way():
    image = scene()[:, :, :64, :64].expand(12, -1, -1, -1)
    padded = rand_pad(image, Draw(1))
    assert padded.shape == (12, 3, 72, 72)
    places = set()
    for one in padded:
        found = [
            (top, left)
            for top in range(8)
            for left in range(8)
            if torch.equal(one[:, top : top + 64, left : left + 64], image[0])
        ]
        assert len(found) == 1
        places.update(found)
    assert len(places) > 6
    assert torch.equal(rand_pad(image, Draw(1)), padded)


def test_texture_is_the_same_wherever_its_threads_lie():
    """What no network can know, the place of each blade of grass, costs nothing."""
    moved = scene().roll((8, 24), (-2, -1))
    soft = F.avg_pool2d(F.pad(scene(), (1,) * 4, mode="circular"), 3, 1)
    assert texture_loss(scene(), scene()) == 0
    assert texture_loss(moved, scene()) < 0.3
    assert texture_loss(soft, scene()) > 1
    assert texture_loss(soft, scene()) == texture_loss(scene(), soft)


def test_texture_fainter_than_a_code_is_none():
    flat = torch.full((1, 3, 64, 64), 0.3)
    faint = flat + 0.1 / 127.5 * torch.randn(1, 3, 64, 64, generator=torch.Generator())
    assert texture_loss(faint, flat) < 0.05


@pytest.mark.parametrize("axis", [-2, -1])
def test_a_grid_that_lies_within_texture_is_found(axis):
    """It multiplies the texture: no tile repeats, and the Fourier loss sees less of it."""
    gain = torch.tensor([1.0, 1.0, 1.0, 1.8]).repeat(scene().shape[axis] // 4)
    gain = gain if axis == -1 else gain[:, None]
    assert phase_loss(scene(), scene()) == 0
    assert phase_loss(scene() * gain, scene()) > 0.08
    assert phase_loss(scene(), scene() * gain) < 0.01  # a target with more of it is no aim
    moved = scene().roll((2, 3), (-2, -1))
    assert phase_loss(moved, scene()) < 0.03


def test_gradients_of_texture_and_phases_are_finite_where_all_is_flat():
    output = torch.zeros(1, 3, 64, 64, requires_grad=True)
    (texture_loss(output, scene(64, 64)) + phase_loss(output, scene(64, 64))).backward()
    assert output.grad.isfinite().all()
