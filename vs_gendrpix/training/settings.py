"""The choices of a training run."""

from dataclasses import dataclass
from pathlib import Path

from vs_gendrpix.errors import SettingsError


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSettings:
    """One run of the pixel stage.

    Attributes:
        folders: Where the pictures lie.
        out: Folder of the checkpoint, the log, the sample grids and the model file.
        start: A model file whose weights the run begins with; None begins anew.
        steps: Length of the run; the learning rate falls to zero over its last quarter.
        batch: Crops a step.
        crop: Side of a crop in pixels, a multiple of 8, at least 64.
        learning_rate: Peak rate of AdamW.
        warmup: Steps over which the rate rises from zero.
        weight_decay: Of AdamW.
        ema: Decay of the moving average of the weights, which is what is saved.
        fourier: Weight of the masked Fourier loss; L1 has 1.
        perceptual: Weight of the SqueezeNet distance.
        seed: Decides the start, the pairs and their order.
        workers: Processes that make pairs.
        threads: Threads of the network's arithmetic on the CPU; 0 leaves PyTorch's choice.
        save_every: Steps between checkpoints.
    """

    folders: tuple[Path, ...]
    out: Path
    start: Path | None = None
    steps: int = 20_000
    batch: int = 8
    crop: int = 192
    learning_rate: float = 3e-4
    warmup: int = 200
    weight_decay: float = 0.01
    ema: float = 0.999
    fourier: float = 0.01
    perceptual: float = 0.02
    seed: int = 0
    workers: int = 1
    threads: int = 0
    save_every: int = 500

    def __post_init__(self) -> None:
        if self.crop < 64 or self.crop % 8:
            raise SettingsError(f"crop {self.crop} must be a multiple of 8, at least 64")
        if (
            min(self.batch, self.steps, self.save_every) < 1
            or min(self.warmup, self.workers, self.threads) < 0
        ):
            raise SettingsError(
                "batch, steps and save-every must be at least 1, the other counts 0"
            )
        if not 0 <= self.ema < 1:
            raise SettingsError(f"ema {self.ema:g} is out of range: use 0 to below 1")

    def rate(self, step: int) -> float:
        """The learning rate at a step: up, level, and down to zero over the last quarter."""
        rising = (step + 1) / max(1, self.warmup)
        falling = (self.steps - step) / max(1, self.steps // 4)
        return self.learning_rate * max(0.0, min(1.0, rising, falling))
