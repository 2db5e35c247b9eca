"""Sets of pictures to judge by: pairs, sharp pictures to be degraded, or worn ones alone."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from vs_gendrpix.errors import MediaError
from vs_gendrpix.evaluation.degradation import SCALE, degrade

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A picture to restore at four times its size.

    Attributes:
        name: File name without suffix.
        low: (1, 3, h, w) RGB in [0, 1].
        reference: (1, 3, 4h, 4w) RGB in [0, 1], or None where nobody knows it.
    """

    name: str
    low: Tensor
    reference: Tensor | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureSet:
    """The pictures of a folder, each read when its turn comes.

    Attributes:
        name: What to call it.
        count: Number of pictures.
        samples: Starts an iteration, in the order of the file names.
    """

    name: str
    count: int
    samples: Callable[[], Iterator[Sample]]

    def first(self, count: int) -> "PictureSet":
        """The same with its first pictures only; they are degraded as they are in the whole."""
        return PictureSet(
            name=self.name,
            count=min(count, self.count),
            samples=lambda: islice(self.samples(), count),
        )


def referenced(folder: Path) -> PictureSet:
    """A folder with LR/ and HR/ (files of equal names), or one of sharp pictures to be degraded.

    Raises:
        MediaError: There is no such folder, picture or partner. (While iterating: a picture is
            broken, or the sizes of a pair do not fit.)
    """
    if not (folder / "LR").is_dir():
        paths = _pictures(folder)
        return PictureSet(
            name=f"{folder.name}, degraded", count=len(paths), samples=lambda: _degraded(paths)
        )
    pairs = []
    partners = {path.stem: path for path in _pictures(folder / "HR")}
    for path in _pictures(folder / "LR"):
        if path.stem not in partners:
            raise MediaError(f"{path} has no partner in {folder / 'HR'}")
        pairs.append((path, partners[path.stem]))
    return PictureSet(name=folder.name, count=len(pairs), samples=lambda: _pairs(pairs))


def worn(folder: Path) -> PictureSet:
    """A folder of pictures that are small and damaged already, without references.

    Raises:
        MediaError: There is no such folder or picture. (While iterating: a picture is broken.)
    """
    paths = _pictures(folder)
    return PictureSet(
        name=folder.name,
        count=len(paths),
        samples=lambda: (
            Sample(name=path.stem, low=read_picture(path), reference=None) for path in paths
        ),
    )


def read_picture(path: Path) -> Tensor:
    """A picture file as (1, 3, H, W) RGB in [0, 1].

    Raises:
        MediaError: It cannot be read.
    """
    try:
        with Image.open(path) as image:
            codes = np.array(image.convert("RGB"))
    except OSError as error:  # Pillow's UnidentifiedImageError is one
        raise MediaError(f"cannot read the picture {path}: {error}") from error
    return torch.from_numpy(codes).permute(2, 0, 1)[None].float() / 255


def _pictures(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise MediaError(f"no such folder: {folder}")
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise MediaError(f"no pictures in {folder}: put PNG, JPEG or WebP files there")
    return paths


def _degraded(paths: list[Path]) -> Iterator[Sample]:
    for number, path in enumerate(paths):
        sharp = read_picture(path)
        height, width = (side // SCALE * SCALE for side in sharp.shape[-2:])
        sharp = sharp[..., :height, :width]
        yield Sample(name=path.stem, low=degrade(sharp, number), reference=sharp)


def _pairs(pairs: list[tuple[Path, Path]]) -> Iterator[Sample]:
    for low_path, path in pairs:
        low, reference = read_picture(low_path), read_picture(path)
        small, large = low.shape[-2:], reference.shape[-2:]
        if large != (small[0] * SCALE, small[1] * SCALE):
            raise MediaError(
                f"{path} is {large[1]}x{large[0]}, but {SCALE} times {low_path} would be "
                f"{small[1] * SCALE}x{small[0] * SCALE}"
            )
        yield Sample(name=path.stem, low=low, reference=reference)
