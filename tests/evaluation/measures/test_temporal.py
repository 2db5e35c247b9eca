"""Flicker and panning: what stands still or follows the noise is told from what does not."""

import torch
from torch import Tensor
from torch.nn import functional as F

from vs_gendrpix.evaluation.measures.temporal import flicker, pan_error
from vs_gendrpix.evaluation.methods import bicubic, lanczos


def scene(rows: int = 14, columns: int = 16) -> Tensor:
    blobs = torch.rand(1, 3, rows, columns, generator=torch.Generator().manual_seed(2))
    return F.interpolate(blobs, (112, 128), mode="bicubic").clamp(0, 1)


def test_a_method_that_sees_nothing_does_not_flicker():
    def gray(low: Tensor, _: int) -> Tensor:
        return torch.full((1, 3, low.shape[-2] * 4, low.shape[-1] * 4), 0.5)

    assert flicker(gray, scene()) == 0
    assert pan_error(gray, scene()) == 0


def test_the_noise_that_a_method_amplifies_is_flicker():
    def sharpened(low: Tensor, scale: int) -> Tensor:
        soft = F.avg_pool2d(low, 3, 1, 1, count_include_pad=False)
        return bicubic(low + (low - soft), scale)

    def softened(low: Tensor, scale: int) -> Tensor:
        return bicubic(F.avg_pool2d(low, 3, 1, 1, count_include_pad=False), scale)

    for measure in (flicker, pan_error):
        found = [measure(method, scene()) for method in (softened, bicubic, sharpened)]
        assert found == sorted(found)
        assert found[0] < 0.8 * found[1] < 0.7 * found[2]


def test_what_stands_still_on_a_panned_picture_is_found():
    pattern = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(1)) * 0.2

    def grid(low: Tensor, scale: int) -> Tensor:
        image = bicubic(low, scale)
        rows, columns = image.shape[-2] // 8 + 1, image.shape[-1] // 8 + 1
        return (
            image + pattern.repeat(1, 1, rows, columns)[..., : image.shape[-2], : image.shape[-1]]
        )

    assert flicker(grid, scene()) < 1.01 * flicker(bicubic, scene())  # it stands as still as that
    assert pan_error(grid, scene()) > 3 * pan_error(bicubic, scene())


def test_the_motion_is_undone_exactly(monkeypatch):
    """Without noise a smooth picture resamples to itself wherever it has moved."""
    monkeypatch.setattr("vs_gendrpix.evaluation.degradation.NOISE_SIGMA", 0)
    still = scene(5, 6)
    undone = pan_error(bicubic, still)
    monkeypatch.setattr("vs_gendrpix.evaluation.measures.temporal.STEP", (5, 3))
    turned = pan_error(bicubic, still)
    assert max(undone, turned) < 0.5
    moved = (still[..., 3:, 5:] - still[..., :-3, :-5]).abs().mean() * 255
    assert moved > 5  # what it would be with the motion left in


def test_lanczos_is_sharper_than_bicubic_and_in_place():
    low = scene()[..., ::4, ::4]
    result = lanczos(low, 4)
    assert result.shape == (1, 3, 112, 128)
    assert (result - bicubic(low, 4)).abs().mean() < 0.02
    steps = [image.diff(dim=-1).square().mean() for image in (bicubic(low, 4), result)]
    assert steps[1] > steps[0]
