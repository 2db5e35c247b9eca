"""Noise, blocks and blur of a known amount are measured as that much."""

import numpy as np
import pytest

from benchmarks.try_clips import drawn, noisy

pytest.importorskip("cv2", reason="the extra `evaluation` is not installed")

from vs_gendrpix.compare.trial.damage import blocking, damage, noise, softness

PICTURE = drawn(0, size=(320, 240))


def luma(picture):
    return (picture.mean(2) / 255).astype(np.float32)


def blurred(picture, sigma):
    """Under a Gaussian, by the spectrum: another way than the measure's own."""
    rows, columns = (np.fft.fftfreq(side) for side in picture.shape)
    wave = np.exp(-2 * (np.pi * sigma) ** 2 * (rows[:, None] ** 2 + columns**2))
    return np.fft.ifft2(np.fft.fft2(picture) * wave).real.astype(np.float32)


@pytest.mark.parametrize("sigma", [2, 5, 10])
def test_noise_is_measured_in_codes(sigma):
    assert noise(luma(noisy([PICTURE], sigma)[0])) == pytest.approx(sigma, rel=0.12)


def test_a_clean_picture_has_no_noise_and_edges_are_none():
    assert noise(luma(PICTURE)) < 0.1


def test_noise_larger_than_a_pixel_is_not_lost():
    coarse = blurred(np.random.default_rng(0).normal(0, 1, PICTURE.shape[:2]), 1)
    found = noise(luma(PICTURE) + (5 / 255 * coarse / coarse.std()).astype(np.float32))
    assert 1.5 < found < 5


@pytest.mark.parametrize("sigma", [1, 2])
def test_blur_is_measured_in_pixels(sigma):
    assert softness(luma(PICTURE), 0) < 0.6
    assert softness(blurred(luma(PICTURE), sigma), 0) == pytest.approx(sigma, rel=0.25)


def test_blocks_are_seen_on_the_grid_alone():
    textured = luma(noisy([PICTURE], 6)[0])
    steps = np.random.default_rng(2).normal(0, 0.05, (30, 40)).repeat(8, 0).repeat(8, 1)
    assert blocking(textured) < 1.2
    assert blocking(textured + steps.astype(np.float32)) > 1.4
    assert blocking((textured + np.roll(steps, 3, (0, 1))).astype(np.float32)) < 1.2


@pytest.mark.parametrize("picture", [np.zeros((64, 64)), np.full((64, 64), 0.5), np.ones((9, 9))])
def test_what_shows_nothing_gives_nothing(picture):
    found = damage(picture.astype(np.float32))
    assert (found.noise, found.blocking, found.softness) == (None, None, None)
