import json
import pickle
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from vs_gendrpix.errors import ModelError, SettingsError
from vs_gendrpix.models.card import ModelCard
from vs_gendrpix.models.catalogue import BUILT_IN
from vs_gendrpix.models.gendrpix.files import (
    default_model,
    load_network,
    save_network,
)
from vs_gendrpix.models.gendrpix.network import GenDRPix, random_network
from vs_gendrpix.models.joining import join_models

CPU = torch.device("cpu")


def load(path: Path):
    return load_network(path, device=CPU, dtype=torch.float32)


def rewrite(source: Path, target: Path, change, metadata_change=None) -> Path:
    """A copy of a model file whose tensors and metadata were changed."""
    tensors = load_file(source)
    with safe_open(source, framework="pt") as file:
        metadata = file.metadata()
    change(tensors)
    if metadata_change:
        metadata_change(metadata)
    save_file(tensors, target, metadata=metadata)
    return target


def test_a_saved_network_comes_back(small_model, small_network):
    loaded = load(small_model)
    assert loaded.card == small_network.card
    assert loaded.unet.config == small_network.unet.config
    image = torch.rand(1, 3, 40, 24) * 2 - 1
    before = small_network(image, small_network.positive[None])
    # The loaded one is channels last, so its sums run in another order.
    assert torch.allclose(loaded(image, loaded.positive[None]), before, atol=1e-6)
    assert not any(weight.requires_grad for weight in loaded.parameters())
    assert not loaded.training


def test_the_file_has_diffusers_keys(small_model):
    keys = set(load_file(small_model))
    assert {"prompt.positive", "prompt.negative", "conv_in.weight"} <= keys
    assert "mid_block.attentions.0.transformer_blocks.0.attn1.to_out.0.weight" in keys
    assert "down_blocks.0.downsamplers.0.conv.weight" in keys


def test_the_card_travels(tmp_path, small_network):
    card = ModelCard(
        name="x", residual=False, guidance=1.2, scale="4", licence="CC0-1.0", training="t"
    )
    network = random_network(small_network.unet.config, seed=0, card=card)
    save_network(tmp_path / "x.safetensors", network, dtype=torch.float16)
    assert load(tmp_path / "x.safetensors").card == card


def test_every_fault_is_named(tmp_path, small_model):
    def spoil(tensors):
        del tensors["conv_in.bias"], tensors["prompt.negative"]
        tensors["extra"] = torch.zeros(1)
        tensors["conv_out.bias"] = torch.zeros(7)
        tensors["conv_in.weight"] = tensors["conv_in.weight"].to(torch.float8_e4m3fn)

    with pytest.raises(ModelError) as caught:
        load(rewrite(small_model, tmp_path / "bad.safetensors", spoil))
    message = str(caught.value)
    for part in (
        "missing conv_in.bias",
        "missing prompt.negative",
        "unexpected extra",
        "conv_out.bias is (7,) instead of (192,)",
        "conv_in.weight is F8_E4M3, not BF16 or F16 or F32 or F64",
    ):
        assert part in message
    assert "\n" not in message


def test_every_value_that_is_not_finite_is_named(tmp_path, small_model):
    def spoil(tensors):
        tensors["conv_norm_out.weight"][3] = float("nan")
        tensors["conv_norm_out.bias"][0] = float("inf")

    with pytest.raises(ModelError) as caught:
        load(rewrite(small_model, tmp_path / "bad.safetensors", spoil))
    for part in (
        "conv_norm_out.weight holds NaN",
        "conv_norm_out.bias holds NaN or infinity",
    ):
        assert part in str(caught.value)


def test_of_many_faults_a_line_names_the_first(tmp_path, small_model):
    def spoil(tensors):
        tensors.update({f"extra{number}": torch.zeros(1) for number in range(500)})

    with pytest.raises(ModelError, match="and 480 more") as caught:
        load(rewrite(small_model, tmp_path / "bad.safetensors", spoil))
    assert len(str(caught.value)) < 1000


class Canary:
    def __reduce__(self):
        return (Path.touch, (Path("canary"),))


@pytest.mark.parametrize("name", ["model.pth", "model.ckpt", "model.safetensors"])
def test_a_pickle_is_refused_unread(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(pickle.dumps(Canary()))
    with pytest.raises(ModelError, match=r"is a pickle, .* gendrpix models convert"):
        load(tmp_path / name)
    assert not (tmp_path / "canary").exists()


@pytest.mark.slow
def test_a_header_of_any_length_is_no_pickle(tmp_path, small_network):
    """One in 32 lengths has the low byte 0x80, with which a pickle begins."""
    starts = set()
    for extra in range(0, 256, 8):
        card = ModelCard(name="x" * (1 + extra))
        network = GenDRPix(small_network.unet.config, card)
        save_network(tmp_path / "model.safetensors", network)
        starts.add((tmp_path / "model.safetensors").read_bytes()[0])
        assert load(tmp_path / "model.safetensors").card == card
    assert 0x80 in starts


def test_a_torch_zip_is_refused(tmp_path):
    torch.save({"a": torch.zeros(1)}, tmp_path / "model.safetensors")
    with pytest.raises(ModelError, match="pickle"):
        load(tmp_path / "model.safetensors")


@pytest.mark.parametrize("content", [b"", b"\0" * 7, b"\xff" * 64, b"text, not tensors", None])
def test_broken_files_are_refused(tmp_path, small_model, content):
    path = tmp_path / "broken.safetensors"
    path.write_bytes(small_model.read_bytes()[:-100] if content is None else content)
    with pytest.raises(ModelError, match=r"broken\.safetensors"):
        load(path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("format", "other"),
        ("config", "not json"),
        ("config", json.dumps({"channels": "x"})),
        ("config", json.dumps({"channels": [16.5, 32]})),
        ("config", json.dumps({"layers": True})),
        ("config", json.dumps({"layers": 10**9})),
        ("config", json.dumps({"surprise": 1})),
        ("config", json.dumps([1])),
        ("card", json.dumps({"name": 3})),
        ("card", json.dumps({})),
    ],
)
def test_broken_metadata_is_refused(tmp_path, small_model, key, value):
    def spoil(metadata):
        metadata[key] = value

    path = rewrite(small_model, tmp_path / "m.safetensors", lambda _: None, spoil)
    with pytest.raises(ModelError):
        load(path)


def test_a_plain_checkpoint_says_what_to_do(tmp_path, small_network):
    save_file(small_network.unet.state_dict(), tmp_path / "plain.safetensors")
    with pytest.raises(ModelError, match="save_network"):
        load(tmp_path / "plain.safetensors")


def test_an_unknown_name_lists_the_built_in_ones():
    with pytest.raises(ModelError, match="tiny"):
        load_network("no-such-model", device=CPU, dtype=torch.float32)


@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_built_in_models_load_and_carry_their_cards(name):
    network = load_network(name, device=CPU, dtype=torch.float32)
    assert network.card.name == name
    beside = " AND BSD-3-Clause" if name == "base" else ""  # of the weights that a part began with
    assert network.card.licence == f"Apache-2.0{beside}"
    assert "steps" in network.card.training
    assert BUILT_IN[name].stat().st_size < 64_000_000
    assert BUILT_IN[name].with_suffix(".md").read_text(encoding="utf-8")
    assert asdict(network.card)["guidance"] >= 1


@pytest.mark.parametrize(("device", "name"), [("cpu", "tiny"), ("cuda", "base"), ("mps", "base")])
def test_auto_hangs_on_the_device(device, name):
    assert default_model(torch.device(device)) == name
    assert name in BUILT_IN


@pytest.fixture
def ends(tmp_path, small_network):
    """Two networks of one kind, and a file that joins them."""
    config = small_network.unet.config
    networks = [random_network(config, seed=seed) for seed in (1, 2)]
    paths = [tmp_path / "faithful.safetensors", tmp_path / "detailed.safetensors"]
    for path, network in zip(paths, networks, strict=True):
        save_network(path, network, dtype=torch.float16)
    join_models(*paths, tmp_path / "both.safetensors", detail=0.5)
    return [*(load(path) for path in paths), tmp_path / "both.safetensors"]


@pytest.mark.parametrize("detail", [0.0, 0.25, 1.0, None])
def test_detail_mixes_the_weights_of_two_ends(ends, detail):
    faithful, detailed, both = ends
    share = 0.5 if detail is None else detail
    mixed = load_network(both, device=torch.device("cpu"), dtype=torch.float32, detail=detail)
    state = mixed.state_dict()
    for name, value in faithful.state_dict().items():
        wanted = torch.lerp(value, detailed.state_dict()[name], share)
        torch.testing.assert_close(state[name], wanted, atol=2e-4, rtol=2e-3)


def test_a_model_with_two_ends_is_saved_with_one(tmp_path, ends):
    network = load(ends[2])
    save_network(tmp_path / "one.safetensors", network, dtype=torch.float32)
    assert load(tmp_path / "one.safetensors").card.detail is None


def test_detail_is_refused_where_there_is_no_choice(small_model):
    with pytest.raises(SettingsError, match="has no choice of detail"):
        load_network(small_model, device=torch.device("cpu"), dtype=torch.float32, detail=0.5)


def test_a_second_end_that_lacks_tensors_is_refused(tmp_path, ends):
    def spoil(tensors):
        del tensors["faithful.conv_in.bias"]

    with pytest.raises(ModelError, match=r"missing faithful\.conv_in\.bias"):
        load(rewrite(ends[2], tmp_path / "bad.safetensors", spoil))
