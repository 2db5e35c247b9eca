from dataclasses import replace

import pytest
import torch

from tests.conftest import SMALL
from vs_gendrpix.models.ancestors.latent import PixelEncoder, one_step
from vs_gendrpix.models.gendrpix.network import CELLS, GenDRPix
from vs_gendrpix.training import beginnings


@pytest.mark.parametrize("prediction", ["epsilon", "v", "sample"])
def test_a_last_layer_for_noise_or_velocity_becomes_one_for_latents(prediction):
    """Where a teacher leaves a latent as it is, its student gives that latent."""
    config = replace(SMALL, prediction=prediction)
    student = beginnings.new(
        PixelEncoder, replace(config, prediction="sample"), seed=1, channels=(192, 4)
    )
    step = one_step(config)
    layer = student.unet.conv_out
    features = torch.randn(1, layer.in_channels, 8, 8)
    output = layer(features)
    latent = output * step.scale / (1 - step.skip)
    torch.testing.assert_close(step.result(latent, output), latent)
    beginnings.give_latents(student, step)
    torch.testing.assert_close(layer(features), latent)


@pytest.mark.slow
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("side", CELLS)
def test_a_network_begins_as_the_identity_with_components_before_its_end(layers, side):
    """Whitened components reach the last layer, so that its first steps are a linear filter."""
    values = 3 * side**2
    config = replace(SMALL, channels=(192, 64), groups=0, layers=layers)
    network = beginnings.new(GenDRPix, config, channels=(values, values), seed=1)
    generator = torch.Generator().manual_seed(2)
    noise = torch.rand(4, 3, 16, 16, generator=generator) * 2 - 1
    degraded = torch.nn.functional.interpolate(noise, size=(96, 96), mode="bicubic").clamp(-1, 1)
    beginnings.straighten(network, degraded)
    seen = {}
    unet = network.unet
    unet.conv_in.register_forward_hook(lambda *call: seen.update(first=call[2]))
    unet.conv_norm_out.register_forward_hook(lambda *call: seen.update(last=call[2]))
    block = unet.down_blocks[0].resnets[0]
    block.register_forward_hook(lambda *call: seen.update(block=(call[1][0], call[2])))
    output = network(degraded, network.positive.expand(4, -1, -1))
    assert torch.equal(output, degraded)
    assert torch.equal(*seen["block"])
    first, last = (seen[name].transpose(0, 1).flatten(1)[:8] for name in ("first", "last"))
    assert first.std(1).min() > 0.5  # all alike, however strong they are in the picture
    assert first.std(1).max() < 2
    for component, arrived in zip(first, last, strict=True):
        assert torch.corrcoef(torch.stack([component, arrived]))[0, 1] > 0.8
    (output - degraded.roll(1, -1)).square().mean().backward()
    assert unet.conv_out.weight.grad.abs().mean() > 0
