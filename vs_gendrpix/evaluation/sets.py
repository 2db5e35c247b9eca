"""Sets of pictures: pairs, sharp ones to be degraded, old ones alone, clean and grey ones."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from vs_gendrpix.errors import MediaError
from vs_gendrpix.evaluation.degradation import SCALE, degrade
from vs_gendrpix.evaluation.judge import ALONE, CLEAN, GREY, PICTURE
from vs_gendrpix.evaluation.samples import Sample, SampleSet

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}
CLEAN_SIDE = 256
"""Pixels to a side of the middle of a clean picture."""


def referenced(folder: Path) -> SampleSet:
    """A folder with LR/ and HR/ (files of equal names), or one of sharp pictures to be degraded.

    Raises:
        MediaError: There is no such folder, picture or partner. (While iterating: a picture is
            broken, or the sizes of a pair do not fit.)
    """
    if not (folder / "LR").is_dir():
        paths = _pictures(folder)
        return SampleSet(
            name=f"{folder.name}, degraded",
            unit="pictures",
            scale=SCALE,
            measures=PICTURE,
            count=len(paths),
            samples=lambda: _degraded(paths),
        )
    pairs = []
    partners = {path.stem: path for path in _pictures(folder / "HR")}
    for path in _pictures(folder / "LR"):
        if path.stem not in partners:
            raise MediaError(f"{path} has no partner in {folder / 'HR'}")
        pairs.append((path, partners[path.stem]))
    return SampleSet(
        name=folder.name,
        unit="pictures",
        scale=SCALE,
        measures=PICTURE,
        count=len(pairs),
        samples=lambda: _pairs(pairs),
    )


def unreferenced(folder: Path) -> SampleSet:
    """A folder of pictures that are small and degraded already, without references.

    Raises:
        MediaError: There is no such folder or picture. (While iterating: a picture is broken.)
    """
    paths = _pictures(folder)
    return SampleSet(
        name=folder.name,
        unit="pictures",
        scale=SCALE,
        measures=ALONE,
        count=len(paths),
        samples=lambda: (
            Sample(name=path.stem, scale=SCALE, low=read_picture(path), reference=None)
            for path in paths
        ),
    )


def clean(folder: Path, scale: int) -> SampleSet:
    """The middle of sharp pictures, shrunk without damage: what a method should leave alone.

    Args:
        folder: Where the pictures are.
        scale: How many times they are enlarged, and shrunk before: 1 or 2.

    Raises:
        MediaError: There is no such folder or picture. (While iterating: a picture is broken.)
    """
    paths = _pictures(folder)
    return SampleSet(
        name=f"{folder.name}, clean x{scale}",
        unit="pictures",
        scale=scale,
        measures=CLEAN,
        count=len(paths),
        samples=lambda: (_shrunk(path, scale) for path in paths),
    )


def grey(folder: Path) -> SampleSet:
    """Sharp pictures, degraded, then without their colour.

    Raises:
        MediaError: There is no such folder or picture. (While iterating: a picture is broken.)
    """
    coloured = referenced(folder)
    return replace(
        coloured,
        name=f"{folder.name}, grey",
        measures=GREY,
        samples=lambda: (_without_colour(sample) for sample in coloured.samples()),
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
        yield Sample(name=path.stem, scale=SCALE, low=degrade(sharp, number), reference=sharp)


def _pairs(pairs: list[tuple[Path, Path]]) -> Iterator[Sample]:
    for low_path, path in pairs:
        low, reference = read_picture(low_path), read_picture(path)
        small, large = low.shape[-2:], reference.shape[-2:]
        if large != (small[0] * SCALE, small[1] * SCALE):
            raise MediaError(
                f"{path} is {large[1]}x{large[0]}, but {SCALE} times {low_path} would be "
                f"{small[1] * SCALE}x{small[0] * SCALE}"
            )
        yield Sample(name=path.stem, scale=SCALE, low=low, reference=reference)


def _shrunk(path: Path, scale: int) -> Sample:
    sharp = read_picture(path)
    top, left = ((side - min(side, CLEAN_SIDE)) // 2 for side in sharp.shape[-2:])
    sharp = sharp[..., top : top + CLEAN_SIDE, left : left + CLEAN_SIDE]
    size = [side // scale for side in sharp.shape[-2:]]
    low = F.interpolate(sharp, size, mode="bicubic", antialias=True).clamp(0, 1)
    low = low.mul(255).round().div(255)
    return Sample(name=path.stem, scale=scale, low=low, reference=sharp)


def _without_colour(sample: Sample) -> Sample:
    codes = (255 * sample.low.mean(1, keepdim=True)).round()
    return replace(sample, low=(codes / 255).expand_as(sample.low), reference=None)
