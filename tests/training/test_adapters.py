import copy

import pytest
import torch

from tests.strategies import SMALL
from vs_gendrpix.errors import SettingsError
from vs_gendrpix.models.gendrpix.compact import CompactConfig
from vs_gendrpix.models.gendrpix.network import random_network
from vs_gendrpix.training.adapters import adapt, mix, plain_copy


@pytest.mark.slow
def test_changes_are_trained_in_the_place_of_weights():
    pytest.importorskip("peft")
    network = random_network(SMALL, seed=1).train()
    before = copy.deepcopy(network)
    adapt(network, 2, seed=5)
    picture, prompt = torch.rand(1, 3, 32, 32), network.positive[None]
    with torch.no_grad():
        assert torch.equal(network(picture, prompt), before(picture, prompt))
    trained = {name for name, weight in network.named_parameters() if weight.requires_grad}
    ends = ("body.conv_in", "body.conv_norm_out", "body.conv_out", "positive", "negative")
    assert all("lora_" in name or name.startswith(ends) for name in trained)
    for layer in ("resnets.0.conv1", "attentions.0.proj_in", "resnets.1.time_emb_proj"):
        assert f"body.mid_block.{layer}.lora_B.default.weight" in trained
    weights = [weight for weight in network.parameters() if weight.requires_grad]
    step = torch.optim.SGD(weights, lr=1.0)
    network(picture, prompt).square().mean().backward()
    step.step()
    whole = plain_copy(network)
    assert whole.state_dict().keys() == before.state_dict().keys()
    changed = {
        name
        for name, value in whole.state_dict().items()
        if not torch.equal(value, before.state_dict()[name])
    }
    assert "body.mid_block.attentions.0.proj_out.weight" in changed
    assert "body.mid_block.resnets.0.norm1.weight" not in changed
    with torch.no_grad():
        restored = network(picture, prompt)
        assert (restored - before(picture, prompt)).abs().max() > 1e-3
        torch.testing.assert_close(whole(picture, prompt), restored, atol=1e-5, rtol=1e-5)


def test_a_plain_network_is_copied_as_it_is(small_network):
    whole = plain_copy(small_network)
    assert whole is not small_network
    state = small_network.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in whole.state_dict().items())


CHAIN = CompactConfig(width=8, layers=3)
PICTURE = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def mixed():
    """A network and two others, whose shares of it are to be learnt."""
    network, *others = (random_network(CHAIN, seed=seed) for seed in range(3))
    for other in others:
        for slope in (layer[1].weight for layer in other.body.layers):
            slope.data += torch.rand(8)
    before = copy.deepcopy(network)
    mix(network, others)
    return network, before, others


def test_a_mixture_begins_as_the_network_and_learns_shares_alone(mixed):
    network, before, _ = mixed
    prompt = before.positive[None]
    with torch.no_grad():
        assert torch.equal(network(PICTURE, prompt), before(PICTURE, prompt))
    trained = {name: weight for name, weight in network.named_parameters() if weight.requires_grad}
    assert all(".shares." in name for name in trained)
    assert {weight.shape for weight in trained.values()} == {(2, 8)}
    assert len(trained) == 3 * CHAIN.layers  # kernels, biases and slopes
    network(PICTURE, prompt).square().mean().backward()
    assert all(weight.grad.abs().max() > 0 for weight in trained.values())
    assert network.state_dict().keys() - before.state_dict().keys() == trained.keys() | {
        name.replace(".shares.", ".layer.") for name in trained
    }


def test_a_channel_with_the_whole_share_of_another_is_the_others(mixed):
    network, before, (first, second) = mixed
    with torch.no_grad():
        for part in network.body.layers[1]:
            for shares in part.shares.values():
                shares[1, 3] = 1.0
    plain = plain_copy(network)
    assert plain.state_dict().keys() == before.state_dict().keys()
    channel = plain.body.layers[1][0].weight[3]
    torch.testing.assert_close(channel, second.body.layers[1][0].weight[3], atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(
        plain.body.layers[1][1].weight[3], second.body.layers[1][1].weight[3]
    )
    assert torch.equal(plain.body.layers[1][0].weight[2], before.body.layers[1][0].weight[2])
    assert torch.equal(plain.body.conv_out.weight, before.body.conv_out.weight)
    with torch.no_grad():
        prompt = before.positive[None]
        torch.testing.assert_close(plain(PICTURE, prompt), network(PICTURE, prompt))
    assert not torch.equal(first.body.layers[1][0].weight[3], channel)


def test_a_share_for_a_whole_layer_moves_all_its_channels():
    network, other = (random_network(CHAIN, seed=seed) for seed in range(2))
    before = copy.deepcopy(network)
    mix(network, [other], "layers")
    trained = [weight for weight in network.parameters() if weight.requires_grad]
    assert [weight.shape for weight in trained] == [(1, 1)] * 2 * CHAIN.layers
    with torch.no_grad():
        assert torch.equal(
            network(PICTURE, before.positive[None]), before(PICTURE, before.positive[None])
        )
        network.body.layers[1][0].shares["all"][:] = 0.25
    plain = plain_copy(network)
    for name, weight in before.body.layers[1][0].named_parameters():
        theirs = other.body.layers[1][0].get_parameter(name)
        found = plain.body.layers[1][0].get_parameter(name)
        torch.testing.assert_close(found, 0.75 * weight + 0.25 * theirs)
    assert torch.equal(plain.body.layers[2][0].weight, before.body.layers[2][0].weight)


def test_networks_of_other_layers_are_no_mixture():
    network, other = random_network(CHAIN, seed=0), random_network(SMALL, seed=0)
    with pytest.raises(SettingsError, match="the same layers"):
        mix(network, [other])
