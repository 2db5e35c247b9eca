"""The training loop: one for all stages, on one device or many."""

import copy
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs
from torch import Tensor, nn
from torch.utils.data import DataLoader, Sampler

from vs_gendrpix.errors import SettingsError, cancellation
from vs_gendrpix.models.card import ModelCard
from vs_gendrpix.models.devices import pick_dtype
from vs_gendrpix.training.adapters import plain_copy
from vs_gendrpix.training.build import MODEL, build
from vs_gendrpix.training.data.pairs import Pair, Pairs, find_pictures
from vs_gendrpix.training.data.stored_pairs import StoredPairs
from vs_gendrpix.training.journal import Journal
from vs_gendrpix.training.settings import Recipe, StageSettings
from vs_gendrpix.training.stages import Stage
from vs_gendrpix.training.state import Means, State

log = logging.getLogger(__name__)

_SAMPLES = 2**61
"""Number of the first pair of the sample grid, beyond all numbers used in training."""
_SHOWN = 32
"""Number of pairs to which new layers are fitted. The first of them are the sample grid."""


class Numbers(Sampler[int]):
    """Numbers of the pairs that one process needs from a step on, in order.

    Args:
        steps: First step and the one after the last.
        batch: Pairs a step and process.
        process: This one and how many there are.
    """

    def __init__(self, steps: tuple[int, int], batch: int, process: tuple[int, int]) -> None:
        rank, world = process
        self.numbers = [
            (step * world + rank) * batch + item for step in range(*steps) for item in range(batch)
        ]

    def __iter__(self) -> Iterator[int]:
        return iter(self.numbers)

    def __len__(self) -> int:
        return len(self.numbers)


def train(recipe: Recipe, name: str, *, pictures: list[Path], out: Path) -> Path:
    """Run one stage, continued from its checkpoint if there is one.

    Under `accelerate launch` or `torchrun` every process takes crops of its own, and the first
    one writes.

    Args:
        recipe: What to do.
        name: The stage.
        pictures: Folders of pictures.
        out: Where the stages' folders lie; this stage's is made.

    Returns:
        Path of the model file with the averaged weights.

    Raises:
        MediaError: There are no pictures.
        SettingsError: The recipe has no such stage, or one that it needs has not been run.
        ModelError: The model to begin with is missing or bad.
    """
    if name not in recipe.stage:
        names = ", ".join(recipe.stage) or "none"
        raise SettingsError(f"the recipe has no stage {name!r}: it has {names}")
    if recipe.threads:
        torch.set_num_threads(recipe.threads)
    settings = recipe.stage[name]
    accelerator = _accelerator()
    pairs = _pairs(recipe, settings, pictures, out)
    shown = [pairs[_SAMPLES + i] for i in range(_SHOWN)]
    degraded, clean = (torch.stack(part) for part in list(zip(*shown, strict=True))[:2])
    stage = build(name, recipe, out=out, degraded=degraded).to(accelerator.device)
    state = State.begin(stage)
    # From files or the seed, so the same when the run resumes.
    origin = plain_copy(state.average) if settings.keep else None
    samples = (degraded[:4].to(accelerator.device), clean[:4])
    journal = Journal(out / name, stage, *samples)
    if journal.checkpoint.exists():
        state.load(journal.checkpoint)
    log.info("%s: %s; steps %d to %d", name, pairs.source, state.step, settings.steps)
    _distribute(stage, accelerator)
    model, means = out / name / MODEL, Means()
    with _deterministic():
        for batch in _batches(pairs, recipe, settings, state.step, accelerator):
            cancellation.check()
            means.add(_advance(state, stage, batch, recipe.seed, accelerator))
            if state.step % settings.save_every and state.step < settings.steps:
                continue
            if accelerator.is_main_process:
                state.save(journal.checkpoint)
                adapted = settings.lora or settings.mixture
                student = plain_copy(state.average) if adapted else state.average
                if origin is not None:
                    student = _between(student, origin, settings.keep)
                rate = means.steps_per_second() * settings.batch
                journal.write(state.step, means.taken(), student, crops_per_second=rate)
                card = _card(recipe, name, state.step, pairs.source)
                stage.save(model, student, card, clean[:4].to(accelerator.device))
    return model


def _card(recipe: Recipe, name: str, step: int, source: str) -> ModelCard:
    settings = recipe.stage[name]
    return ModelCard(
        name=recipe.name,
        licence=recipe.licence,
        guidance=1.0,
        training=f"{name}: {step} steps of {settings.batch} crops of {settings.crop} px from "
        f"{source}; {asdict(settings)}; seed {recipe.seed}",
    )


@torch.no_grad()
def _between(network: nn.Module, other: nn.Module, share: float) -> nn.Module:
    """Return the weighted mean of two networks: `share` of the other, the rest of the first."""
    mean = copy.deepcopy(network)
    for weight, its in zip(mean.parameters(), other.parameters(), strict=True):
        weight.lerp_(its, share)
    return mean


def _pairs(
    recipe: Recipe, settings: StageSettings, pictures: list[Path], out: Path
) -> Pairs | StoredPairs:
    """Return the recipe's stored pairs, or pairs that are made when they are needed."""
    crop, seed, share = settings.crop, recipe.seed, settings.negative_share
    if recipe.pairs.count:
        return StoredPairs(out / "pairs", crop=crop, seed=seed, negative_share=share)
    label = recipe.teacher if settings.target == "teacher" else None
    return Pairs(
        find_pictures(pictures),
        crop=crop,
        seed=seed,
        negative_share=share,
        label=label,
        min_scale=recipe.pairs.min_scale,
    )


def _accelerator() -> Accelerator:
    """Set up the devices of the run, in bf16 where they compute in it, otherwise in fp32."""
    probe = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    native = pick_dtype("auto", probe) == torch.bfloat16
    # The negative prompt has no gradient in a batch without negative items.
    unused = DistributedDataParallelKwargs(find_unused_parameters=True)
    return Accelerator(
        cpu=probe.type == "cpu",
        mixed_precision="bf16" if native else "no",
        kwargs_handlers=[unused],
    )


def _distribute(stage: Stage, accelerator: Accelerator) -> None:
    """Wrap the trained networks for several processes. The state keeps the plain modules."""
    stage.student = accelerator.prepare_model(stage.student)
    if stage.critic is not None:
        stage.critic = accelerator.prepare_model(stage.critic)


@contextmanager
def _deterministic() -> Iterator[None]:
    """Use deterministic algorithms in the `with` block: gradients of indexing add up in order."""
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(mode=True, warn_only=True)
    filled = torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    # Nothing reads what it has not written: to fill it first takes a tenth of a step.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    try:
        yield
    finally:
        torch.utils.deterministic.fill_uninitialized_memory = filled  # type: ignore[attr-defined]
        torch.use_deterministic_algorithms(mode=before)


def _batches(
    pairs: Pairs | StoredPairs,
    recipe: Recipe,
    settings: StageSettings,
    step: int,
    accelerator: Accelerator,
) -> Iterator[Pair]:
    """Yield this process's batches from a step on. They depend on the step alone."""
    process = (accelerator.process_index, accelerator.num_processes)
    loader: DataLoader[Pair] = DataLoader(
        pairs,
        batch_size=settings.batch,
        sampler=Numbers((step, settings.steps), settings.batch, process),
        num_workers=recipe.workers,
        prefetch_factor=4 if recipe.workers else None,
        worker_init_fn=_quiet_worker,
        # A forked worker inherits libav's locks without the threads that hold them, and hangs.
        multiprocessing_context="spawn" if recipe.workers else None,
    )
    for batch in loader:
        yield Pair(*(part.to(accelerator.device) for part in batch))


def _quiet_worker(_: int) -> None:
    torch.set_num_threads(1)  # the network has the other cores


def _advance(
    state: State, stage: Stage, batch: Pair, recipe_seed: int, accelerator: Accelerator
) -> dict[str, float]:
    """Make one step of student, critic and average. Returns the losses before the step."""
    settings = stage.settings
    seed = (recipe_seed, state.step)
    learning = state.step >= settings.critic_first
    for weight in state.critic_weights:
        weight.requires_grad_(False)
    with accelerator.autocast(), torch.set_grad_enabled(learning):
        losses, attempt = stage.losses(batch, seed)
    if learning:
        _descend(
            losses["total"],
            state.student,
            state.optimizer,
            settings.learning_rate * settings.rate(state.step),
            settings.clip,
            accelerator,
        )
    if state.critic is not None and state.critic_optimizer is not None:
        for weight in state.critic_weights:
            weight.requires_grad_(True)
        with accelerator.autocast():
            losses |= stage.critic_losses(attempt, seed)
        _descend(
            losses["critic"],
            state.critic,
            state.critic_optimizer,
            settings.critic_rate * settings.critic_share(state.step),
            settings.clip,
            accelerator,
        )
    # A young average follows quickly, or it would still hold the random start.
    decay = min(settings.ema, (1 + state.step) / (10 + state.step))
    with torch.no_grad():
        weights = zip(state.average.parameters(), state.student.parameters(), strict=True)
        for average, weight in weights:
            if average is not weight:
                average.lerp_(weight, 1 - decay)
    state.step += 1
    return {name: value.item() for name, value in losses.items()}


def _descend(
    loss: Tensor,
    module: nn.Module,
    optimizer: torch.optim.Optimizer,
    rate: float,
    clip: float,
    accelerator: Accelerator,
) -> None:
    """Make one step of an optimiser."""
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.zero_grad()
    accelerator.backward(loss)
    accelerator.clip_grad_norm_(module.parameters(), clip)
    optimizer.step()
