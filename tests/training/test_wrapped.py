"""Recipes that begin with a UNet and a VAE in diffusers' layout."""

import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.strategies import SMALL
from vs_gendrpix.errors import ModelError, SettingsError
from vs_gendrpix.models.ancestors.vae import VAE, VAEConfig
from vs_gendrpix.models.ancestors.wrap import wrap
from vs_gendrpix.models.catalogue import model_card
from vs_gendrpix.models.gendrpix.files import load_network
from vs_gendrpix.models.gendrpix.unet import UNet
from vs_gendrpix.training import trainer
from vs_gendrpix.training.build import build
from vs_gendrpix.training.settings import Recipe, StageSettings
from vs_gendrpix.training.stages import conditions
from vs_gendrpix.training.trainer import train

NETWORK = replace(SMALL, prediction="v")
LATENTS = VAEConfig(channels=(8, 8, 16, 16), layers=1, groups=8)
STAGE = StageSettings(
    steps=2, batch=2, crop=64, warmup=1, learning_rate=2e-3, save_every=1, checkpointing=True
)


@pytest.fixture
def recipe(tmp_path) -> Recipe:
    """Stages that begin with a wrapped file; none trains an autoencoder."""
    torch.manual_seed(8)
    unet = UNet(replace(NETWORK, in_channels=4, out_channels=4))
    save_file(unet.state_dict(), tmp_path / "unet.safetensors")
    save_file(VAE(LATENTS).state_dict(), tmp_path / "vae.safetensors")
    numbers = {"attention_head_dim": [1, 2], "norm_num_groups": 8}
    (tmp_path / "config.json").write_text(json.dumps(numbers))
    prompts = {name: torch.randn(2, 8) for name in ("positive", "negative")}
    save_file(prompts, tmp_path / "prompts.safetensors")
    wrap(
        tmp_path / "unet.safetensors",
        tmp_path / "begin.safetensors",
        vae=tmp_path / "vae.safetensors",
        condition=tmp_path / "prompts.safetensors",
        prediction="v",
    )
    stages = {
        "latent": replace(
            STAGE, kind="latent", save_every=2, begins_with=str(tmp_path / "begin.safetensors")
        ),
        "adc": replace(STAGE, kind="adc", target="staged", adversarial=0.05, keep=0.25),
        "pix": replace(STAGE, begins_with="adc", target="staged"),
    }
    return Recipe(
        workers=0,
        licence="OpenRAIL",
        network=NETWORK,
        stage=stages,
        autoencoder=tmp_path / "begin.safetensors",
    )


def test_stage_0_begins_where_the_wrapped_network_is(recipe, tmp_path):
    pictures = torch.rand(2, 3, 64, 64) * 2 - 1
    stage = build("latent", recipe, out=tmp_path, degraded=pictures)
    network = load_network(
        tmp_path / "begin.safetensors", device=torch.device("cpu"), dtype=torch.float32
    )
    with torch.no_grad():
        shown = stage.show(stage.student, pictures)
        restored = network(pictures, conditions(network, 2))
    assert restored.std() > 0.01
    torch.testing.assert_close(shown, restored, atol=1e-4, rtol=0)


def test_a_file_of_another_step_is_refused(recipe, tmp_path):
    other = replace(recipe, network=replace(NETWORK, prediction="epsilon", timestep=999))
    with pytest.raises(ModelError, match="timestep 354 instead of 999, prediction 'v' instead of"):
        build("latent", other, out=tmp_path, degraded=torch.rand(2, 3, 64, 64))


def test_without_an_autoencoder_its_stage_is_needed(recipe, tmp_path):
    with pytest.raises(SettingsError, match="latent needs a stage of kind vae before it"):
        build("latent", replace(recipe, autoencoder=None), out=tmp_path, degraded=torch.rand(1))


@pytest.mark.slow
def test_changes_of_low_rank_go_from_stage_to_stage_and_resume_bit_for_bit(
    recipe, folder, tmp_path, monkeypatch
):
    pytest.importorskip("peft")
    stages = {name: replace(stage, lora=2) for name, stage in recipe.stage.items()}
    recipe = replace(recipe, stage=stages)

    def run(name: str) -> dict[str, torch.Tensor]:
        return load_file(train(recipe, name, pictures=[folder], out=tmp_path / "run"))

    latent, whole = run("latent"), run("adc")
    layer = "mid_block.attentions.0.proj_in.weight"
    for before, after in ((load_file(tmp_path / "begin.safetensors"), latent), (latent, whole)):
        change = (after[layer].float() - before[layer].float()).svd().S
        assert change[1] > 3 * change[2]  # the rest is the files' half precision
    pix = build("pix", recipe, out=tmp_path / "run", degraded=torch.rand(2, 3, 64, 64))
    kept = pix.student.state_dict()["body.mid_block.attentions.0.proj_in.base_layer.weight"]
    assert torch.equal(kept, whole[layer].float())

    (tmp_path / "run" / "adc").rename(tmp_path / "run" / "unbroken")
    advance = trainer._advance

    def stop_at_the_second(state, *rest):
        if state.step == 1:
            raise KeyboardInterrupt
        return advance(state, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(trainer, "_advance", stop_at_the_second)
        with pytest.raises(KeyboardInterrupt):
            run("adc")
    stopped = run("adc")
    assert [key for key in whole if not torch.equal(whole[key], stopped[key])] == []
    assert model_card(tmp_path / "run" / "adc" / "model.safetensors").licence == "OpenRAIL"
