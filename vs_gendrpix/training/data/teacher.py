"""The teacher: a larger restorer, whose results become targets of stored pairs."""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from vs_gendrpix.errors import ModelError
from vs_gendrpix.models.community import load_community

_LUMA = torch.tensor([0.299, 0.587, 0.114])[:, None, None]
_FINE = 5
"""Side in pixels of the box whose mean is subtracted from a picture to leave its detail."""
_BAND = 65
"""Side in pixels of the mean that a label takes from the degraded picture."""
_MARGIN = 1e-4
"""Variance of detail (luma in [0, 1]) below which a picture is flat: 2.5 codes of 255."""


class Teacher:
    """A model that spandrel loads, of a fixed scale.

    Args:
        path: The model file.

    Raises:
        SettingsError: Spandrel is not installed.
        ModelError: There is no such file, or it holds no model for RGB pictures.
    """

    def __init__(self, path: Path) -> None:
        self.network = load_community(path)
        if (self.network.input_channels, self.network.output_channels) != (3, 3):
            raise ModelError(f"the teacher {path} is no network for RGB pictures")
        self.network.model.to(memory_format=torch.channels_last)

    @torch.inference_mode()
    def __call__(self, degraded: Tensor, size: tuple[int, int]) -> Tensor:
        """Restore a picture and shrink the result to a size.

        Args:
            degraded: (3, h, w) RGB in [0, 1].
            size: Height and width of the result, at most the teacher's scale times the picture's.

        Returns:
            (3, *size) RGB in [0, 1].
        """
        # bf16 takes half the time of fp32, and moves the result by 0.6 codes of 255 (52 dB).
        with torch.autocast("cpu", torch.bfloat16, enabled=_has_bf16()):
            restored: Tensor = self.network(
                degraded[None].contiguous(memory_format=torch.channels_last)
            )
        restored = restored.float()
        if restored.shape[-2:] != size:
            restored = F.interpolate(restored, size, mode="bicubic", antialias=True)
        return restored[0].clamp(0, 1).clone()


def _has_bf16() -> bool:
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())  # noqa: SLF001 - nothing public tells


def without_drift(label: Tensor, degraded: Tensor) -> Tensor:
    """Give a label the brightness and the slow colour of what it was made of.

    Real-ESRGAN moves them by some codes, differently for each picture. The program takes them from
    its input in any case (`restore/color_fix.py`). Where the drift is larger than the texture, an
    L1 loss would see the drift alone: its gradient is the sign of the difference.

    Args:
        label: (3, H, W) RGB in [0, 1].
        degraded: (3, H, W) RGB in [0, 1], enlarged to the label's size.

    Returns:
        (3, H, W) RGB in [0, 1].
    """
    drift = (degraded - label)[None]
    mean = F.avg_pool2d(drift, _BAND, 1, _BAND // 2, count_include_pad=False)[0]
    return (label + mean).clamp(0, 1)


def lost_detail(degraded: Tensor, clean: Tensor) -> float:
    """Share of a picture's detail that its degraded copy no longer has.

    The detail is what a small mean leaves of the luma. How much of it is kept is the gain with
    which it is found again in the copy's detail (least squares): noise in the copy, which has
    nothing to do with it, leaves that gain as it is.

    Args:
        degraded: (3, H, W) RGB in [0, 1], enlarged to the clean picture's size.
        clean: (3, H, W) RGB in [0, 1].

    Returns:
        0 where all is kept, 1 where all is lost.
    """
    wanted, found = _detail(clean), _detail(degraded)
    gain = (wanted * found).mean() / wanted.square().mean().clamp_min(_MARGIN)
    return float((1 - gain).clamp(0, 1))


def _detail(image: Tensor) -> Tensor:
    luma = (image * _LUMA).sum(0, keepdim=True)[None]
    mean = F.avg_pool2d(luma, _FINE, 1, _FINE // 2, count_include_pad=False)
    return luma - mean
