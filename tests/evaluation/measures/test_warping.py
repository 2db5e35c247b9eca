"""The warping error: nothing of a known motion, all of what is not motion."""

import math
from itertools import pairwise

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from tests.evaluation.measures.test_naturalness import natural

pytest.importorskip("cv2", reason="the extra `evaluation` is not installed")

from vs_gendrpix.evaluation.measures.warping import motions, warping_error

STEP = (3, 5)
"""Pixels down and to the right a frame."""


@pytest.fixture(scope="module")
def pan() -> Tensor:
    """A soft picture that moves up and to the left, (3, 3, 120, 160)."""
    image = F.avg_pool2d(natural(140, 180, 1), 5, 1)
    down, right = STEP
    windows = [image[..., down * i : down * i + 120, right * i : right * i + 160] for i in range(3)]
    return torch.cat(windows)


def test_a_known_motion_is_found(pan: Tensor) -> None:
    for motion in motions(pan):
        inner = motion.flow[20:-20, 20:-20]
        expected = torch.tensor([-5.0, -3.0]).expand_as(inner)
        torch.testing.assert_close(inner, expected, atol=0.3, rtol=0)
        assert motion.visible[20:-20, 20:-20].all()
        assert not motion.visible[:, :3].any()  # it leaves the frame


def test_a_known_motion_is_undone(pan: Tensor) -> None:
    still = 255 * torch.stack([(b - a).abs().mean() for a, b in pairwise(pan)]).mean().item()
    found = warping_error(pan, motions(pan))
    assert still > 10
    assert found < 0.3


def test_what_is_not_motion_is_measured(pan: Tensor) -> None:
    """Noise of sigma s in both frames differs by 2 s / sqrt(pi) in the mean."""
    noise = torch.randn(pan.shape, generator=torch.Generator().manual_seed(3)) * 4 / 255
    found = warping_error(pan + noise, motions(pan))
    assert found == pytest.approx(2 * 4 / math.sqrt(math.pi), rel=0.1)


def test_a_flash_is_measured(pan: Tensor) -> None:
    flash = pan.clone()
    flash[1] += 10 / 255
    assert warping_error(flash, motions(pan)) == pytest.approx(10, abs=0.3)


def test_what_is_uncovered_does_not_count(pan: Tensor) -> None:
    """A square crosses a still picture: what it hides and uncovers is in one frame only."""
    image = pan[:1]
    frames = image.repeat(3, 1, 1, 1)
    square = 1 - natural(40, 40, 2)[0]
    for number, frame in enumerate(frames):
        frame[:, 40:80, 40 + 12 * number : 80 + 12 * number] = square
    between = motions(frames)
    everywhere = [
        type(motion)(flow=motion.flow, visible=motion.visible | True) for motion in between
    ]
    assert not between[0].visible[45:75, 82:90].any()
    assert warping_error(frames, between) < 0.5 * warping_error(frames, everywhere)
