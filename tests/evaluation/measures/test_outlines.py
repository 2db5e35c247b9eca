"""Outlines: seams beyond both sides of an edge, dark and bright told apart."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from vs_gendrpix.evaluation.measures.outlines import outlines


def step(columns: int, width: float = 1.0) -> Tensor:
    """From 0.25 to 0.75 across `width` columns, (1, 3, 32, columns)."""
    place = torch.arange(columns, dtype=torch.float32) - (columns - 1) / 2
    return (0.5 + 0.5 * (place / width).clamp(-0.5, 0.5)).expand(1, 3, 32, columns)


def seam(columns: slice, codes: float) -> Tensor:
    """A sharp edge at twice the size with a seam, of an input whose edge is soft."""
    image = F.interpolate(step(32), scale_factor=2, mode="nearest").clone()
    image[..., columns] += codes / 255
    return image


def test_an_edge_that_becomes_sharp_has_no_outline() -> None:
    assert outlines(seam(slice(0), 0), step(32, 4)) == pytest.approx((0, 0), abs=1e-4)


@pytest.mark.parametrize(("columns", "codes", "place"), [((30, 32), -20, 0), ((32, 34), 20, 1)])
def test_a_seam_of_known_depth_is_found_on_its_side(
    columns: tuple[int, int], codes: float, place: int
) -> None:
    """2 of the 8 columns within reach of a hard edge are 20 codes (of luma's 219) beyond it."""
    found = outlines(seam(slice(*columns), codes), step(32))
    assert found[place] == pytest.approx(20 * 219 / 255 * 2 / 8, rel=0.02)
    assert found[1 - place] == 0


def test_weak_edges_and_flat_areas_do_not_count() -> None:
    faint = 0.5 + 0.1 * (step(32) - 0.5)
    assert outlines(F.interpolate(faint, scale_factor=2) - 0.2, faint) == (0, 0)


def test_scale_1_is_measured_too() -> None:
    low = step(32)
    assert outlines(low, low) == (0, 0)
    dark = low.clone()
    dark[..., 14:16] -= 0.1
    assert outlines(dark, low)[0] > 1
