from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn.functional import pixel_shuffle, pixel_unshuffle

from vs_gendrpix.errors import SettingsError
from vs_gendrpix.model.gendrpix import random_network, without_lattice
from vs_gendrpix.model.unet import UNet, UNetConfig
from vs_gendrpix.model.weights import load_network, save_network
from vs_gendrpix.training.quarters import share_quarters, unfolded

CONFIG = UNetConfig(
    channels=(24, 16, 16),
    attention=(False, False, False),
    layers=1,
    condition_tokens=3,
    condition_dim=8,
    head_dim=8,
    groups=0,
)


def quartered(config):
    network = random_network(config, seed=1)
    share_quarters(network)
    torch.manual_seed(1)
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.1)
    return network


def restored(network, image):
    with torch.no_grad():
        return network(image, network.positive.expand(len(image), -1, -1))


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("channels", [(24, 16, 16), (16, 24, 32), (32, 16)])
@pytest.mark.parametrize("size", [(40, 56), (8, 8), (64, 72)])
def test_unfolded_does_the_same(tmp_path, channels, layers, size):
    plain = (False,) * len(channels)
    config = replace(CONFIG, channels=channels, layers=layers, attention=plain)
    network = quartered(config)
    image = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(5)) * 2 - 1
    wanted = restored(network, image)
    assert not torch.allclose(wanted, image, atol=1e-2)
    whole = unfolded(network)
    assert type(whole.unet) is UNet
    assert torch.allclose(restored(whole, image), wanted, atol=1e-5)
    save_network(tmp_path / "whole.safetensors", whole)
    again = load_network(
        tmp_path / "whole.safetensors", device=torch.device("cpu"), dtype=torch.float32
    )
    assert torch.allclose(restored(again, image), wanted, atol=1e-5)


def test_the_finest_level_sees_cells_of_four_pixels_where_they_lie():
    network, seen = quartered(CONFIG), []
    network.unet.conv_in.register_forward_hook(lambda *call: seen.append(call[1][0]))
    network.unet.conv_out.register_forward_hook(lambda *call: seen.append(call[2]))
    image = torch.rand(1, 3, 40, 56) * 2 - 1
    change = restored(network, image) - image
    assert torch.equal(seen[0], pixel_unshuffle(image, 4))
    without = without_lattice(pixel_unshuffle(pixel_shuffle(seen[1], 4), 8))
    assert torch.allclose(change, pixel_shuffle(without, 8), atol=1e-5)


def test_a_plain_network_is_its_own_unfolded_one():
    network = random_network(CONFIG, seed=1)
    assert unfolded(network) is network


def test_quarters_learn_alike_and_apart_from_then_on():
    whole = unfolded(quartered(CONFIG))
    block = whole.unet.down_blocks[0].resnets[0].conv1.weight
    centre = block.view(6, 4, 6, 4, 3, 3)[:, :, :, :, 1, 1]  # each quarter from itself
    alike = torch.stack([centre[:, quarter, :, quarter] for quarter in range(4)])
    assert torch.equal(alike, alike[:1].expand_as(alike))
    image = torch.rand(1, 3, 40, 56) * 2 - 1
    whole(image, whole.positive[None]).square().sum().backward()
    assert block.grad is not None
    gradient = block.grad.view(6, 4, 6, 4, 3, 3)[:, :, :, :, 1, 1]
    assert not torch.allclose(gradient[:, 0, :, 0], gradient[:, 1, :, 1])


@pytest.mark.parametrize(
    "changes",
    [
        {"channels": (24,), "attention": (False,)},
        {"channels": (26, 16, 16)},
        {"channels": (24, 18, 16)},
        {"attention": (True, False, False)},
        {"groups": 4},
    ],
)
def test_what_cannot_be_shared_is_refused(changes):
    with pytest.raises(SettingsError, match="shared quarters"):
        share_quarters(random_network(replace(CONFIG, **changes), seed=1))
