from dataclasses import replace

import pytest
import torch
from torch import nn

from vs_gendrpix.errors import ModelError
from vs_gendrpix.models.gendrpix.files import load_network, save_network
from vs_gendrpix.models.gendrpix.folding import fold
from vs_gendrpix.models.gendrpix.layers import Affine, ResBlock
from vs_gendrpix.models.gendrpix.network import GenDRPix, random_network
from vs_gendrpix.models.gendrpix.unet import UNetConfig

NARROW = UNetConfig(
    channels=(16, 32, 32, 32), condition_tokens=7, condition_dim=24, head_dim=16, groups=8
)
CPU = torch.device("cpu")


def network(groups: int = NARROW.groups) -> GenDRPix:
    made = random_network(replace(NARROW, groups=groups), seed=3)
    generator = torch.Generator().manual_seed(1)
    for part in made.modules():
        if isinstance(part, Affine):  # random ones begin as the identity, which hides mistakes
            part.weight.data += 0.3 * torch.randn(part.weight.shape, generator=generator)
            part.bias.data += 0.3 * torch.randn(part.bias.shape, generator=generator)
    return made.requires_grad_(requires_grad=False)


def picture() -> torch.Tensor:
    return torch.rand(2, 3, 72, 56, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.mark.parametrize("groups", [8, 0])
@pytest.mark.parametrize("prompt", ["positive", "negative"])
def test_folding_changes_nothing(prompt, groups):
    plain, folded = network(groups), fold(network(groups))
    image = picture()
    expected = plain(image, getattr(plain, prompt).expand(2, -1, -1))
    output = folded(image, getattr(folded, prompt).expand(2, -1, -1))
    assert (expected - image).std() > 0.03
    assert (output - expected).abs().max() <= 1e-5


def test_time_and_prompts_cost_nothing_any_more():
    plain, folded = network(), fold(network())
    names = {name.rpartition(".")[0] for name in folded.state_dict()}
    assert not any("time_emb" in name or "attn2.to_k" in name for name in names)

    def linear_calls(model: GenDRPix) -> int:
        calls = []
        for part in model.modules():
            if isinstance(part, nn.Linear):
                part.register_forward_hook(lambda *_: calls.append(1))
        model(picture()[:1], model.positive[None])
        return len(calls)

    # 22 ResBlocks and the 2 layers of the embedding; keys and values of 16 cross-attentions.
    assert linear_calls(plain) - linear_calls(folded) == 22 + 2 + 2 * 16


def test_a_scale_behind_a_convolution_costs_nothing_any_more():
    kinds = [type(part.norm2) for part in fold(network(0)).modules() if isinstance(part, ResBlock)]
    assert kinds == [nn.Identity] * 22
    assert any(isinstance(part, Affine) for part in fold(network(0)).modules())


def test_the_prompts_still_steer():
    folded = fold(network())
    image = picture()[:1]
    first, second = folded(image, folded.positive[None]), folded(image, folded.negative[None])
    assert (first - second).abs().max() > 1e-4


@pytest.mark.slow
def test_loading_folds_in_full_precision(tmp_path):
    """The sums are made before the weights are rounded to the network's arithmetic."""
    plain = network()
    save_network(tmp_path / "n.safetensors", plain)
    loaded = load_network(tmp_path / "n.safetensors", device=CPU, dtype=torch.bfloat16, folded=True)
    block, original = loaded.unet.mid_block.resnets[0], plain.unet.mid_block.resnets[0]
    time = plain.unet.time_embedding(plain.unet.time_sinusoid)
    shift = original.time_emb_proj(nn.functional.silu(time))[0]
    torch.testing.assert_close(block.conv1.bias, (original.conv1.bias + shift).bfloat16())


def test_a_folded_network_is_not_saved(tmp_path):
    with pytest.raises(ModelError, match="folded"):
        save_network(tmp_path / "n.safetensors", fold(network()))


def test_a_network_without_transformers_but_the_middle(small_network):
    twin = GenDRPix(small_network.unet.config, small_network.card)
    twin.load_state_dict(small_network.state_dict())
    image = picture()
    expected = small_network(image, small_network.positive.expand(2, -1, -1))
    output = fold(twin)(image, twin.positive.expand(2, -1, -1))
    assert (output - expected).abs().max() <= 1e-5
