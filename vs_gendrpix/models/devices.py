"""Devices by name, and the arithmetic that each of them has."""

from typing import TYPE_CHECKING, Any

import torch

from vs_gendrpix.errors import DeviceError

if TYPE_CHECKING:
    from collections.abc import Mapping

DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}
FP8_SINCE = (8, 9)
"""The first compute capability with products in fp8: Ada, then Hopper."""

GPUS = {"cuda": "CUDA", "xpu": "XPU", "mps": "MPS"}
"""The kinds of GPU, by PyTorch's names, as messages call them. AMD's are `cuda` under ROCm."""

_SHORT = (
    "out of memory",
    "allocate memory",
    "alloc_failed",
    "invalid buffer size",
    "out_of_device_memory",
)
"""Parts of messages, in lower case, that mean too little memory: from CUDA, cuBLAS, cuDNN, Metal
and Level Zero, which raise plain RuntimeErrors, and from PyTorch for the host's memory."""


def pick_device(name: str, *, elsewhere: bool = False) -> torch.device:
    """Find the device of a name: `auto`, `cpu`, `mps`, or `cuda` or `xpu`, alone or with `:N`.

    `auto` is the first CUDA device, or else the CPU: nothing else has been tried yet.

    Args:
        name: The name.
        elsewhere: Whether other machines work there, so that this one need not have it.

    Raises:
        DeviceError: There is no such device.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cpu":
        return torch.device("cpu")
    kind, colon, number = name.partition(":")
    if kind not in GPUS or (colon and not (number.isascii() and number.isdecimal())):
        raise DeviceError(f"no device {name!r}: use auto, cpu, cuda, cuda:N, xpu, xpu:N or mps")
    count = _count(kind)
    if int(number or 0) >= count and not elsewhere:
        raise DeviceError(f"no device {name!r}: there are {count} {GPUS[kind]} devices; use cpu")
    return torch.device(kind, int(number or 0))


def free_caches() -> None:
    """Give the memory back that PyTorch keeps for itself on the GPUs."""
    for kind in GPUS:
        if _count(kind):
            getattr(torch, kind).empty_cache()


def _count(kind: str) -> int:
    """Count the devices of a kind of GPU that PyTorch can use."""
    if kind == "mps":
        return torch.mps.device_count()
    module = getattr(torch, kind)
    return module.device_count() if module.is_available() else 0


def pick_devices(names: str, *, elsewhere: bool = False) -> tuple[torch.device, ...]:
    """Find the devices of names with commas between them; one may be named more than once.

    Args:
        names: The names.
        elsewhere: See `pick_device`.

    Raises:
        DeviceError: There is no such device.
    """
    return tuple(pick_device(name.strip(), elsewhere=elsewhere) for name in names.split(","))


def pick_dtype(name: str, device: torch.device) -> torch.dtype:
    """Find the arithmetic of a name; `auto` is bf16 where the device computes in it, or else fp32.

    A CPU without bf16 instructions emulates them, slower than fp32. Under `fp8` everything but the
    linear layers is in bf16, which is what is returned.

    Raises:
        DeviceError: The device has no fp8.
    """
    if name == "fp8":
        if not has_fp8(device):
            raise DeviceError(
                f"{device} has no fp8: it needs a GPU of compute capability 8.9 or more "
                "(Ada, Hopper or newer); use dtype bf16"
            )
        return torch.bfloat16
    if name != "auto":
        return DTYPES[name]
    if device.type == "mps":  # the first generation emulates it, and PyTorch cannot tell
        return torch.float32
    if device.type in GPUS and not _count(device.type):
        native = True  # another machine's: those of data centres have had it since 2020
    elif device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    elif device.type == "xpu":
        native = torch.xpu.is_bf16_supported(including_emulation=False)
    else:
        # PyTorch before 2.11 cannot tell; fp32 is right on every CPU.
        able: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
        native = bool(able.get("avx512_bf16") or able.get("amx_bf16"))
    return torch.bfloat16 if native else torch.float32


def has_fp8(device: torch.device) -> bool:
    """Whether a device multiplies in fp8 itself; a CPU would emulate it, slower than bf16."""
    if device.type != "cuda" or torch.version.hip:  # ROCm counts capabilities in another way
        return False
    return torch.cuda.get_device_capability(device) >= FP8_SINCE


def out_of_memory(error: BaseException) -> bool:
    """Tell whether an error says that memory ran out."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    said = str(error).lower()
    return isinstance(error, RuntimeError) and any(words in said for words in _SHORT)
