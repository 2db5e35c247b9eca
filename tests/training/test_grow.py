from dataclasses import replace

import pytest
import torch
from torch import nn

from vs_gendrpix.errors import SettingsError
from vs_gendrpix.model.gendrpix import GenDRPix, random_network
from vs_gendrpix.model.unet import UNetConfig
from vs_gendrpix.training.grow import grow

SMALL = UNetConfig(
    channels=(24, 16, 16),
    attention=(False, False, False),
    layers=2,
    condition_tokens=3,
    condition_dim=8,
    head_dim=8,
    groups=0,
)


def learnt(config: UNetConfig, seed: int) -> GenDRPix:
    """A network in which nothing is what it begins with."""
    network = random_network(config, seed=seed)
    torch.manual_seed(seed)
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.1)
    return network


def restored(network: GenDRPix) -> torch.Tensor:
    image = torch.rand(2, 3, 40, 56, generator=torch.Generator().manual_seed(5)) * 2 - 1
    return network(image, network.positive.expand(2, -1, -1))


@pytest.mark.parametrize(
    "channels",
    [
        (24, 16, 16),
        (40, 16, 16),
        (32, 24, 16),  # a level becomes narrower than the one before: a sum becomes a layer
        (40, 32, 16),
    ],
)
def test_a_grown_network_does_what_the_small_one_does(channels):
    small, network = learnt(SMALL, 1), learnt(replace(SMALL, channels=channels), 2)
    assert not torch.allclose(restored(network), restored(small), atol=1e-2)
    grow(network, small)
    assert torch.allclose(restored(network), restored(small), atol=1e-5)
    assert torch.equal(network.negative, small.negative)


@pytest.mark.parametrize("layers", [3, 4])
@pytest.mark.parametrize("channels", [(24, 16, 16), (40, 32, 16)])
def test_a_deeper_network_does_what_the_shallow_one_does(channels, layers):
    small = learnt(SMALL, 1)
    network = learnt(replace(SMALL, channels=channels, layers=layers), 2)
    assert not torch.allclose(restored(network), restored(small), atol=1e-2)
    grow(network, small)
    assert torch.allclose(restored(network), restored(small), atol=1e-5)
    network.requires_grad_()
    restored(network).square().mean().backward()
    for way in ("down_blocks.0.resnets.2", "up_blocks.2.resnets.1"):
        assert network.unet.get_submodule(way).conv2.weight.grad.abs().mean() > 0


def test_a_wider_middle_begins_near():
    small, network = learnt(SMALL, 1), learnt(replace(SMALL, channels=(24, 32, 32)), 2)
    image = restored(small)
    before = (restored(network) - image).abs().mean()
    grow(network, small)
    assert (restored(network) - image).abs().mean() < before / 20


def test_attention_grows_too():
    config = replace(SMALL, attention=(False, False, True))
    small, network = learnt(config, 1), learnt(replace(config, channels=(32, 24, 16)), 2)
    grow(network, small)
    assert torch.allclose(restored(network), restored(small), atol=1e-5)


def test_what_is_new_can_be_learnt():
    small, network = learnt(SMALL, 1), learnt(replace(SMALL, channels=(40, 32, 16)), 2)
    grow(network, small)
    network.requires_grad_()
    restored(network).square().mean().backward()
    for name in ("conv_out", "up_blocks.2.resnets.0.conv1", "down_blocks.1.resnets.0.conv1"):
        gradient = network.unet.get_submodule(name).weight.grad
        old, new = gradient[:8, :8], gradient[:8, -8:]  # what old channels read
        assert new.abs().mean() > old.abs().mean() / 100


@pytest.mark.parametrize(
    "change",
    [
        {"channels": (16, 16, 16)},
        {"channels": (24, 16)},
        {"layers": 1},
        {"groups": 8},
        {"condition_tokens": 4},
    ],
)
def test_other_networks_are_refused(change):
    if "channels" in change:
        change["attention"] = (False,) * len(change["channels"])
    network = random_network(replace(SMALL, **change), seed=1)
    with pytest.raises(SettingsError, match="cannot grow"):
        grow(network, learnt(SMALL, 1))


def test_attention_does_not_become_deeper():
    config = replace(SMALL, attention=(False, False, True))
    network = random_network(replace(config, layers=3), seed=1)
    with pytest.raises(SettingsError, match="cannot grow to 3"):
        grow(network, learnt(config, 1))


def test_a_layer_that_would_be_lost_is_named():
    network = random_network(replace(SMALL, channels=(24, 24, 24)), seed=1)
    with pytest.raises(SettingsError, match=r"no place for down_blocks\.1\.resnets\.0"):
        grow(network, learnt(SMALL, 1))
