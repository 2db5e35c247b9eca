"""Safetensors files from untrusted sources, whose sizes are checked before they are used."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from safetensors import safe_open

from vs_gendrpix.errors import GendrpixError, ModelError
from vs_gendrpix.models.unchanged import kept_until_changed

MAX_HEAD = 2_000_000
"""Largest head in bytes that is read. The largest Stable Diffusion has 300,000."""

MAX_TENSORS = 10_000
"""Largest number of tensors in a file that is read. The largest Stable Diffusion has 2,600."""

FLOATS = {"F64", "F32", "F16", "BF16"}
"""Data types, as a head names them, that every device computes with."""

_PICKLE_SUFFIXES = {".pt", ".pth", ".ckpt", ".bin", ".pkl"}
_PICKLE_STARTS = (b"PK\x03\x04", b"\x80")


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorInfo:
    """A tensor's description in the head of a file.

    Attributes:
        dtype: Data type as safetensors names it, such as `F32`.
        shape: Size along each axis.
    """

    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The checked head of a safetensors file.

    Attributes:
        metadata: Texts by name.
        tensors: Descriptions of the tensors, by key.
    """

    metadata: Mapping[str, str]
    tensors: Mapping[str, TensorInfo]


@kept_until_changed
def read_head(path: Path) -> Head:
    """Read the head of a file; no tensor is read.

    Raises:
        ModelError: No such file; a pickle; no whole safetensors file; an absurdly large head.
    """
    with open_tensors(path, "numpy") as file:
        keys = file.keys()
        if len(keys) > MAX_TENSORS:
            raise ModelError(f"{path.name} has {len(keys)} tensors: at most {MAX_TENSORS} are read")
        infos = {}
        for key in keys:
            part = file.get_slice(key)
            infos[key] = TensorInfo(dtype=part.get_dtype(), shape=tuple(part.get_shape()))
        return Head(metadata=file.metadata() or {}, tensors=infos)


@contextmanager
def open_tensors(path: Path, framework: Literal["numpy", "pt"]) -> Iterator[Any]:
    """Open a safetensors file. All errors of safetensors become `ModelError`.

    Yields:
        The opened file: safetensors' `safe_open`, which has no types.

    Raises:
        ModelError: No such file; a pickle; no whole safetensors file; an absurdly large head.
    """
    try:
        _check_start(path)
        with safe_open(path, framework=framework) as file:
            yield file
    except (GendrpixError, MemoryError):
        raise
    except Exception as error:
        raise ModelError(f"{path.name} is not a whole safetensors file: {error}") from error


def _check_start(path: Path) -> None:
    """Refuse pickles, and a head whose mere parsing would take long."""
    if not path.is_file():
        raise ModelError(f"no file {str(path)!r}: give a safetensors file")
    with path.open("rb") as file:
        start = file.read(9)
    # A safetensors begins with the length of its header, eight bytes that may be anything.
    pickled = start.startswith(_PICKLE_STARTS) and start[8:] != b"{"
    if pickled or path.suffix.lower() in _PICKLE_SUFFIXES:
        raise ModelError(
            f"{path.name} is a pickle, which can run code when it is loaded: if it holds plain "
            "weights, name it .pth, and use it as it is or gendrpix models convert"
        )
    size = int.from_bytes(start[:8], "little")
    if size > MAX_HEAD:
        raise ModelError(
            f"{path.name} is not a whole safetensors file, or has a head of {size} bytes: "
            f"at most {MAX_HEAD} are read"
        )
