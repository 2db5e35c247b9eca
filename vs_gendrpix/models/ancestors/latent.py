"""The networks that GenDR-Pix descends from, apart from their autoencoder."""

import torch.nn.functional as F
from torch import Tensor

from vs_gendrpix.models.gendrpix.network import CELL, Prompted


class LatentRestorer(Prompted):
    """GenDR's one step in latent space (arXiv 2503.06790): between a VAE's encoder and decoder."""

    def forward(self, latent: Tensor, condition: Tensor) -> Tensor:
        """Restore (B, L, h, w) latents under a (B, T, D) condition."""
        return self.unet(latent, condition)


class PixelEncoder(Prompted):
    """GenDR-Adc (paper, stage I): an 8x unshuffle instead of the encoder; a decoder follows."""

    def forward(self, image: Tensor, condition: Tensor) -> Tensor:
        """Map (B, 3, H, W) pictures in [-1, 1] to restored latents (B, L, H/8, W/8)."""
        return self.unet(F.pixel_unshuffle(image, CELL), condition)
