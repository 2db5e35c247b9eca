"""Video clips for evaluation: real video, taken as the reference and degraded."""

from contextlib import suppress
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor

from vs_gendrpix.color.codes import to_rgb
from vs_gendrpix.errors import MediaError
from vs_gendrpix.evaluation.degradation import SCALE, degrade_clip
from vs_gendrpix.evaluation.judge import CLIP
from vs_gendrpix.evaluation.samples import Sample, SampleSet
from vs_gendrpix.frame.format import Frame
from vs_gendrpix.read.source import open_source

FRAMES = 12
LINES = 360
"""Least width and height of a clip that may serve as a sharp reference."""
MULTIPLE = 8
"""Multiple to which sizes are cropped: a quarter of it is even, as 4:2:0 needs it."""


def degraded_clips(folder: Path) -> SampleSet:
    """The first frames of every video in a folder that has 360 lines and columns or more.

    Raises:
        MediaError: There is no such folder, or no such video in it.
    """
    if not folder.is_dir():
        raise MediaError(f"no such folder: {folder}")
    paths = [path for path in sorted(folder.iterdir()) if _is_large(path)]
    if not paths:
        raise MediaError(f"no videos of {LINES}x{LINES} pixels or more in {folder}")
    return SampleSet(
        name=f"{folder.name}, degraded",
        unit="clips",
        scale=SCALE,
        measures=CLIP,
        count=len(paths),
        samples=lambda: (_degraded(path, number) for number, path in enumerate(paths)),
    )


def _is_large(path: Path) -> bool:
    with suppress(MediaError), open_source(path) as source:
        return min(source.info.format.width, source.info.format.height) >= LINES
    return False


def _degraded(path: Path, number: int) -> Sample:
    with open_source(path) as source:
        sharp = [_rgb(frame) for frame in islice(source, FRAMES)]
    low = degrade_clip(sharp, number)
    return Sample(name=path.stem, scale=SCALE, low=low, reference=torch.cat(sharp))


def _rgb(frame: Frame) -> Tensor:
    """(1, 3, H, W) in [0, 1] of a decoded frame, cropped."""
    rgb = rgb_of(frame)
    height, width = (side // MULTIPLE * MULTIPLE for side in rgb.shape[-2:])
    return rgb[..., :height, :width]


def rgb_of(frame: Frame) -> Tensor:
    """A decoded frame as (1, 3, H, W) RGB in [0, 1]."""
    planes = [torch.from_numpy(plane)[None] for plane in frame.planes]
    return to_rgb(planes, frame.format).clamp(0, 1)
