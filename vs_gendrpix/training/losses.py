"""Losses beside L1, on features, the lattice and a critic's answer, with their random views."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from vs_gendrpix.evaluation.measures.perceptual import SqueezeNetDistance
from vs_gendrpix.models.gendrpix.network import CELL
from vs_gendrpix.models.gendrpix.padcfg import Padding, pad
from vs_gendrpix.training.data.draw import Draw

_FLOOR = 0.01
"""Magnitude under which a frequency is invisible: ortho units of pictures in [-1, 1]."""


def lattice_windows(height: int, width: int, reach: int) -> tuple[Tensor, Tensor]:
    """Find the frequencies of an 8x8 tile that repeats over a picture (paper, equation 2).

    Args:
        height: Rows of the picture, a multiple of 8.
        width: Columns of the picture, a multiple of 8.
        reach: Bins to each side of a point.

    Returns:
        Row and column indices of the windows around the 63 points (k H / 8, l W / 8) other than
        DC, of shapes (63, 2 reach + 1, 1) and (63, 1, 2 reach + 1).
    """
    points = torch.cartesian_prod(torch.arange(CELL), torch.arange(CELL))[1:]  # (63, 2)
    around = torch.arange(-reach, reach + 1)
    rows = (points[:, :1] * (height // CELL) + around) % height
    columns = (points[:, 1:] * (width // CELL) + around) % width
    return rows[:, :, None], columns[:, None, :]


def masked_fourier_loss(output: Tensor, target: Tensor, *, relative: bool) -> Tensor:
    """Mean absolute difference of the spectra's magnitudes on the lattice (paper, equation 2).

    The paper compares magnitudes with those of a teacher that is as sharp as the student. Against
    the clean picture a student that is softer than it would be asked to add energy on the lattice
    alone: a grid. So each magnitude can be taken relative to its surroundings in the same
    spectrum; a smooth blur then costs nothing, and a repeated tile as much as in the paper's form.

    Args:
        output: (B, 3, H, W) in [-1, 1], H and W multiples of 8 and at least 64.
        target: The same shape.
        relative: Whether magnitudes count relative to their surroundings, or as the paper has it.

    Returns:
        0 for equal pictures.
    """
    compared = _prominence if relative else _lattice
    return (compared(output) - compared(target)).abs().mean()


def _lattice(image: Tensor) -> Tensor:
    """Magnitudes (B, 3, 63, 3, 3) within a bin of the lattice: modulation spreads a tile's."""
    return _windows(image)[..., 3:6, 3:6]


def _prominence(image: Tensor) -> Tensor:
    """Magnitudes on the lattice over the mean of those three and four bins away from it."""
    windows = _windows(image)
    near = windows[..., 2:7, 2:7]
    surroundings = (windows.sum((-2, -1)) - near.sum((-2, -1))).detach() / (81 - 25)
    prominence: Tensor = windows[..., 3:6, 3:6] / (surroundings[..., None, None] + _FLOOR)
    return prominence


def _windows(image: Tensor) -> Tensor:
    """Magnitudes (B, 3, 63, 9, 9) of a picture's spectrum around the points of the lattice."""
    magnitude = torch.fft.rfft2(image.float(), norm="ortho").abs()
    rows, columns = lattice_windows(image.shape[-2], image.shape[-1], reach=4)
    # A real picture's spectrum mirrors itself through DC, and rfft2 keeps one half of it.
    mirrored = columns >= magnitude.shape[-1]
    rows = torch.where(mirrored, -rows % image.shape[-2], rows.expand(-1, -1, 9))
    columns = torch.where(mirrored, image.shape[-1] - columns, columns).expand(-1, 9, -1)
    windows: Tensor = magnitude[..., rows.to(image.device), columns.to(image.device)]
    return windows


_BANDS = (3, 7)
"""Sides of the means between which the bands of fine detail lie: periods of 2 to 3, and 3 to 7."""


def texture_loss(output: Tensor, target: Tensor) -> Tensor:
    """Mean absolute difference of the logarithms of local energies of fine detail.

    Args:
        output: (B, 3, H, W) in [-1, 1], at least 16 pixels a side.
        target: The same shape.

    Returns:
        0 where every place has as much texture; 1 where it has e times as much, or as little.
    """
    pairs = zip(_energies(output), _energies(target), strict=True)
    return torch.stack([(one - other).abs().mean() for one, other in pairs]).mean()


def _energies(image: Tensor) -> list[Tensor]:
    """Logarithms of the luma's energy in each band, in windows of 16 pixels, 8 apart."""
    energies, rest = [], _luma(image)
    for side in _BANDS:
        mean = F.avg_pool2d(rest, side, 1, side // 2, count_include_pad=False)
        # What is fainter than a code of 255 counts as nothing.
        energies.append((F.avg_pool2d((rest - mean).square(), 16, 8) + _CODE**2).log())
        rest = mean
    return energies


_CODE = 1 / 127.5
"""One code of 255 in [-1, 1]."""


def phase_loss(output: Tensor, target: Tensor) -> Tensor:
    """How much the steps between pixels differ with the place in a cell of 4, beyond the target.

    A grid of cells that lies within texture changes from place to place and has no line in the
    spectrum, but its steps are larger on some columns or rows than on others.

    Args:
        output: (B, 3, H, W) in [-1, 1], at least 36 pixels a side; cells begin at the first pixel.
        target: The same shape.

    Returns:
        0 where output's steps differ no more than target's; 1 where by as much as their mean.
    """
    return (_unevenness(output) - _unevenness(target)).relu().mean()


def _unevenness(image: Tensor) -> Tensor:
    """Deviation over mean of the steps at the four places of a cell, along rows and columns."""
    luma, found = _luma(image), []
    for view in (luma, luma.mT):
        steps = (view[..., 1:] - view[..., :-1]).abs()
        places = torch.cat([steps[..., n::4][..., : steps.shape[-1] // 4] for n in range(4)], 1)
        means = F.avg_pool2d(places, (32, 8), (16, 4))  # (B, 4, h, w)
        found.append((means.std(1) / (means.mean(1) + _CODE / 2)).mean((1, 2)))
    return torch.stack(found)


def _luma(image: Tensor) -> Tensor:
    """Luma (B, 1, H, W) of BT.601."""
    return torch.einsum("c,bchw->bhw", image.new_tensor((0.299, 0.587, 0.114)), image)[:, None]


class Perception(torch.nn.Module):
    """SqueezeNet distance under random transforms (after E-LPIPS, arXiv 1906.03973).

    Both pictures are turned, mirrored, cut and scaled in brightness alike, and half of the time to
    half their size. At full size alone features pay for a weave of 2 or 3 pixels where the target
    has texture that cannot be known; what is worth having shows at half the size too. The strides
    of the features divide 16: in a fixed window a grid could hide between their samples. A window
    of two thirds of a side also costs half as much as the whole.
    """

    def __init__(self) -> None:
        super().__init__()
        self.distance = SqueezeNetDistance()

    def forward(self, output: Tensor, target: Tensor, draw: Draw) -> Tensor:
        """The mean distance of (B, 3, H, W) pictures in [-1, 1]."""
        halved = draw.chance(0.5)
        # Of the whole but for two pixels, so that pairs of pixels begin at odd ones too.
        side = min(output.shape[-2:]) - 2 if halved else 2 * min(output.shape[-2:]) // 3
        top, left = (draw.whole(0, length - side) for length in output.shape[-2:])
        turns, mirrored, light = draw.whole(0, 3), draw.chance(0.5), draw.between(0.8, 1.0)

        def seen(image: Tensor) -> Tensor:
            window = image[..., top : top + side, left : left + side].rot90(turns, (-2, -1))
            window = window.flip(-1) if mirrored else window
            window = F.avg_pool2d(window, 2) if halved else window
            return (window + 1) / 2 * light

        distance: Tensor = self.distance(seen(output), seen(target))
        return distance.mean()


def rand_pad(image: Tensor, draw: Draw) -> Tensor:
    """Pad each picture by 8 pixels an axis, the first 0 to 7 in front (RandPad; paper, section 3).

    A critic that always met the same phase of the 8x8 cells would learn the cells, not the picture.

    Args:
        image: (B, 3, H, W), H and W multiples of 8.
        draw: Draws a padding for each picture of the batch.
    """
    paddings = [Padding(top=draw.whole(0, 7), left=draw.whole(0, 7)) for _ in image]
    padded = [pad(one[None], padding) for one, padding in zip(image, paddings, strict=True)]
    return torch.cat(padded)


def detail(image: Tensor) -> Tensor:
    """High-pass: (B, 3, H, W) pictures without their mean over 9x9 pixels."""
    return image - F.avg_pool2d(image, 9, 1, 4, count_include_pad=False)


def grainy(image: Tensor, draw: Draw, strongest: float) -> Tensor:
    """Add fresh grain or sensor noise to pictures that have been enlarged.

    Two frames of a still differ by nothing else, and a network should restore both alike.

    Args:
        image: (B, 3, H, W) in [-1, 1].
        draw: For each picture draws the strength, whether the noise is grey, and its own
            enlargement, which makes it as coarse as the picture's pixels were.
        strongest: Standard deviation of the strongest grain in codes of 255; a quarter have none.
    """
    noisy = []
    for picture in image:
        scale = draw.pick((4, 3, 2, 1), (0.55, 0.1, 0.25, 0.1))
        strength = max(0.0, draw.between(-strongest / 3, strongest)) * 2 / 255
        size = [math.ceil(length / scale) for length in picture.shape[-2:]]
        noise = draw.normal(1, draw.pick((1, 3)), *size).to(image.device)
        noise = F.interpolate(noise, scale_factor=scale, mode="bicubic")
        noise = noise[0, :, : picture.shape[-2], : picture.shape[-1]]
        noisy.append((picture + strength * noise).clamp(-1, 1))
    return torch.stack(noisy)


def generator_loss(logits: Tensor) -> Tensor:
    """softplus(-D(output)): small when the critic takes the output for real (paper, eq. 3)."""
    return F.softplus(-logits.float()).mean()


def critic_loss(real: Tensor, output: Tensor) -> Tensor:
    """softplus(D(output)) + softplus(-D(real)) (AdcSR); 2 ln 2 at chance."""
    return F.softplus(output.float()).mean() + F.softplus(-real.float()).mean()


def feature_loss(output: Sequence[Tensor], target: Sequence[Tensor]) -> Tensor:
    """Mean absolute difference of a critic's features, in deviations of the target's, over layers.

    Args:
        output: Features (B, C, h, w) of each layer.
        target: Those that they should be.
    """
    differences = [
        F.l1_loss(mine.float(), its.float()) / (its.float().std() + _FLOOR)
        for mine, its in zip(output, target, strict=True)
    ]
    return torch.stack(differences).mean()
