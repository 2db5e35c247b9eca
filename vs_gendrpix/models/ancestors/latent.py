"""The networks that GenDR-Pix descends from, apart from their autoencoder."""

import math
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor

from vs_gendrpix.models.card import ModelCard
from vs_gendrpix.models.gendrpix.network import CELL, Prompted
from vs_gendrpix.models.gendrpix.unet import TIMESTEPS, UNetConfig

BETAS = (0.00085, 0.012)
"""Variances of the noise of Stable Diffusion's first and last step; between them the square roots
are evenly spaced (diffusers: `scaled_linear`)."""


class OneStep(NamedTuple):
    """A diffusion step straight to the end: x_0 = skip * x_t + scale * output.

    Attributes:
        skip: Share of what the network has seen.
        scale: Factor of its output.
    """

    skip: float
    scale: float

    def result(self, seen: Tensor, output: Tensor) -> Tensor:
        """Compute x_0 from x_t (`seen` by the network) and its `output`, of the same shape."""
        return output if self.skip == 0 else self.skip * seen + self.scale * output


def one_step(config: UNetConfig) -> OneStep:
    """Compute the step of a network's timestep and prediction, in Stable Diffusion's schedule.

    With x_t = a x_0 + s epsilon, a^2 = alpha_bar and s^2 = 1 - alpha_bar (DDPM, arXiv 2006.11239):
    epsilon gives x_0 = (x_t - s output) / a, and v = a epsilon - s x_0 (arXiv 2202.00512) gives
    x_0 = a x_t - s output.
    """
    first, last = (math.sqrt(beta) for beta in BETAS)
    roots = (first + (last - first) * t / (TIMESTEPS - 1) for t in range(config.timestep + 1))
    alpha_bar = math.prod(1 - root**2 for root in roots)
    signal, noise = math.sqrt(alpha_bar), math.sqrt(1 - alpha_bar)
    if config.prediction == "epsilon":
        return OneStep(1 / signal, -noise / signal)
    if config.prediction == "v":
        return OneStep(signal, -noise)
    return OneStep(0.0, 1.0)


class LatentRestorer(Prompted):
    """GenDR's one step in latent space (arXiv 2503.06790): between a VAE's encoder and decoder.

    The degraded latent stands for x_t; no noise is added.
    """

    def __init__(self, config: UNetConfig, card: ModelCard) -> None:
        super().__init__(config, card)
        self.step = one_step(config)

    def forward(self, latent: Tensor, condition: Tensor) -> Tensor:
        """Restore (B, L, h, w) latents under a (B, T, D) condition."""
        return self.step.result(latent, self.unet(latent, condition))


class PixelEncoder(Prompted):
    """GenDR-Adc (paper, stage I): an 8x unshuffle instead of the encoder; a decoder follows."""

    def forward(self, image: Tensor, condition: Tensor) -> Tensor:
        """Map (B, 3, H, W) pictures in [-1, 1] to restored latents (B, L, H/8, W/8)."""
        return self.unet(F.pixel_unshuffle(image, CELL), condition)
