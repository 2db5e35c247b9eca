"""A model's description of itself, as it stands in its file."""

import math
from dataclasses import dataclass

from vs_gendrpix.errors import ModelError


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """The description of a model in its file, beside its configuration.

    Attributes:
        name: Short name.
        residual: Whether the network's output is added to its input (ours) or is the picture.
        detail: The share of detail that suits a model with two ends, 0 to 1: 0 is its faithful end,
            1 its detailed one. None for a model with one end.
        enlarging: The scale above which the other network of the model's file restores, which
            works at four times the size of the source. None for a model with one network.
        guidance: The weight w of PadCFG that suits the model; 1 = one pass.
        scale: Resize factors of the training, as text.
        licence: SPDX identifier of the weights' licence, or its name.
        training: Fingerprint of the training: recipe, data, steps.
    """

    name: str
    residual: bool = True
    detail: float | None = None
    enlarging: float | None = None
    guidance: float = 1.0
    scale: str = "1-4"
    licence: str = "unknown"
    training: str = "none: random weights"

    def __post_init__(self) -> None:
        if not math.isfinite(self.guidance):
            raise ModelError(f"a model's guidance must be finite, not {self.guidance}")
        if self.detail is not None and not 0 <= self.detail <= 1:
            raise ModelError(f"a model's detail must be 0 to 1, not {self.detail}")
        if self.enlarging is not None and not 0 < self.enlarging < math.inf:
            raise ModelError(f"a model's enlarging must be a scale, not {self.enlarging}")
