"""Which model files there are, and whether one can be loaded, told without torch."""

from pathlib import Path

from safetensors import SafetensorError, safe_open

from vs_gendrpix.errors import ModelError

BUILT_IN = {"tiny": Path(__file__).parents[1] / "weights" / "tiny.safetensors"}
"""The models in the package, by name."""

FORMAT = "gendrpix"
"""What the metadata of our model files say under `format`."""

_PICKLE_SUFFIXES = {".pt", ".pth", ".ckpt", ".bin", ".pkl"}
_PICKLE_STARTS = (b"PK\x03\x04", b"\x80")


def find_model(model: str | Path) -> Path:
    """The file of a model, of which the head has been read: its tensors are checked when loaded.

    Args:
        model: The name of a built-in model, or the path of a safetensors file.

    Raises:
        ModelError: No such model; a pickle; no whole safetensors file; one without our metadata.
    """
    path = BUILT_IN.get(str(model)) or Path(model)
    if not path.is_file():
        names = ", ".join(BUILT_IN)
        raise ModelError(f"no model {str(model)!r}: give a safetensors file or one of {names}")
    _refuse_pickle(path)
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path.name} is not a whole safetensors file: {error}") from error
    if metadata.get("format") != FORMAT:
        raise ModelError(
            f"{path.name} has no gendrpix configuration in its metadata: "
            "save it through vs_gendrpix.model.weights.save_network"
        )
    return path


def _refuse_pickle(path: Path) -> None:
    with path.open("rb") as file:
        start = file.read(4)
    if path.suffix.lower() in _PICKLE_SUFFIXES or start.startswith(_PICKLE_STARTS):
        raise ModelError(
            f"{path.name} is a pickle, which can run code when it is loaded: convert it with "
            "safetensors.torch.save_file(torch.load(FILE, weights_only=True), OUT) where you "
            "trust it, then save it through vs_gendrpix.model.weights.save_network"
        )
