"""Colour in grey: the largest chroma, in code values."""

import pytest
import torch

from vs_gendrpix.errors import SettingsError
from vs_gendrpix.evaluation.measures.colour import largest_chroma

GREY = torch.linspace(0, 1, 64).view(1, 1, 8, 8).expand(-1, 3, -1, -1)


def test_neutral_stays_at_zero() -> None:
    assert largest_chroma(GREY, GREY) == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize(("channel", "chroma"), [(0, 10 * 0.5), (2, 10 * 0.5), (1, 10 * 0.4187)])
def test_one_coloured_pixel_is_found_with_its_strength(channel: int, chroma: float) -> None:
    """BT.601: red alone is half of its step in Cr, blue in Cb, green 0.587 / 1.402 in Cr."""
    image = GREY.clone()
    image[0, channel, 3, 3] += 10 / 255
    assert largest_chroma(image, GREY) == pytest.approx(chroma, rel=1e-3)


def test_an_input_with_colour_is_refused() -> None:
    with pytest.raises(SettingsError, match="this one has colour"):
        largest_chroma(GREY, GREY * torch.tensor([1, 1, 0.9]).view(3, 1, 1))
