"""Clips to compare, whose pixels are known."""

from pathlib import Path

import numpy as np
import pytest

FRAMES, SIZE = 12, (96, 128)
WORST = 7
"""The frame in which the second clip differs most from the first."""


def codes(frame: int, *, worn: bool = False) -> np.ndarray:
    """(H, W, 3) codes of a frame; the worn clip is a little brighter, and much so in one frame."""
    noise = np.random.default_rng(5).integers(40, 140, (*SIZE, 3))
    offset = (40 if frame == WORST else 2) if worn else 0
    return (noise + frame + offset).astype(np.uint8)


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Numbered pictures, the same worn, and the same at half the size."""
    image = pytest.importorskip("PIL.Image", reason="the extra `evaluation` is not installed")
    folder = tmp_path_factory.mktemp("compare")
    for name in ("clean", "worn", "half"):
        (folder / name).mkdir()
        for frame in range(FRAMES):
            picture = image.fromarray(codes(frame, worn=name == "worn"))
            if name == "half":
                picture = picture.reduce(2)
            picture.save(folder / name / f"{frame:03}.png")
    return [folder / "clean", folder / "worn", folder / "half"]
