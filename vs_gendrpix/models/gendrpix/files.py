"""Model files: safetensors with the configuration and the card in the metadata."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from vs_gendrpix.errors import GendrpixError, ModelError
from vs_gendrpix.frame.values import from_json
from vs_gendrpix.models.ancestors.vae import VAE, VAEConfig
from vs_gendrpix.models.catalogue import DEFAULTS, check_head, find_model
from vs_gendrpix.models.gendrpix.folding import fold
from vs_gendrpix.models.gendrpix.network import GenDRPix, ModelCard, Prompted
from vs_gendrpix.models.gendrpix.unet import UNet, UNetConfig, timestep_embedding


def default_model(device: torch.device) -> str:
    """Name the built-in model that `auto` stands for on a device: a CPU needs the faster one."""
    return DEFAULTS["cpu" if device.type == "cpu" else "cuda"]


def load_network(
    model: str | Path, *, device: torch.device, dtype: torch.dtype, folded: bool = False
) -> GenDRPix:
    """Load a model for inference.

    Args:
        model: The name of a built-in model, or the path of a safetensors file.
        device: Where it will run.
        dtype: Arithmetic of the network; pictures stay in the caller's dtype.
        folded: Whether constants are folded: faster, but such a network cannot be trained or saved.

    Returns:
        The network in eval mode, channels last, without gradients.

    Raises:
        ModelError: No such model; a pickle; a broken file; tensors that are missing, unexpected,
            misshapen, NaN or infinite. Every such tensor is named.
    """
    path = find_model(model)
    values, tensors = _read(path, {"config": UNetConfig, "card": ModelCard})
    with torch.device("meta"):
        network = GenDRPix(values["config"], values["card"])
    _fill(path, network, {_network_key(key): value for key, value in tensors.items()}, _file_key)
    if folded:
        fold(network)
    network.to(device, dtype).to(memory_format=torch.channels_last)
    return network.eval().requires_grad_(requires_grad=False)


def load_into(network: Prompted | VAE, path: Path) -> None:
    """Load all tensors of a file into a network whose configuration is known.

    Args:
        network: Changed in place.
        path: A safetensors file: one of ours, or the UNet or the VAE of Stable Diffusion. Where it
            has no prompts, the network's own stay.

    Raises:
        ModelError: No such file; a pickle; a broken file; tensors that do not fit, each named.
    """
    check_head(path)
    _, tensors = _read(path, {})
    if isinstance(network, VAE):
        _check(path, network, tensors, str)
    else:
        prompts = {"positive": network.positive.data, "negative": network.negative.data}
        tensors = prompts | {_network_key(key): value for key, value in tensors.items()}
        _check(path, network, tensors, _file_key)
    network.load_state_dict(tensors)


def save_network(path: Path, network: Prompted, *, dtype: torch.dtype = torch.float32) -> None:
    """Write a model file: the UNet under diffusers' keys, the prompts, the config and the card."""
    if network.unet.time_embedding is None:
        raise ModelError("a folded network has no weights of its own any more: save the original")
    tensors = {_file_key(name): value for name, value in network.state_dict().items()}
    _write(path, "gendrpix", {"config": network.unet.config, "card": network.card}, tensors, dtype)


def load_vae(path: Path, *, device: torch.device, dtype: torch.dtype) -> VAE:
    """Load a VAE that `save_vae` wrote: in eval mode, channels last, without gradients.

    Raises:
        ModelError: No such file; a pickle; a broken file; tensors that do not fit, each named.
    """
    check_head(path, "gendrpix-vae")
    values, tensors = _read(path, {"config": VAEConfig})
    with torch.device("meta"):
        vae = VAE(values["config"])
    _fill(path, vae, tensors, str)
    vae.to(device, dtype).to(memory_format=torch.channels_last)
    return vae.eval().requires_grad_(requires_grad=False)


def save_vae(path: Path, vae: VAE, *, dtype: torch.dtype = torch.float32) -> None:
    """Write a VAE under diffusers' keys, with its configuration."""
    _write(path, "gendrpix-vae", {"config": vae.config}, vae.state_dict(), dtype)


def _file_key(name: str) -> str:
    """Name a network's tensor as its file does: by diffusers' name for the UNet."""
    return name.removeprefix("unet.") if name.startswith("unet.") else f"prompt.{name}"


def _network_key(key: str) -> str:
    """Name a tensor of a file as the network does: the inverse of `_file_key`."""
    return key.removeprefix("prompt.") if key.startswith("prompt.") else f"unet.{key}"


def _write(
    path: Path,
    form: str,
    values: Mapping[str, Any],
    tensors: Mapping[str, Tensor],
    dtype: torch.dtype,
) -> None:
    """Write tensors under their keys, and frozen dataclasses in the metadata."""
    stored = {key: value.detach().to("cpu", dtype).contiguous() for key, value in tensors.items()}
    texts = {name: json.dumps(asdict(value)) for name, value in values.items()}
    save_file(stored, path, metadata={"format": form, **texts})


def _read(path: Path, kinds: Mapping[str, type[Any]]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Read what `_write` wrote: the metadata's values, built as `kinds`, and the tensors."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - no mapping
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path.name} is not a whole safetensors file: {error}") from error
    try:
        values = {name: from_json(metadata[name], kind, name) for name, kind in kinds.items()}
    except KeyError as error:
        raise ModelError(f"{path.name} has no {error} in its metadata") from error
    except GendrpixError as error:
        raise ModelError(f"{path.name} has a broken configuration: {error}") from error
    return values, tensors


def _fill(
    path: Path,
    network: nn.Module,
    tensors: Mapping[str, Tensor],
    file_key: Callable[[str], str],
) -> None:
    """Put tensors into a network that was made on the meta device, once all of them fit."""
    _check(path, network, tensors, file_key)
    network.load_state_dict(tensors, assign=True)
    # The one buffer that is in no file was made on the meta device: it needs real values.
    for part in network.modules():
        if isinstance(part, UNet):
            config = part.config
            part.time_sinusoid = timestep_embedding(config.timestep, config.channels[0])


def _check(
    path: Path,
    network: nn.Module,
    tensors: Mapping[str, Tensor],
    file_key: Callable[[str], str],
) -> None:
    """Raise with every tensor that is missing, unexpected, misshapen or not finite."""
    wanted = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    faults = [f"missing {file_key(name)}" for name in wanted if name not in tensors]
    for name, value in tensors.items():
        shape = tuple(value.shape)
        if name not in wanted:
            faults.append(f"unexpected {file_key(name)}")
        elif shape != wanted[name]:
            faults.append(f"{file_key(name)} is {shape} instead of {wanted[name]}")
        elif not value.is_floating_point():
            faults.append(f"{file_key(name)} is {value.dtype}, not floating point")
        elif not torch.isfinite(value).all():
            faults.append(f"{file_key(name)} holds NaN or infinity")
    if faults:
        raise ModelError(f"{path.name} does not fit its configuration: {'; '.join(faults)}")
