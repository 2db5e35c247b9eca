from dataclasses import replace

import torch

from tests.strategies import SMALL
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


def test_gendr_is_encoder_step_decoder():
    vae, step = VAE(NARROW).eval(), LatentRestorer(FLAT, CARD).eval()
    network, condition = GenDR(step, vae), step.positive[None]
    with torch.no_grad():
        expected = vae.decode(step(vae.encode(image())[0], condition))
        output = network(image(), condition)
    assert output.shape == image().shape
    assert torch.equal(output, expected)


def test_adc_is_step_decoder_and_keeps_no_encoder():
    vae = VAE(NARROW).eval()
    step = PixelEncoder(replace(FLAT, in_channels=192), CARD).eval()
    network, condition = GenDRAdc(step, vae), step.positive[None]
    with torch.no_grad():
        expected = vae.decode(step(image(), condition))
        output = network(image(), condition)
    assert torch.equal(output, expected)
    names = {name for name, _ in network.named_parameters()}
    assert not any("encoder" in name or name.startswith("quant_conv") for name in names)


def test_guidance_takes_them_as_it_takes_ours():
    step = LatentRestorer(FLAT, CARD).eval()
    network = GenDR(step, VAE(NARROW).eval())
    guided = PadCFG(network, step.positive, step.negative, plan=pad_plan(0), guidance=1.2)
    with torch.no_grad():
        assert guided(image()[..., :21, :33]).shape == (1, 3, 21, 33)
