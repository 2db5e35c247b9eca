"""PadCFG: guidance between two passes whose paddings differ by a pixel (paper, section 3)."""

import random
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

Generator = Callable[[Tensor, Tensor], Tensor]
"""G(x, c): a (B, 3, H, W) picture, H and W multiples of 8, and a (B, T, D) condition."""

CELL = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Padding:
    """Pixels before the first row and column; 8 minus as many follow the last ones."""

    top: int
    left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PadPlan:
    """The paddings of the two branches, drawn once and kept for a whole clip.

    A token's place relative to the picture decides which pixels it sees, so a plan that changed
    from frame to frame would make the texture flicker.
    """

    positive: Padding
    negative: Padding

    def rounded(self, multiple: int) -> "PadPlan":
        """Round the paddings down to multiples: what begins at one does so behind them too."""

        def down(padding: Padding) -> Padding:
            return Padding(
                top=padding.top - padding.top % multiple,
                left=padding.left - padding.left % multiple,
            )

        return PadPlan(positive=down(self.positive), negative=down(self.negative))


def pad_plan(seed: int) -> PadPlan:
    """Draw the plan of a seed: 0 gives the paper's (4, 4) and (3, 5), others two different ones."""
    if seed == 0:
        return PadPlan(positive=Padding(top=4, left=4), negative=Padding(top=3, left=3))
    # Python promises the same numbers for the same seed on every machine and version.
    first, second = random.Random(seed).sample(range(CELL * CELL), 2)  # noqa: S311 - no secret
    return PadPlan(
        positive=Padding(top=first // CELL, left=first % CELL),
        negative=Padding(top=second // CELL, left=second % CELL),
    )


def pad(image: Tensor, padding: Padding) -> Tensor:
    """Enlarge (B, 3, H, W) by 8 pixels an axis, and then to the next multiple of 8.

    The picture is reflected outwards; one too small for that has its border repeated.
    """
    height, width = image.shape[-2:]
    bottom = CELL - padding.top + -height % CELL
    right = CELL - padding.left + -width % CELL
    reach = max(padding.top, bottom) < height and max(padding.left, right) < width
    return F.pad(
        image,
        (padding.left, right, padding.top, bottom),
        mode="reflect" if reach else "replicate",
    )


def crop(image: Tensor, padding: Padding, size: tuple[int, int]) -> Tensor:
    """Undo `pad`: cut out the (B, 3, *size) part behind the padding."""
    height, width = size
    return image[..., padding.top : padding.top + height, padding.left : padding.left + width]


@dataclass(frozen=True, slots=True)
class PadCFG:
    """A generator under guidance: w G(pad_pos(x), c_pos) + (1 - w) G(pad_neg(x), c_neg).

    Attributes:
        generator: The network, or any callable of its form.
        positive: (T, D) condition of the first branch.
        negative: (T, D) condition of the second branch.
        plan: The paddings of both.
        guidance: w; 1 is the positive branch alone, in one pass.
    """

    generator: Generator
    positive: Tensor
    negative: Tensor
    plan: PadPlan
    guidance: float

    def __call__(self, image: Tensor, *, paired: bool = True) -> Tensor:
        """Restore pictures.

        Args:
            image: (B, 3, H, W) RGB in [-1, 1], of any size.
            paired: Whether both branches go through the network as one batch: faster on small
                pictures, but with the memory of two.

        Returns:
            (B, 3, H, W), not clamped.
        """
        size = (image.shape[-2], image.shape[-1])
        count = image.shape[0]
        positive = self.positive.expand(count, -1, -1)
        padded = pad(image, self.plan.positive)
        if self.guidance == 1:
            return crop(self.generator(padded, positive), self.plan.positive, size)
        negative = self.negative.expand(count, -1, -1)
        other = pad(image, self.plan.negative)  # of the same size, so that both fit in one batch
        if paired:
            conditions = torch.cat([positive, negative])
            first, second = self.generator(torch.cat([padded, other]), conditions).chunk(2)
        else:
            first, second = self.generator(padded, positive), self.generator(other, negative)
        first = crop(first, self.plan.positive, size)
        second = crop(second, self.plan.negative, size)
        return self.guidance * first + (1 - self.guidance) * second
