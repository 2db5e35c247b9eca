"""Stages before the paper's last one: an autoencoder, and restorers of its latents."""

from dataclasses import replace
from pathlib import Path
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vs_gendrpix.models.ancestors.latent import LatentRestorer, PixelEncoder
from vs_gendrpix.models.ancestors.vae import VAE
from vs_gendrpix.models.card import ModelCard
from vs_gendrpix.models.gendrpix.files import save_vae
from vs_gendrpix.models.gendrpix.network import CELL
from vs_gendrpix.training.critic import StagedCritic
from vs_gendrpix.training.data.draw import Draw
from vs_gendrpix.training.data.pairs import Pair
from vs_gendrpix.training.settings import StageSettings
from vs_gendrpix.training.stages import Attempt, Stage, conditions, frozen


class Reconstruction(nn.Module):
    """An autoencoder with a random sample of its latents, as one module."""

    def __init__(self, vae: VAE) -> None:
        super().__init__()
        self.vae = vae

    def forward(self, image: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Decode a sample of a picture's latents, and measure its divergence from normal."""
        mean, log_variance = self.vae.encode(image)
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean()
        return self.vae.decode(mean + (0.5 * log_variance).exp() * noise), divergence


class VaeStage(Stage):
    """The stage of the autoencoder: pictures become nearly normal latents, and pictures again."""

    def __init__(self, settings: StageSettings, vae: VAE) -> None:
        super().__init__(settings, Reconstruction(vae), None)
        self.channels = vae.config.latent_channels

    def attempt(self, batch: Pair, draw: Draw) -> Attempt:
        """Reconstruct the targets from a sample of their latents."""
        clean = batch.target
        grid = (clean.shape[-2] // CELL, clean.shape[-1] // CELL)
        noise = draw.normal(len(clean), self.channels, *grid).to(clean.device)
        output, divergence = self.student(clean, noise)
        losses = self.picture_losses(output, clean, draw)
        return Attempt({**losses, "divergence": divergence}, output, clean)

    def show(self, student: nn.Module, degraded: Tensor) -> Tensor:
        """Encode and decode the pictures."""
        vae = cast("Reconstruction", student).vae
        return vae.decode(vae.encode(degraded)[0])

    def save(self, path: Path, student: nn.Module, card: ModelCard, clean: Tensor) -> None:
        """Write the autoencoder, its latents scaled to a deviation of 1 for the next stages."""
        del card
        vae = cast("Reconstruction", student).vae
        with torch.no_grad():
            deviation = vae.encode(clean)[0].std().item()
        scaled = VAE(replace(vae.config, scaling=vae.config.scaling / deviation))
        scaled.load_state_dict(vae.state_dict())
        save_vae(path, scaled)


class LatentStage(Stage):
    """Stage 0: from latents of degraded pictures to latents of the targets."""

    def __init__(self, settings: StageSettings, student: LatentRestorer, vae: VAE) -> None:
        super().__init__(settings, student, None)
        self.vae = frozen(vae)

    def attempt(self, batch: Pair, draw: Draw) -> Attempt:
        """Restore latents. The perceptual loss, if it has a weight, is taken after decoding."""
        degraded, target, negative = batch[:3]
        with torch.no_grad():
            latent, wanted = self.vae.encode(degraded)[0], self.vae.encode(target)[0]
        output = self.student(latent, conditions(self.student, negative))
        losses = {"l1": F.l1_loss(output, wanted)}
        if self.perception is not None:
            losses["perceptual"] = self.perception(self.vae.decode(output), target, draw)
        return Attempt(losses, output, wanted)

    def show(self, student: nn.Module, degraded: Tensor) -> Tensor:
        """Encode, restore and decode the pictures."""
        latent = self.vae.encode(degraded)[0]
        return self.vae.decode(student(latent, conditions(student, len(degraded))))


class AdcStage(Stage):
    """Stage I: pixels in, restored latents out, with stage 0's network as the critic."""

    def __init__(
        self, settings: StageSettings, student: PixelEncoder, vae: VAE, teacher: LatentRestorer
    ) -> None:
        critic = StagedCritic(teacher, fresh=settings.critic == "fresh")
        super().__init__(settings, student, critic)
        self.vae, self.teacher = frozen(vae), frozen(teacher)

    def attempt(self, batch: Pair, draw: Draw) -> Attempt:
        """Make restored latents straight from the degraded pictures."""
        del draw
        degraded, target, negative = batch[:3]
        with torch.no_grad():
            real = self.vae.encode(target)[0]
            wanted = real
            if self.settings.target == "staged":
                wanted = self.teacher(
                    self.vae.encode(degraded)[0], conditions(self.teacher, negative)
                )
        output = self.student(degraded, conditions(self.student, negative))
        return Attempt({"l1": F.l1_loss(output, wanted)}, output, real)

    def show(self, student: nn.Module, degraded: Tensor) -> Tensor:
        """Restore and decode."""
        return self.vae.decode(student(degraded, conditions(student, len(degraded))))
