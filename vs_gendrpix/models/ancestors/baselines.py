"""The paper's networks before GenDR-Pix, whole: the same UNet with the halves of a VAE."""

import torch.nn.functional as F
from torch import Tensor

from vs_gendrpix.errors import ModelError
from vs_gendrpix.models.ancestors.latent import one_step
from vs_gendrpix.models.ancestors.vae import VAE, VAEConfig
from vs_gendrpix.models.card import ModelCard
from vs_gendrpix.models.gendrpix.network import CELL, Prompted
from vs_gendrpix.models.gendrpix.unet import UNetConfig


class GenDR(Prompted):
    """GenDR (arXiv 2503.06790): encode, restore the latent in one step, decode.

    Args:
        config: The UNet, from latents to latents.
        card: The model's description.
        vae: The autoencoder.

    Raises:
        ModelError: The UNet takes or gives other things than the VAE's latents.
    """

    def __init__(self, config: UNetConfig, card: ModelCard, vae: VAEConfig) -> None:
        channels = (config.in_channels, config.out_channels)
        if channels != (vae.latent_channels,) * 2:
            raise ModelError(
                f"a restorer of latents has the {vae.latent_channels} channels of its VAE at both "
                f"ends, not {channels[0]} and {channels[1]}"
            )
        super().__init__(config, card)
        self.step, self.vae = one_step(config), VAE(vae)

    def forward(self, image: Tensor, condition: Tensor) -> Tensor:
        """Restore (B, 3, H, W) RGB in [-1, 1], multiples of 8, under a (B, T, D) condition."""
        dtype = self.unet.conv_in.weight.dtype
        latent, _ = self.vae.encode(image.to(dtype))
        latent = self.step.result(latent, self.unet(latent, condition.to(dtype)))
        return self.vae.decode(latent).to(image.dtype)


class GenDRAdc(Prompted):
    """GenDR-Adc (paper, stage I): latents straight from pixels, then the decoder.

    Args:
        config: The UNet, from cells of pixels to latents.
        card: The model's description.
        vae: The autoencoder, of which the decoder is kept.
    """

    def __init__(self, config: UNetConfig, card: ModelCard, vae: VAEConfig) -> None:
        super().__init__(config, card)
        whole = VAE(vae)
        self.scaling = vae.scaling
        self.post_quant_conv, self.decoder = whole.post_quant_conv, whole.decoder

    def forward(self, image: Tensor, condition: Tensor) -> Tensor:
        """Restore (B, 3, H, W) RGB in [-1, 1], multiples of 8, under a (B, T, D) condition."""
        dtype = self.unet.conv_in.weight.dtype
        cells = F.pixel_unshuffle(image.to(dtype), CELL)
        latent = self.unet(cells, condition.to(dtype))
        return self.decoder(self.post_quant_conv(latent / self.scaling)).to(image.dtype)
