"""Random degradations by tape, film and fields, which come before any codec."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from vs_gendrpix.training.data.draw import Draw

_TO_YUV = torch.tensor(
    [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]]
)
"""R'G'B' to Y'CbCr of BT.601 (JFIF), all full range."""


def moved(image: Tensor, right: float, down: float) -> Tensor:
    """Move a picture by pixels and fractions of them, its border repeated.

    Args:
        image: (3, H, W).
        right: Pixels to the right.
        down: Pixels down.
    """
    height, width = image.shape[-2:]
    rows = torch.arange(height, dtype=torch.float32) - down
    columns = torch.arange(width, dtype=torch.float32) - right
    x = (columns + 0.5) * 2 / width - 1
    y = (rows + 0.5) * 2 / height - 1
    grid = torch.stack(torch.meshgrid(y, x, indexing="ij")[::-1], dim=-1)[None]
    return F.grid_sample(
        image[None], grid, mode="bilinear", padding_mode="border", align_corners=False
    )[0]


def fields(image: Tensor, draw: Draw) -> Tensor:
    """Mix two fields of different times in one frame, woven or badly deinterlaced.

    Combed: every second line shows the moment before. Blended: both moments, as ghosts. Bobbed:
    every second line made of its neighbours, which leaves stairs.
    """
    before = moved(image, draw.between(-3, 3), draw.between(-0.5, 0.5))
    kind = draw.pick(("combed", "blended", "bobbed"), (0.4, 0.3, 0.3))
    result = image.clone()
    first = draw.whole(0, 1)
    if kind == "combed":
        result[:, first::2] = before[:, first::2]
    elif kind == "blended":
        result = torch.lerp(image, before, draw.between(0.2, 0.5))
    else:
        above, below = image.roll(1, 1), image.roll(-1, 1)
        result[:, first::2] = ((above + below) / 2)[:, first::2]
    return result


def tape(image: Tensor, draw: Draw) -> Tensor:
    """Degrade as tape does: noise, and colour of few samples a line that bleeds to the right."""
    yuv = torch.einsum("ij,jhw->ihw", _TO_YUV, image)
    luma, chroma = yuv[:1], yuv[1:]
    chroma = _smear(chroma, draw.between(1.5, 5.0))
    chroma = moved(chroma, draw.between(0, 2.5), draw.between(0, 0.7))
    luma = _smear(luma, draw.between(0.3, 0.9))
    if draw.chance(0.6):  # noise along the lines, stronger in the colours
        height, width = image.shape[-2:]
        strength = draw.between(0.5, 3.0) / 255
        luma = luma + strength * _smear(draw.normal(1, height, width), 0.7) * 1.5
        chroma = chroma + 2 * strength * _smear(draw.normal(2, height, width), 2.0) * 2
    restored = torch.einsum("ij,jhw->ihw", torch.linalg.inv(_TO_YUV), torch.cat([luma, chroma]))
    return restored.clamp(0, 1)


def film(image: Tensor, draw: Draw) -> Tensor:
    """Degrade as film does: grain, and at times dust and scratches."""
    image = _grain(image, draw)
    if draw.chance(0.3):
        image = _specks(image, draw)
    if draw.chance(0.15):
        image = _scratches(image, draw)
    return image


def banded(image: Tensor, draw: Draw) -> Tensor:
    """Quantise to few levels: a gradient becomes steps."""
    levels = draw.whole(28, 100)
    return (image * levels).round() / levels


def _smear(image: Tensor, sigma: float) -> Tensor:
    """Blur along the lines only, the border repeated."""
    radius = max(1, math.ceil(2.5 * sigma))
    offsets = torch.arange(-radius, radius + 1, dtype=torch.float32)
    line = torch.exp(-0.5 * (offsets / sigma) ** 2)
    kernel = (line / line.sum()).view(1, 1, 1, -1)
    padded = F.pad(image[:, None], (radius, radius, 0, 0), mode="replicate")
    return F.conv2d(padded, kernel)[:, 0]


def _grain(image: Tensor, draw: Draw) -> Tensor:
    """Add softened noise, strongest in the mid-tones, mostly the same in all channels."""
    height, width = image.shape[-2:]
    sigma = draw.between(0.4, 1.1)
    shared, own = draw.normal(1, height, width), draw.normal(3, height, width)
    noise = 0.85 * shared + 0.5 * own
    noise = _smear(_smear(noise, sigma).transpose(1, 2), sigma).transpose(1, 2)
    noise = noise / noise.std().clamp_min(1e-6)
    tone = image.mean(0, keepdim=True).clamp(0, 1)
    shape = 0.35 + 2.6 * tone * (1 - tone)
    return (image + draw.between(1.5, 9) / 255 * shape * noise).clamp(0, 1)


def _specks(image: Tensor, draw: Draw) -> Tensor:
    """Add dust: dark on a positive, bright on a negative."""
    height, width = image.shape[-2:]
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    for _ in range(draw.whole(1, 3)):
        centre_y, centre_x = draw.between(0, height), draw.between(0, width)
        long, wide, turn = draw.between(0.6, 3.0), draw.between(0.5, 1.2), draw.between(0, math.pi)
        along = (x - centre_x) * math.cos(turn) + (y - centre_y) * math.sin(turn)
        across = (y - centre_y) * math.cos(turn) - (x - centre_x) * math.sin(turn)
        cover = torch.exp(-((along / long) ** 2) - (across / wide) ** 2)
        shade = 1.0 if draw.chance(0.6) else 0.0
        image = torch.lerp(image, torch.full_like(image, shade), cover * draw.between(0.4, 1))
    return image


def _scratches(image: Tensor, draw: Draw) -> Tensor:
    """Add scratches along the film's run, thin and a little uneven."""
    height, width = image.shape[-2:]
    x = torch.arange(width, dtype=torch.float32)
    for _ in range(draw.whole(1, 2)):
        wander = torch.linspace(0, draw.between(-1, 1), height)
        place = draw.between(0, width) + wander
        cover = torch.exp(-(((x[None] - place[:, None]) / draw.between(0.4, 0.8)) ** 2))
        shade = 1.0 if draw.chance(0.7) else 0.0
        image = torch.lerp(image, torch.full_like(image, shade), cover * draw.between(0.2, 0.7))
    return image
