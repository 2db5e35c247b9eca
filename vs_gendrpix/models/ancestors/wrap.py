"""Make a model file of somebody's own weights in diffusers' layout."""

from pathlib import Path

import torch
from torch import Tensor, nn

from vs_gendrpix.errors import ModelError, OutputError, SettingsError
from vs_gendrpix.models.ancestors.baselines import GenDR
from vs_gendrpix.models.ancestors.parts import Part, read_part, unet_config, vae_config
from vs_gendrpix.models.card import ModelCard
from vs_gendrpix.models.gendrpix.files import save_network, vae_key
from vs_gendrpix.models.gendrpix.network import GenDRPix, Prompted
from vs_gendrpix.models.gendrpix.unet import FULL, Prediction
from vs_gendrpix.models.tensor_file import FLOATS, read_head
from vs_gendrpix.models.tensors import FileKey, check_tensors, read_tensors

PROMPTS = ("positive", "negative")
"""The tensors of a file of conditions."""


def wrap(
    unet: Path,
    out: Path,
    *,
    vae: Path | None = None,
    condition: Path | None = None,
    prediction: Prediction | None = None,
    timestep: int = FULL.timestep,
    licence: str = "unknown",
) -> None:
    """Write a model file of a UNet, and of the autoencoder whose latents it restores.

    Args:
        unet: A UNet2DConditionModel of the kind of Stable Diffusion 2: a safetensors file, or a
            folder as diffusers writes it.
        out: The file to write, in the arithmetic of the UNet's file; its name is the model's.
        vae: An AutoencoderKL, in the same ways. None for a UNet of pixels.
        condition: A safetensors file with the prompts `positive` and `negative`, as a text encoder
            makes them: (T, D) each. None draws them, for training to learn.
        prediction: What the output of the UNet is; only a UNet of pixels may leave it open, and its
            output is the change of the picture then.
        timestep: The diffusion step at which the UNet shall work, 0 to 999.
        licence: SPDX identifier of the weights' licence, or its name.

    Raises:
        ModelError: A part is missing or broken, or the parts do not fit.
        OutputError: The output exists, or cannot be written.
        SettingsError: The output is no .safetensors, or a VAE is given without a prediction.
    """
    if out.suffix.lower() != ".safetensors":
        raise SettingsError(f"{out.name} is no .safetensors: choose such a name")
    if out.exists():
        raise OutputError(f"{out} exists: choose another name")
    if vae is not None and prediction is None:
        raise SettingsError(
            "say what the UNet predicts: --prediction epsilon (as stable-diffusion-2-1-base), v "
            "(stable-diffusion-2-1) or sample"
        )
    part = read_part(unet)
    prompts = None if condition is None else _prompts(condition)
    config = unet_config(
        part,
        tokens=FULL.condition_tokens if prompts is None else len(prompts["positive"]),
        timestep=timestep,
        prediction=prediction or "sample",
    )
    whose = unet.name if vae is None else f"{unet.name} and {vae.name}"
    card = ModelCard(
        name=out.stem, residual=prediction is None, licence=licence, training=f"wrapped: {whose}"
    )
    network: Prompted
    with torch.device("meta"):
        if vae is None:
            network = GenDRPix(config, card)
        else:
            other = read_part(vae)
            network = GenDR(config, card, vae_config(other))
    _fill(network.unet, part, str)
    if isinstance(network, GenDR):
        _fill(network.vae, other, vae_key(other.head))
    shape = (config.condition_tokens, config.condition_dim)
    for number, name in enumerate(PROMPTS):
        prompt = _drawn(shape, number) if prompts is None else prompts[name]
        if prompt.shape != shape:
            raise ModelError(
                f"{condition}: {name} is {tuple(prompt.shape)}, but {unet.name} takes {shape}"
            )
        setattr(network, name, nn.Parameter(prompt, requires_grad=False))
    save_network(out, network, dtype=network.unet.conv_in.weight.dtype)


def _fill(network: nn.Module, part: Part, file_key: FileKey) -> None:
    """Put the tensors of a part into a network on the meta device."""
    check_tensors(part.path, network, part.head, file_key)
    names = list(network.state_dict())
    tensors: dict[str, Tensor] = {}
    for file in sorted(set(part.files.values())):
        own = [name for name in names if part.files[file_key(name)] == file]
        tensors |= read_tensors(file, own, file_key)
    network.load_state_dict(tensors, assign=True)


def _prompts(path: Path) -> dict[str, Tensor]:
    """Read the two prompts."""
    head = read_head(path)
    for name in PROMPTS:
        info = head.tensors.get(name)
        if info is None or len(info.shape) != 2 or info.dtype not in FLOATS:
            raise ModelError(f"{path.name} needs a tensor {name!r} of (tokens, width) floats")
    return read_tensors(path, PROMPTS, str)


def _drawn(shape: tuple[int, int], seed: int) -> Tensor:
    """Draw a prompt at random: equal tokens would get equal gradients and stay equal."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))
