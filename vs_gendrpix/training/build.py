"""Build a stage of a recipe: its networks, and their first weights."""

import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from vs_gendrpix.errors import SettingsError
from vs_gendrpix.models.ancestors.latent import LatentRestorer, PixelEncoder
from vs_gendrpix.models.ancestors.vae import VAE, VAEConfig
from vs_gendrpix.models.catalogue import find_model, is_ours, model_card
from vs_gendrpix.models.community import load_community
from vs_gendrpix.models.gendrpix.files import load_into, load_network, load_vae, vae_config
from vs_gendrpix.models.gendrpix.network import CELL, GenDRPix, Prompted
from vs_gendrpix.models.gendrpix.unet import UNet
from vs_gendrpix.training import beginnings
from vs_gendrpix.training.adapters import adapt, mix
from vs_gendrpix.training.critic import PixelCritic, StagedCritic
from vs_gendrpix.training.latent_stages import AdcStage, LatentStage, VaeStage
from vs_gendrpix.training.settings import Kind, Recipe, StageSettings
from vs_gendrpix.training.stages import DistilStage, PixStage, Stage, StagedTeacher

MODEL = "model.safetensors"
_UNET_ALONE = frozenset({"latent", "adc"})
_TOKEN = 3 * CELL * CELL
"""Number of values in a token of pixels."""


def build(name: str, recipe: Recipe, *, out: Path, degraded: Tensor) -> Stage:
    """Build a stage of a recipe, its student with its first weights.

    Args:
        name: The stage.
        recipe: The whole recipe.
        out: The folder that holds the stages' folders.
        degraded: (N, 3, H, W) pictures in [-1, 1] that show new layers what pictures are like.

    Raises:
        SettingsError: A stage that this one needs is not in the recipe, or has not been run.
        ModelError: A model file to begin with is missing or bad.
    """
    builder = _Builder(name, recipe.stage[name], recipe, out, degraded)
    makers = {
        "vae": builder.vae,
        "latent": builder.latent,
        "adc": builder.adc,
        "pix": builder.pix,
        "distil": builder.distil,
    }
    settings = recipe.stage[name]
    if settings.kind in _UNET_ALONE and recipe.compact is not None:
        raise SettingsError(
            f"stage {name} of kind {settings.kind} needs a UNet: give the recipe [network], not "
            "[compact], or leave the stage out"
        )
    stage = makers[settings.kind]()
    stage.student.train().requires_grad_(requires_grad=True)
    if settings.mixture:
        others = [builder.begun_with(name) for name in settings.mixture]
        mix(cast("GenDRPix", stage.student), others, settings.shares)
    for network in filter(None, (stage.student, stage.critic)):
        if settings.lora:
            adapt(network, settings.lora, seed=recipe.seed)
        for part in network.modules():
            if settings.checkpointing and isinstance(part, UNet):
                part.recompute()
    return stage


@dataclass(frozen=True, slots=True)
class _Builder:
    """Builds stages, with a method for each kind."""

    name: str
    settings: StageSettings
    recipe: Recipe
    out: Path
    degraded: Tensor

    def vae(self) -> Stage:
        """Build the stage of the autoencoder, with random weights or those of a file."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.recipe.seed)
            vae = VAE(self.recipe.vae)
        if self.settings.begins_with:
            load_into(vae, self._file(self.settings.begins_with))
        return VaeStage(self.settings, vae)

    def latent(self) -> Stage:
        """Build stage 0, which restores latents, with random weights or those of a file."""
        vae = self._vae()  # where it is missing, nothing else is made
        student = self._restorer()
        if self.settings.begins_with:
            load_into(student, self._file(self.settings.begins_with))
        return LatentStage(self.settings, student, vae)

    def adc(self) -> Stage:
        """Build stage I: stage 0's network behind a new first layer, or the weights of a file."""
        teacher = self._left_by(self._last("latent"), self._restorer())
        student = self._encoder()
        if self.settings.begins_with and not self._is_kind(self.settings.begins_with, "latent"):
            load_into(student, self._file(self.settings.begins_with))
        else:
            beginnings.inherit(student, teacher, but=("conv_in",))
            beginnings.give_latents(student, teacher.step)
            beginnings.analyse(student, self.degraded)
        return AdcStage(self.settings, student, self._vae(), teacher)

    def pix(self) -> Stage:
        """Build stage II, on pixels, with its critic and its teacher."""
        settings = self.settings
        critic: nn.Module | None = None
        if settings.adversarial and settings.critic == "pixels":
            critic = PixelCritic(settings.critic_width, self.recipe.seed)
        elif settings.adversarial:
            critic = StagedCritic(self._stage_one(), fresh=settings.critic == "fresh")
        staged = None
        if settings.target == "staged":
            staged = StagedTeacher(self._stage_one(), self._vae())
        label = self.recipe.teacher
        return PixStage(
            settings,
            self.begun_with(settings.begins_with),
            critic=critic,
            staged=staged,
            label=label,
        )

    def distil(self) -> Stage:
        """Build the stage that distils guidance. Student and teacher begin as one network."""
        guided = self.begun_with(self.settings.begins_with)
        return DistilStage(self.settings, copy.deepcopy(guided), guided)

    def begun_with(self, begins_with: str) -> GenDRPix:
        """Make a network on pixels as a stage may begin, `begins_with` of its settings.

        It has another's weights, stage I's before a new last layer, or random ones.
        """
        network = self.recipe.compact or self.recipe.network
        student = self._fresh(GenDRPix, network.in_channels, network.out_channels)
        if not begins_with:
            if isinstance(student.body, UNet):
                beginnings.straighten(student, self.degraded)
            else:
                beginnings.zero(student.body.conv_out)
                beginnings.zero(student.body.shortcut)
        elif self.recipe.compact and not is_ours(find_model(self._file(begins_with))):
            beginnings.take_over(student, load_community(self._file(begins_with)).model)
        elif self._is_kind(begins_with, "adc"):
            if student.cell != CELL:
                raise SettingsError(
                    f"stage {self.name} cannot begin with {begins_with}, which has cells of {CELL} "
                    "pixels: leave begins_with away"
                )
            beginnings.inherit(student, self._stage_one(), but=("conv_norm_out", "conv_out"))
            beginnings.zero(student.unet.conv_out)
        else:
            path = find_model(self._file(begins_with))
            card = model_card(path)
            other = load_network(
                path,
                device=torch.device("cpu"),
                dtype=torch.float32,
                detail=None if card.detail is None else 1.0,
                enlarging=self.recipe.compact is not None and card.enlarging is not None,
            )
            if other.body.config == student.body.config:
                student.load_state_dict(other.state_dict())
            elif isinstance(student.body, UNet) and isinstance(other.body, UNet):
                beginnings.deepen(student, other)
            else:
                raise SettingsError(
                    f"stage {self.name} cannot begin with {begins_with}: it is another chain than "
                    "[compact] says, or a UNet"
                )
        return student

    def _is_kind(self, begins_with: str, kind: Kind) -> bool:
        stage = self.recipe.stage.get(begins_with)
        return stage is not None and stage.kind == kind

    def _file(self, begins_with: str) -> Path:
        """Return the model file to begin with: an earlier stage's, a built-in one or another."""
        if begins_with in self.recipe.stage:
            return self._model_of(begins_with)
        return Path(begins_with)

    def _last(self, kind: Kind) -> str:
        """Name the last stage of a kind before this one."""
        names = list(self.recipe.stage)
        before = names[: names.index(self.name)]
        found = [name for name in before if self.recipe.stage[name].kind == kind]
        if not found:
            raise SettingsError(f"stage {self.name} needs a stage of kind {kind} before it")
        return found[-1]

    def _stage_one(self) -> PixelEncoder:
        return self._left_by(self._last("adc"), self._encoder())

    def _vae(self) -> VAE:
        path = self.recipe.autoencoder or self._model_of(self._last("vae"))
        return load_vae(path, device=self.degraded.device, dtype=torch.float32)

    def _latent_channels(self) -> int:
        path = self.recipe.autoencoder
        config: VAEConfig = self.recipe.vae if path is None else vae_config(path)
        return config.latent_channels

    def _restorer(self) -> LatentRestorer:
        channels = (self._latent_channels(),) * 2
        recipe = self.recipe
        return beginnings.new(LatentRestorer, recipe.network, channels=channels, seed=recipe.seed)

    def _encoder(self) -> PixelEncoder:
        return self._fresh(PixelEncoder, _TOKEN, self._latent_channels())

    def _fresh[N: Prompted](self, kind: type[N], inside: int, outside: int) -> N:
        """Make a network on pixels with random weights, which predicts the clean sample."""
        config = self.recipe.compact or replace(self.recipe.network, prediction="sample")
        return beginnings.new(kind, config, channels=(inside, outside), seed=self.recipe.seed)

    def _left_by[N: Prompted](self, stage: str, network: N) -> N:
        """Load the weights of an earlier stage into a network."""
        load_into(network, self._model_of(stage))
        return network

    def _model_of(self, stage: str) -> Path:
        path = self.out / stage / MODEL
        if not path.is_file():
            raise SettingsError(f"stage {self.name} needs stage {stage} first: there is no {path}")
        return path
