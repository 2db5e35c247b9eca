import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tests.restorers import Calling
from tests.strategies import frame_format
from vs_gendrpix.restore.grain import Regrain, seeds_of
from vs_gendrpix.restore.way import Way
from vs_gendrpix.settings import RestoreSettings

SIZE = (144, 192)
RAMP = torch.linspace(0.1, 0.9, SIZE[1]).expand(1, 3, *SIZE)
"""From dark to bright, left to right."""


def regrain(output, source, amount, seeds):
    return Regrain(amount, output.device)(output, source, seeds)


def smooth(picture, deviation):
    """A Gaussian blur that owes nothing to the code under test."""
    reach = int(4 * deviation) + 1
    taps = torch.exp(-(torch.arange(-reach, reach + 1.0) ** 2) / (2 * deviation**2))
    kernel = (taps[:, None] * taps / taps.sum() ** 2)[None, None]
    return F.conv2d(F.pad(picture, [reach] * 4, mode="reflect"), kernel)


def film(deviation, size=0.5, seed=3):
    """(1, 1, h, w) grain of a standard deviation, which may differ from place to place."""
    generator = torch.Generator().manual_seed(seed)
    white = torch.randn((1, 1, *SIZE), generator=generator)
    field = smooth(white, size)
    return field / field.std() * deviation


def enlarged(picture, scale):
    return F.interpolate(picture, scale_factor=scale, mode="bicubic", antialias=True)


def seed(number):
    return torch.tensor([number], dtype=torch.int32)


def seen(added):
    """What was added, at the source's size, without its slow part."""
    small = F.interpolate(added, SIZE, mode="bicubic", antialias=True)
    return small - smooth(small, 2.0)


@pytest.mark.parametrize("scale", [1, 1.5, 2, 4])
@pytest.mark.parametrize("size", [0.3, 0.8])
def test_grain_that_was_taken_comes_back_as_strong_as_it_was(scale, size):
    grain = film(0.02, size)
    clean = enlarged(RAMP, scale)
    added = regrain(clean, RAMP + grain, 1.0, seed(5)) - clean
    was = grain - smooth(grain, 2.0)
    assert float(seen(added[:, :1]).std()) == pytest.approx(float(was.std()), rel=0.15)
    assert abs(added.mean()) < 0.0005
    half = regrain(clean, RAMP + grain, 0.5, seed(5)) - clean
    torch.testing.assert_close(half, added / 2, atol=1e-6, rtol=0)


def test_its_strength_follows_that_of_the_source_by_brightness():
    profile = 0.005 + 0.03 * (1 - (RAMP[:, :1] - 0.5).abs() * 2)
    added = regrain(RAMP, RAMP + film(profile), 1.0, seed(5)) - RAMP
    dark, middle = added[..., :24].std(), added[..., 84:108].std()
    assert 1.4 < middle / dark < 3  # 2.6 in the source, blurred by the levels between which it lies


def test_its_size_grows_more_slowly_than_the_picture():
    def likeness(field, step):
        return float((field[..., step:] * field[..., :-step]).mean() / field.square().mean())

    grain = film(0.03, 0.8)
    added = regrain(enlarged(RAMP, 4), RAMP + grain, 1.0, seed(5)) - enlarged(RAMP, 4)
    assert likeness(added, 1) > likeness(grain, 1) + 0.1
    assert likeness(added, 4) < likeness(grain, 1) - 0.1


def test_nothing_is_added_where_nothing_was_taken():
    grainy = RAMP + film(0.02)
    for scale in (1, 2):
        left = enlarged(grainy, scale)
        assert (regrain(left, grainy, 1.0, seed(5)) - left).abs().max() < 1e-4
        clean = enlarged(RAMP, scale)
        assert (regrain(clean, RAMP, 1.0, seed(5)) - clean).abs().max() < 1e-3


def test_only_what_is_missing_of_a_half_removed_grain_is_added():
    grain = film(0.02)
    added = regrain(RAMP + grain / 2, RAMP + grain, 1.0, seed(5)) - (RAMP + grain / 2)
    result = grain / 2 + added[:, :1]
    missing, was = result - smooth(result, 2.0), grain - smooth(grain, 2.0)
    assert float(missing.std()) == pytest.approx(float(was.std()), rel=0.15)


def test_bars_stay_black_and_the_picture_between_them_is_measured():
    picture = RAMP.clone()
    picture[..., :40, :] = picture[..., -40:, :] = 0
    grain = film(0.02)
    grain[..., :40, :] = grain[..., -40:, :] = 0
    added = regrain(picture, picture + grain, 1.0, seed(5)) - picture
    assert added[..., :40, :].abs().max() == 0
    assert float(added[..., 48:-48, :].std()) == pytest.approx(0.02, rel=0.3)


def test_every_picture_has_grain_of_its_own_and_always_the_same():
    grainy, clean = RAMP + film(0.02), RAMP
    one, again, other = (regrain(clean, grainy, 1.0, seed(number)) - clean for number in (1, 1, 2))
    assert torch.equal(one, again)
    likeness = (one * other).mean() / (one.std() * other.std())
    assert abs(likeness) < 0.02
    batch = regrain(
        clean.repeat(2, 1, 1, 1), grainy.repeat(2, 1, 1, 1), 1.0, torch.tensor([1, 2]).int()
    )
    torch.testing.assert_close(batch[:1] - clean, one, atol=1e-5, rtol=0)
    torch.testing.assert_close(batch[1:] - clean, other, atol=1e-5, rtol=0)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.uint16, torch.float16, torch.float32])
def test_a_seed_depends_on_every_sample(dtype):
    generator = torch.Generator().manual_seed(1)
    plane = (torch.rand((1, 12, 16), generator=generator) * 200).to(dtype)
    first = seeds_of(plane)
    assert torch.equal(seeds_of(plane.clone()), first)
    for place in [(0, 0, 0), (0, 5, 7), (0, 11, 15)]:
        changed = plane.clone()
        changed[place] = 201
        assert seeds_of(changed) != first
    assert seeds_of(plane.flip(2)) != first


@pytest.mark.parametrize("size", [(1, 1), (3, 50), (17, 9)])
def test_the_smallest_pictures_pass(size):
    source = torch.rand((1, 3, *size), generator=torch.Generator().manual_seed(1))
    assert regrain(enlarged(source, 2), source, 1.0, seed(1)).isfinite().all()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_gpu_makes_the_same_grain():
    grainy = RAMP + film(0.02)
    here = regrain(RAMP, grainy, 1.0, seeds_of(grainy[:, 0]))
    there = grainy.cuda()
    made = regrain(RAMP.cuda(), there, 1.0, seeds_of(there[:, 0]))
    torch.testing.assert_close(made.cpu(), here, atol=1e-3, rtol=0)


def test_grain_that_a_restorer_takes_is_put_back():
    form = frame_format(SIZE[1], SIZE[0], "gray", 16)
    codes = ((RAMP[:, 0] + film(0.02)[:, 0]) * 219 + 16) * 256
    planes = (torch.from_numpy(codes.numpy().round().astype(np.uint16)),)

    def restored(grain):
        settings = RestoreSettings(grain=grain, color_fix="none")
        model = Calling(lambda rgb: smooth(rgb[:, :1], 2.0).repeat(1, 3, 1, 1))
        return Way(model, settings, form, form, device=torch.device("cpu"))(planes)[0].float()

    added = (restored(1.0) - restored(0.0)) / (219 * 256)
    assert float(added.std()) == pytest.approx(0.02, rel=0.25)
