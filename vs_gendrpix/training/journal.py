"""The log of a run for people: its losses, their plot and sample grids."""

import csv
from pathlib import Path

import torch
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor, nn

from vs_gendrpix.training.data.degradations import to_picture
from vs_gendrpix.training.stages import Stage


class Journal:
    """The folder of one stage.

    Args:
        folder: Is made.
        stage: Knows how to show what its student makes.
        degraded: (N, 3, H, W) pictures in [-1, 1] for the sample grid, on the stage's device.
        target: (N, 3, H, W), the clean pictures.
    """

    def __init__(self, folder: Path, stage: Stage, degraded: Tensor, target: Tensor) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.stage, self.degraded, self.target = folder, stage, degraded, target
        self.checkpoint = folder / "checkpoint.pt"
        self._losses = folder / "losses.csv"

    def write(
        self, step: int, losses: dict[str, float], student: nn.Module, *, crops_per_second: float
    ) -> None:
        """Add a row to the log, draw the plot again, and restore the samples with a student."""
        row = {"step": str(step), "crops_per_second": f"{crops_per_second:.2f}"}
        row |= {name: f"{value:.5f}" for name, value in losses.items()}
        new = not self._losses.exists()
        with self._losses.open("a", newline="") as file:
            writer = csv.DictWriter(file, row)
            if new:
                writer.writeheader()
            writer.writerow(row)
        self._plot(list(losses))
        self._grid(self.folder / f"samples-{step:06d}.png", student)

    def _plot(self, names: list[str]) -> None:
        with self._losses.open(newline="") as file:
            rows = list(csv.DictReader(file))
        steps = [int(row["step"]) for row in rows]
        count = len(names)
        figure = Figure(figsize=(8, 2.2 * count))
        grid = figure.subplots(count, sharex=True, squeeze=False)[:, 0]
        for axes, name in zip(grid, names, strict=True):
            axes.plot(steps, [float(row[name]) for row in rows], marker=".")
            axes.set_ylabel(name)
        # Fixed margins: to fit them draws everything three times.
        figure.subplots_adjust(0.14, 0.3 / count, 0.98, 1 - 0.1 / count, hspace=0.1)
        figure.savefig(self.folder / "losses.png", dpi=80)

    def _grid(self, path: Path, student: nn.Module) -> None:
        """Write a PNG with a row for each sample: degraded, restored, clean."""
        with torch.no_grad():
            restored = self.stage.show(student, self.degraded).float().cpu()
        columns = torch.cat([self.degraded.cpu(), restored, self.target], dim=-1)
        Image.fromarray(to_picture(torch.cat(list(columns), dim=-2) / 2 + 0.5)).save(path)
