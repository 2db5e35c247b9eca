"""Models of other people, of the many kinds that spandrel knows, as restorers."""

import importlib
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from vs_gendrpix.errors import GendrpixError, ModelError, OutputError, SettingsError
from vs_gendrpix.models.card import ModelCard
from vs_gendrpix.models.catalogue import PICKLES, find_model, model_card
from vs_gendrpix.models.devices import DTYPES, pick_dtype
from vs_gendrpix.models.restorer import Restorer
from vs_gendrpix.models.tensor_file import read_head
from vs_gendrpix.settings import Dtype

MAX_MULTIPLE = 32
"""The largest side of cells that tiles are laid by; a model that wants more pads each tile."""

_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as those who train grey networks take it


class CommunityRestorer(Restorer):
    """A network that spandrel loads, of a scale of its own; a `Restorer`.

    Pictures of a size that the network does not take are padded by spandrel. A network for grey
    pictures restores the luma; the colour stays.

    Args:
        path: The model file.
        device: Where it runs.
        dtype: Its arithmetic; `auto` is the device's, if the network is known to be good in it.

    Raises:
        ModelError: The file is broken, or of no kind that is known, or not for pictures alone.
        SettingsError: Spandrel is not installed, or the network does not take the arithmetic.
    """

    def __init__(self, path: Path, *, device: torch.device, dtype: Dtype = "auto") -> None:
        network = load_community(path)
        self._arithmetic = _arithmetic(network, path, dtype, device)
        self.dtype = str(self._arithmetic).removeprefix("torch.")
        self.scale: int | None = network.scale
        self.multiple = min(network.size_requirements.multiple_of, MAX_MULTIPLE)
        self.file: Path | None = path
        self._card = model_card(path)
        self._grey = network.input_channels == 1
        self._network = network.to(device, self._arithmetic)
        self._network.model.to(memory_format=torch.channels_last).requires_grad_(
            requires_grad=False
        )

    @property
    def card(self) -> ModelCard:
        """The model's card, which mostly holds its file's name alone."""
        return self._card

    def __call__(self, rgb: Tensor) -> Tensor:
        """Restore (B, 3, H, W) pictures in [0, 1]; see `Restorer`."""
        if not self._grey:
            return self._restored(rgb)
        luma = torch.einsum("bchw,c->bhw", rgb, rgb.new_tensor(_LUMA))[:, None]
        change = self._restored(luma)
        if self.scale == 1:
            return rgb + (change - luma)
        size = change.shape[-2:]
        enlarged, was = (
            torch.nn.functional.interpolate(each, size, mode="bicubic", antialias=True)
            for each in (rgb, luma)
        )
        return enlarged + (change - was)

    def _restored(self, image: Tensor) -> Tensor:
        """Run the network on one picture after the other, as some take only one at a time."""
        image = image.to(self._arithmetic).contiguous(memory_format=torch.channels_last)
        made: list[Tensor] = [self._network(picture[None]) for picture in image]
        return torch.cat(made).float()


def load_community(path: Path) -> Any:  # noqa: ANN401 - spandrel's descriptor of a network
    """Load a network of any kind that spandrel knows, on the CPU.

    Returns:
        Spandrel's `ImageModelDescriptor`: called with (1, channels, H, W) in [0, 1].

    Raises:
        ModelError: The file is broken, of no kind that is known, or not for pictures alone.
        SettingsError: Spandrel is not installed.
    """
    spandrel = _spandrel()
    try:
        network = spandrel.ModelLoader("cpu").load_from_state_dict(_state(path))
    except (GendrpixError, MemoryError):
        raise
    except spandrel.UnsupportedModelError as error:
        raise ModelError(
            f"{path.name} is no model of ours, and of no kind that spandrel knows"
        ) from error
    except Exception as error:  # whatever a network of this kind finds wrong
        raise ModelError(f"{path.name} does not hold the network it seems to: {error}") from error
    channels = (network.input_channels, network.output_channels)
    if not isinstance(network, spandrel.ImageModelDescriptor) or channels not in {(3, 3), (1, 1)}:
        raise ModelError(f"{path.name} is no network that makes RGB or grey pictures of such")
    network.eval()
    return network


def convert(source: Path, out: Path, *, licence: str = "unknown") -> None:
    """Write the weights of a .pth file as safetensors, which can run no code.

    Args:
        source: The file.
        out: The file to write, .safetensors.
        licence: SPDX identifier of the weights' licence, or its name.

    Raises:
        ModelError: The file is broken, or of no kind that is known.
        OutputError: The output exists, or cannot be written.
        SettingsError: Spandrel is not installed, or the output is no .safetensors.
    """
    if out.suffix.lower() != ".safetensors":
        raise SettingsError(f"{out.name} is no .safetensors: choose such a name")
    if out.exists():
        raise OutputError(f"{out} exists: choose another name")
    load_community(find_model(source))  # it must be good for something
    tensors = {name: value.contiguous() for name, value in _state(source).items()}
    part = out.with_name(f"{out.name}.part")
    try:
        save_file(tensors, part, metadata={"licence": licence, "source": source.name})
        part.rename(out)
    except Exception as error:  # of the system or of safetensors
        part.unlink(missing_ok=True)
        raise OutputError(f"cannot write {out}: {error}") from error


def arithmetics(network: Any) -> frozenset[Dtype]:  # noqa: ANN401 - spandrel's descriptor
    """List the arithmetics that spandrel declares as supported by a network."""
    found: set[Dtype] = {"fp32"}
    found |= {"bf16"} if network.supports_bfloat16 else set()
    found |= {"fp16"} if network.supports_half else set()
    return frozenset(found)


def _arithmetic(
    network: Any,  # noqa: ANN401 - spandrel's descriptor
    path: Path,
    dtype: Dtype,
    device: torch.device,
) -> torch.dtype:
    """The arithmetic to run a network in."""
    able = arithmetics(network)
    if dtype != "auto" and dtype not in able:
        raise SettingsError(
            f"{path.name} is not known to be good in {dtype}: use {', '.join(sorted(able))}"
        )
    chosen = pick_dtype(dtype, device)
    return chosen if chosen in {DTYPES[name] for name in able} else torch.float32


def _state(path: Path) -> dict[str, Tensor]:
    """Read the tensors of a file, under the names that spandrel expects."""
    spandrel = _spandrel()
    if path.suffix.lower() not in PICKLES:
        read_head(path)  # refuses what is too large, or broken
        return dict(spandrel.canonicalize_state_dict(load_file(path)))
    try:
        # Torch's loader of weights alone makes tensors and plain containers, and runs no code.
        found = torch.load(path, map_location="cpu", weights_only=True)
        return dict(spandrel.canonicalize_state_dict(found))
    except MemoryError:
        raise
    except Exception as error:  # zip, pickle and torch have errors of their own
        first, *_ = str(error).splitlines() or [type(error).__name__]
        raise ModelError(f"{path.name} holds no plain weights: {first}") from error


def _spandrel() -> Any:  # noqa: ANN401 - a module without types
    try:
        return importlib.import_module("spandrel")
    except ImportError as error:
        raise SettingsError(
            "models of other kinds than ours need spandrel: "
            "in the checkout, pip install '.[spandrel]'"
        ) from error
