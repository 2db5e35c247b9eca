"""SSIMULACRA2, computed by the VapourSynth plugin vszip."""

import numpy as np
import numpy.typing as npt
import torch
import vapoursynth as vs  # type: ignore[import-untyped] # no py.typed in its wheel
from torch import Tensor


def ssimulacra2(image: Tensor, reference: Tensor) -> Tensor:
    """SSIMULACRA2 of pairs of sRGB pictures: how alike they look to a person.

    Args:
        image: (B, 3, H, W) RGB in [0, 1], at least 8 pixels on each side.
        reference: The same shape and range.

    Returns:
        (B,) float64 scores: 100 equal, 90 visually lossless, 50 middling; bad ones fall below 0.
    """
    scores = []
    for picture, true in zip(_planes(image), _planes(reference), strict=True):
        compared = vs.core.vszip.SSIMULACRA2(reference=_clip(true), distorted=_clip(picture))
        with compared.get_frame(0) as frame:
            scores.append(float(frame.props["SSIMULACRA2"]))
    return torch.tensor(scores, dtype=torch.float64)


def _planes(image: Tensor) -> npt.NDArray[np.float32]:
    planes: npt.NDArray[np.float32] = image.float().cpu().numpy()
    return planes


def _clip(planes: npt.NDArray[np.float32]) -> vs.VideoNode:
    """A clip of one RGBS frame; without a `_Transfer` property vszip takes it as sRGB."""
    _, height, width = planes.shape
    blank = vs.core.std.BlankClip(width=width, height=height, format=vs.RGBS, length=1)

    def fill(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        del n  # VapourSynth passes both by name
        frame = f.copy()
        for target, plane in zip(range(3), planes, strict=True):
            np.copyto(np.asarray(frame[target]), plane)
        return frame

    return vs.core.std.ModifyFrame(blank, blank, fill)
