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
from vs_gendrpix.models.gendrpix.tensors import FileKey, check_tensors, read_tensors
from vs_gendrpix.models.gendrpix.unet import UNet, UNetConfig, timestep_embedding
from vs_gendrpix.models.tensor_file import Head, read_head
from vs_gendrpix.models.unchanged import kept_until_changed

_CONFIG: dict[type[BodyConfig], str] = {UNetConfig: "config", CompactConfig: "compact"}
"""Where the configuration of each kind of body stands in a file's metadata."""

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
) -> Prompted:
    """Load a model for inference.

    Args:
        model: The name of a built-in model, or the path of a safetensors file.
        device: Where it will run.
        dtype: Arithmetic of the network; pictures stay in the caller's dtype.
        folded: Whether constants are folded: faster, but such a network cannot be trained or saved.
        detail: Share of the detailed end of a model with two ends, 0 to 1; None takes the model's
            own.

    Returns:
        The network, a `GenDRPix` or a `GenDR`, in eval mode, channels last, without gradients.

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
        faithful = read_tensors(path, network.state_dict(), _faithful_key) if share < 1 else {}
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
    _fitting_network(path)


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
    card = replace(network.card, detail=None)
    values: dict[str, Any] = {_CONFIG[type(config)]: config, "card": card}
    if isinstance(network, GenDR):
        values["vae"] = network.vae.config
    _write(path, "gendrpix", values, tensors, dtype)


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
        if isinstance(network, GenDR):
            raise ModelError(f"{network.card.name} has an autoencoder: join restorers of pixels")
        if network.card.detail is not None:
            raise ModelError(f"{network.card.name} has two ends already: join two models of one")
    ours, others = (end.body.config for end in ends)
    if ours != others or ends[0].card.residual != ends[1].card.residual:
        raise ModelError(f"{faithful} and {detailed} are different networks: join two of one kind")
    names = list(ends[0].state_dict())
    tensors = {
        key(name): value
        for path, key in ((faithful, _faithful_key), (detailed, _file_key))
        for name, value in read_tensors(find_model(path), names, _file_key).items()
    }
    training = f"faithful: {ends[0].card.training}; detailed: {ends[1].card.training}"
    card = replace(ends[1].card, name=out.stem, detail=detail, training=training)
    _write(out, "gendrpix", {_CONFIG[type(ours)]: ours, "card": card}, tensors, torch.float16)


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
    _write(path, "gendrpix-vae", {"config": vae.config}, vae.state_dict(), dtype)


def _file_key(name: str) -> str:
    """Name a network's tensor as its file does: by diffusers' name for the UNet."""
    if name.startswith(("body.", _VAE)):
        return name.removeprefix("body.")
    return f"prompt.{name}"


def _faithful_key(name: str) -> str:
    """Name a tensor of the faithful end of a model with two ends."""
    return f"faithful.{_file_key(name)}"


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


def _body_config(path: Path, head: Head) -> BodyConfig:
    """Read the configuration of a file's UNet or chain."""
    if _CONFIG[CompactConfig] in head.metadata:
        return metadata_value(path, head, _CONFIG[CompactConfig], CompactConfig)
    return metadata_value(path, head, _CONFIG[UNetConfig], UNetConfig)


def _check_config(path: Path, head: Head, wanted: BodyConfig) -> None:
    """Refuse a model file of another configuration; a plain file of a UNet says none.

    Raises:
        ModelError: It differs.
    """
    if not set(_CONFIG.values()) & head.metadata.keys():
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


def _fitting_network(path: Path) -> GenDRPix | GenDR:
    """Make the network of a model file on the meta device, if the file has its tensors."""
    head = check_head(path, "gendrpix")
    config = _body_config(path, head)
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
    keys = [_file_key] if card.detail is None else [_file_key, _faithful_key]
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
