"""A picture of crops side by side, for the eye."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from vs_gendrpix.errors import OutputError
from vs_gendrpix.evaluation.measures.fidelity import luma

SIDE = 256
GAP = 4
HEAD = 16
"""Height in pixels of the line of names on top."""


class Sheet:
    """Collects one row of crops a picture: a column for each method, the reference last."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._rows: list[list[Tensor]] = []

    def add(self, results: Mapping[str, Tensor]) -> None:
        """Append a row.

        Args:
            results: Name to (1, 3, H, W) RGB in [0, 1], all of one size. The place of the crop is
                the most detailed one of the last.
        """
        top, left = _most_detailed(list(results.values())[-1])
        if len(results) > len(self._names):
            self._names = list(results)
        # Copies: views would keep the whole pictures in memory until the end.
        self._rows.append(
            [
                image[0, :, top : top + SIDE, left : left + SIDE].clone()
                for image in results.values()
            ]
        )

    def save(self, path: Path) -> None:
        """Write the sheet; the kind of file follows from the name.

        Raises:
            OutputError: It cannot be written.
        """
        step = SIDE + GAP
        size = (len(self._names) * step - GAP, HEAD + len(self._rows) * step - GAP)
        sheet = Image.new("RGB", size)
        pen = ImageDraw.Draw(sheet)
        for column, name in enumerate(self._names):
            pen.text((column * step + 2, 2), name, fill="white")
        for row, crops in enumerate(self._rows):
            for column, crop in enumerate(crops):
                codes = crop.permute(1, 2, 0).mul(255).round().numpy().astype(np.uint8)
                sheet.paste(Image.fromarray(codes), (column * step, HEAD + row * step))
        try:
            sheet.save(path)
        except (OSError, ValueError) as error:  # ValueError: a suffix that Pillow does not know
            raise OutputError(f"cannot write the sheet {path}: {error}") from error


def _most_detailed(image: Tensor) -> tuple[int, int]:
    """Top and left of the square of `SIDE` pixels in (1, 3, H, W) with the largest variance."""
    y = luma(image)[0]
    height, width = y.shape
    tops = range(0, max(1, height - SIDE + 1), SIDE // 4)
    lefts = range(0, max(1, width - SIDE + 1), SIDE // 4)
    places = [(top, left) for top in tops for left in lefts]
    spread = [y[top : top + SIDE, left : left + SIDE].var() for top, left in places]
    return places[int(torch.stack(spread).argmax())]
