"""Ways to enlarge a picture: resizes, a model of ours, other networks."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from vs_gendrpix.errors import ModelError, VerificationError
from vs_gendrpix.evaluation.degradation import SCALE
from vs_gendrpix.frame.format import FrameFormat, PixelLayout
from vs_gendrpix.models.community import load_community
from vs_gendrpix.models.devices import pick_device
from vs_gendrpix.models.heap import keep_freed
from vs_gendrpix.restore.engine import settings_restorer
from vs_gendrpix.restore.way import Way
from vs_gendrpix.settings import RestoreSettings

Method = Callable[[Tensor, int], Tensor]
"""(1, 3, h, w) RGB in [0, 1] and a scale s to (1, 3, s*h, s*w), nominally in [0, 1]."""


def bicubic(low: Tensor, scale: int) -> Tensor:
    """Enlarge by the antialiased bicubic resize with which a restoration begins."""
    return F.interpolate(low, scale_factor=scale, mode="bicubic", antialias=True)


def lanczos(low: Tensor, scale: int) -> Tensor:
    """Enlarge by Pillow's Lanczos with three lobes, the best resize that most scalers offer."""
    return lanczos_to(low, (low.shape[-2] * scale, low.shape[-1] * scale))


def lanczos_to(image: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize (1, 3, H, W) to `size`, (height, width), by Pillow's Lanczos with three lobes."""
    planes = [
        Image.fromarray(plane.numpy()).resize(size[::-1], Image.Resampling.LANCZOS)
        for plane in image[0]
    ]
    return torch.stack([torch.from_numpy(np.array(plane)) for plane in planes])[None]


class ModelMethod:
    """The product's restoration of a frame, without the conversions from and to its format.

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
        self._way = self._prepare(8, 8, 1)

    def __call__(self, low: Tensor, scale: int) -> Tensor:
        """Enlarge and restore a picture by a whole factor; the call of a `Method`."""
        height, width = low.shape[-2:]
        source, target = self._way.source, self._way.target
        sizes = (source.height, source.width, target.height, target.width)
        if sizes != (height, width, height * scale, width * scale):
            self._way = self._prepare(height, width, scale)
        with torch.inference_mode():
            restored, finite = self._way.restore(low.to(self.device))
        if not finite.all():
            raise VerificationError(
                f"{self.restorer.card.name} made values that are not finite of a picture of "
                f"{width}x{height} pixels: its weights are of no use"
            )
        return restored.cpu()

    def _prepare(self, height: int, width: int, scale: int) -> Way:
        source = FrameFormat(width=width, height=height, layout=PixelLayout(family="rgb", bits=16))
        target = FrameFormat(
            width=width * scale, height=height * scale, layout=PixelLayout(family="rgb", bits=16)
        )
        return Way(self.restorer, self.settings, source, target, device=self.device)


def peers(folder: Path, device: torch.device) -> dict[str, Method]:
    """The networks for x4 in a folder, by file name without suffix.

    Raises:
        SettingsError: Spandrel is not installed.
        ModelError: The folder has no weight files, or one is not a network for x4.
    """
    paths = sorted(p for p in folder.glob("*") if p.suffix in {".pth", ".safetensors"})
    if not paths:
        raise ModelError(f"no .pth or .safetensors files in {folder}")
    return {path.stem: peer(path, device) for path in paths}


def peer(path: Path, device: torch.device) -> Method:
    """Another network for x4, read by spandrel; at smaller scales its result is shrunk.

    Raises:
        SettingsError: Spandrel is not installed.
        ModelError: The file is not a network for x4.
    """
    network = load_community(path)
    if network.scale != SCALE or network.input_channels != 3:
        raise ModelError(f"{path.name} is no network for x{SCALE} of RGB pictures")
    network.to(device)

    def method(low: Tensor, scale: int) -> Tensor:
        with torch.inference_mode():
            enlarged: Tensor = network(low.to(device)).float().cpu()
            if scale == SCALE:
                return enlarged
            size = [side * scale for side in low.shape[-2:]]
            return F.interpolate(enlarged, size, mode="bicubic", antialias=True)

    return method
