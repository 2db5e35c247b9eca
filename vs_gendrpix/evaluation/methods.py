"""Ways to make a picture four times as large: the resize, a model of ours, other networks."""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from vs_gendrpix.errors import ModelError, SettingsError, VerificationError
from vs_gendrpix.evaluation.degradation import SCALE
from vs_gendrpix.frame.format import FrameFormat, PixelLayout
from vs_gendrpix.models.devices import pick_device
from vs_gendrpix.restore.engine import settings_restorer
from vs_gendrpix.restore.heap import keep_freed
from vs_gendrpix.restore.way import Way
from vs_gendrpix.settings import RestoreSettings

Method = Callable[[Tensor], Tensor]
"""(1, 3, h, w) RGB in [0, 1] to (1, 3, 4h, 4w), nominally in [0, 1]."""


def bicubic(low: Tensor) -> Tensor:
    """The resize that the product starts from."""
    return F.interpolate(low, scale_factor=SCALE, mode="bicubic", antialias=True)


def lanczos(low: Tensor) -> Tensor:
    """The resize that most scalers offer as their best: Lanczos with three lobes, by Pillow."""
    height, width = low.shape[-2:]
    planes = [
        Image.fromarray(plane.numpy()).resize(
            (width * SCALE, height * SCALE), Image.Resampling.LANCZOS
        )
        for plane in low[0]
    ]
    return torch.stack([torch.from_numpy(np.array(plane)) for plane in planes])[None]


class ModelMethod:
    """What the product does to a frame, without the conversions from and to its format.

    Args:
        settings: How to restore; the size is this class's own business.

    Raises:
        ModelError: The model is missing or bad.
        DeviceError: There is no such device.
        VerificationError: (When called.) The network made NaN or infinity.
    """

    def __init__(self, settings: RestoreSettings) -> None:
        keep_freed()
        self.settings = settings
        self.device = pick_device(settings.device)
        self.restorer = settings_restorer(settings, self.device)
        self._way = self._prepare(8, 8)

    def __call__(self, low: Tensor) -> Tensor:
        """A `Method`."""
        height, width = low.shape[-2:]
        target = self._way.target
        if (target.height, target.width) != (height * SCALE, width * SCALE):
            self._way = self._prepare(height, width)
        with torch.inference_mode():
            restored, finite = self._way.restore(low.to(self.device))
        if not finite.all():
            raise VerificationError(
                f"{self.restorer.card.name} made values that are not finite of a picture of "
                f"{width}x{height} pixels: its weights are of no use"
            )
        return restored.cpu()

    def _prepare(self, height: int, width: int) -> Way:
        source = FrameFormat(width=width, height=height, layout=PixelLayout(family="rgb", bits=16))
        target = FrameFormat(
            width=width * SCALE, height=height * SCALE, layout=PixelLayout(family="rgb", bits=16)
        )
        return Way(self.restorer, self.settings, source, target, device=self.device)


def peers(folder: Path, device: torch.device) -> dict[str, Method]:
    """The networks for x4 among the weight files of a folder, by file name, read by spandrel.

    Raises:
        SettingsError: Spandrel is not installed.
        ModelError: The folder has no weight files, or one is not a network for x4.
    """
    try:
        spandrel: Any = importlib.import_module("spandrel")
    except ImportError as error:
        raise SettingsError("peers need spandrel: install vs-gendrpix[spandrel]") from error
    paths = sorted(p for p in folder.glob("*") if p.suffix in {".pth", ".safetensors"})
    if not paths:
        raise ModelError(f"no .pth or .safetensors files in {folder}")
    return {path.stem: _peer(spandrel, path, device) for path in paths}


def _peer(spandrel: Any, path: Path, device: torch.device) -> Method:  # noqa: ANN401 - a module
    try:
        network = spandrel.ModelLoader(device).load_from_file(path)
    except spandrel.UnsupportedModelError as error:
        raise ModelError(f"{path.name} is of no kind that spandrel knows") from error
    if network.scale != SCALE or network.input_channels != 3:
        raise ModelError(f"{path.name} is no network for x{SCALE} of RGB pictures")
    network.eval()

    def method(low: Tensor) -> Tensor:
        with torch.inference_mode():
            enlarged: Tensor = network(low.to(device)).cpu()
        return enlarged

    return method
