"""The kinds of stages of a recipe: their students, teachers and critics.

    vae     an 8x autoencoder of our own
    latent  stage 0: a one-step restorer of its latents, in GenDR's form
    adc     stage I, GenDR-Adc: an 8x unshuffle replaces the encoder; the critic is stage 0
    pix     stage II, GenDR-Pix: an 8x shuffle replaces the decoder; the critic is stage I, or a
            small U-Net on pixels
    distil  guidance in one pass: two guided passes of the network that it begins with teach it

`build.py` makes a stage of a recipe.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vs_gendrpix.errors import SettingsError
from vs_gendrpix.models.ancestors.latent import PixelEncoder
from vs_gendrpix.models.ancestors.vae import VAE
from vs_gendrpix.models.card import ModelCard
from vs_gendrpix.models.gendrpix.compact import Compact
from vs_gendrpix.models.gendrpix.files import save_network
from vs_gendrpix.models.gendrpix.network import GenDRPix, Prompted
from vs_gendrpix.models.gendrpix.padcfg import PadCFG, Padding, crop, pad, pad_plan
from vs_gendrpix.training.critic import Judgement
from vs_gendrpix.training.data.draw import Draw
from vs_gendrpix.training.data.pairs import Pair
from vs_gendrpix.training.data.settings import TeacherSettings
from vs_gendrpix.training.losses import (
    Perception,
    critic_loss,
    detail,
    feature_loss,
    generator_loss,
    grainy,
    masked_fourier_loss,
    phase_loss,
    rand_pad,
    texture_loss,
)
from vs_gendrpix.training.settings import StageSettings

Seed = tuple[int, int]
"""The recipe's seed and the step, from which all random numbers follow."""

_CHANGE, _DETAIL = 6.0, 3.0
"""Factors by which a critic of pixels gets a change, or the detail, enlarged. A network adds a few
codes of fine detail. Beside a whole picture a critic learnt nothing from these."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A student's results for a batch.

    Attributes:
        losses: The losses that the kind of stage computes itself, unweighted.
        output: The student's pictures or latents, which the critic judges.
        real: Those that the critic shall call real.
        wanted: Those whose features in the critic the output's should have; None compares none.
        base: Pictures to which the others are changes, which a critic of pixels sees; None for
            stages whose critic sees them as they are.
    """

    losses: dict[str, Tensor]
    output: Tensor
    real: Tensor
    wanted: Tensor | None = None
    base: Tensor | None = None


class Stage:
    """A student with its teachers and its critic.

    Args:
        settings: The stage's own.
        student: What is trained.
        critic: A network whose output map are logits; None for a stage without.
    """

    def __init__(
        self, settings: StageSettings, student: nn.Module, critic: nn.Module | None
    ) -> None:
        self.settings, self.student = settings, student
        self.critic = critic if settings.adversarial else None
        self.perception = Perception() if settings.perceptual else None

    def to(self, device: torch.device) -> "Stage":
        """Move all networks to a device, with channels last: a tenth less time per step."""
        for name, value in vars(self).items():
            if isinstance(value, nn.Module):
                moved = value.to(device).to(memory_format=torch.channels_last)
                setattr(self, name, moved)
        return self

    def attempt(self, batch: Pair, draw: Draw) -> Attempt:
        """Run the student on a batch and compute the losses of this kind of stage."""
        raise NotImplementedError

    def show(self, student: nn.Module, degraded: Tensor) -> Tensor:
        """Restore pictures with a student of this stage, for people to look at.

        Args:
            student: The student, or the average of its weights.
            degraded: (N, 3, H, W) in [-1, 1].

        Returns:
            Pictures of the same shape and range.
        """
        raise NotImplementedError

    def save(self, path: Path, student: nn.Module, card: ModelCard, clean: Tensor) -> None:
        """Write a student's model file.

        Args:
            path: The safetensors file.
            student: The student, or the average of its weights.
            card: Tells how it was made.
            clean: (N, 3, H, W) pictures in [-1, 1], for what has to be measured on some.
        """
        del clean
        network = cast("Prompted", student)
        network.card = card
        save_network(path, network, dtype=torch.float16)

    def seen(self, image: Tensor, attempt: Attempt, draw: Draw) -> Tensor:
        """Prepare pictures or latents, made or real, for the critic."""
        del attempt, draw
        return image

    def judge(self, image: Tensor, attempt: Attempt, draw: Draw) -> Judgement:
        """Run the critic on an attempt's output, or on real pictures or latents."""
        if self.critic is None:
            raise SettingsError("this stage has no critic: set adversarial above 0")
        judgement: Judgement = self.critic(self.seen(image, attempt, draw))
        return judgement

    def losses(self, batch: Pair, seed: Seed) -> tuple[dict[str, Tensor], Attempt]:
        """Compute the student's losses, unweighted, with `total`, their weighted sum."""
        attempt = self.attempt(batch, Draw(*seed, 0))
        losses = dict(attempt.losses)
        if self.critic is not None:
            judgement = self.judge(attempt.output, attempt, Draw(*seed, 1))
            losses["adversarial"] = generator_loss(judgement.logits)
            if self.settings.features and attempt.wanted is not None:
                with torch.no_grad():  # behind the same paddings
                    aim = self.judge(attempt.wanted, attempt, Draw(*seed, 1))
                losses["features"] = feature_loss(judgement.features, aim.features)
        return {**losses, "total": self._total(losses, attempt.output)}, attempt

    def _total(self, losses: dict[str, Tensor], output: Tensor) -> Tensor:
        """Compute the weighted sum of the losses. A critic's may be weighted by its gradient."""
        weights = {name: getattr(self.settings, name) for name in losses}
        balanced = self.settings.balance and torch.is_grad_enabled()
        pulls = [name for name in ("adversarial", "features") if balanced and name in losses]
        parts = [
            weights[name] * (_pull(losses, name, output) if name in pulls else value)
            for name, value in losses.items()
        ]
        return torch.stack(parts).sum()

    def critic_losses(self, attempt: Attempt, seed: Seed) -> dict[str, Tensor]:
        """Compute the critic's loss and share of right answers, detached from the student."""
        real = self.judge(attempt.real.detach(), attempt, Draw(*seed, 2)).logits
        output = self.judge(attempt.output.detach(), attempt, Draw(*seed, 3)).logits
        right = ((real > 0).float().mean() + (output < 0).float().mean()) / 2
        return {"critic": critic_loss(real, output), "critic_right": right.detach()}

    def picture_losses(self, output: Tensor, target: Tensor, draw: Draw) -> dict[str, Tensor]:
        """Compute the unweighted losses of (B, 3, H, W) pictures in [-1, 1] that have a weight."""
        losses = {"l1": F.l1_loss(output, target)}
        if self.perception is not None:
            losses["perceptual"] = self.perception(output, target, draw)
        if self.settings.texture:
            losses["texture"] = texture_loss(output, target)
        if self.settings.phases:
            losses["phases"] = phase_loss(output, target)
        if self.settings.fourier:
            relative = self.settings.fourier_form == "relative"
            losses["fourier"] = masked_fourier_loss(output, target, relative=relative)
        return losses


class StagedTeacher(nn.Module):
    """Stage I with its decoder, as a teacher that gives pictures.

    Args:
        encoder: Makes latents of degraded pictures.
        vae: Decodes them.
    """

    def __init__(self, encoder: PixelEncoder, vae: VAE) -> None:
        super().__init__()
        self.encoder, self.vae = frozen(encoder), frozen(vae)

    @torch.no_grad()
    def forward(self, degraded: Tensor, negative: Tensor) -> Tensor:
        """Restore (B, 3, H, W) pictures in [-1, 1], each under its condition."""
        return self.vae.decode(self.encoder(degraded, conditions(self.encoder, negative)))


class PixStage(Stage):
    """Stage II: pixels in, pixels out; the critic judges behind RandPad.

    Args:
        settings: The stage's own.
        student: What is trained.
        critic: Judges pictures, or with the setting `pixels` their changes.
        staged: The teacher that the target `staged` asks.
        label: How labels decide the target `teacher`.
    """

    def __init__(
        self,
        settings: StageSettings,
        student: GenDRPix,
        *,
        critic: nn.Module | None = None,
        staged: StagedTeacher | None = None,
        label: TeacherSettings | None = None,
    ) -> None:
        super().__init__(settings, student, critic)
        self.staged, self.label = staged, label
        # A chain's cells are the source's pixels: no other phase of them is ever restored.
        self.phase = student.cell if isinstance(student.body, Compact) else 1

    def attempt(self, batch: Pair, draw: Draw) -> Attempt:
        """Restore the degraded pictures, perhaps under fresh grain, perhaps in two views."""
        degraded, negative = batch.degraded, batch.negative
        wanted, real = self._targets(batch, draw)
        prompt = conditions(self.student, negative)

        def seen() -> Tensor:
            grain = self.settings.grain
            return grainy(degraded, draw, grain) if grain else degraded

        def attempt(losses: dict[str, Tensor], output: Tensor) -> Attempt:
            return Attempt(losses, output, real, wanted=wanted, base=degraded)

        if not self.settings.consistency:
            output = self.student(seen(), prompt)
            return attempt(self.picture_losses(output, wanted, draw), output)
        paddings = [
            Padding(top=self.phase * draw.whole(0, last), left=self.phase * draw.whole(0, last))
            for last in (7 // self.phase,) * 2
        ]
        views = torch.cat([pad(seen(), padding) for padding in paddings])
        restored = self.student(views, torch.cat([prompt, prompt])).chunk(2)
        size = (degraded.shape[-2], degraded.shape[-1])
        output, other = (crop(*view, size) for view in zip(restored, paddings, strict=True))
        losses = self.picture_losses(output, wanted, draw)
        losses["l1"] = (losses["l1"] + F.l1_loss(other, wanted)) / 2
        losses["consistency"] = F.l1_loss(other, output)
        return attempt(losses, output)

    def _targets(self, batch: Pair, draw: Draw) -> tuple[Tensor, Tensor]:
        """Return the pictures to learn from, and those that the critic takes as real."""
        target = batch.target
        if self.settings.target == "staged" and self.staged is not None:
            return self.staged(batch.degraded, batch.negative), target
        if self.settings.target == "teacher" and self.label is not None:
            share = self.label.share(batch.lost)[:, None, None, None]
            # Photographs are real, too: a critic that knew the teacher alone would copy its paint.
            clean = torch.tensor([draw.chance(0.5) for _ in target], device=target.device)
            real = torch.where(clean[:, None, None, None], target, batch.teacher)
            return torch.lerp(target, batch.teacher, share), real
        return target, target

    def seen(self, image: Tensor, attempt: Attempt, draw: Draw) -> Tensor:
        """Pad each picture in its own way; a critic of pixels sees its change or its detail."""
        if self.settings.critic == "pixels" and attempt.base is not None:
            change = self.settings.critic_sees == "change"
            image = _CHANGE * (image - attempt.base) if change else _DETAIL * detail(image)
        return rand_pad(image, draw) if self.settings.rand_pad else image

    def show(self, student: nn.Module, degraded: Tensor) -> Tensor:
        """Restore in one pass."""
        restored: Tensor = student(degraded, conditions(student, len(degraded)))
        return restored


class DistilStage(PixStage):
    """The stage that teaches one pass to give what guidance makes of two."""

    def __init__(self, settings: StageSettings, student: GenDRPix, guided: GenDRPix) -> None:
        super().__init__(settings, student)
        self.guided = frozen(guided)

    def attempt(self, batch: Pair, draw: Draw) -> Attempt:
        """Compare the student with its guided teacher. All items are positive."""
        degraded, target = batch[:2]
        teacher = PadCFG(
            self.guided,
            self.guided.positive,
            self.guided.negative,
            plan=pad_plan(0),
            guidance=self.settings.guidance,
        )
        with torch.no_grad():
            wanted = teacher(degraded)
        output = self.student(degraded, conditions(self.student, len(degraded)))
        return Attempt(self.picture_losses(output, wanted, draw), output, target)


def _pull(losses: dict[str, Tensor], name: str, output: Tensor) -> Tensor:
    """Scale a loss so that its gradient on the output has the norm of L1's gradient.

    A critic's gradient is hundreds of times L1's while it is ahead, and a tenth where it is not: no
    fixed weight holds for a run (docs/results/training-log.md, runs 61 to 63).
    """
    (aim,) = torch.autograd.grad(losses["l1"], output, retain_graph=True)
    (own,) = torch.autograd.grad(losses[name], output, retain_graph=True)
    pull: Tensor = (output * own).sum() * (aim.norm() / own.norm().clamp_min(1e-12))
    return pull


def conditions(network: nn.Module, items: Tensor | int) -> Tensor:
    """Return the condition of each item, (B, T, D): the negative one where `items` (B,) is true.

    Args:
        network: With two prompts, perhaps wrapped for several processes.
        items: Which items are negative, or how many positive ones there are.
    """
    network = cast("Prompted", getattr(network, "module", network))
    if isinstance(items, int):
        return network.positive.expand(items, -1, -1)
    return torch.where(items[:, None, None], network.negative, network.positive)


def frozen[N: nn.Module](network: N) -> N:
    """Set a network to evaluation without gradients, as a teacher."""
    return network.eval().requires_grad_(requires_grad=False)
