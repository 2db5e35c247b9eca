"""Random numbers that follow from a seed."""

import numpy as np
import torch
from torch import Tensor


class Draw:
    """Draws random numbers from one seed."""

    def __init__(self, *seed: int) -> None:
        self._numbers = np.random.default_rng(seed)

    def chance(self, probability: float) -> bool:
        """Draw whether something happens, with a probability."""
        return bool(self._numbers.random() < probability)

    def between(self, low: float, high: float) -> float:
        """Draw a number in [low, high)."""
        return float(self._numbers.uniform(low, high))

    def whole(self, low: int, high: int) -> int:
        """Draw a whole number in [low, high]."""
        return int(self._numbers.integers(low, high + 1))

    def pick[T](self, choices: tuple[T, ...], weights: tuple[float, ...] | None = None) -> T:
        """Draw one of several, by weight."""
        share = None if weights is None else np.asarray(weights) / sum(weights)
        return choices[int(self._numbers.choice(len(choices), p=share))]

    def normal(self, *shape: int) -> Tensor:
        """Draw a float32 tensor of standard normal numbers."""
        return torch.from_numpy(self._numbers.standard_normal(shape, dtype=np.float32))
