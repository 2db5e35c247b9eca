import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from vs_gendrpix.errors import ModelError
from vs_gendrpix.models.ancestors.vae import VAE, VAEConfig
from vs_gendrpix.models.gendrpix.files import load_network, load_vae, save_vae

NARROW = VAEConfig(channels=(8, 16, 16, 32), layers=1, latent_channels=3, groups=4, scaling=0.7)
CPU = torch.device("cpu")


def random_vae() -> VAE:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        return VAE(NARROW).eval()


def picture(height: int, width: int) -> torch.Tensor:
    return torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.mark.slow
@pytest.mark.parametrize("size", [(32, 32), (40, 24), (8, 72)])
def test_equals_diffusers(size):
    diffusers = pytest.importorskip("diffusers")
    torch.manual_seed(0)  # some weights amplify what rounding leaves
    reference = diffusers.AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=NARROW.channels,
        layers_per_block=NARROW.layers,
        latent_channels=NARROW.latent_channels,
        norm_num_groups=NARROW.groups,
    ).eval()
    vae = VAE(NARROW).eval()
    vae.load_state_dict(reference.state_dict())
    image = picture(*size)
    with torch.no_grad():
        theirs = reference.encode(image).latent_dist
        mean, log_variance = vae.encode(image)
        assert theirs.mean.std() > 0.05
        assert (mean - theirs.mean * NARROW.scaling).abs().max() <= 1e-5
        # The logarithm belongs to the scaled latent, whose deviation is smaller by the scaling.
        assert torch.allclose((log_variance / 2).exp(), theirs.std * NARROW.scaling, atol=1e-5)
        painted = reference.decode(mean / NARROW.scaling).sample
        assert painted.std() > 0.05
        assert (vae.decode(mean) - painted).abs().max() <= 1e-5


def test_the_defaults_are_stable_diffusions():
    """83,653,863 parameters in 248 tensors, as the published checkpoint has."""
    with torch.device("meta"):
        vae = VAE(VAEConfig())
    assert sum(weight.numel() for weight in vae.parameters()) == 83_653_863
    assert len(vae.state_dict()) == 248


def test_a_saved_vae_comes_back(tmp_path):
    vae, path = random_vae(), tmp_path / "vae.safetensors"
    save_vae(path, vae)
    loaded = load_vae(path, device=CPU, dtype=torch.float32)
    assert loaded.config == NARROW
    assert not any(weight.requires_grad for weight in loaded.parameters())
    assert {"decoder.mid_block.attentions.0.to_q.bias", "quant_conv.weight"} <= set(load_file(path))
    mean, _ = vae.encode(picture(16, 24))
    # The loaded one is channels last, so its sums run in another order.
    assert torch.allclose(loaded.decode(mean), vae.decode(mean), atol=1e-5)


def spoilt_vae(path, spoil):
    save_vae(path, random_vae())
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    tensors = load_file(path)
    spoil(tensors)
    save_file(tensors, path, metadata=metadata)


def test_a_value_that_is_not_finite_is_named(tmp_path):
    def spoil(tensors):
        tensors["decoder.conv_norm_out.weight"][0] = float("nan")

    spoilt_vae(tmp_path / "vae.safetensors", spoil)
    with pytest.raises(ModelError, match=r"decoder\.conv_norm_out\.weight holds NaN"):
        load_vae(tmp_path / "vae.safetensors", device=CPU, dtype=torch.float32)


def test_every_fault_is_named(tmp_path):
    def spoil(tensors):
        del tensors["quant_conv.bias"]
        tensors["extra"] = torch.zeros(1)
        tensors["encoder.conv_in.bias"] = torch.zeros(3)

    path = tmp_path / "vae.safetensors"
    spoilt_vae(path, spoil)
    with pytest.raises(ModelError) as caught:
        load_vae(path, device=CPU, dtype=torch.float32)
    for part in (
        "missing quant_conv.bias",
        "unexpected extra",
        "encoder.conv_in.bias is (3,) instead of (8,)",
    ):
        assert part in str(caught.value)


def test_a_vae_is_no_restorer_and_a_restorer_no_vae(tmp_path, small_model):
    save_vae(tmp_path / "vae.safetensors", random_vae())
    with pytest.raises(ModelError, match="no gendrpix configuration"):
        load_network(tmp_path / "vae.safetensors", device=CPU, dtype=torch.float32)
    with pytest.raises(ModelError, match="save_vae"):
        load_vae(small_model, device=CPU, dtype=torch.float32)
    with pytest.raises(ModelError, match="nowhere"):
        load_vae(tmp_path / "nowhere", device=CPU, dtype=torch.float32)


def test_a_broken_configuration_is_refused(tmp_path):
    path = tmp_path / "vae.safetensors"
    config = json.dumps({"channels": [8, 16, 16]})
    save_file({}, path, metadata={"format": "gendrpix-vae", "config": config})
    with pytest.raises(ModelError, match="4 levels"):
        load_vae(path, device=CPU, dtype=torch.float32)


@pytest.mark.parametrize(
    "wrong",
    [
        {"channels": (8, 16, 16)},
        {"channels": (8, 16, 16, 30)},
        {"layers": 0},
        {"latent_channels": 0},
        {"groups": 0},
        {"scaling": 0.0},
        {"scaling": float("nan")},
    ],
)
def test_impossible_configurations_are_refused(wrong):
    values = {"channels": (8, 16, 16, 32), "groups": 4} | wrong
    with pytest.raises(ModelError):
        VAEConfig(**values)
