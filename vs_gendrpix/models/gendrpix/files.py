"""Model files: safetensors with the configuration and the card in the metadata."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from vs_gendrpix.errors import ModelError
from vs_gendrpix.models.ancestors.vae import VAE, VAEConfig
from vs_gendrpix.models.card import ModelCard
from vs_gendrpix.models.catalogue import DEFAULTS, check_head, find_model, metadata_value
from vs_gendrpix.models.gendrpix.folding import fold
from vs_gendrpix.models.gendrpix.network import GenDRPix, Prompted
from vs_gendrpix.models.gendrpix.unet import UNet, UNetConfig, timestep_embedding
from vs_gendrpix.models.tensor_file import FLOATS, Head, open_tensors, read_head

_FAULTS = 20
"""How many tensors that do not fit a message names."""


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
            misshapen, of another data type, NaN or infinite. The first twenty are named.
    """
    path = find_model(model)
    network = _fitting_network(path)
    _fill(path, network, _file_key)
    if folded:
        fold(network)
    network.to(device, dtype).to(memory_format=torch.channels_last)
    return network.eval().requires_grad_(requires_grad=False)


def check_model(path: Path) -> None:
    """See that the tensors of a model file fit its configuration, by its head alone.

    Raises:
        ModelError: They do not; see `load_network`.
    """
    _fitting_network(path)


def load_into(network: Prompted | VAE, path: Path) -> None:
    """Load all tensors of a file into a network whose configuration is known.

    Args:
        network: Changed in place.
        path: A safetensors file: one of ours, or the UNet or the VAE of Stable Diffusion. Where it
            has no prompts, the network's own stay.

    Raises:
        ModelError: No such file; a pickle; a broken file; tensors that do not fit, each named.
    """
    is_vae = isinstance(network, VAE)
    file_key: Callable[[str], str] = str if is_vae else _file_key
    own = () if is_vae else ("positive", "negative")
    head = read_head(path)
    _check(path, network, head, file_key, own)
    there = [name for name in network.state_dict() if file_key(name) in head.tensors]
    network.load_state_dict(network.state_dict() | _read(path, there, file_key))


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
    head = check_head(path, "gendrpix-vae")
    config = metadata_value(path, head, "config", VAEConfig)
    with torch.device("meta"):
        vae = VAE(config)
    _check(path, vae, head, str)
    _fill(path, vae, str)
    vae.to(device, dtype).to(memory_format=torch.channels_last)
    return vae.eval().requires_grad_(requires_grad=False)


def save_vae(path: Path, vae: VAE, *, dtype: torch.dtype = torch.float32) -> None:
    """Write a VAE under diffusers' keys, with its configuration."""
    _write(path, "gendrpix-vae", {"config": vae.config}, vae.state_dict(), dtype)


def _file_key(name: str) -> str:
    """Name a network's tensor as its file does: by diffusers' name for the UNet."""
    return name.removeprefix("unet.") if name.startswith("unet.") else f"prompt.{name}"


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


def _fitting_network(path: Path) -> GenDRPix:
    """Make the network of a model file on the meta device, if the file has its tensors."""
    head = check_head(path, "gendrpix")
    config = metadata_value(path, head, "config", UNetConfig)
    card = metadata_value(path, head, "card", ModelCard)
    with torch.device("meta"):
        network = GenDRPix(config, card)
    _check(path, network, head, _file_key)
    return network


def _fill(path: Path, network: nn.Module, file_key: Callable[[str], str]) -> None:
    """Put a file's tensors into a network on the meta device, which they fit."""
    tensors = _read(path, network.state_dict(), file_key)
    network.load_state_dict(tensors, assign=True)
    # The one buffer that is in no file was made on the meta device: it needs real values.
    for part in network.modules():
        if isinstance(part, UNet):
            config = part.config
            part.time_sinusoid = timestep_embedding(config.timestep, config.channels[0])


def _read(path: Path, names: Iterable[str], file_key: Callable[[str], str]) -> dict[str, Tensor]:
    """Read tensors by the network's names.

    Raises:
        ModelError: Some are not finite.
    """
    with open_tensors(path, "pt") as file:
        tensors = {name: file.get_tensor(file_key(name)) for name in names}
    faults = [
        f"{file_key(name)} holds NaN or infinity"
        for name, value in tensors.items()
        if not torch.isfinite(value).all()
    ]
    _raise_faults(path, faults)
    return tensors


def _check(
    path: Path,
    network: nn.Module,
    head: Head,
    file_key: Callable[[str], str],
    own: Collection[str] = (),
) -> None:
    """Raise if a file's tensors are not those of a network, by its head.

    Args:
        path: The file.
        network: Has the shapes that are wanted.
        head: The file's head.
        file_key: Names a tensor of the network as the file does.
        own: Names of the network's tensors that the file may lack.
    """
    state = network.state_dict()
    wanted = {file_key(name): tuple(value.shape) for name, value in state.items()}
    needed = [file_key(name) for name in state if name not in own]
    faults = [f"missing {key}" for key in needed if key not in head.tensors]
    for key, info in head.tensors.items():
        if key not in wanted:
            faults.append(f"unexpected {key}")
        elif info.shape != wanted[key]:
            faults.append(f"{key} is {info.shape} instead of {wanted[key]}")
        elif info.dtype not in FLOATS:
            faults.append(f"{key} is {info.dtype}, not {' or '.join(sorted(FLOATS))}")
    _raise_faults(path, faults)


def _raise_faults(path: Path, faults: list[str]) -> None:
    """Raise the first faults of a file, if there are any."""
    if faults:
        more = f"; and {len(faults) - _FAULTS} more" if len(faults) > _FAULTS else ""
        said = "; ".join(faults[:_FAULTS])
        raise ModelError(f"{path.name} does not fit its configuration: {said}{more}")
