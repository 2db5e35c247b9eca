"""Logarithmic curves, by the points that their makers publish."""

import pytest
import torch

from vs_gendrpix.color.log_curves import LOG_CURVES
from vs_gendrpix.frame.transfer import CINEON, LOGC3, SLOG3, SLOG3_LIMITED

POINTS = [
    # Kodak: black and white; a grey card of 18 % lies at 470 where a white of 90 % lies at 685
    (CINEON, 95 / 1023, 0.0, 1e-6),
    (CINEON, 685 / 1023, 1.0, 1e-6),
    (CINEON, 470 / 1023, 0.18 / 0.9, 0.02),
    # ARRI: LogC3's black and grey card at EI 800, codes 95 and 400 of 10 bits
    (LOGC3, 0.092809, 0.0, 1e-6),
    (LOGC3, 0.391007, 0.18, 1e-5),
    # Sony: codes 95, 420 and 598 of 10 bits
    (SLOG3, 95 / 1023, 0.0, 1e-6),
    (SLOG3, 420 / 1023, 0.18, 1e-6),
    (SLOG3, 598 / 1023, 0.9, 0.005),
    (SLOG3_LIMITED, (420 - 64) / 876, 0.18, 1e-6),
]


@pytest.mark.parametrize(("transfer", "value", "light", "within"), POINTS)
def test_the_curves_go_through_the_published_points(transfer, value, light, within):
    to_linear, _ = LOG_CURVES[transfer]
    assert to_linear(torch.tensor([value])).item() == pytest.approx(light, abs=within)


@pytest.mark.parametrize("transfer", LOG_CURVES)
def test_every_code_is_there_and_back_and_the_curve_rises_without_a_step(transfer):
    to_linear, from_linear = LOG_CURVES[transfer]
    values = torch.arange(-200, 1224, dtype=torch.float32) / 1023
    light = to_linear(values)
    torch.testing.assert_close(from_linear(light), values, atol=1e-5, rtol=0)
    steps = light.diff()
    assert (steps > 0).all()
    assert (steps[1:] / steps[:-1] < 1.3).all()  # S-Log3 is published with a bend
