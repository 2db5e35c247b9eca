import copy

import pytest
import torch

from tests.strategies import SMALL
from vs_gendrpix.models.gendrpix.network import random_network
from vs_gendrpix.training.lora import adapt, plain_copy


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
