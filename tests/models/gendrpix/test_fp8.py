from dataclasses import replace

import pytest
import torch
from torch import nn

from tests.strategies import SMALL
from vs_gendrpix.models.card import ModelCard
from vs_gendrpix.models.gendrpix.fp8 import FP8, Fp8Linear, quantised, to_fp8
from vs_gendrpix.models.gendrpix.network import GenDRPix

CONFIG = replace(
    SMALL, channels=(32, 64), attention=(True, True), condition_tokens=4, condition_dim=24
)


@pytest.mark.parametrize("gain", [1e-6, 1.0, 1e4])
def test_a_row_is_off_by_a_sixteenth_of_its_values_at_most(gain):
    rows = torch.randn(50, 64) * gain
    rows[0] = 0
    values, scale = quantised(rows)
    assert values.dtype == FP8
    back = values.float() * scale
    # Three bits behind the point: half a step is a sixteenth; below that, a step of the smallest.
    assert ((back - rows).abs() <= rows.abs() / 16 + scale * 2**-10).all()
    assert torch.isfinite(back).all()


@pytest.mark.parametrize("bias", [True, False])
def test_a_layer_is_the_product_of_what_fp8_keeps(bias):
    torch.manual_seed(1)
    linear = nn.Linear(64, 48, bias=bias).requires_grad_(requires_grad=False)
    x = torch.randn(2, 5, 64)
    result = Fp8Linear(linear)(x)
    rows, scale = quantised(x.flatten(0, 1))
    weight, gain = quantised(linear.weight)
    expected = (rows.float() * scale) @ (weight.float() * gain).T
    expected = (expected if linear.bias is None else expected + linear.bias).view(2, 5, 48)
    assert result.dtype == x.dtype
    assert (result - expected).abs().max() <= expected.abs().max() / 128  # bf16 comes out
    assert (result - linear(x)).abs().mean() <= linear(x).abs().mean() / 20


def test_large_and_small_tokens_keep_their_own_scale():
    linear = nn.Linear(32, 32, bias=False).requires_grad_(requires_grad=False)
    x = torch.randn(2, 32)
    x[1] *= 1e-5
    error = (Fp8Linear(linear)(x) - linear(x)).abs().mean(1)
    assert (error <= linear(x).abs().mean(1) / 10).all()


def test_a_network_has_its_linear_layers_replaced_where_widths_allow():
    torch.manual_seed(2)
    network = GenDRPix(CONFIG, ModelCard(name="random")).requires_grad_(requires_grad=False).eval()
    nn.init.normal_(network.unet.conv_out.weight, std=0.02)
    image = torch.rand(1, 3, 64, 72) * 2 - 1
    condition = network.positive[None]
    with torch.inference_mode():
        before = network(image, condition)
        to_fp8(network.unet)
        after = network(image, condition)
    left = [part for part in network.unet.modules() if isinstance(part, nn.Linear)]
    # 24 wide: of the condition
    assert left
    assert all(part.in_features == CONFIG.condition_dim for part in left)
    assert any(isinstance(part, Fp8Linear) for part in network.unet.modules())
    change = (after - before).abs().mean()
    assert 0 < change < (before - image).abs().mean() / 10
