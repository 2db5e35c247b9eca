"""Devices by name, and the arithmetic that each of them has."""

from typing import TYPE_CHECKING, Any

import torch

from vs_gendrpix.errors import DeviceError

if TYPE_CHECKING:
    from collections.abc import Mapping

DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}
FP8_SINCE = (8, 9)
"""The first compute capability with products in fp8: Ada, then Hopper."""


def pick_device(name: str) -> torch.device:
    """Find the device of a name: `auto`, `cpu`, `cuda` or `cuda:N`.

    Raises:
        DeviceError: There is no such device.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    kind, _, number = name.partition(":")
    if kind not in {"cpu", "cuda"} or (number and not number.isdecimal()):
        raise DeviceError(f"no device {name!r}: use auto, cpu, cuda or cuda:N")
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if kind == "cuda" and int(number or 0) >= count:
        raise DeviceError(f"no device {name!r}: there are {count} CUDA devices; use cpu")
    return torch.device(kind, int(number or 0)) if kind == "cuda" else torch.device("cpu")


def pick_devices(names: str) -> tuple[torch.device, ...]:
    """Find the devices of names with commas between them; one may be named more than once.

    Raises:
        DeviceError: There is no such device.
    """
    return tuple(pick_device(name.strip()) for name in names.split(","))


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
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        # PyTorch before 2.11 cannot tell; fp32 is right on every CPU.
        able: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
        native = bool(able.get("avx512_bf16") or able.get("amx_bf16"))
    return torch.bfloat16 if native else torch.float32


def has_fp8(device: torch.device) -> bool:
    """Whether a device multiplies in fp8 itself; a CPU would emulate it, slower than bf16."""
    return device.type == "cuda" and torch.cuda.get_device_capability(device) >= FP8_SINCE
