"""The tensors of files, compared with what a network needs before they are read."""

from collections.abc import Callable, Collection, Iterable
from pathlib import Path

import torch
from torch import Tensor, nn

from vs_gendrpix.errors import ModelError
from vs_gendrpix.models.tensor_file import FLOATS, Head, open_tensors

_FAULTS = 20
"""Largest number of faulty tensors that a message names."""

FileKey = Callable[[str], str]
"""Function that maps a tensor's name in the network to its name in the file."""


def check_tensors(
    path: Path, network: nn.Module, head: Head, *file_keys: FileKey, own: Collection[str] = ()
) -> None:
    """Check by a file's head that it has the tensors of a network.

    Args:
        path: The file.
        network: Has the shapes that are wanted.
        head: The file's head.
        file_keys: The file's names, for each end that it has.
        own: Names of the network's tensors that the file may lack.

    Raises:
        ModelError: Some are missing, unexpected, misshapen, or of another data type.
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


def read_tensors(path: Path, names: Iterable[str], file_key: FileKey) -> dict[str, Tensor]:
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


def _raise_faults(path: Path, faults: list[str]) -> None:
    """Raise the first faults of a file, if there are any."""
    if faults:
        more = f"; and {len(faults) - _FAULTS} more" if len(faults) > _FAULTS else ""
        said = "; ".join(faults[:_FAULTS])
        raise ModelError(f"{path.name} does not fit its configuration: {said}{more}")
