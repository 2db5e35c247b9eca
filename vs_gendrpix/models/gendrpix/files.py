"""Model files: safetensors with the configuration and the card in the metadata."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor, nn

from vs_gendrpix.errors import ModelError, OutputError
from vs_gendrpix.models.ancestors.vae import VAE, VAEConfig
from vs_gendrpix.models.card import ModelCard
from vs_gendrpix.models.catalogue import (
    DEFAULTS,
    check_head,
    find_model,
    metadata_value,
    with_detail,
)
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
    model: str | Path,
    *,
    device: torch.device,
    dtype: torch.dtype,
    folded: bool = False,
    detail: float | None = None,
) -> GenDRPix:
    """Load a model for inference.

    Args:
        model: The name of a built-in model, or the path of a safetensors file.
        device: Where it will run.
        dtype: Arithmetic of the network; pictures stay in the caller's dtype.
        folded: Whether constants are folded: faster, but such a network cannot be trained or saved.
        detail: Share of the detailed end of a model with two ends, 0 to 1; None takes the model's
            own.

    Returns:
        The network in eval mode, channels last, without gradients.

    Raises:
        ModelError: No such model; a pickle; a broken file; tensors that are missing, unexpected,
            misshapen, of another data type, NaN or infinite. The first twenty are named.
        SettingsError: The model has one end, and a share of detail is given.
    """
    path = find_model(model)
    network = _fitting_network(path)
    share = with_detail(network.card, detail).detail
    _fill(path, network, _file_key if share is None or share else _faithful_key)
    if share:
        faithful = _read(path, network.state_dict(), _faithful_key) if share < 1 else {}
        for name, value in faithful.items():  # W = (1 - D) faithful + D detailed (ESRGAN, 3.4)
            network.get_parameter(name).data.lerp_(value, 1 - share)
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
    _check(path, network, head, file_key, own=own)
    there = [name for name in network.state_dict() if file_key(name) in head.tensors]
    network.load_state_dict(network.state_dict() | _read(path, there, file_key))


def save_network(path: Path, network: Prompted, *, dtype: torch.dtype = torch.float32) -> None:
    """Write a model file: the UNet under diffusers' keys, the prompts, the config and the card."""
    if network.unet.time_embedding is None:
        raise ModelError("a folded network has no weights of its own any more: save the original")
    tensors = {_file_key(name): value for name, value in network.state_dict().items()}
    card = replace(network.card, detail=None)
    _write(path, "gendrpix", {"config": network.unet.config, "card": card}, tensors, dtype)


def join_models(faithful: Path, detailed: Path, out: Path, *, detail: float) -> None:
    """Write a model with two ends, between which `--detail` chooses.

    The mean of two networks does what lies between them if they have an ancestor in common, from
    which neither has gone far (ESRGAN, arXiv 1809.00219, section 3.4).

    Args:
        faithful: The model of one end, true to the input.
        detailed: The model of the other end, rich in detail.
        out: The file to write, with the tensors of both in half precision; its name is the
            model's.
        detail: The share of the detailed end that suits the model, 0 to 1.

    Raises:
        ModelError: One of the models is bad or has two ends itself, or their networks differ.
        OutputError: The file exists.
    """
    if out.exists():
        raise OutputError(f"{out} exists: choose another name")
    ends = [_fitting_network(find_model(path)) for path in (faithful, detailed)]
    for network in ends:
        if network.card.detail is not None:
            raise ModelError(f"{network.card.name} has two ends already: join two models of one")
    ours, others = (end.unet.config for end in ends)
    if ours != others or ends[0].card.residual != ends[1].card.residual:
        raise ModelError(f"{faithful} and {detailed} are different networks: join two of one kind")
    names = list(ends[0].state_dict())
    tensors = {
        key(name): value
        for path, key in ((faithful, _faithful_key), (detailed, _file_key))
        for name, value in _read(find_model(path), names, _file_key).items()
    }
    training = f"faithful: {ends[0].card.training}; detailed: {ends[1].card.training}"
    card = replace(ends[1].card, name=out.stem, detail=detail, training=training)
    _write(out, "gendrpix", {"config": ours, "card": card}, tensors, torch.float16)


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


def _faithful_key(name: str) -> str:
    """Name a tensor of the faithful end of a model with two ends."""
    return f"faithful.{_file_key(name)}"


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
    part = path.with_name(f"{path.name}.part")  # a file under its own name is whole
    try:
        save_file(stored, part, metadata={"format": form, **texts})
        part.replace(path)
    except (OSError, SafetensorError) as error:
        part.unlink(missing_ok=True)
        raise OutputError(f"cannot write the model {path}: {error}") from error


def _fitting_network(path: Path) -> GenDRPix:
    """Make the network of a model file on the meta device, if the file has its tensors."""
    head = check_head(path, "gendrpix")
    config = metadata_value(path, head, "config", UNetConfig)
    card = metadata_value(path, head, "card", ModelCard)
    with torch.device("meta"):
        network = GenDRPix(config, card)
    keys = [_file_key] if card.detail is None else [_file_key, _faithful_key]
    _check(path, network, head, *keys)
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
    *file_keys: Callable[[str], str],
    own: Collection[str] = (),
) -> None:
    """Raise if a file's tensors are not those of a network, by its head.

    Args:
        path: The file.
        network: Has the shapes that are wanted.
        head: The file's head.
        file_keys: Name a tensor of the network as the file does, for each end that it has.
        own: Names of the network's tensors that the file may lack.
    """
    state = network.state_dict()
    wanted = {key(name): tuple(value.shape) for key in file_keys for name, value in state.items()}
    needed = [key(name) for key in file_keys for name in state if name not in own]
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
