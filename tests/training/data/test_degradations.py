import numpy as np
import pytest
import torch

from vs_gendrpix.training.data import codecs
from vs_gendrpix.training.data.degradations import degrade, from_picture, to_picture
from vs_gendrpix.training.data.draw import Draw


def picture(height: int = 96, width: int = 112) -> torch.Tensor:
    """Smooth colour with hard edges."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    waves = [0.5 + 0.4 * torch.sin((x * (c + 1) + y * 2) / 17) for c in range(3)]
    image = torch.stack(waves)
    image[:, 30:60, 40:70] = torch.tensor([0.9, 0.2, 0.1])[:, None, None]
    return image.float()


def error(first: codecs.Picture, second: codecs.Picture) -> float:
    return float(np.abs(first.astype(float) - second.astype(float)).mean())


@pytest.mark.parametrize("scale", [1.0, 1.5, 2.0, 3.0, 4.0])
def test_the_result_is_smaller_by_the_scale_and_legal(scale):
    for seed in range(6):
        degraded = degrade(picture(), scale, Draw(seed))
        assert degraded.shape == (3, round(96 / scale), round(112 / scale))
        assert degraded.min() >= 0
        assert degraded.max() <= 1
        assert torch.allclose(degraded * 255, (degraded * 255).round(), atol=1e-3)


def test_a_draw_repeats_itself_and_others_differ():
    first, again, other = (
        degrade(picture(), 2.0, Draw(*seed)) for seed in ((1, 7), (1, 7), (1, 8))
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_the_picture_stays_where_it_is():
    """No step may shift the picture: the network would learn to shift it back."""
    shifts = []
    for seed in range(24):
        degraded = degrade(picture(), 1.0, Draw(seed, 3)).mean(0)
        clean = picture().mean(0)
        scores = {
            (dy, dx): float(
                (degraded[8:-8, 8:-8] - clean.roll((dy, dx), (0, 1))[8:-8, 8:-8]).square().mean()
            )
            for dy in (-1, 0, 1)
            for dx in (-1, 0, 1)
        }
        shifts.append(min(scores, key=scores.__getitem__))
    assert shifts.count((0, 0)) == len(shifts)


@pytest.mark.parametrize("size", [(96, 112), (37, 51), (16, 24)])
@pytest.mark.parametrize(
    ("codec", "fine", "coarse"),
    [
        ("libx264", {"crf": "10"}, {"crf": "40"}),
        ("libx265", {"crf": "10"}, {"crf": "40"}),
        ("mpeg2video", {"qmin": "2", "qmax": "2"}, {"qmin": "20", "qmax": "20"}),
    ],
)
def test_codecs_really_compress(size, codec, fine, coarse):
    image = to_picture(picture(*size))
    previous = np.roll(image, 1, axis=1)
    mild = codecs.video([previous, image], codec, fine)
    harsh = codecs.video([previous, image], codec, coarse)
    assert mild.shape == harsh.shape == image.shape
    # Chroma at half size alone costs several codes at the square's red edges.
    assert error(mild, image) < 9
    assert error(harsh, image) > error(mild, image)


def test_the_last_frame_comes_back():
    image = to_picture(picture())
    dark = image // 4
    assert error(codecs.video([dark, image], "libx264", {"crf": "10"}), image) < 9


def test_jpeg_gets_worse_with_lower_quality():
    image = to_picture(picture())
    errors = [error(codecs.jpeg(image, q, subsampled=False), image) for q in (95, 50, 10)]
    assert errors == sorted(errors)
    assert errors[0] < 2
    assert error(codecs.jpeg(image, 95, subsampled=True), image) > errors[0]


def test_bytes_and_tensors_are_inverse():
    values = np.random.default_rng(0).integers(0, 256, (9, 11, 3), dtype=np.uint8)
    assert np.array_equal(to_picture(from_picture(values)), values)
