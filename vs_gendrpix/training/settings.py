"""Settings of a training recipe: read from TOML, frozen, checked once."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from vs_gendrpix.errors import GendrpixError, SettingsError
from vs_gendrpix.models.ancestors.vae import VAEConfig
from vs_gendrpix.models.gendrpix.compact import CompactConfig
from vs_gendrpix.models.gendrpix.unet import TINY, UNetConfig
from vs_gendrpix.settings.values import from_plain
from vs_gendrpix.training.adapters import Shares
from vs_gendrpix.training.data.settings import PairSettings, TeacherSettings

Kind = Literal["vae", "latent", "adc", "pix", "distil"]
"""Kinds of stages (see `stages.py`, `latent_stages.py`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSettings:
    """Settings of one stage. The weights of the losses are those of their sum; 0 leaves one out.

    Attributes:
        kind: What is trained, and how (see `stages.py`, `latent_stages.py`).
        begins_with: Where the weights come from: an earlier stage of the recipe, a built-in
            model's name, or a model file, whose path counts from the recipe's folder. For `pix`
            a model may have fewer ResBlocks a level, one with two ends gives the detailed one, and
            a stage of kind `adc` gives all but its last layer. Empty begins with random weights,
            and `adc` with those of `latent`.
        steps: Length of the run; the learning rate falls to zero over its last quarter.
        batch: Crops a step and process.
        crop: Side of a crop in pixels, a multiple of 8, at least 64.
        lora: Rank of changes that are trained in the place of the weights of the UNets' blocks, of
            the student and of a staged critic: far less memory for optimisers and averages. 0
            trains the weights themselves. The model that is left has plain weights.
        mixture: Networks of `pix` with the same origin and numbers, named as in `begins_with`. The
            weights are sought between those that the stage begins with and theirs: what is trained
            is only which share of its difference from each of them every one of `shares` takes.
        shares: What has shares of its own in a mixture: `layers`, too few to lose a texture or to
            learn a pattern, or `channels`, which follow the losses further.
        checkpointing: Whether gradients compute the layers of the UNets again, instead of what
            they have kept of them: less memory, but a step takes a third longer.
        learning_rate: Peak rate of AdamW.
        warmup: Steps over which the rate rises from zero.
        weight_decay: Of AdamW.
        ema: Decay of the moving average of the weights, which is what is saved.
        keep: Share of the weights that the stage began with in the model that it leaves: the mean
            of two networks does what lies between them (ESRGAN, arXiv 1809.00219, section 3.4).
        clip: Largest norm of all gradients together.
        target: What `l1` and the others compare with: the clean picture; for crops that have lost
            detail the picture of the recipe's `teacher`; or what the stage before makes of the
            degraded one (`staged`). `distil` always has its own teacher.
        negative_share: Share of the crops that are shown under the negative condition, with a
            target that is itself a little degraded, so that guidance can push away from it.
        guidance: The weight w of PadCFG with which the teacher of `distil` works.
        l1: Weight of the mean absolute difference, of latents or of pixels in [-1, 1].
        perceptual: Weight of the SqueezeNet distance.
        texture: Weight of the difference of the local energies of fine detail, as logarithms: as
            much texture as the target has, wherever its threads lie.
        phases: Weight of what the steps between pixels differ with their place in a cell, beyond
            the target: against a grid that lies within texture, which `texture` would pay for.
        fourier: Weight of the masked Fourier loss.
        fourier_form: What that compares: magnitudes relative to their surroundings, which a target
            sharper than the student needs, or magnitudes as the paper has it (`plain`), for a
            teacher that is as sharp.
        grain: How strong the fresh grain is, at most, under which `pix` sees each crop, in codes of
            255: the noise of stored pairs is soon known by heart.
        consistency: Weight of the mean absolute difference between the results of `pix` for two
            views of each crop, each with grain of its own and cells of another phase: against
            flicker and what crawls in a pan. A step takes nearly twice as long.
        divergence: Weight of the VAE's divergence from the normal distribution, per latent value.
        adversarial: Weight of softplus(-D(output)).
        features: Weight of the difference of the pixel critic's features from those of what the
            student should make.
        balance: Whether the weights of `adversarial` and `features` count the pull on the result
            beside that of `l1` (1 pulls as hard), whatever the size of the losses.
        critic: What the discriminator D is: the network of the stage before (`staged`), that
            network with random weights (`fresh`), or for `pix` a small U-Net that sees what the
            student adds to the resized picture (`pixels`).
        critic_sees: The view of the critic `pixels`: the change of the resized picture, or the
            detail of the result (high-pass). A change that mends what the resize has done to
            places between the input's pixels has a grid of its own, so in `change` a grid of the
            student's hides.
        critic_rate: Rate of D's AdamW.
        critic_width: Channels of the finest level of the critic `pixels`.
        critic_first: Steps at the beginning in which D alone learns.
        rand_pad: Whether D sees each picture behind a padding of its own (RandPad).
        save_every: Steps between checkpoints.
    """

    kind: Kind = "pix"
    begins_with: str = ""
    steps: int = 20_000
    batch: int = 8
    crop: int = 128
    lora: int = 0
    mixture: tuple[str, ...] = ()
    shares: Shares = "channels"
    checkpointing: bool = False
    learning_rate: float = 3e-4
    warmup: int = 200
    weight_decay: float = 0.01
    ema: float = 0.999
    keep: float = 0.0
    clip: float = 1.0
    target: Literal["clean", "teacher", "staged"] = "clean"
    negative_share: float = 0.0
    guidance: float = 1.2
    l1: float = 1.0
    perceptual: float = 0.0
    texture: float = 0.0
    phases: float = 0.0
    fourier: float = 0.0
    fourier_form: Literal["relative", "plain"] = "relative"
    grain: float = 0.0
    consistency: float = 0.0
    divergence: float = 0.0
    adversarial: float = 0.0
    features: float = 0.0
    balance: bool = False
    critic: Literal["staged", "fresh", "pixels"] = "staged"
    critic_sees: Literal["change", "detail"] = "change"
    critic_rate: float = 1e-5
    critic_width: int = 32
    critic_first: int = 0
    rand_pad: bool = True
    save_every: int = 500

    def __post_init__(self) -> None:
        if self.crop < 64 or self.crop % 8:
            raise SettingsError(f"crop {self.crop} must be a multiple of 8, at least 64")
        if min(self.batch, self.steps, self.save_every) < 1 or self.warmup < 0:
            raise SettingsError("batch, steps and save_every must be at least 1, warmup 0")
        self._check_adapters()
        self._check_critic()
        if self.kind == "distil" and not self.begins_with:
            raise SettingsError("a stage of kind distil needs begins_with: its teacher")
        if not 0 <= self.ema < 1:
            raise SettingsError(f"ema {self.ema:g} is out of range: use 0 to below 1")
        if not 0 <= self.keep < 1:
            raise SettingsError(f"keep {self.keep:g} is out of range: use 0 to below 1")
        if not 0 <= self.negative_share < 1:
            raise SettingsError(
                f"negative_share {self.negative_share:g} is out of range: use 0 to below 1"
            )
        if not 0 <= self.grain <= 255:
            raise SettingsError(f"grain {self.grain:g} is out of range: use 0 to 255 codes")
        if self.clip <= 0 or self.learning_rate <= 0 or self.critic_rate <= 0:
            raise SettingsError("clip, learning_rate and critic_rate must be above 0")

    def _check_adapters(self) -> None:
        if self.lora < 0 or (self.lora and self.kind == "vae"):
            raise SettingsError("lora must be at least 0, and 0 for kind vae, which has no UNet")
        if self.mixture and (self.lora or self.kind != "pix"):
            raise SettingsError("only a stage of kind pix has a mixture, and then no lora")

    def _check_critic(self) -> None:
        if self.critic == "pixels" and self.kind != "pix":
            raise SettingsError(
                f"a stage of kind {self.kind} sees no pixels: set critic to staged or fresh"
            )
        if self.features and not (self.adversarial and self.critic == "pixels"):
            raise SettingsError("features are those of a critic: set adversarial, critic to pixels")
        if self.critic_width < 1 or self.critic_first < 0:
            raise SettingsError("critic_width must be at least 1, critic_first 0")

    def rate(self, step: int) -> float:
        """Share of the peak rate at a step: rising, level, falling to 0 in the last quarter."""
        rising = (step + 1 - self.critic_first) / max(1, self.warmup)
        return max(0.0, min(rising, self.critic_share(step)))

    def critic_share(self, step: int) -> float:
        """Share of the critic's peak rate at a step: level, then falling as the student's."""
        return min(1.0, (self.steps - step) / max(1, self.steps // 4))


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """All stages that lead to one model.

    Attributes:
        name: What the models' cards say.
        licence: What they say of the licence: SPDX identifier or name. It follows from the weights
            that the recipe begins with.
        seed: Decides the start, the pairs and their order, and what the losses draw.
        workers: Processes that make pairs; 0 is the one that trains.
        threads: Threads of the networks' arithmetic on the CPU; 0 leaves PyTorch's choice.
        pairs: What is made beforehand.
        teacher: Who labels it; None for nobody.
        network: The UNet; its channels in and out are those of `pix`: 192, or 48 for smaller cells.
        compact: A chain of convolutions in the place of the UNet; None for the UNet.
        vae: The autoencoder of the stages with a latent.
        autoencoder: A model file with another one, of `gendrpix models wrap` or of an earlier
            training, whose path counts from the recipe's folder. Then `vae` is not looked at, and
            no stage has this kind.
        stage: The settings of each stage by its name, in the order in which they run.
    """

    name: str = "model"
    licence: str = "Apache-2.0"
    seed: int = 0
    workers: int = 1
    threads: int = 0
    pairs: PairSettings = field(default_factory=PairSettings)
    teacher: TeacherSettings | None = None
    network: UNetConfig = TINY
    compact: CompactConfig | None = None
    vae: VAEConfig = field(default_factory=VAEConfig)
    autoencoder: Path | None = None
    stage: Mapping[str, StageSettings] = field(default_factory=dict)

    def __post_init__(self) -> None:
        earlier: set[str] = set()
        for name, settings in self.stage.items():
            if name in {"pairs", "all"}:
                raise SettingsError(
                    f"a stage cannot be called {name!r}, a word of the command: rename it"
                )
            for other in (settings.begins_with, *settings.mixture):
                if other in set(self.stage) - earlier:
                    raise SettingsError(f"stage {name} begins with {other}, which is later")
            if settings.target == "teacher" and self.teacher is None:
                raise SettingsError(f"stage {name} follows a teacher: give the recipe a [teacher]")
            if settings.kind == "vae" and self.autoencoder is not None:
                raise SettingsError(f"leave stage {name} out: the recipe has an autoencoder")
            earlier.add(name)
        if min(self.workers, self.threads, self.seed) < 0:
            raise SettingsError("workers, threads and seed must be at least 0")


def read_recipe(path: Path) -> Recipe:
    """Read a recipe from TOML: the fields of `Recipe`, with a table for each dataclass.

    Raises:
        SettingsError: There is no such file, or it says something that no field is.
    """
    try:
        with path.open("rb") as file:
            table = tomllib.load(file)
    except OSError as error:
        raise SettingsError(f"cannot read the recipe {path}: {error.strerror}") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"the recipe {path} is not TOML: {error}") from error
    try:
        stages = {
            name: from_plain(values, StageSettings, f"stage.{name}")
            for name, values in _table(table.pop("stage", {}), "stage").items()
        }
        for name, stage in stages.items():
            begins_with, *mixture = (
                str(path.parent / file) if file not in stages and Path(file).suffix else file
                for file in (stage.begins_with, *stage.mixture)
            )
            stages[name] = replace(stage, begins_with=begins_with, mixture=tuple(mixture))
        if {"network", "compact"} <= table.keys():
            raise SettingsError("a recipe has a UNet, [network], or a chain, [compact]: keep one")
        network = from_plain(table.pop("network", {}), UNetConfig, "network")
        vae = from_plain(table.pop("vae", {}), VAEConfig, "vae")
        pairs = from_plain(table.pop("pairs", {}), PairSettings, "pairs")
        teacher = None
        if "teacher" in table:
            teacher = from_plain(table.pop("teacher"), TeacherSettings, "teacher")
            teacher = replace(teacher, model=path.parent / teacher.model)
        recipe = from_plain(table, Recipe, "the recipe")
        if recipe.autoencoder is not None:
            recipe = replace(recipe, autoencoder=path.parent / recipe.autoencoder)
        return replace(recipe, network=network, vae=vae, pairs=pairs, teacher=teacher, stage=stages)
    except GendrpixError as error:
        raise SettingsError(f"{path}: {error}") from error


def _table(value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise SettingsError(f"{where} must be a table")
    return value
