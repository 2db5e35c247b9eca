"""Model files of weights in diffusers' layout."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from vs_gendrpix import open_restorer
from vs_gendrpix.cli.main import main
from vs_gendrpix.errors import ModelError
from vs_gendrpix.models.ancestors.latent import one_step
from vs_gendrpix.models.ancestors.parts import Part, unet_config, vae_config
from vs_gendrpix.models.ancestors.vae import VAE, VAEConfig
from vs_gendrpix.models.card import ModelCard
from vs_gendrpix.models.gendrpix.files import load_into, load_network, load_vae
from vs_gendrpix.models.gendrpix.network import GenDRPix
from vs_gendrpix.models.gendrpix.unet import FULL, UNet, UNetConfig
from vs_gendrpix.models.tensor_file import Head, TensorInfo

CPU = torch.device("cpu")
UNET = UNetConfig(
    channels=(64, 64),
    attention=(True, False),
    layers=1,
    condition_tokens=3,
    condition_dim=8,
    in_channels=4,
    out_channels=4,
)
"""Heads of 64 and 32 groups, as Stable Diffusion 2 has them and no shape tells."""
LATENTS = VAEConfig(channels=(32, 32, 32, 32), layers=1)
OLD = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}


def state(network: type, *of) -> dict[str, torch.Tensor]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        return network(*of).state_dict()


@pytest.fixture
def parts(tmp_path) -> Path:
    """A folder with a UNet, a VAE and two prompts."""
    save_file(state(UNet, UNET), tmp_path / "unet.safetensors")
    save_file(state(VAE, LATENTS), tmp_path / "vae.safetensors")
    draw = torch.Generator().manual_seed(1)
    prompts = {name: torch.randn(3, 8, generator=draw) for name in ("positive", "negative")}
    save_file(prompts, tmp_path / "prompts.safetensors")
    return tmp_path


def wrap(folder: Path, *more: str, out: str = "out.safetensors") -> int:
    given = [str(folder / each) if "." in each else each for each in more]
    return main(["models", "wrap", *given, str(folder / out)])


WHOLE = ("unet.safetensors", "--vae", "vae.safetensors", "--condition", "prompts.safetensors")


def test_a_wrapped_file_holds_its_parts(parts, capsys):
    more = ("--prediction", "v", "--timestep", "200", "--licence", "openrail++")
    assert wrap(parts, *WHOLE, *more) == 0
    assert "out.safetensors: licence openrail++, SHA-256 " in capsys.readouterr().out
    network = load_network(parts / "out.safetensors", device=CPU, dtype=torch.float32)
    assert network.unet.config == replace(UNET, prediction="v", timestep=200)
    assert network.vae.config == LATENTS
    wanted = {
        **{f"body.{key}": value for key, value in state(UNet, UNET).items()},
        **{f"vae.{key}": value for key, value in state(VAE, LATENTS).items()},
        **load_file(parts / "prompts.safetensors"),
    }
    found = network.state_dict()
    assert found.keys() == wanted.keys()
    assert all(torch.equal(found[key], value) for key, value in wanted.items())
    assert network.card == ModelCard(
        name="out",
        residual=False,
        licence="openrail++",
        training="wrapped: unet.safetensors and vae.safetensors",
    )


def test_a_wrapped_file_restores(parts):
    assert wrap(parts, *WHOLE, "--prediction", "epsilon") == 0
    path = parts / "out.safetensors"
    network = load_network(path, device=CPU, dtype=torch.float32)
    picture = torch.rand(1, 3, 21, 30)
    restorer = open_restorer(path, device="cpu", dtype="fp32")
    with torch.inference_mode():
        restored = restorer(picture)
        padded = torch.nn.functional.pad(picture, (4, 6, 4, 7), mode="reflect") * 2 - 1
        alone = network(padded, network.positive[None])[..., 4:25, 4:34] / 2 + 0.5
    assert restored.std() > 0.01
    torch.testing.assert_close(restored, alone, atol=1e-4, rtol=0)


def test_old_names_of_a_vae_are_understood(parts):
    tensors = load_file(parts / "vae.safetensors")
    for name in [key for key in tensors if ".attentions." in key]:
        for new, old in OLD.items():
            if f".{new}." in name:
                tensors[name.replace(new, old)] = tensors.pop(name)
    assert "decoder.mid_block.attentions.0.proj_attn.weight" in tensors
    save_file(tensors, parts / "old.safetensors")
    more = ("--condition", "prompts.safetensors", "--prediction", "sample")
    assert wrap(parts, "unet.safetensors", "--vae", "old.safetensors", *more) == 0
    vae = VAE(LATENTS)
    load_into(vae, parts / "old.safetensors")
    found = load_vae(parts / "out.safetensors", device=CPU, dtype=torch.float32)
    for each in (vae, found):
        wanted = state(VAE, LATENTS)
        assert all(torch.equal(value, wanted[name]) for name, value in each.state_dict().items())


def test_a_unet_of_pixels_needs_no_vae(parts):
    config = replace(UNET, in_channels=48, out_channels=48)
    save_file(state(UNet, config), parts / "pixels.safetensors")
    for more, residual in (((), True), (("--prediction", "sample"), False)):
        out = f"residual-{residual}.safetensors"
        assert wrap(parts, "pixels.safetensors", *more, out=out) == 0
        network = load_network(parts / out, device=CPU, dtype=torch.float32)
        assert isinstance(network, GenDRPix)
        assert network.card.residual == residual
        # Drawn, each token another: equal ones would learn the same.
        assert network.positive.shape == (77, 8)
        assert len(torch.cat([network.positive, network.negative]).unique(dim=0)) == 154


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        (WHOLE, 2, "say what the UNet predicts: --prediction epsilon"),
        (("unet.safetensors",), 5, "has 192 or 48 channels at both ends, not 4 and 4"),
        (("nowhere.safetensors",), 5, "no file"),
        (("vae.safetensors",), 5, "vae.safetensors has no down_blocks.0.resnets.0.conv1.weight"),
        ((*WHOLE, "--prediction", "v", "--timestep", "1000"), 5, "timestep must be 0 to 999"),
        ((*WHOLE[:3], "--prediction", "v", "--condition", "vae.safetensors"), 5, "'positive'"),
        (("unet.safetensors", "--vae", "unet.safetensors", "--prediction", "v"), 5, "has no post"),
    ],
)
def test_bad_parts_are_one_line(parts, capsys, more, code, said):
    assert wrap(parts, *more) == code
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not (parts / "out.safetensors").exists()


def test_what_is_missing_or_of_another_size_is_named(parts, capsys):
    tensors = load_file(parts / "unet.safetensors")
    del tensors["time_embedding.linear_2.bias"]
    tensors["conv_in.bias"] = torch.zeros(63)
    save_file(tensors, parts / "bad.safetensors")
    assert wrap(parts, "bad.safetensors", *WHOLE[1:], "--prediction", "v") == 5
    error = capsys.readouterr().err
    assert "missing time_embedding.linear_2.bias" in error
    assert "conv_in.bias is (63,) instead of (64,)" in error
    wide = {name: torch.zeros(3, 9) for name in ("positive", "negative")}
    save_file(wide, parts / "wide.safetensors")
    more = ("--condition", "wide.safetensors", "--prediction", "v")
    assert wrap(parts, *WHOLE[:3], *more) == 5
    assert "positive is (3, 9), but unet.safetensors takes (3, 8)" in capsys.readouterr().err
    assert wrap(parts, *WHOLE, "--prediction", "v", out="out.pth") == 2
    assert wrap(parts, *WHOLE, "--prediction", "v", out="unet.safetensors") == 4


def meta_part(network: torch.nn.Module, path: str, config: dict[str, object]) -> Part:
    tensors = {
        key: TensorInfo(dtype="F32", shape=tuple(value.shape))
        for key, value in network.state_dict().items()
    }
    head = Head(metadata={}, tensors=tensors)
    return Part(path=Path(path), head=head, files=dict.fromkeys(tensors, Path(path)), config=config)


def test_the_sizes_of_stable_diffusion_2_are_found():
    """By the shapes alone, and by the config.json that its folders have."""
    wanted = replace(FULL, in_channels=4, out_channels=4)
    with torch.device("meta"):
        unet, vae = UNet(wanted), VAE(VAEConfig())
    heads = {"attention_head_dim": [5, 10, 20, 20], "norm_num_groups": 32}
    for config in ({}, heads):
        part = meta_part(unet, "unet", config)
        assert unet_config(part, tokens=77, timestep=354, prediction="sample") == wanted
    scaled = {"scaling_factor": 0.5, "norm_num_groups": 16}
    assert vae_config(meta_part(vae, "vae", {})) == VAEConfig()
    assert vae_config(meta_part(vae, "vae", scaled)) == VAEConfig(scaling=0.5, groups=16)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"attention_head_dim": 8}, "heads of several widths"),
        ({"attention_head_dim": "many"}, "heads of several widths"),
        ({"norm_num_groups": "32"}, "norm_num_groups in config.json must be a number"),
    ],
)
def test_other_kinds_of_unets_are_refused(config, said):
    with torch.device("meta"):
        part = meta_part(UNet(replace(FULL, layers=1)), "unet", config)
    with pytest.raises(ModelError, match=said):
        unet_config(part, tokens=77, timestep=354, prediction="v")


def test_other_kinds_of_vaes_are_refused():
    with torch.device("meta"):
        wide = VAE(replace(LATENTS, latent_channels=16))
    with pytest.raises(ModelError, match=r"scaling of vae, .* put its config.json beside it"):
        vae_config(meta_part(wide, "vae", {}))
    with pytest.raises(ModelError, match="shifts its latents"):
        vae_config(meta_part(wide, "vae", {"scaling_factor": 1, "shift_factor": 0.1}))


def test_the_middle_of_the_schedule_is_half_signal_half_noise():
    """alpha_bar of step 354 is 0.4998: GenDR's (paper, section 3)."""
    skip, scale = one_step(replace(UNET, prediction="epsilon"))
    assert (skip**-2, scale**2) == pytest.approx((0.4998, 0.5002 / 0.4998), abs=1e-4)
    assert one_step(UNET) == (0, 1)


@pytest.mark.slow
def test_folders_that_diffusers_writes_give_its_step(tmp_path):
    """Shards included: encode, the scheduler's x_0 of one step, decode."""
    diffusers = pytest.importorskip("diffusers")
    torch.manual_seed(3)
    unet = diffusers.UNet2DConditionModel(
        block_out_channels=(32, 64, 64, 64),
        layers_per_block=1,
        cross_attention_dim=8,
        attention_head_dim=(1, 2, 2, 2),
        norm_num_groups=16,
        use_linear_projection=True,
    ).eval()
    vae = diffusers.AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=LATENTS.channels,
        layers_per_block=1,
        norm_num_groups=8,
        scaling_factor=0.3,
    ).eval()
    unet.save_pretrained(tmp_path / "unet", max_shard_size="1MB")
    vae.save_pretrained(tmp_path / "vae")
    assert len(list((tmp_path / "unet").glob("*.safetensors"))) > 1
    assert json.loads((tmp_path / "unet" / "config.json").read_text())["norm_num_groups"] == 16
    parts = [str(tmp_path / "unet"), "--vae", str(tmp_path / "vae")]
    picture = torch.rand(1, 3, 32, 48) * 2 - 1
    for prediction, theirs in {
        "epsilon": "epsilon",
        "v": "v_prediction",
        "sample": "sample",
    }.items():
        out = tmp_path / f"{prediction}.safetensors"
        assert main(["models", "wrap", *parts, "--prediction", prediction, str(out)]) == 0
        network = load_network(out, device=CPU, dtype=torch.float32)
        scheduler = diffusers.DDPMScheduler(
            beta_start=0.00085,
            beta_end=0.012,
            beta_schedule="scaled_linear",
            prediction_type=theirs,
            clip_sample=False,
        )
        with torch.no_grad():
            latent = vae.encode(picture).latent_dist.mean * 0.3
            seen = unet(latent, 354, network.positive[None]).sample
            clean = scheduler.step(seen, 354, latent).pred_original_sample
            wanted = vae.decode(clean / 0.3).sample
            restored = network(picture, network.positive[None])
        assert wanted.std() > 0.05
        torch.testing.assert_close(restored, wanted, atol=1e-4, rtol=0)
