"""Frames as PNG files."""

import io

import numpy as np
import pytest
import torch

pytest.importorskip("PIL.Image", reason="the extra `evaluation` is not installed")

from PIL import Image

from vs_gendrpix.compare.pictures import png


def test_a_picture_is_written_exactly_and_soon_and_no_larger():
    rows, columns = np.indices((120, 160))
    noise = np.random.default_rng(3).normal(0, 3, (120, 160, 3))
    waves = 128 + 60 * np.sin(rows / 9 + columns / 14)[..., None]
    codes = (waves + noise).round().clip(0, 255).astype(np.uint8)
    content = png(torch.from_numpy(codes).permute(2, 0, 1)[None] / 255)
    assert (np.asarray(Image.open(io.BytesIO(content))) == codes).all()
    begin = content.index(b"IDAT") + 4
    assert content[begin + 1] >> 6 == 0, "RFC 1950, FLEVEL: the fastest algorithm"
    usual = io.BytesIO()
    Image.fromarray(codes).save(usual, "PNG")
    assert len(content) < 1.1 * usual.tell()
