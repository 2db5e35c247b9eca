"""The stages of the paper's recipe: who learns, from whom, and before which critic.

    vae     an 8x autoencoder of our own
    latent  stage 0: a one-step restorer of its latents, in GenDR's form
    adc     stage I, GenDR-Adc: an 8x unshuffle replaces the encoder; the critic is stage 0
    plain   what `pix` does, by settings of its own: where it begins with nothing, L1 comes first
    pix     stage II, GenDR-Pix: an 8x shuffle replaces the decoder; the critic is stage I
    calm    what `pix` does, by settings of its own: the last steps, with two views of each crop
    clean   what `pix` does, by settings of its own: L1 alone after the features, kept in part
    distil  guidance in one pass: two guided passes of the stage before teach it

The paper's stages begin with the network of the one before. Where the first layer has other
channels, it begins in the principal components of what it will see; a new last one begins with
zeros (`start.py`).
"""

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vs_gendrpix.errors import SettingsError
from vs_gendrpix.models.ancestors.latent import LatentRestorer, PixelEncoder
from vs_gendrpix.models.ancestors.vae import VAE
from vs_gendrpix.models.gendrpix.files import load_into, load_network, load_vae
from vs_gendrpix.models.gendrpix.network import CELL, GenDRPix, Prompted
from vs_gendrpix.models.gendrpix.padcfg import PadCFG, Padding, crop, pad, pad_plan
from vs_gendrpix.training import start
from vs_gendrpix.training.critic import Judgement, PixelCritic, StagedCritic
from vs_gendrpix.training.draw import Draw
from vs_gendrpix.training.losses import (
    Perception,
    critic_loss,
    feature_loss,
    generator_loss,
    grainy,
    masked_fourier_loss,
    rand_pad,
)
from vs_gendrpix.training.pictures import Pair
from vs_gendrpix.training.settings import Recipe, StageSettings, TeacherSettings

if TYPE_CHECKING:
    from collections.abc import Callable

MODEL = "model.safetensors"
_CONTRAST = 6.0
"""By how much the critic of pixels sees a change enlarged: a network adds a few codes of fine
detail, next to which the picture itself is loud, and a critic shown that learnt nothing."""
Seed = tuple[int, int]
"""The recipe's seed and the step: what is drawn follows from them."""
TOKEN = 3 * CELL * CELL
"""Values of a token of pixels."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a student made of a batch.

    Attributes:
        losses: The losses that its stage reckons itself, each before its weight.
        output: What the critic judges.
        real: What the critic shall take for real.
        wanted: What the critic's features are compared with; None compares none.
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
        """Move everything, with channels last: a step takes a tenth less for it."""
        for name, value in vars(self).items():
            if isinstance(value, nn.Module):
                moved = value.to(device).to(memory_format=torch.channels_last)
                setattr(self, name, moved)
        return self

    def attempt(self, batch: Pair, draw: Draw) -> Attempt:
        """Let the student try a batch."""
        raise NotImplementedError

    def show(self, student: nn.Module, worn: Tensor) -> Tensor:
        """What a student (the averaged one) makes of worn pictures: pictures in [-1, 1]."""
        raise NotImplementedError

    def seen(self, image: Tensor, attempt: Attempt, draw: Draw) -> Tensor:
        """What the critic sees of an output, or of what is real."""
        del attempt, draw
        return image

    def judge(self, image: Tensor, attempt: Attempt, draw: Draw) -> Judgement:
        """What the critic says of an attempt's output, or of what is real."""
        if self.critic is None:
            raise SettingsError("this stage has no critic: set adversarial above 0")
        judgement: Judgement = self.critic(self.seen(image, attempt, draw))
        return judgement

    def losses(self, batch: Pair, seed: Seed) -> tuple[dict[str, Tensor], Attempt]:
        """All losses of the student before their weights, and `total`, their weighted sum."""
        attempt = self.attempt(batch, Draw(*seed, 0))
        losses = dict(attempt.losses)
        if self.critic is not None:
            judgement = self.judge(attempt.output, attempt, Draw(*seed, 1))
            losses["adversarial"] = generator_loss(judgement.logits)
            if self.settings.features and attempt.wanted is not None:
                with torch.no_grad():  # behind the same paddings
                    aim = self.judge(attempt.wanted, attempt, Draw(*seed, 1))
                losses["features"] = feature_loss(judgement.features, aim.features)
        total = sum(getattr(self.settings, name) * value for name, value in losses.items())
        return {**losses, "total": torch.as_tensor(total)}, attempt

    def critic_losses(self, attempt: Attempt, seed: Seed) -> dict[str, Tensor]:
        """The loss of the critic, which the student gets no part of, and how often it is right."""
        real = self.judge(attempt.real.detach(), attempt, Draw(*seed, 2)).logits
        output = self.judge(attempt.output.detach(), attempt, Draw(*seed, 3)).logits
        right = ((real > 0).float().mean() + (output < 0).float().mean()) / 2
        return {"critic": critic_loss(real, output), "critic_right": right.detach()}

    def in_pixels(self, output: Tensor, target: Tensor, draw: Draw) -> dict[str, Tensor]:
        """The losses of pictures; those of weight 0 are not computed."""
        losses = {"l1": F.l1_loss(output, target)}
        if self.perception is not None:
            losses["perceptual"] = self.perception(output, target, draw)
        if self.settings.fourier:
            relative = self.settings.fourier_form == "relative"
            losses["fourier"] = masked_fourier_loss(output, target, relative=relative)
        return losses


class Reconstruction(nn.Module):
    """An autoencoder on its way through a sample of its latents."""

    def __init__(self, vae: VAE) -> None:
        super().__init__()
        self.vae = vae

    def forward(self, image: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """The pictures (B, 3, H, W) made of a sample, and its divergence from the normal one."""
        mean, log_variance = self.vae.encode(image)
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean()
        return self.vae.decode(mean + (0.5 * log_variance).exp() * noise), divergence


class VaeStage(Stage):
    """The autoencoder learns to give pictures back through latents near the normal distribution."""

    def __init__(self, settings: StageSettings, vae: VAE) -> None:
        super().__init__(settings, Reconstruction(vae), None)
        self.channels = vae.config.latent_channels

    def attempt(self, batch: Pair, draw: Draw) -> Attempt:
        """Reconstruct the targets from a sample of their latents."""
        clean = batch.target
        grid = (clean.shape[-2] // CELL, clean.shape[-1] // CELL)
        noise = draw.normal(len(clean), self.channels, *grid).to(clean.device)
        output, divergence = self.student(clean, noise)
        losses = self.in_pixels(output, clean, draw)
        return Attempt({**losses, "divergence": divergence}, output, clean)

    def show(self, student: nn.Module, worn: Tensor) -> Tensor:
        """The worn pictures, encoded and decoded."""
        vae = cast("Reconstruction", student).vae
        return vae.decode(vae.encode(worn)[0])


class LatentStage(Stage):
    """Stage 0: latents of worn pictures become those of the targets."""

    def __init__(self, settings: StageSettings, student: LatentRestorer, vae: VAE) -> None:
        super().__init__(settings, student, None)
        self.vae = frozen(vae)

    def attempt(self, batch: Pair, draw: Draw) -> Attempt:
        """Restore latents; the perceptual loss, where it has a weight, is that of the decoded."""
        worn, target, negative = batch[:3]
        with torch.no_grad():
            latent, wanted = self.vae.encode(worn)[0], self.vae.encode(target)[0]
        output = self.student(latent, conditions(self.student, negative))
        losses = {"l1": F.l1_loss(output, wanted)}
        if self.perception is not None:
            losses["perceptual"] = self.perception(self.vae.decode(output), target, draw)
        return Attempt(losses, output, wanted)

    def show(self, student: nn.Module, worn: Tensor) -> Tensor:
        """The whole way: encode, restore, decode."""
        latent = self.vae.encode(worn)[0]
        return self.vae.decode(student(latent, conditions(student, len(worn))))


class AdcStage(Stage):
    """Stage I: pixels in, restored latents out; the critic knows latents as stage 0 does."""

    def __init__(
        self, settings: StageSettings, student: PixelEncoder, vae: VAE, teacher: LatentRestorer
    ) -> None:
        super().__init__(settings, student, StagedCritic(teacher, fresh=settings.critic == "fresh"))
        self.vae, self.teacher = frozen(vae), frozen(teacher)

    def attempt(self, batch: Pair, draw: Draw) -> Attempt:
        """Make latents of the worn pictures themselves."""
        del draw
        worn, target, negative = batch[:3]
        with torch.no_grad():
            real = self.vae.encode(target)[0]
            wanted = real
            if self.settings.target == "teacher":
                wanted = self.teacher(self.vae.encode(worn)[0], conditions(self.teacher, negative))
        output = self.student(worn, conditions(self.student, negative))
        return Attempt({"l1": F.l1_loss(output, wanted)}, output, real)

    def show(self, student: nn.Module, worn: Tensor) -> Tensor:
        """Restore and decode."""
        return self.vae.decode(student(worn, conditions(student, len(worn))))


class PixStage(Stage):
    """Stage II: pixels in, pixels out; the critic is stage I behind RandPad."""

    def __init__(
        self,
        settings: StageSettings,
        student: GenDRPix,
        teacher: PixelEncoder | None,
        vae: VAE | None,
        *,
        label: TeacherSettings | None = None,
        seed: int = 0,
    ) -> None:
        critic: nn.Module | None = None
        if settings.critic == "pixels":
            critic = PixelCritic(settings.critic_width, seed)
        elif teacher is not None:
            critic = StagedCritic(teacher, fresh=settings.critic == "fresh")
        super().__init__(settings, student, critic)
        self.teacher = None if teacher is None else frozen(teacher)
        self.vae = None if vae is None else frozen(vae)
        self.label = label

    def attempt(self, batch: Pair, draw: Draw) -> Attempt:
        """Restore the worn pictures, perhaps under fresh grain, perhaps in two views."""
        worn, target, negative = batch[:3]
        wanted, real = target, target
        if self.settings.target == "teacher" and self.teacher is not None and self.vae is not None:
            with torch.no_grad():
                wanted = self.vae.decode(self.teacher(worn, conditions(self.teacher, negative)))
        if self.label is not None:
            share = self.label.share(batch.lost)[:, None, None, None]
            wanted = torch.lerp(target, batch.teacher, share)
            # The critic shall know the teacher's pictures and photographs alike for real.
            clean = torch.tensor([draw.chance(0.5) for _ in target], device=target.device)
            real = torch.where(clean[:, None, None, None], target, batch.teacher)
        prompt = conditions(self.student, negative)

        def seen() -> Tensor:
            grain = self.settings.grain
            return grainy(worn, draw, grain) if grain else worn

        def attempt(losses: dict[str, Tensor], output: Tensor) -> Attempt:
            return Attempt(losses, output, real, wanted=wanted, base=worn)

        if not self.settings.consistency:
            output = self.student(seen(), prompt)
            return attempt(self.in_pixels(output, wanted, draw), output)
        paddings = [Padding(top=draw.whole(0, 7), left=draw.whole(0, 7)) for _ in range(2)]
        views = torch.cat([pad(seen(), padding) for padding in paddings])
        restored = self.student(views, torch.cat([prompt, prompt])).chunk(2)
        size = (worn.shape[-2], worn.shape[-1])
        output, other = (crop(*view, size) for view in zip(restored, paddings, strict=True))
        losses = self.in_pixels(output, wanted, draw)
        losses["l1"] = (losses["l1"] + F.l1_loss(other, wanted)) / 2
        losses["consistency"] = F.l1_loss(other, output)
        return attempt(losses, output)

    def seen(self, image: Tensor, attempt: Attempt, draw: Draw) -> Tensor:
        """The picture, or its change of the degraded one, behind a padding of its own."""
        if self.settings.critic == "pixels" and attempt.base is not None:
            image = _CONTRAST * (image - attempt.base)
        return rand_pad(image, draw) if self.settings.rand_pad else image

    def show(self, student: nn.Module, worn: Tensor) -> Tensor:
        """Restore in one pass."""
        restored: Tensor = student(worn, conditions(student, len(worn)))
        return restored


class DistilStage(PixStage):
    """One pass learns what guidance makes of two."""

    def __init__(self, settings: StageSettings, student: GenDRPix, guided: GenDRPix) -> None:
        super().__init__(settings, student, None, None)
        self.guided = frozen(guided)

    def attempt(self, batch: Pair, draw: Draw) -> Attempt:
        """Compare with the guided teacher; all items are positive."""
        worn, target = batch[:2]
        teacher = PadCFG(
            self.guided,
            self.guided.positive,
            self.guided.negative,
            plan=pad_plan(0),
            guidance=self.settings.guidance,
        )
        with torch.no_grad():
            wanted = teacher(worn)
        output = self.student(worn, conditions(self.student, len(worn)))
        return Attempt(self.in_pixels(output, wanted, draw), output, target)


def conditions(network: nn.Module, items: Tensor | int) -> Tensor:
    """The condition of each item: (B, T, D), the negative one where `items` (B,) is true.

    Args:
        network: With two prompts, perhaps wrapped for several processes.
        items: Which items are negative, or how many positive ones there are.
    """
    network = cast("Prompted", getattr(network, "module", network))
    if isinstance(items, int):
        return network.positive.expand(items, -1, -1)
    return torch.where(items[:, None, None], network.negative, network.positive)


def frozen[N: nn.Module](network: N) -> N:
    """A teacher: it only shows how it is done."""
    return network.eval().requires_grad_(requires_grad=False)


def build(name: str, recipe: Recipe, *, out: Path, beside: Path, worn: Tensor) -> Stage:
    """A stage at its beginning.

    Args:
        name: Of `STAGES`.
        recipe: The whole recipe.
        out: The folder that holds the stages' folders.
        beside: The folder from which the path in `start` counts.
        worn: (N, 3, H, W) pictures in [-1, 1] that show new layers what pictures are like.

    Raises:
        SettingsError: The stage before has not been run.
        ModelError: A file to begin with is missing or bad.
    """
    settings = recipe.stage.get(name, StageSettings())
    builder = _Builder(name, settings, recipe, out, worn)
    makers: dict[str, Callable[[], Stage]] = {
        "vae": builder.vae,
        "latent": builder.latent,
        "adc": builder.adc,
        "plain": builder.plain,
        "pix": builder.pix,
        "calm": builder.calm,
        "clean": builder.clean,
        "distil": builder.distil,
    }
    stage = makers[name]()
    if settings.start:
        student = getattr(stage.student, "vae", stage.student)
        load_into(cast("Prompted | VAE", student), beside / settings.start)
    if settings.deepened_from:
        if name != "pix" or not isinstance(stage.student, GenDRPix):
            raise SettingsError(f"stage {name} cannot begin with a model of fewer layers: pix can")
        start.deepen(stage.student, _built_in_or(beside, settings.deepened_from))
    stage.student.train().requires_grad_(requires_grad=True)
    return stage


def _built_in_or(beside: Path, model: str) -> GenDRPix:
    """The model of a name, or of a path that counts from a folder."""
    file = beside / model if Path(model).suffix else model
    return load_network(file, device=torch.device("cpu"), dtype=torch.float32)


@dataclass(frozen=True, slots=True)
class _Builder:
    """Makes stages, with what the ones before have left."""

    name: str
    settings: StageSettings
    recipe: Recipe
    out: Path
    worn: Tensor

    def vae(self) -> Stage:
        """An autoencoder with random weights."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.recipe.seed)
            return VaeStage(self.settings, VAE(self.recipe.vae))

    def latent(self) -> Stage:
        """A network with random weights: its channels are no pixels, which all look alike."""
        return LatentStage(self.settings, self._restorer(), self._vae())

    def adc(self) -> Stage:
        """Stage 0's network behind a new first layer."""
        teacher = self._made("latent", self._restorer())
        student = self._encoder()
        start.inherit(student, teacher, but=("conv_in",))
        start.analyse(student, self.worn)
        return AdcStage(self.settings, student, self._vae(), teacher)

    def plain(self) -> Stage:
        """A random network, before there is a critic."""
        student = self._pix()
        start.straighten(student, self.worn)
        return PixStage(self.settings, student, None, None)

    def pix(self) -> Stage:
        """The network of `plain`, or stage I's before a new last layer, or a random one."""
        taught = self.settings.target == "teacher"
        student, adc = self._pix(), None
        staged = self.settings.adversarial and self.settings.critic != "pixels"
        if staged or taught or (self.out / "adc").is_dir():
            adc = self._made("adc", self._encoder())
        if (self.out / "plain").is_dir():
            student = self._made("plain", student)
        elif adc is not None and student.cell == CELL:
            start.inherit(student, adc, but=("conv_norm_out", "conv_out"))
            start.zero(student.unet.conv_out)
        else:
            start.straighten(student, self.worn)
        return PixStage(
            self.settings,
            student,
            adc,
            self._vae() if taught else None,
            label=self.recipe.teacher,
            seed=self.recipe.seed,
        )

    def calm(self) -> Stage:
        """The network of `pix`, no longer before a critic."""
        return PixStage(self.settings, self._made("pix", self._pix()), None, None)

    def clean(self) -> Stage:
        """The network of `calm`, or of `pix`."""
        return PixStage(self.settings, self._latest("calm", "pix"), None, None)

    def distil(self) -> Stage:
        """The network of `clean` itself, or that of `calm` or `pix`."""
        guided = self._latest("clean", "calm", "pix")
        return DistilStage(self.settings, copy.deepcopy(guided), guided)

    def _latest(self, *stages: str) -> GenDRPix:
        """The network of the first of these stages that has been run; the last one must be."""
        run = (stage for stage in stages if (self.out / stage).is_dir())
        return self._made(next(run, stages[-1]), self._pix())

    def _vae(self) -> VAE:
        path = self.out / "vae" / MODEL
        self._want("vae", path)
        return load_vae(path, device=self.worn.device, dtype=torch.float32)

    def _restorer(self) -> LatentRestorer:
        latent = self.recipe.vae.latent_channels
        return self._fresh(LatentRestorer, latent, latent)

    def _encoder(self) -> PixelEncoder:
        return self._fresh(PixelEncoder, TOKEN, self.recipe.vae.latent_channels)

    def _pix(self) -> GenDRPix:
        network = self.recipe.network
        return self._fresh(GenDRPix, network.in_channels, network.out_channels)

    def _fresh[N: Prompted](self, kind: type[N], inside: int, outside: int) -> N:
        recipe = self.recipe
        return start.new(kind, recipe.network, channels=(inside, outside), seed=recipe.seed)

    def _made[N: Prompted](self, stage: str, module: N) -> N:
        """A module with the weights that another stage has left."""
        path = self.out / stage / MODEL
        self._want(stage, path)
        load_into(module, path)
        return module

    def _want(self, stage: str, path: Path) -> None:
        if not path.is_file():
            raise SettingsError(f"stage {self.name} needs stage {stage} first: there is no {path}")
