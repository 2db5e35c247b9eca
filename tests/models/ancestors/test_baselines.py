from dataclasses import replace

import pytest
import torch

from tests.strategies import SMALL
from vs_gendrpix.errors import ModelError
from vs_gendrpix.models.ancestors.baselines import GenDR, GenDRAdc
from vs_gendrpix.models.ancestors.latent import LatentRestorer, PixelEncoder
from vs_gendrpix.models.ancestors.vae import VAE, VAEConfig
from vs_gendrpix.models.card import ModelCard
from vs_gendrpix.models.gendrpix.padcfg import PadCFG, pad_plan

FLAT = replace(SMALL, channels=(16, 16), in_channels=3, out_channels=3)
NARROW = VAEConfig(channels=(8, 8, 8, 8), layers=1, latent_channels=3, groups=4, scaling=0.5)
CARD = ModelCard(name="baseline")


def image() -> torch.Tensor:
    return torch.rand(1, 3, 24, 40, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.mark.parametrize("prediction", ["epsilon", "v", "sample"])
def test_gendr_is_encoder_step_decoder(prediction):
    config = replace(FLAT, prediction=prediction)
    network, step, vae = GenDR(config, CARD, NARROW), LatentRestorer(config, CARD), VAE(NARROW)
    step.unet.load_state_dict(network.unet.state_dict())
    vae.load_state_dict(network.vae.state_dict())
    condition = step.positive[None]
    with torch.no_grad():
        expected = vae.decode(step(vae.encode(image())[0], condition))
        output = network(image(), condition)
    assert output.shape == image().shape
    assert torch.equal(output, expected)


def test_the_step_needs_the_latents_of_its_vae():
    with pytest.raises(ModelError, match="3 channels of its VAE at both ends, not 4 and 3"):
        GenDR(replace(FLAT, in_channels=4), CARD, NARROW)


def test_adc_is_step_decoder_and_keeps_no_encoder():
    config = replace(FLAT, in_channels=192)
    network, step, vae = GenDRAdc(config, CARD, NARROW), PixelEncoder(config, CARD), VAE(NARROW)
    step.unet.load_state_dict(network.unet.state_dict())
    for name in ("post_quant_conv", "decoder"):
        getattr(vae, name).load_state_dict(getattr(network, name).state_dict())
    condition = step.positive[None]
    with torch.no_grad():
        expected = vae.decode(step(image(), condition))
        output = network(image(), condition)
    assert torch.equal(output, expected)
    names = {name for name, _ in network.named_parameters()}
    assert not any("encoder" in name or name.startswith("quant_conv") for name in names)


def test_guidance_takes_them_as_it_takes_ours():
    network = GenDR(FLAT, CARD, NARROW).eval()
    positive, negative = network.positive, network.negative
    guided = PadCFG(network, positive, negative, plan=pad_plan(0), guidance=1.2)
    with torch.no_grad():
        assert guided(image()[..., :21, :33]).shape == (1, 3, 21, 33)
