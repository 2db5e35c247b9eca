"""The networks that the paper compares itself with: the same UNet with the halves of a VAE."""

from torch import Tensor, nn

from vs_gendrpix.models.ancestors.latent import LatentRestorer, PixelEncoder
from vs_gendrpix.models.ancestors.vae import VAE


class GenDR(nn.Module):
    """GenDR (arXiv 2503.06790): encode, restore the latent in one step, decode.

    Args:
        restorer: The step.
        vae: With as many latent channels as the restorer has.
    """

    def __init__(self, restorer: LatentRestorer, vae: VAE) -> None:
        super().__init__()
        self.restorer, self.vae = restorer, vae

    def forward(self, image: Tensor, condition: Tensor) -> Tensor:
        """Restore (B, 3, H, W) RGB in [-1, 1], multiples of 8, under a (B, T, D) condition."""
        dtype = self.restorer.unet.conv_in.weight.dtype
        latent, _ = self.vae.encode(image.to(dtype))
        latent = self.restorer(latent, condition.to(dtype))
        return self.vae.decode(latent).to(image.dtype)


class GenDRAdc(nn.Module):
    """GenDR-Adc (paper, stage I): latents straight from pixels, then the decoder.

    Args:
        restorer: Makes the latents.
        vae: Gives its decoder; its encoder is not kept.
    """

    def __init__(self, restorer: PixelEncoder, vae: VAE) -> None:
        super().__init__()
        self.restorer, self.scaling = restorer, vae.config.scaling
        self.post_quant_conv, self.decoder = vae.post_quant_conv, vae.decoder

    def forward(self, image: Tensor, condition: Tensor) -> Tensor:
        """Restore (B, 3, H, W) RGB in [-1, 1], multiples of 8, under a (B, T, D) condition."""
        dtype = self.restorer.unet.conv_in.weight.dtype
        latent = self.restorer(image.to(dtype), condition.to(dtype))
        return self.decoder(self.post_quant_conv(latent / self.scaling)).to(image.dtype)
