"""Model files: safetensors with the configuration and the card in the metadata."""

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from vs_gendrpix.errors import ModelError
from vs_gendrpix.model.gendrpix import CELL, GenDRPix, ModelCard, Prompted
from vs_gendrpix.model.unet import UNetConfig, timestep_embedding
from vs_gendrpix.model.vae import VAE, VAEConfig

BUILT_IN = {"tiny": Path(__file__).parents[1] / "weights" / "tiny.safetensors"}
"""The models in the package, by name."""

_PICKLE_SUFFIXES = {".pt", ".pth", ".ckpt", ".bin", ".pkl"}
_PICKLE_STARTS = (b"PK\x03\x04", b"\x80")


def default_model(device: torch.device) -> str:
    """The built-in model that `auto` stands for on a device."""
    del device  # one model so far: the same for every device
    return "tiny"


def load_network(model: str | Path, *, device: torch.device, dtype: torch.dtype) -> GenDRPix:
    """Load a model for inference.

    Args:
        model: The name of a built-in model, or the path of a safetensors file.
        device: Where it will run.
        dtype: Arithmetic of the network; pictures stay in the caller's dtype.

    Returns:
        The network in eval mode, channels last, without gradients.

    Raises:
        ModelError: No such model; a pickle; a broken file; tensors that are missing, unexpected,
            misshapen, NaN or infinite. Every such tensor is named.
    """
    path = BUILT_IN.get(str(model)) or Path(model)
    if not path.is_file():
        names = ", ".join(BUILT_IN)
        raise ModelError(f"no model {str(model)!r}: give a safetensors file or one of {names}")
    _refuse_pickle(path)
    config, card, tensors = _read(path)
    if {config.in_channels, config.out_channels} != {3 * CELL * CELL}:
        raise ModelError(
            f"{path.name} maps {config.in_channels} channels to {config.out_channels}: it is a "
            "stage of training, no restorer of pictures"
        )
    with torch.device("meta"):
        network = GenDRPix(config, card)
    _check(path, network, tensors)
    network.load_state_dict(tensors, assign=True)
    # The one buffer that is not in the file was made on the meta device: it needs real values.
    network.unet.time_sinusoid = timestep_embedding(config.timestep, config.channels[0])
    network.to(device, dtype).to(memory_format=torch.channels_last)
    return network.eval().requires_grad_(requires_grad=False)


def load_into(module: Prompted | VAE, path: Path) -> None:
    """Give a module of known numbers the tensors of a file, every one of them.

    Args:
        module: Changed in place.
        path: A safetensors file: one of ours, or the UNet or the VAE of Stable Diffusion. Where it
            has no prompts, the module's own stay.

    Raises:
        ModelError: A pickle; a broken file; tensors that do not fit. Every one of them is named.
    """
    _refuse_pickle(path)
    _, tensors = _open(path)
    if isinstance(module, Prompted):
        prompts = {"positive": module.positive.data, "negative": module.negative.data}
        tensors = prompts | {_network_key(key): value for key, value in tensors.items()}
    _check(path, module, tensors)
    module.load_state_dict(tensors)


def load_vae(path: Path) -> VAE:
    """Load an autoencoder that `save_vae` wrote, on the CPU in fp32.

    Raises:
        ModelError: It is another kind of file, or broken.
    """
    metadata, tensors = _open(path)
    try:
        vae = VAE(_build(VAEConfig, json.loads(metadata["config"])))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path.name} has a broken configuration: {error}") from error
    _check(path, vae, tensors)
    vae.load_state_dict(tensors)
    return vae


def save_vae(path: Path, vae: VAE) -> None:
    """Write an autoencoder: diffusers' keys, and its configuration in the metadata."""
    tensors = {name: value.detach().cpu().contiguous() for name, value in vae.state_dict().items()}
    metadata = {"format": "gendrpix vae", "config": json.dumps(asdict(vae.config))}
    save_file(tensors, path, metadata=metadata)


def save_network(path: Path, network: Prompted, *, dtype: torch.dtype = torch.float32) -> None:
    """Write a model file: the UNet under diffusers' keys, the prompts, the config and the card."""
    tensors = {
        _file_key(name): value.detach().to("cpu", dtype).contiguous()
        for name, value in network.state_dict().items()
    }
    metadata = {
        "format": "gendrpix",
        "config": json.dumps(asdict(network.unet.config)),
        "card": json.dumps(asdict(network.card)),
    }
    save_file(tensors, path, metadata=metadata)


def _file_key(name: str) -> str:
    """The name in a file of a network's tensor: diffusers' own for the UNet."""
    return name.removeprefix("unet.") if name.startswith("unet.") else f"prompt.{name}"


def _network_key(key: str) -> str:
    """The inverse of `_file_key`."""
    return key.removeprefix("prompt.") if key.startswith("prompt.") else f"unet.{key}"


def _refuse_pickle(path: Path) -> None:
    with path.open("rb") as file:
        start = file.read(9)
    # A safetensors begins with the length of its header, eight bytes that may be anything.
    pickled = start.startswith(_PICKLE_STARTS) and start[8:] != b"{"
    if pickled or path.suffix.lower() in _PICKLE_SUFFIXES:
        raise ModelError(
            f"{path.name} is a pickle, which can run code when it is loaded: convert it with "
            "safetensors.torch.save_file(torch.load(FILE, weights_only=True), OUT) where you "
            "trust it, then save it through vs_gendrpix.model.weights.save_network"
        )


def _read(path: Path) -> tuple[UNetConfig, ModelCard, dict[str, Tensor]]:
    """The parts of a model file; the tensors under the network's names."""
    metadata, tensors = _open(path)
    tensors = {_network_key(key): value for key, value in tensors.items()}
    if metadata.get("format") != "gendrpix":
        raise ModelError(
            f"{path.name} has no gendrpix configuration in its metadata: "
            "save it through vs_gendrpix.model.weights.save_network"
        )
    try:
        config = _build(UNetConfig, json.loads(metadata["config"]))
        card = _build(ModelCard, json.loads(metadata["card"]))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path.name} has a broken configuration: {error}") from error
    return config, card, tensors


def _open(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    """The metadata and the tensors of a safetensors file."""
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - no mapping
            return file.metadata() or {}, tensors
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path.name} is not a whole safetensors file: {error}") from error


def _build[T: (UNetConfig, ModelCard, VAEConfig)](kind: type[T], values: Mapping[str, Any]) -> T:
    """A frozen dataclass from JSON: lists become tuples, every value has the field's type."""
    defaults = {item.name: item.default for item in fields(kind)}
    checked: dict[str, Any] = {}
    for name, value in values.items():
        if name not in defaults:
            raise ModelError(f"unknown field {name!r}: a newer version may read it")
        plain = tuple(value) if isinstance(value, list) else value
        default = defaults[name]
        wanted = type(default) if isinstance(default, (str, bool, int, float, tuple)) else str
        if not isinstance(plain, wanted) or (wanted is int and isinstance(plain, bool)):
            raise ModelError(f"field {name!r} must be {wanted.__name__}, got {plain!r}")
        if isinstance(plain, tuple) and not all(isinstance(item, int) for item in plain):
            raise ModelError(f"field {name!r} must hold whole numbers, got {plain!r}")
        checked[name] = plain
    return kind(**checked)


def _check(path: Path, module: Prompted | VAE, tensors: Mapping[str, Tensor]) -> None:
    """Raise with every tensor that is missing, unexpected, misshapen or not finite."""
    file_key = _file_key if isinstance(module, Prompted) else str
    wanted = {name: tuple(value.shape) for name, value in module.state_dict().items()}
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
