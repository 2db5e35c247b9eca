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
    """Collects one row of crops for each picture: a column for each method, the reference last.

    Args:
        size: Rows and columns of a crop.
    """

    def __init__(self, size: tuple[int, int] = (SIDE, SIDE)) -> None:
        self._size = size
        self._names: list[str] = []
        self._rows: list[tuple[str, list[Tensor]]] = []

    def add(self, results: Mapping[str, Tensor], label: str = "") -> None:
        """Append a row.

        Args:
            results: Name to (1, 3, H, W) RGB in [0, 1], all of one size. The place of the crop is
                the most detailed one of the last.
            label: What stands over the row.
        """
        height, width = self._size
        top, left = _most_detailed(list(results.values())[-1], self._size)
        if len(results) > len(self._names):
            self._names = list(results)
        # Copies: views would keep the whole pictures in memory until the end.
        crops = [
            image[0, :, top : top + height, left : left + width].clone()
            for image in results.values()
        ]
        self._rows.append((label, crops))

    def save(self, path: Path) -> None:
        """Write the sheet; the kind of file follows from the name.

        Raises:
            OutputError: It cannot be written.
        """
        height, width = self._size
        across = width + GAP
        over = HEAD if any(label for label, _ in self._rows) else 0
        down = over + height + GAP
        size = (len(self._names) * across - GAP, HEAD + len(self._rows) * down - GAP)
        sheet = Image.new("RGB", size)
        pen = ImageDraw.Draw(sheet)
        for column, name in enumerate(self._names):
            pen.text((column * across + 2, 2), name, fill="white")
        for row, (label, crops) in enumerate(self._rows):
            pen.text((2, HEAD + row * down + 2), label, fill="white")
            for column, crop in enumerate(crops):
                codes = crop.permute(1, 2, 0).mul(255).round().numpy().astype(np.uint8)
                sheet.paste(Image.fromarray(codes), (column * across, HEAD + row * down + over))
        try:
            sheet.save(path)
        except (OSError, ValueError) as error:  # ValueError: a suffix that Pillow does not know
            raise OutputError(f"cannot write the sheet {path}: {error}") from error


def _most_detailed(image: Tensor, size: tuple[int, int]) -> tuple[int, int]:
    """Top and left of the crop in (1, 3, H, W) with the most texture, by its squared steps."""
    y = luma(image)[0]
    steps = y.diff(dim=0)[:, 1:].square() + y.diff(dim=1)[1:].square()
    tops, lefts = (
        range(0, max(1, whole - part + 1), part // 4)
        for whole, part in zip(y.shape, size, strict=True)
    )
    places = [(top, left) for top in tops for left in lefts]
    detail = [steps[top : top + size[0], left : left + size[1]].mean() for top, left in places]
    return places[int(torch.stack(detail).argmax())]
