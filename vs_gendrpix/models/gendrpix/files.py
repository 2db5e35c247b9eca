"""Model files: safetensors with the configuration and the card in the metadata."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor, nn

from vs_gendrpix.errors import ModelError, OutputError
from vs_gendrpix.models.ancestors.baselines import GenDR
from vs_gendrpix.models.ancestors.vae import VAE, VAEConfig
from vs_gendrpix.models.card import ModelCard
from vs_gendrpix.models.catalogue import (
    DEFAULTS,
    check_head,
    find_model,
    metadata_value,
    with_detail,
)
from vs_gendrpix.models.gendrpix.compact import CompactConfig
from vs_gendrpix.models.gendrpix.folding import fold
from vs_gendrpix.models.gendrpix.network import BodyConfig, GenDRPix, Prompted
from vs_gendrpix.models.gendrpix.unet import UNet, UNetConfig, timestep_embedding
from vs_gendrpix.models.tensor_file import Head, read_head
from vs_gendrpix.models.tensors import FileKey, check_tensors, read_tensors
from vs_gendrpix.models.unchanged import kept_until_changed

CONFIG: dict[type[BodyConfig], str] = {UNetConfig: "config", CompactConfig: "compact"}
"""Where the configuration of each kind of body stands in a file's metadata."""

ENLARGING = "enlarging."
"""Prefix of the second network of a file, for strong enlargement: of tensors and configuration."""

_VAE = "vae."
"""Prefix of an autoencoder's tensors in a model file that has one."""

_OLD_NAMES = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
"""The layers of a VAE's attention, and their names in the files of diffusers before 0.17."""


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
    enlarging: bool = False,
) -> Prompted:
    """Load a model for inference.

    Args:
        model: The name of a built-in model, or the path of a safetensors file.
        device: Where it will run.
        dtype: Arithmetic of the network; pictures stay in the caller's dtype.
        folded: Whether constants are folded: faster, but such a network cannot be trained or saved.
        detail: Share of the detailed end of a model with two ends, 0 to 1; None takes the model's
            own.
        enlarging: Whether it is the network for strong enlargement of a file that has both.

    Returns:
        The network, a `GenDRPix` or a `GenDR`, in eval mode, channels last, without gradients.

    Raises:
        ModelError: No such model; a pickle; a broken file; tensors that are missing, unexpected,
            misshapen, of another data type, NaN or infinite. The first twenty are named.
        SettingsError: The model has one end, and a share of detail is given.
    """
    path = find_model(model)
    network = fitting_network(path, enlarging=enlarging)
    share = with_detail(network.card, detail).detail
    detailed_key, faithful_key = end_keys(enlarging=enlarging)
    _fill(path, network, detailed_key if share is None or share else faithful_key)
    if share:
        faithful = read_tensors(path, network.state_dict(), faithful_key) if share < 1 else {}
        for name, value in faithful.items():  # W = (1 - D) faithful + D detailed (ESRGAN, 3.4)
            network.get_parameter(name).data.lerp_(value, 1 - share)
    if folded:
        fold(network)
    network.to(device, dtype).to(memory_format=torch.channels_last)
    return network.eval().requires_grad_(requires_grad=False)


@kept_until_changed
def check_model(path: Path) -> None:
    """Check by a model file's head that its tensors fit its configuration.

    Raises:
        ModelError: They do not; see `load_network`.
    """
    if fitting_network(path).card.enlarging is not None:
        fitting_network(path, enlarging=True)


def load_into(network: Prompted | VAE, path: Path) -> None:
    """Load all tensors of a file into a network whose configuration is known.

    Args:
        network: Changed in place.
        path: A safetensors file: one of ours, or the UNet or the VAE of Stable Diffusion. Where it
            has no prompts, the network's own stay; an autoencoder beside a UNet stays out.

    Raises:
        ModelError: No such file; a pickle; a broken file; a configuration or tensors that do not
            fit, each named.
    """
    head = read_head(path)
    if isinstance(network, VAE):
        head, file_key = _vae_part(head)
        own: tuple[str, ...] = ()
    else:
        _check_config(path, head, network.body.config)
        head, file_key = _without_vae(head), _file_key
        own = ("positive", "negative")
    check_tensors(path, network, head, file_key, own=own)
    there = [name for name in network.state_dict() if file_key(name) in head.tensors]
    network.load_state_dict(network.state_dict() | read_tensors(path, there, file_key))


def save_network(path: Path, network: Prompted, *, dtype: torch.dtype = torch.float32) -> None:
    """Write a model file: the UNet under diffusers' keys, the prompts, the config and the card.

    A `GenDR` has its autoencoder there too.
    """
    if isinstance(network.body, UNet) and network.body.time_embedding is None:
        raise ModelError("a folded network has no weights of its own any more: save the original")
    tensors = {_file_key(name): value for name, value in network.state_dict().items()}
    config = network.body.config
    card = replace(network.card, detail=None, enlarging=None)
    values: dict[str, Any] = {CONFIG[type(config)]: config, "card": card}
    if isinstance(network, GenDR):
        values["vae"] = network.vae.config
    write_model(path, "gendrpix", values, tensors, dtype)


def load_vae(path: Path, *, device: torch.device, dtype: torch.dtype) -> VAE:
    """Load a VAE of our own, or that of a `GenDR`: in eval mode, channels last, without gradients.

    Raises:
        ModelError: No such file; a pickle; a broken file; tensors that do not fit, each named.
    """
    config = vae_config(path)
    head, file_key = _vae_part(read_head(path))
    with torch.device("meta"):
        vae = VAE(config)
    check_tensors(path, vae, head, file_key)
    _fill(path, vae, file_key)
    vae.to(device, dtype).to(memory_format=torch.channels_last)
    return vae.eval().requires_grad_(requires_grad=False)


def vae_config(path: Path) -> VAEConfig:
    """Read the configuration of a file's VAE.

    Raises:
        ModelError: No such file; no whole safetensors file; none with a VAE of ours.
    """
    head = read_head(path)
    if "vae" in head.metadata:
        return metadata_value(path, head, "vae", VAEConfig)
    return metadata_value(path, check_head(path, "gendrpix-vae"), "config", VAEConfig)


def save_vae(path: Path, vae: VAE, *, dtype: torch.dtype = torch.float32) -> None:
    """Write a VAE under diffusers' keys, with its configuration."""
    write_model(path, "gendrpix-vae", {"config": vae.config}, vae.state_dict(), dtype)


def _file_key(name: str) -> str:
    """Name a network's tensor as its file does: by diffusers' name for the UNet."""
    if name.startswith(("body.", _VAE)):
        return name.removeprefix("body.")
    return f"prompt.{name}"


def _faithful_key(name: str) -> str:
    """Name a tensor of the faithful end of a model with two ends."""
    return f"faithful.{_file_key(name)}"


def end_keys(*, enlarging: bool) -> tuple[FileKey, FileKey]:
    """Return the functions that name a tensor of the detailed, or only, and the faithful end."""
    if not enlarging:
        return _file_key, _faithful_key
    return lambda name: ENLARGING + _file_key(name), lambda name: ENLARGING + _faithful_key(name)


def _network_part(head: Head, *, enlarging: bool) -> Head:
    """Leave the tensors of one network in a head, the one for strong enlargement or the other."""
    tensors = {
        key: info for key, info in head.tensors.items() if key.startswith(ENLARGING) == enlarging
    }
    return replace(head, tensors=tensors)


def _vae_part(head: Head) -> tuple[Head, FileKey]:
    """Find the VAE's tensors in a head, and their names: its own, old ones, or a `GenDR`'s."""
    if "vae" in head.metadata:
        tensors = {key: info for key, info in head.tensors.items() if key.startswith(_VAE)}
        return replace(head, tensors=tensors), lambda name: _VAE + name
    return head, vae_key(head)


def vae_key(head: Head) -> FileKey:
    """Return the function that names a VAE's tensor as its file does, old or new."""
    old = any(key.endswith(".query.weight") for key in head.tensors)
    return _old_vae_key if old else str


def _old_vae_key(name: str) -> str:
    """Name a VAE's tensor as diffusers did before 0.17."""
    return re.sub(r"(?<=\.)to_(?:[qkv]|out\.0)(?=\.)", lambda layer: _OLD_NAMES[layer[0]], name)


def _without_vae(head: Head) -> Head:
    """Remove the tensors of an autoencoder from a head."""
    if "vae" not in head.metadata:
        return head
    tensors = {key: info for key, info in head.tensors.items() if not key.startswith(_VAE)}
    return replace(head, tensors=tensors)


def _body_config(path: Path, head: Head, *, enlarging: bool = False) -> BodyConfig:
    """Read the configuration of a file's UNet or chain."""
    prefix = ENLARGING if enlarging else ""
    chain, unet = (prefix + CONFIG[kind] for kind in (CompactConfig, UNetConfig))
    if chain in head.metadata:
        return metadata_value(path, head, chain, CompactConfig)
    return metadata_value(path, head, unet, UNetConfig)


def _check_config(path: Path, head: Head, wanted: BodyConfig) -> None:
    """Refuse a model file of another configuration; a plain file of a UNet says none.

    Raises:
        ModelError: It differs.
    """
    if not set(CONFIG.values()) & head.metadata.keys():
        return
    config = _body_config(path, head)
    if type(config) is not type(wanted):
        raise ModelError(f"{path.name} holds a UNet where the recipe says a chain, or the reverse")
    found = asdict(config)
    faults = [
        f"{name} {found[name]!r} instead of {value!r}"
        for name, value in asdict(wanted).items()
        if found[name] != value
    ]
    if faults:
        raise ModelError(
            f"{path.name} holds another network than [network] of the recipe says: "
            + ", ".join(faults)
        )


def write_model(
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


def fitting_network(path: Path, *, enlarging: bool = False) -> GenDRPix | GenDR:
    """Make a network of a model file on the meta device, if the file has its tensors."""
    head = check_head(path, "gendrpix")
    config = _body_config(path, head, enlarging=enlarging)
    card = metadata_value(path, head, "card", ModelCard)
    vae = metadata_value(path, head, "vae", VAEConfig) if "vae" in head.metadata else None
    with torch.device("meta"):
        network: GenDRPix | GenDR
        if vae is None:
            network = GenDRPix(config, card)
        elif isinstance(config, UNetConfig):
            network = GenDR(config, card, vae)
        else:
            raise ModelError(f"{path.name} has an autoencoder beside a chain: it needs a UNet")
    keys = end_keys(enlarging=enlarging)[: 1 if card.detail is None else 2]
    if card.enlarging is not None:
        head = _network_part(head, enlarging=enlarging)
    check_tensors(path, network, head, *keys)
    return network


def _fill(path: Path, network: nn.Module, file_key: FileKey) -> None:
    """Put a file's tensors into a network on the meta device, which they fit."""
    tensors = read_tensors(path, network.state_dict(), file_key)
    network.load_state_dict(tensors, assign=True)
    # The one buffer that is in no file was made on the meta device: it needs real values.
    for part in network.modules():
        if isinstance(part, UNet):
            config = part.config
            part.time_sinusoid = timestep_embedding(config.timestep, config.channels[0])
