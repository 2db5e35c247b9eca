"""Find model files and check their heads, without torch."""

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from vs_gendrpix.errors import ModelError

_WEIGHTS = Path(__file__).parent / "weights"

BUILT_IN = {name: _WEIGHTS / f"{name}.safetensors" for name in ("tiny", "base")}
"""The models in the package, by name."""

DEFAULTS = {"cpu": "tiny", "cuda": "base"}
"""The default model of each kind of device."""

_FORMATS = {"gendrpix": "save_network", "gendrpix-vae": "save_vae"}
"""The `format` in the metadata of our files, and the function that writes such a file."""

_PICKLE_SUFFIXES = {".pt", ".pth", ".ckpt", ".bin", ".pkl"}
_PICKLE_STARTS = (b"PK\x03\x04", b"\x80")


def find_model(model: str | Path) -> Path:
    """Find the file of a model and check its head; its tensors are checked when they are loaded.

    Args:
        model: The name of a built-in model, or the path of a safetensors file.

    Raises:
        ModelError: No such model; a pickle; no whole safetensors file; one without our metadata.
    """
    path = BUILT_IN.get(str(model)) or Path(model)
    if not path.is_file():
        names = ", ".join(BUILT_IN)
        raise ModelError(f"no model {str(model)!r}: give a safetensors file or one of {names}")
    check_head(path, "gendrpix")
    return path


def model_card(path: Path) -> dict[str, Any]:
    """Read the card of a model file: name, licence, training and more.

    Args:
        path: A file that `find_model` has found.
    """
    with safe_open(path, framework="numpy") as file:
        metadata = file.metadata() or {}
    card: dict[str, Any] = json.loads(metadata.get("card", "{}"))
    return card


def check_head(path: Path, form: str | None = None) -> None:
    """Read the head of a file that should hold a model.

    Args:
        path: The file.
        form: What its metadata must say under `format`; None asks for a safetensors file only.

    Raises:
        ModelError: No such file; a pickle; no whole safetensors file; one of another format.
    """
    if not path.is_file():
        raise ModelError(f"no file {str(path)!r}: give a safetensors file")
    _refuse_pickle(path)
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path.name} is not a whole safetensors file: {error}") from error
    if form is not None and metadata.get("format") != form:
        raise ModelError(
            f"{path.name} has no {form} configuration in its metadata: "
            f"save it through vs_gendrpix.models.gendrpix.files.{_FORMATS[form]}"
        )


def _refuse_pickle(path: Path) -> None:
    with path.open("rb") as file:
        start = file.read(9)
    # A safetensors begins with the length of its header, eight bytes that may be anything.
    pickled = start.startswith(_PICKLE_STARTS) and start[8:] != b"{"
    if pickled or path.suffix.lower() in _PICKLE_SUFFIXES:
        raise ModelError(
            f"{path.name} is a pickle, which can run code when it is loaded: convert it with "
            "safetensors.torch.save_file(torch.load(FILE, weights_only=True), OUT) where you "
            "trust it, then save it through vs_gendrpix.models.gendrpix.files.save_network"
        )
