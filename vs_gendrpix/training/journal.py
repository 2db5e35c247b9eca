"""What a run leaves behind: a log of its losses, their plot, sample grids, the model file."""

import csv
from dataclasses import asdict, replace
from pathlib import Path

import torch
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor, nn

from vs_gendrpix.models.ancestors.vae import VAE
from vs_gendrpix.models.gendrpix.files import save_network, save_vae
from vs_gendrpix.models.gendrpix.network import ModelCard, Prompted
from vs_gendrpix.training.degradations import to_picture
from vs_gendrpix.training.settings import Recipe
from vs_gendrpix.training.stages import Reconstruction, Stage


class Journal:
    """The folder of one stage.

    Args:
        folder: Is made.
        stage: Knows how to show what its student makes.
        worn: (N, 3, H, W) pictures in [-1, 1] for the sample grid, on the stage's device.
        target: What they should become.
    """

    def __init__(self, folder: Path, stage: Stage, worn: Tensor, target: Tensor) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.stage, self.worn, self.target = folder, stage, worn, target
        self.checkpoint = folder / "checkpoint.pt"
        self._losses = folder / "losses.csv"

    def write(
        self, step: int, losses: dict[str, float], student: nn.Module, *, crops_per_second: float
    ) -> None:
        """A row of the log, the plot anew, and a grid of what the averaged student makes."""
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
        figure = Figure(figsize=(8, 2.2 * len(names)), layout="constrained")
        for place, name in enumerate(names, 1):
            axes = figure.add_subplot(len(names), 1, place)
            axes.plot(steps, [float(row[name]) for row in rows], marker=".")
            axes.set_ylabel(name)
        figure.savefig(self.folder / "losses.png", dpi=80)

    def _grid(self, path: Path, student: nn.Module) -> None:
        """A PNG to look at: a row for each sample, worn, restored and target."""
        with torch.no_grad():
            restored = self.stage.show(student, self.worn).float().cpu()
        columns = torch.cat([self.worn.cpu(), restored, self.target], dim=-1)
        Image.fromarray(to_picture(torch.cat(list(columns), dim=-2) / 2 + 0.5)).save(path)

    def save_model(
        self, path: Path, student: nn.Module, recipe: Recipe, name: str, step: int, source: str
    ) -> None:
        """The averaged weights under a card that tells how they were made."""
        if isinstance(student, Reconstruction):
            # The next stages want latents of a deviation of about 1.
            vae, device = student.vae, self.worn.device
            with torch.no_grad():
                deviation = vae.encode(self.target.to(device))[0].std().item()
            made = VAE(replace(vae.config, scaling=vae.config.scaling / deviation))
            made.load_state_dict(vae.state_dict())
            save_vae(path, made)
        if not isinstance(student, Prompted):
            return
        settings = self.stage.settings
        student.card = ModelCard(
            name=recipe.name,
            licence="Apache-2.0",
            guidance=1.0,
            training=f"{name}: {step} steps of {settings.batch} crops of {settings.crop} px from "
            f"{source}; {asdict(settings)}; seed {recipe.seed}",
        )
        save_network(path, student, dtype=torch.float16)
