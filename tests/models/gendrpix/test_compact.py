"""The chain of convolutions, as a body of the network in the place of the UNet."""

import pytest
import torch

from vs_gendrpix.errors import ModelError
from vs_gendrpix.models.card import ModelCard
from vs_gendrpix.models.catalogue import model_card
from vs_gendrpix.models.gendrpix.compact import MAX_LAYERS, Compact, CompactConfig
from vs_gendrpix.models.gendrpix.files import check_model, load_network, save_network
from vs_gendrpix.models.gendrpix.network import GenDRPix, random_network
from vs_gendrpix.models.gendrpix.restorer import GenDRPixRestorer
from vs_gendrpix.models.gendrpix.unet import MAX_WIDTH, UNetConfig
from vs_gendrpix.models.joining import join_models

NARROW = CompactConfig(width=8, layers=2)
CPU = torch.device("cpu")


def picture(height=48, width=64):
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(3)) * 2 - 1


def saved(path, *, seed=0, **card):
    network = random_network(NARROW, seed=seed, card=ModelCard(name=path.stem, **card))
    save_network(path, network)
    return network


def loaded(path, **choices):
    return load_network(path, device=CPU, dtype=torch.float32, **choices)


def restored(network):
    image = picture()
    with torch.no_grad():
        return network(image, network.positive.expand(1, -1, -1))


@pytest.mark.parametrize(
    "config", [NARROW, CompactConfig(width=4, layers=1, in_channels=192, out_channels=192)]
)
def test_a_picture_keeps_its_size(config):
    network = random_network(config, seed=0)
    assert network.cell == (4 if config.in_channels == 48 else 8)
    assert restored(network).shape == picture().shape


def test_every_layer_counts():
    network = random_network(NARROW, seed=0)
    restored_before = restored(network)
    for name, value in network.body.named_parameters():
        kept = value.detach().clone()
        with torch.no_grad():
            value.add_(0.5)
        assert not torch.allclose(restored(network), restored_before, atol=1e-4), name
        with torch.no_grad():
            value.copy_(kept)
    assert torch.equal(restored(network), restored_before)


def test_the_prompt_shifts_the_first_layer():
    network = random_network(NARROW, seed=0)
    body, cells = network.body, torch.rand(1, 48, 6, 6)
    with torch.no_grad():
        shifted = body(cells, network.positive[None])
        body.conv_in.bias.add_(network.positive[0])
        assert torch.allclose(shifted, body(cells, torch.zeros(1, 1, 8)), atol=1e-5)


@pytest.mark.parametrize("folded", [False, True])
def test_a_file_holds_it(tmp_path, folded):
    network = saved(tmp_path / "chain.safetensors")
    again = loaded(tmp_path / "chain.safetensors", folded=folded)
    assert isinstance(again.body, Compact)
    assert again.body.config == NARROW
    assert torch.equal(restored(again), restored(network))


def test_a_chain_has_two_ends_too(tmp_path):
    ends = [saved(tmp_path / f"{seed}.safetensors", seed=seed) for seed in (1, 2)]
    both = tmp_path / "both.safetensors"
    join_models(tmp_path / "1.safetensors", tmp_path / "2.safetensors", both, detail=0.5)
    assert model_card(both).detail == 0.5
    for share, end in zip((0.0, 1.0), ends, strict=True):
        assert torch.allclose(restored(loaded(both, detail=share)), restored(end), atol=2e-2)
    mixed = loaded(both).body.conv_in.weight
    assert torch.allclose(mixed, sum(end.body.conv_in.weight for end in ends) / 2, atol=1e-3)


def test_a_chain_and_a_unet_do_not_join(tmp_path, small_model):
    saved(tmp_path / "chain.safetensors")
    with pytest.raises(ModelError, match="different networks"):
        join_models(
            small_model, tmp_path / "chain.safetensors", tmp_path / "both.safetensors", detail=1
        )


def test_what_only_a_unet_has_is_refused():
    network = random_network(NARROW, seed=0)
    with pytest.raises(ModelError, match="is a chain: this needs a UNet"):
        network.unet.attend_fully()


def test_a_restorer_runs_it(tmp_path):
    network = saved(tmp_path / "chain.safetensors")
    restorer = GenDRPixRestorer(
        tmp_path / "chain.safetensors", device=CPU, dtype="fp32", attention="full"
    )
    image = picture(45, 67)
    with torch.inference_mode():
        whole = restorer.run(image)
        assert torch.allclose(whole, restorer.run(image, thrift=2), atol=1e-6)
        padded = torch.nn.functional.pad(image, (4, 9, 4, 7), mode="reflect")
        wanted = network(padded, network.positive[None])[..., 4:49, 4:71]
    assert torch.allclose(whole, wanted, atol=1e-5)


@pytest.mark.parametrize(
    "values",
    [
        {"layers": 0},
        {"layers": MAX_LAYERS + 1},
        {"width": 0},
        {"width": MAX_WIDTH + 1},
        {"in_channels": 0},
    ],
)
def test_impossible_chains_are_refused(values):
    with pytest.raises(ModelError):
        CompactConfig(**values)


@pytest.mark.parametrize("values", [{"in_channels": 12}, {"out_channels": 192}])
def test_a_chain_restores_cells_of_pixels(values):
    with pytest.raises(ModelError, match="restorer of pictures"):
        GenDRPix(CompactConfig(width=8, layers=1, **values), ModelCard(name="x"))


def test_a_files_tensors_must_fit(tmp_path):
    saved(tmp_path / "chain.safetensors")
    network = random_network(CompactConfig(width=8, layers=3), seed=0)
    network.body.config = NARROW
    save_network(tmp_path / "chain.safetensors", network)
    with pytest.raises(ModelError, match=r"unexpected layers\.2"):
        check_model(tmp_path / "chain.safetensors")


def test_a_default_unet_is_no_chain():
    assert UNetConfig().prompt == (77, 1024)
    assert CompactConfig().prompt == (1, 64)
