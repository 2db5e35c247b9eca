from dataclasses import replace

import pytest
import torch
from torch import nn

from tests.strategies import SMALL
from vs_gendrpix.errors import SettingsError
from vs_gendrpix.models.gendrpix.network import GenDRPix, random_network
from vs_gendrpix.models.gendrpix.unet import UNetConfig
from vs_gendrpix.training.beginnings import deepen

FLAT = replace(
    SMALL,
    channels=(24, 16, 16),
    attention=(False, False, False),
    layers=2,
    condition_tokens=3,
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


@pytest.mark.parametrize("layers", [2, 3, 6])
def test_a_deeper_network_begins_with_what_the_other_does(layers):
    flat, network = learnt(FLAT, 1), learnt(replace(FLAT, layers=layers), 2)
    assert not torch.allclose(restored(network), restored(flat), atol=1e-2)
    deepen(network, flat)
    assert torch.allclose(restored(network), restored(flat), atol=1e-5)
    assert torch.equal(network.negative, flat.negative)
    network.requires_grad_()
    restored(network).square().mean().backward()
    for up_or_down in ("down_blocks.0.resnets", "up_blocks.2.resnets"):
        for block in network.unet.get_submodule(up_or_down):
            assert block.conv2.weight.grad.abs().mean() > 0


@pytest.mark.parametrize(
    "change",
    [
        {"channels": (32, 16, 16)},
        {"channels": (24, 16), "attention": (False, False)},
        {"layers": 1},
        {"groups": 8},
        {"condition_tokens": 4},
        {"attention": (False, False, True)},
    ],
)
def test_other_networks_are_refused(change):
    network = random_network(replace(FLAT, **change), seed=1)
    with pytest.raises(SettingsError, match="cannot begin a network of"):
        deepen(network, learnt(FLAT, 1))
