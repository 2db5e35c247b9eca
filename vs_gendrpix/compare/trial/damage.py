"""Noise, blocking and softness of a frame, measured on its luma without a reference."""

from dataclasses import dataclass
from math import ceil

import numpy as np
import numpy.typing as npt
import torch

from vs_gendrpix.evaluation.measures.blocks import block_edges
from vs_gendrpix.frame.format import FrameFormat

Luma = npt.NDArray[np.float32]
"""(rows, columns), 0 for black to 1 for white."""

MOST = (544, 960)
"""Rows and columns that are measured at most, in the middle of a frame: they say enough."""
LEAST = 48
"""Rows and columns below which nothing is measured."""
GRID = 8
"""Pixels between the block edges of most codecs: a part is cut on them."""
BLOCK = 16
"""Side of the blocks in which noise is measured."""
FLATTEST = 0.1
"""Share of the blocks that are measured: in the flattest ones all that changes is noise."""
EDGE = 0.04
"""Distance from black and white within which noise is clipped."""
STEEPEST, SHARPEST = 0.995, 1 / 3
"""Quantile of the gradients from which a pixel lies on an edge whose blur is measured, and quantile
of those blurs that counts: what lies out of focus is soft in the sharpest clip, and edges that meet
look like one soft edge. `docs/results/try.md` shows how near the blur is found so."""
STEP = 8 / 255
"""Gradient below which nothing is an edge."""
REBLUR = 1.0
"""Standard deviation in pixels of the blur by which edges are blurred once more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """What was measured of a frame; None is what it does not show.

    Attributes:
        noise: Standard deviation in code values of 255.
        blocking: Steps at block edges over those beside them; 1 is none.
        softness: Blur of the sharpest edges, as a standard deviation in pixels.
    """

    noise: float | None
    blocking: float | None
    softness: float | None


def damage(luma: Luma) -> Damage:
    """Measure a frame.

    Args:
        luma: The picture without bars, whose corner lies on the grid of the codec's blocks.
    """
    if min(luma.shape) < LEAST:
        return Damage(noise=None, blocking=None, softness=None)
    found = noise(luma)
    return Damage(noise=found, blocking=blocking(luma), softness=softness(luma, found or 0))


def middle(form: FrameFormat) -> tuple[slice, slice]:
    """The rows and columns of frames that are measured: `MOST` at most, from the grid on."""
    begins = (
        max(size - most, 0) // (2 * GRID) * GRID
        for size, most in zip((form.height, form.width), MOST, strict=True)
    )
    rows, columns = (slice(begin, begin + most) for begin, most in zip(begins, MOST, strict=True))
    return rows, columns


def noise(luma: Luma) -> float | None:
    """Standard deviation of the noise in code values of 255; None where all is black or white.

    The operator of Immerkaer (1996), which no slope and no edge along an axis passes, in the
    flattest blocks. Noise that is larger than a pixel passes it in part: so the picture is looked
    at in half its size too, and the larger of the two values counts.
    """
    found = [each for each in (_fine_noise(luma), _fine_noise(_halved(luma))) if each is not None]
    return max(found, default=None)


def blocking(luma: Luma) -> float | None:
    """Steps between neighbouring pixels at block edges over those beside; None of a flat picture.

    Edges every 8 pixels, or every 4: the larger value. See `block_edges`.
    """
    if np.ptp(luma) < STEP:
        return None
    grey = torch.from_numpy(luma).expand(1, 3, *luma.shape)
    return max(block_edges(grey, 1))


def softness(luma: Luma, noise_codes: float) -> float | None:
    """Blur of the sharpest edges as a standard deviation in pixels; None where no edge is.

    An edge of a Gaussian's width s has a gradient of 1 / s. Blurred once more by s0 it has
    1 / sqrt(s^2 + s0^2): the ratio of both tells s (Zhuo and Sim 2011).

    Args:
        luma: The picture.
        noise_codes: Its noise in code values of 255: an edge must be steeper by far.
    """
    steep = _gradient(luma)
    least = max(float(np.quantile(steep, STEEPEST)), 6 * noise_codes / 255, STEP)
    places = steep >= least
    if places.sum() < LEAST:
        return None
    ratio = steep[places] / np.maximum(_gradient(_blurred(luma, REBLUR))[places], 1e-6)
    widths = REBLUR / np.sqrt(np.maximum(ratio**2 - 1, 0.01))
    return float(np.quantile(widths, SHARPEST))


def _halved(luma: Luma) -> Luma:
    rows, columns = (size // 2 for size in luma.shape)
    cut = luma[: 2 * rows, : 2 * columns]
    found: Luma = cut.reshape(rows, 2, columns, 2).mean((1, 3), dtype=np.float32)
    return found


def _fine_noise(luma: Luma) -> float | None:
    """Noise of the size of a pixel."""
    level, slope = _blocks(luma).mean((1, 3)), np.ptp(_blocks(_blurred(luma, 2)), axis=(1, 3))
    rows = luma[:-2] - 2 * luma[1:-1] + luma[2:]
    passed = (rows[:, :-2] - 2 * rows[:, 1:-1] + rows[:, 2:]) / 6
    power = (_blocks(np.pad(passed, 1)) ** 2).mean((1, 3))
    telling = (level > EDGE) & (level < 1 - EDGE) & (power > 0)
    if telling.sum() < 1 / FLATTEST:
        return None
    flat = telling & (slope <= np.quantile(slope[telling], FLATTEST))
    # The lower quarter: what texture is left lies in the others.
    return float(255 * np.quantile(np.sqrt(power[flat]), 0.25))


def _blocks(picture: Luma) -> npt.NDArray[np.float32]:
    """(rows, BLOCK, columns, BLOCK) of the whole blocks."""
    rows, columns = (size // BLOCK for size in picture.shape)
    return picture[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK)


def _gradient(picture: Luma) -> Luma:
    """Steps from pixel to pixel, away from the border, which is an edge of its own."""
    across, down = np.diff(picture, axis=1)[:-1], np.diff(picture, axis=0)[:, :-1]
    steep: Luma = np.hypot(across, down)
    return steep[4:-4, 4:-4]


def _blurred(picture: Luma, deviation: float) -> Luma:
    """A picture under a Gaussian, mirrored beyond its borders."""
    reach = ceil(3 * deviation)
    taps = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * deviation**2))
    for axis in (0, 1):
        around = [(reach, reach) if axis == each else (0, 0) for each in (0, 1)]
        padded, size = np.pad(picture, around, mode="reflect"), picture.shape[axis]
        picture = np.zeros_like(picture)
        for place, weight in enumerate(taps / taps.sum()):
            part = padded[place : place + size] if axis == 0 else padded[:, place : place + size]
            picture += np.float32(weight) * part
    return picture
