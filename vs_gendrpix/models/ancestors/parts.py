"""Networks in diffusers' layout: one safetensors, or a folder with shards and a config.json."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count, takewhile
from pathlib import Path
from typing import Any

from vs_gendrpix.errors import ModelError
from vs_gendrpix.models.ancestors.vae import LEVELS, VAEConfig
from vs_gendrpix.models.gendrpix.unet import FULL, Prediction, UNetConfig
from vs_gendrpix.models.tensor_file import Head, TensorInfo, read_head

_NAMES = tuple(
    f"diffusion_pytorch_model{variant}{shard}.safetensors"
    for variant in ("", ".fp16")
    for shard in ("", "-?????-of-?????")
)
"""diffusers' names for the files of a network, in order of preference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A network stored in one file or several.

    Attributes:
        path: The file or the folder.
        head: The descriptions of all its tensors, by key.
        files: The file of each tensor, by key.
        config: What its config.json says; empty if there is none.
    """

    path: Path
    head: Head
    files: Mapping[str, Path]
    config: Mapping[str, Any]

    def shape(self, key: str) -> tuple[int, ...]:
        """The shape of a tensor.

        Raises:
            ModelError: There is none of this name.
        """
        if key not in self.head.tensors:
            raise ModelError(f"{self.path.name} has no {key}: give a network in diffusers' layout")
        return self.head.tensors[key].shape

    def number(self, pattern: str) -> int:
        """Count the tensors whose key is `pattern` with {} replaced by 0, 1, 2..."""
        keys = (pattern.format(number) for number in count())
        return len(list(takewhile(self.head.tensors.__contains__, keys)))

    def setting(self, name: str, default: float) -> float:
        """A number of config.json, or the default where that says none.

        Raises:
            ModelError: It is no number, or no whole one where the default is one.
        """
        value = self.config.get(name)
        if value is None:
            return default
        if type(value) is not int and type(value) is not type(default):
            raise ModelError(f"{self.path.name}: {name} in config.json must be a number")
        return float(value) if isinstance(default, float) else value


def read_part(path: Path) -> Part:
    """Read the heads of a network's files; a config.json beside them is read too.

    Args:
        path: A safetensors file, or a folder as diffusers' `save_pretrained` writes it.

    Raises:
        ModelError: No such file or folder; no whole safetensors file; a broken config.json.
    """
    folder = path if path.is_dir() else path.parent
    found = (sorted(folder.glob(name)) for name in _NAMES) if path.is_dir() else iter([[path]])
    files = next(filter(None, found), [])
    if not files:
        raise ModelError(f"{path} holds no {_NAMES[0]}: give a file, or a folder of diffusers")
    tensors: dict[str, TensorInfo] = {}
    places: dict[str, Path] = {}
    for file in files:
        head = read_head(file)
        tensors |= head.tensors
        places |= dict.fromkeys(head.tensors, file)
    whole = Head(metadata={}, tensors=tensors)
    return Part(path=path, head=whole, files=places, config=_config(folder / "config.json"))


def unet_config(part: Part, *, tokens: int, timestep: int, prediction: Prediction) -> UNetConfig:
    """Find the configuration of a UNet by the shapes of its tensors.

    Args:
        part: The UNet. Heads are of 64 and norms of 32 groups where no config.json says otherwise.
        tokens: Tokens of its prompts.
        timestep: The diffusion step at which it shall work.
        prediction: What its output is.

    Raises:
        ModelError: It is no UNet2DConditionModel of the kind of Stable Diffusion 2.
    """
    down = "down_blocks.{}.resnets.0.conv1.weight"
    levels = range(max(1, part.number(down)))
    channels = tuple(part.shape(down.format(level))[0] for level in levels)
    block = "mid_block.attentions.0.transformer_blocks.0"
    if len(part.shape("mid_block.attentions.0.proj_in.weight")) != 2:
        raise ModelError(
            f"{part.path.name} is a UNet of Stable Diffusion 1, which projects by convolutions: "
            "give one of Stable Diffusion 2's kind"
        )
    return UNetConfig(
        channels=channels,
        attention=tuple(
            f"down_blocks.{level}.attentions.0.norm.weight" in part.files for level in levels
        ),
        self_attention=f"{block}.attn1.to_q.weight" in part.files,
        layers=part.number("down_blocks.0.resnets.{}.conv1.weight"),
        condition_tokens=tokens,
        condition_dim=part.shape(f"{block}.attn2.to_k.weight")[-1],
        head_dim=_head_dim(part, channels),
        groups=int(part.setting("norm_num_groups", FULL.groups)),
        timestep=timestep,
        prediction=prediction,
        in_channels=part.shape("conv_in.weight")[1],
        out_channels=part.shape("conv_out.weight")[0],
    )


def vae_config(part: Part) -> VAEConfig:
    """Find the configuration of a VAE by the shapes of its tensors.

    Args:
        part: The VAE. Norms have 32 groups, and latents of 4 channels Stable Diffusion's scaling,
            where no config.json says otherwise.

    Raises:
        ModelError: It is no AutoencoderKL of the kind of Stable Diffusion, or its scaling is
            unknown.
    """
    down = "encoder.down_blocks.{}.resnets.0.conv1.weight"
    latent = part.shape("post_quant_conv.weight")[0]
    usual = VAEConfig()
    if latent != usual.latent_channels and part.config.get("scaling_factor") is None:
        raise ModelError(
            f"the scaling of {part.path.name}, which has {latent} channels, is unknown: put its "
            "config.json beside it"
        )
    if part.config.get("shift_factor"):
        raise ModelError(f"{part.path.name} shifts its latents, which is not supported")
    return VAEConfig(
        channels=tuple(part.shape(down.format(level))[0] for level in range(LEVELS)),
        layers=part.number("encoder.down_blocks.0.resnets.{}.conv1.weight"),
        latent_channels=latent,
        groups=int(part.setting("norm_num_groups", usual.groups)),
        scaling=part.setting("scaling_factor", usual.scaling),
    )


def _head_dim(part: Part, channels: tuple[int, ...]) -> int:
    """The width of an attention head; diffusers' `attention_head_dim` is the number of heads."""
    heads = part.config.get("num_attention_heads") or part.config.get("attention_head_dim")
    if heads is None:
        return FULL.head_dim  # which no shape of a tensor tells
    numbers = heads if isinstance(heads, list) else [heads] * len(channels)
    if len(numbers) == len(channels) and all(type(n) is int and n > 0 for n in numbers):
        widths = {width // n for width, n in zip(channels, numbers, strict=True)}
        if len(widths) == 1:
            return widths.pop()
    raise ModelError(
        f"{part.path.name} has heads of several widths by its config.json ({heads} of them): give "
        "a UNet of Stable Diffusion 2's kind, whose heads are of one width"
    )


def _config(path: Path) -> Mapping[str, Any]:
    """Read a config.json, if there is one."""
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"cannot read {path}: {error}") from error
    if not isinstance(found, dict):
        raise ModelError(f"cannot read {path}: it holds no table")
    return found
