"""Find model files and check their heads, without torch."""

from dataclasses import replace
from pathlib import Path

from vs_gendrpix.errors import GendrpixError, ModelError, SettingsError
from vs_gendrpix.models.card import ModelCard
from vs_gendrpix.models.tensor_file import Head, read_head
from vs_gendrpix.settings.values import from_json

_WEIGHTS = Path(__file__).parent / "weights"

BUILT_IN = {name: _WEIGHTS / f"{name}.safetensors" for name in ("tiny", "base")}
"""The models in the package, by name."""

DEFAULTS = {"cpu": "tiny", "cuda": "base"}
"""The default model of each kind of device."""

PICKLES = frozenset({".pth", ".pt", ".ckpt"})
"""Extensions of files of weights that only torch's loader of plain weights may read."""

_FORMATS = {"gendrpix": "save_network", "gendrpix-vae": "save_vae"}
"""The `format` in the metadata of our files, and the function that writes such a file."""


def find_model(model: str | Path) -> Path:
    """Find the file of a model and check its head; its tensors are checked when they are loaded.

    Args:
        model: The name of a built-in model, or the path of a file: safetensors, or .pth of models
            that spandrel may know.

    Raises:
        ModelError: No such model; no whole safetensors file.
    """
    path = BUILT_IN.get(str(model)) or Path(model)
    if not path.is_file():
        names = ", ".join(BUILT_IN)
        raise ModelError(f"no model {str(model)!r}: give a model file or one of {names}")
    if path.suffix.lower() not in PICKLES:
        read_head(path)
    return path


def is_ours(path: Path) -> bool:
    """Tell whether a model file is in our format, by its head. Others are left to spandrel.

    Raises:
        ModelError: No whole safetensors file.
    """
    if path.suffix.lower() in PICKLES:
        return False
    return read_head(path).metadata.get("format") == "gendrpix"


def model_card(path: Path) -> ModelCard:
    """Read the card of a model file: name, licence, training and more.

    A file that is none of ours is named by its file name; its licence is what its metadata says.

    Raises:
        ModelError: No whole safetensors file, or a broken card in it.
    """
    if path.suffix.lower() in PICKLES:
        return ModelCard(name=path.stem, residual=False, training="unknown")
    head = read_head(path)
    if head.metadata.get("format") == "gendrpix":
        return metadata_value(path, head, "card", ModelCard)
    licence = head.metadata.get("licence") or head.metadata.get("license") or "unknown"
    return ModelCard(name=path.stem, residual=False, licence=licence, training="unknown")


def with_detail(card: ModelCard, detail: float | None) -> ModelCard:
    """Choose the share of detail of a model: the one given, or the card's own.

    Raises:
        SettingsError: The model has one end, and a share is given.
    """
    if detail is None:
        return card
    if card.detail is None:
        raise SettingsError(f"the model {card.name} has no choice of detail: leave --detail away")
    return replace(card, detail=detail)


def check_head(path: Path, form: str) -> Head:
    """Read the head of a file that should hold a model of ours.

    Args:
        path: The file.
        form: What its metadata must say under `format`.

    Raises:
        ModelError: No such file; a pickle; no whole safetensors file; one of another format.
    """
    head = read_head(path)
    if head.metadata.get("format") != form:
        raise ModelError(
            f"{path.name} has no {form} configuration in its metadata: "
            f"save it through vs_gendrpix.models.gendrpix.files.{_FORMATS[form]}"
        )
    return head


def metadata_value[T](path: Path, head: Head, name: str, kind: type[T]) -> T:
    """Read a dataclass from the JSON in a file's metadata.

    Raises:
        ModelError: It is missing, or is no such value.
    """
    if name not in head.metadata:
        raise ModelError(f"{path.name} has no {name!r} in its metadata")
    try:
        return from_json(head.metadata[name], kind, name)
    except GendrpixError as error:
        raise ModelError(f"{path.name} has a broken configuration: {error}") from error
