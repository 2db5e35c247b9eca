"""Pictures to train on."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn


@pytest.fixture(scope="module", autouse=True)
def _few_shown() -> Iterator[None]:
    """Fit new layers to the sample grid alone: to make the pairs took most of a short run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("vs_gendrpix.training.trainer._SHOWN", 4)
        yield


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pictures of coloured blocks, one smaller than a region."""
    return make_pictures(tmp_path / "pictures")


def make_pictures(pictures: Path) -> Path:
    """Make a folder of pictures of coloured blocks, one smaller than a region."""
    pictures.mkdir(exist_ok=True)
    numbers = np.random.default_rng(4)
    for name, side in (("wall_1.png", 320), ("wall_2.png", 160), ("leaf.jpg", 280)):
        blocks = numbers.integers(0, 256, (side // 8, side // 8, 3), dtype=np.uint8)
        Image.fromarray(blocks.repeat(8, 0).repeat(8, 1)).save(pictures / name)
    return pictures


@pytest.fixture
def teacher_file(tmp_path: Path) -> Path:
    """A small network for x4 with random weights, of a kind that spandrel knows."""
    pytest.importorskip("spandrel")
    torch.manual_seed(2)
    layers: list[nn.Module] = []
    for before, after in pairwise([3, 8, 8, 48]):
        layers += [nn.Conv2d(before, after, 3, padding=1), nn.PReLU(after)]
    path = tmp_path / "teacher.pth"
    torch.save(nn.ModuleDict({"body": nn.Sequential(*layers[:-1])}).state_dict(), path)
    return path
