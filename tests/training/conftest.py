"""Pictures to train on."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pictures of coloured blocks, one smaller than a region."""
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    numbers = np.random.default_rng(4)
    for name, side in (("wall_1.png", 320), ("wall_2.png", 160), ("leaf.jpg", 280)):
        blocks = numbers.integers(0, 256, (side // 8, side // 8, 3), dtype=np.uint8)
        Image.fromarray(blocks.repeat(8, 0).repeat(8, 1)).save(pictures / name)
    return pictures
