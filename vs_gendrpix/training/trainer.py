"""The training loop of the pixel stage."""

import copy
import csv
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Sampler

from vs_gendrpix.engine import pick_dtype
from vs_gendrpix.evaluation.perceptual import SqueezeNetDistance
from vs_gendrpix.model.gendrpix import CELL, GenDRPix, ModelCard, random_network
from vs_gendrpix.model.unet import TINY, UNetConfig
from vs_gendrpix.model.weights import load_network, save_network
from vs_gendrpix.training.degradations import to_picture
from vs_gendrpix.training.losses import masked_fourier_loss
from vs_gendrpix.training.pictures import Pairs, find_pictures
from vs_gendrpix.training.settings import TrainingSettings

log = logging.getLogger(__name__)

_SAMPLES = 2**61
"""Number of the first pair of the sample grid: out of reach of the training's own numbers."""
_GAIN = 0.1
"""First gain of a component: the start differs from the resize by a few codes of 255."""
_SHOWN = 64
"""Pairs that the first layer is fitted to."""


class _Numbers(Sampler[int]):
    """The numbers of the pairs that the steps from `first` on need, in order."""

    def __init__(self, first: int, last: int) -> None:
        self.numbers = range(first, last)

    def __iter__(self) -> Iterator[int]:
        return iter(self.numbers)

    def __len__(self) -> int:
        return len(self.numbers)


@dataclass(slots=True)
class State:
    """All that a run needs to go on exactly where it stood."""

    step: int
    network: GenDRPix
    average: GenDRPix
    optimizer: torch.optim.AdamW

    @classmethod
    def begin(
        cls, settings: TrainingSettings, config: UNetConfig, worn: Tensor, device: torch.device
    ) -> "State":
        """The start of a run: a given model, or nearly the resize.

        `worn`, (N, 3, H, W), shows the first layer of a new network what pictures are like.
        """
        if settings.start is None:
            network = random_network(config, seed=settings.seed)
            start_from_components(network, worn)
        else:
            cpu = torch.device("cpu")
            network = load_network(settings.start, device=cpu, dtype=torch.float32)
            network.requires_grad_(requires_grad=True)
        network.to(device).to(memory_format=torch.channels_last)
        optimizer = torch.optim.AdamW(
            network.parameters(),
            lr=settings.learning_rate,
            weight_decay=settings.weight_decay,
            fused=True,
        )
        return cls(
            0, network, copy.deepcopy(network).requires_grad_(requires_grad=False), optimizer
        )

    def save(self, path: Path) -> None:
        """Write a checkpoint under a temporary name and rename it when it is whole."""
        parts = {
            "step": self.step,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        part = path.with_suffix(".part")
        torch.save(parts, part)
        part.replace(path)

    def load(self, path: Path) -> None:
        """Take a checkpoint's place in the run; only tensors and numbers are read."""
        parts = torch.load(path, weights_only=True)
        self.step = parts["step"]
        self.network.load_state_dict(parts["network"])
        self.average.load_state_dict(parts["average"])
        self.optimizer.load_state_dict(parts["optimizer"])


def start_from_components(network: GenDRPix, worn: Tensor) -> None:
    """Begin in the principal components of worn cells: the first layer analyses, the last one adds.

    The 192 values of a cell are nearly one value, its brightness. Random weights would pass that
    on in every channel and drown the detail that there is to restore, and each of the 64 pixels of
    a cell would have to learn the same filters by itself. Between components, to sharpen is just a
    gain for each channel.

    Args:
        network: Its `conv_in` and `conv_out` are changed in place, and the gains before the
            latter. They become small, not zero: at zero the layers behind them get gradients
            whose sign changes with every step, and 2,000 steps led nowhere.
        worn: (N, 3, H, W) pictures in [-1, 1].
    """
    first, last, norm = network.unet.conv_in, network.unet.conv_out, network.unet.conv_norm_out
    cells = F.pixel_unshuffle(worn, CELL).transpose(0, 1).flatten(1)  # (192, cells)
    mean = cells.mean(1, keepdim=True)
    strength, directions = torch.linalg.eigh((cells - mean) @ (cells - mean).T / cells.shape[1])
    count = min(first.out_channels, len(strength))
    strength, directions = strength.flip(0)[:count], directions.flip(1)[:, :count]
    # Components below a code value of 255 hold nothing but rounding: they stay small.
    projection = (directions / (strength + (2 / 255) ** 2).sqrt()).T  # (count, 192)
    with torch.no_grad():
        for conv in (first, last):
            conv.weight.mul_(0.1)
            if conv.bias is not None:
                conv.bias.zero_()
        first.weight[:count, :, 1, 1] += projection
        if first.bias is not None:
            first.bias[:count] = -(projection @ mean)[:, 0]
        last.weight[:, :count, 1, 1] += directions
        norm.weight.fill_(_GAIN)
        norm.bias.zero_()


def train(
    settings: TrainingSettings, *, config: UNetConfig = TINY, device: torch.device | None = None
) -> Path:
    """Train until `settings.steps`, going on from the checkpoint in `settings.out` if there is one.

    Args:
        settings: The run.
        config: The network of a run that begins anew.
        device: Where to train; None is the first GPU, or else the CPU.

    Returns:
        Path of the model file with the averaged weights.

    Raises:
        MediaError: There are no pictures.
        ModelError: The model to begin with is missing or bad.
    """
    if settings.threads:
        torch.set_num_threads(settings.threads)
    device = device or torch.device("cuda" if torch.cuda.is_available() else "cpu")
    settings.out.mkdir(parents=True, exist_ok=True)
    paths = find_pictures(list(settings.folders))
    pairs = Pairs(paths, crop=settings.crop, seed=settings.seed)
    samples = [pairs[_SAMPLES + i] for i in range(_SHOWN)]
    state = State.begin(settings, config, torch.stack([worn for worn, _ in samples]), device)
    checkpoint = settings.out / "checkpoint.pt"
    if checkpoint.exists():
        state.load(checkpoint)
    log.info("%d pictures; from step %d to %d", len(paths), state.step, settings.steps)
    objective = Objective(settings).to(device)
    model_file = settings.out / "model.safetensors"
    started = time.monotonic()
    for worn, clean in _batches(pairs, settings, state.step):
        losses = _advance(state, settings, objective, worn.to(device), clean.to(device))
        if state.step % settings.save_every and state.step < settings.steps:
            continue
        state.save(checkpoint)
        _write_row(settings.out / "losses.csv", state.step, time.monotonic() - started, losses)
        _write_grid(settings.out / f"samples-{state.step:06d}.png", state.average, samples[:4])
        save_network(model_file, _named(state, settings, len(paths)), dtype=torch.float16)
        log.info("step %d: %s", state.step, " ".join(f"{k} {v:.4f}" for k, v in losses.items()))
    return model_file


class Objective(torch.nn.Module):
    """The sum of the losses of a run, and each of them."""

    def __init__(self, settings: TrainingSettings) -> None:
        super().__init__()
        self.settings = settings
        self.perceptual = SqueezeNetDistance(heads=False)

    def forward(self, output: Tensor, clean: Tensor, shift: int) -> dict[str, Tensor]:
        """Compare (B, 3, H, W) pictures in [-1, 1].

        `shift`, 0 to 63, moves the window that the perceptual features see. Their strides divide
        16, so that a fixed window would let a grid hide between their samples; and a window of
        two thirds of a side costs half as much as the whole.
        """
        l1 = F.l1_loss(output, clean)
        fourier = masked_fourier_loss(output, clean)
        # The features cost as much as the network: a run without them does not compute them.
        perceptual = self._seen(output, clean, shift) if self.settings.perceptual else l1 * 0
        total = l1 + self.settings.fourier * fourier + self.settings.perceptual * perceptual
        return {"l1": l1, "fourier": fourier, "perceptual": perceptual, "total": total}

    def _seen(self, output: Tensor, clean: Tensor, shift: int) -> Tensor:
        side = 2 * output.shape[-1] // 3
        top, left = divmod(shift, 8)
        window = (..., slice(top, top + side), slice(left, left + side))
        distance: Tensor = self.perceptual((output[window] + 1) / 2, (clean[window] + 1) / 2)
        return distance.mean()


def _batches(
    pairs: Pairs, settings: TrainingSettings, step: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Worn and clean batches for the steps from `step` on: the same ones wherever a run resumes."""
    loader: DataLoader[tuple[Tensor, Tensor]] = DataLoader(
        pairs,
        batch_size=settings.batch,
        sampler=_Numbers(step * settings.batch, settings.steps * settings.batch),
        num_workers=settings.workers,
        prefetch_factor=4 if settings.workers else None,
        worker_init_fn=_quiet_worker,
        # A forked worker inherits libav's locks without the threads that hold them, and hangs.
        multiprocessing_context="spawn" if settings.workers else None,
    )
    yield from loader


def _quiet_worker(_: int) -> None:
    torch.set_num_threads(1)  # the network has the other cores


def _advance(
    state: State, settings: TrainingSettings, objective: Objective, worn: Tensor, clean: Tensor
) -> dict[str, float]:
    """One step of the optimiser and of the average; the losses before it."""
    for group in state.optimizer.param_groups:
        group["lr"] = settings.rate(state.step)
    state.network.train()
    # bf16 that a device only emulates is slower than fp32.
    dtype = pick_dtype("auto", worn.device)
    with torch.autocast(worn.device.type, dtype, enabled=dtype != torch.float32):
        condition = state.network.positive.expand(len(worn), -1, -1)
        output = state.network(worn, condition)
        losses = objective(output, clean, (settings.seed + 37 * state.step) % 64)
    state.optimizer.zero_grad()
    losses["total"].backward()
    torch.nn.utils.clip_grad_norm_(state.network.parameters(), 1.0, foreach=True)
    state.optimizer.step()
    # A young average follows quickly, or it would still hold the random start.
    decay = min(settings.ema, (1 + state.step) / (10 + state.step))
    with torch.no_grad():
        pairs = zip(state.average.parameters(), state.network.parameters(), strict=True)
        for average, weight in pairs:
            average.lerp_(weight, 1 - decay)
    state.step += 1
    return {name: value.item() for name, value in losses.items()}


def _named(state: State, settings: TrainingSettings, pictures: int) -> GenDRPix:
    """The averaged network under a card that tells how it was made."""
    card = ModelCard(
        name=settings.out.name,
        licence="Apache-2.0",
        training=(
            f"{state.step} steps of {settings.batch} crops of {settings.crop} px from {pictures} "
            f"pictures; L1 + {settings.fourier:g} masked Fourier + {settings.perceptual:g} "
            f"SqueezeNet; AdamW {settings.learning_rate:g}; EMA {settings.ema:g}; "
            f"seed {settings.seed}"
        ),
    )
    network = GenDRPix(state.average.unet.config, card)
    network.load_state_dict(state.average.state_dict())
    # The second branch of PadCFG has no training of its own yet: it asks for the same.
    network.negative = network.positive
    return network


def _write_row(path: Path, step: int, seconds: float, losses: dict[str, float]) -> None:
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.writer(file)
        if new:
            writer.writerow(["step", "seconds", *losses])
        writer.writerow([step, f"{seconds:.0f}", *(f"{value:.5f}" for value in losses.values())])


def _write_grid(path: Path, network: GenDRPix, samples: list[tuple[Tensor, Tensor]]) -> None:
    """A PNG to look at: a row for each sample, worn, restored and clean."""
    rows = []
    for worn, clean in samples:
        device = network.positive.device
        with torch.no_grad():
            restored = network(worn[None].to(device), network.positive[None]).cpu()
        rows.append(torch.cat([worn, restored[0], clean], dim=-1))
    picture = to_picture(torch.cat(rows, dim=-2) / 2 + 0.5)
    Image.fromarray(picture).save(path)
