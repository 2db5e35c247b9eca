from fractions import Fraction

import numpy as np
import pytest
import torch

from tests.strategies import frame_format
from vs_gendrpix.color.codes import from_rgb, to_rgb
from vs_gendrpix.color.working_space import from_working, to_working
from vs_gendrpix.frame.transfer import CINEON, LOGC3, SLOG3, SLOG3_LIMITED
from vs_gendrpix.restore.engine import settings_restorer
from vs_gendrpix.restore.way import Way
from vs_gendrpix.settings import RestoreSettings

PQ_OF = {0: 0.0, 100: 0.50808, 203: 0.58069, 1000: 0.75183}


def hdr_format(transfer, size=(48, 32), bits=10):
    return frame_format(*size, "yuv", bits, matrix=9, primaries=9, transfer=transfer)


def test_pq_is_seen_as_a_display_of_400_shows_it():
    signal = torch.tensor([PQ_OF[0], PQ_OF[100], PQ_OF[1000]])
    wanted = [0, (100 / 400) ** (1 / 2.4), (1000 / 400) ** (1 / 2.4)]
    assert to_working(signal, 16).tolist() == pytest.approx(wanted, abs=2e-4)


@pytest.mark.parametrize("transfer", [8, 16, CINEON, LOGC3, SLOG3, SLOG3_LIMITED])
def test_the_way_back_is_the_inverse_beyond_black_and_white_too(transfer):
    signal = torch.linspace(-0.05, 1.05, 5001)
    torch.testing.assert_close(
        from_working(to_working(signal, transfer), transfer), signal, atol=3e-5, rtol=0
    )


@pytest.mark.parametrize("transfer", [1, 2, 6, 13, 14, 18])
def test_sdr_and_hlg_are_seen_as_they_are(transfer):
    signal = torch.rand(1, 3, 4, 4)
    assert to_working(signal, transfer) is signal
    assert from_working(signal, transfer) is signal


def restored(planes, form, strength, model):
    settings = RestoreSettings(
        scale=Fraction(1), model_path=model, device="cpu", dtype="fp32", strength=strength
    )
    return way_of(settings, form)(planes)


def way_of(settings, form):
    cpu = torch.device("cpu")
    return Way(settings_restorer(settings, cpu), settings, form, form, device=cpu)


def noisy_planes(form, low, high):
    rng = np.random.default_rng(1)
    return tuple(
        torch.from_numpy(rng.integers(low, high, (1, *shape)).astype(form.dtype))
        for shape in form.plane_shapes
    )


@pytest.mark.parametrize("transfer", [16, 18, LOGC3])
@pytest.mark.parametrize("bits", [10, 12])
def test_hdr_and_log_come_out_as_they_went_in_at_strength_0(small_model, transfer, bits):
    """Super-white and what lies below black too."""
    form = hdr_format(transfer, bits=bits)
    planes = noisy_planes(form, 4 << bits - 10, 1019 << bits - 10)
    plain = from_rgb(to_rgb(planes, form), form)
    for was, now in zip(plain, restored(planes, form, 0, small_model)[:3], strict=True):
        assert torch.equal(was, now)


@pytest.mark.parametrize("coded", [16, CINEON, LOGC3, SLOG3])
def test_the_network_changes_it_in_the_light_of_a_display(small_model, coded):
    """The same picture in PQ or log and in SDR: what is done to one is done to the other."""
    sdr = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1)) * 0.5 + 0.2
    made = []
    for transfer, signal in ((1, sdr), (coded, from_working(sdr, coded))):
        form = frame_format(64, 64, "rgb", 16, transfer=transfer)
        settings = RestoreSettings(
            scale=Fraction(1), model_path=small_model, device="cpu", dtype="fp32"
        )
        with torch.inference_mode():
            made.append(way_of(settings, form).restore(signal)[0])
    assert (made[0] - sdr).abs().max() > 1e-3
    torch.testing.assert_close(to_working(made[1], coded), made[0], atol=2e-4, rtol=0)


def test_what_is_brighter_than_the_network_sees_is_kept(small_model):
    """4000 cd/m2 stay 4000, but for what the network does to a white picture."""
    form = hdr_format(16)
    codes = 64 + round(0.9026 * 876)
    planes = tuple(
        torch.full((1, *shape), code, dtype=torch.int32).to(torch.uint16)
        for shape, code in zip(form.plane_shapes, (codes, 512, 512), strict=True)
    )
    luma = restored(planes, form, 1, small_model)[0].float()
    assert (luma - codes).abs().max() < 8
