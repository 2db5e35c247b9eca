"""Clips to judge by: real video, taken as the reference and degraded."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor

from vs_gendrpix.color.codes import to_rgb
from vs_gendrpix.errors import MediaError
from vs_gendrpix.evaluation.degradation import degrade_clip
from vs_gendrpix.frame.format import Frame
from vs_gendrpix.read.source import open_source

FRAMES = 12
LINES = 360
"""What a clip must have on both sides to stand for a sharp one."""
MULTIPLE = 8
"""Sizes are cropped to it: a quarter of them is even, as 4:2:0 needs it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """Some successive frames to restore at four times their size.

    Attributes:
        name: File name without suffix.
        low: (N, 3, h, w) RGB in [0, 1].
        reference: (N, 3, 4h, 4w) RGB in [0, 1].
    """

    name: str
    low: Tensor
    reference: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipSet:
    """The clips of a folder, each decoded when its turn comes.

    Attributes:
        name: What to call it.
        count: Number of clips.
        clips: Starts an iteration, in the order of the file names.
    """

    name: str
    count: int
    clips: Callable[[], Iterator[Clip]]

    def first(self, count: int) -> "ClipSet":
        """The same with its first clips only; they are degraded as they are in the whole."""
        return ClipSet(
            name=self.name,
            count=min(count, self.count),
            clips=lambda: islice(self.clips(), count),
        )


def degraded_clips(folder: Path) -> ClipSet:
    """The first frames of every video in a folder that has 360 lines and columns or more.

    Raises:
        MediaError: There is no such folder, or no such video in it.
    """
    if not folder.is_dir():
        raise MediaError(f"no such folder: {folder}")
    paths = [path for path in sorted(folder.iterdir()) if _is_large(path)]
    if not paths:
        raise MediaError(f"no videos of {LINES}x{LINES} pixels or more in {folder}")
    return ClipSet(
        name=f"{folder.name}, degraded",
        count=len(paths),
        clips=lambda: (_degraded(path, number) for number, path in enumerate(paths)),
    )


def _is_large(path: Path) -> bool:
    with suppress(MediaError), open_source(path) as source:
        return min(source.info.format.width, source.info.format.height) >= LINES
    return False


def _degraded(path: Path, number: int) -> Clip:
    with open_source(path) as source:
        sharp = [_rgb(frame) for frame in islice(source, FRAMES)]
    low = degrade_clip(sharp, number)
    return Clip(name=path.stem, low=low, reference=torch.cat(sharp))


def _rgb(frame: Frame) -> Tensor:
    """(1, 3, H, W) in [0, 1] of a decoded frame, cropped."""
    planes = [torch.from_numpy(plane)[None] for plane in frame.planes]
    rgb = to_rgb(planes, frame.format).clamp(0, 1)
    height, width = (side // MULTIPLE * MULTIPLE for side in rgb.shape[-2:])
    return rgb[..., :height, :width]
