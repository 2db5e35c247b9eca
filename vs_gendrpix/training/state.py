"""The state of a run: the part that a checkpoint keeps, and the losses since the last row."""

import copy
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from vs_gendrpix.training.stages import Stage


@dataclass(slots=True)
class State:
    """State of a run, from which it continues exactly: the step decides all random numbers.

    Attributes:
        step: Steps that have been made.
        student: What is trained.
        average: The moving average of its weights.
        critic: The stage's; None for one without.
        optimizer: The student's.
        critic_optimizer: The critic's.
        critic_weights: The weights of the critic that are trained.
    """

    step: int
    student: nn.Module
    average: nn.Module
    critic: nn.Module | None
    optimizer: torch.optim.Optimizer
    critic_optimizer: torch.optim.Optimizer | None
    critic_weights: list[nn.Parameter]

    @classmethod
    def begin(cls, stage: Stage) -> "State":
        """State at the first step of a stage."""
        settings, critic = stage.settings, stage.critic
        # What is not trained is its own average: one copy of it is enough.
        fixed = [weight for weight in stage.student.parameters() if not weight.requires_grad]
        average = copy.deepcopy(stage.student, {id(weight): weight for weight in fixed})
        average.eval().requires_grad_(requires_grad=False)

        def descent(module: nn.Module, rate: float) -> torch.optim.Optimizer:
            decay = settings.weight_decay
            return torch.optim.AdamW(_trained(module), lr=rate, weight_decay=decay, fused=True)

        return cls(
            step=0,
            student=stage.student,
            average=average,
            critic=critic,
            optimizer=descent(stage.student, settings.learning_rate),
            critic_optimizer=None if critic is None else descent(critic, settings.critic_rate),
            critic_weights=[] if critic is None else _trained(critic),
        )

    def save(self, path: Path) -> None:
        """Write a checkpoint under a temporary name and rename it when it is whole."""
        part = path.with_suffix(".part")
        torch.save({"step": self.step, **{k: v.state_dict() for k, v in self._parts()}}, part)
        part.replace(path)

    def load(self, path: Path) -> None:
        """Read a checkpoint; only tensors and numbers are accepted."""
        saved = torch.load(path, weights_only=True)
        self.step = saved["step"]
        for name, part in self._parts():
            part.load_state_dict(saved[name])

    def _parts(self) -> list[tuple[str, nn.Module | torch.optim.Optimizer]]:
        names = ("student", "average", "critic", "optimizer", "critic_optimizer")
        parts = [(name, getattr(self, name)) for name in names]
        return [(name, part) for name, part in parts if part is not None]


def _trained(module: nn.Module) -> list[nn.Parameter]:
    return [weight for weight in module.parameters() if weight.requires_grad]


class Means:
    """Mean losses since the last row of the log: those of a single step say little."""

    def __init__(self) -> None:
        self._sums: dict[str, float] = {}
        self._count, self._all, self._began = 0, 0, time.monotonic()

    def add(self, losses: dict[str, float]) -> None:
        """Count the losses of a step."""
        for name, value in losses.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        self._count += 1
        self._all += 1

    def taken(self) -> dict[str, float]:
        """Mean of each loss since the last call."""
        means = {name: value / self._count for name, value in self._sums.items()}
        self._sums, self._count = {}, 0
        return means

    def steps_per_second(self) -> float:
        """Rate since the run began or was resumed."""
        return self._all / (time.monotonic() - self._began)
