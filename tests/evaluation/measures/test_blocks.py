"""Block edges: found where a codec left them, at both sizes, before and after a resize."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from tests.evaluation.measures.test_grid import scene
from vs_gendrpix.evaluation.measures.blocks import block_edges


def blocky(side: int, codes: float) -> Tensor:
    """A picture whose blocks each have an offset of their own."""
    # Cropped, so that no octave of the scene has its own nodes on the grid.
    image = scene(150, 190, count=1)[..., :144, :184]
    offsets = torch.randn(
        1, 1, 144 // side, 184 // side, generator=torch.Generator().manual_seed(1)
    )
    return image + codes / 255 * F.interpolate(offsets, (144, 184), mode="nearest")


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_blocks_of_8_are_found_at_every_scale(scale: int) -> None:
    for codes, least, most in ((0, 0.8, 1.25), (3, 1.25, 9), (10, 1.8, 9)):
        image = blocky(8, codes)
        enlarged = F.interpolate(image, scale_factor=scale, mode="bicubic")
        whole, half = block_edges(enlarged, scale)
        assert least < whole < most
        assert 0.75 < half < 1.25


def test_blocks_of_4_are_found_halfway_too() -> None:
    whole, half = block_edges(blocky(4, 10), 1)
    assert min(whole, half) > 1.6


def test_a_blur_across_the_edges_lowers_it() -> None:
    image = blocky(8, 10)
    assert block_edges(F.avg_pool2d(image, 3, 1, 1), 1)[0] < 0.8 * block_edges(image, 1)[0]


def test_edges_off_the_grid_do_not_count() -> None:
    shifted = blocky(8, 10)[..., 3:, 3:]
    assert block_edges(shifted, 1)[0] < 1.1


def test_a_flat_picture_has_none() -> None:
    assert block_edges(torch.full((1, 3, 64, 64), 0.5), 2) == pytest.approx((1, 1))
