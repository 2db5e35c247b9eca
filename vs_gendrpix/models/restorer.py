"""The contract of a model that restores pictures."""

from pathlib import Path
from typing import Protocol

from torch import Tensor


class Card(Protocol):
    """A model's description of itself."""

    @property
    def name(self) -> str:
        """Short name."""

    @property
    def licence(self) -> str:
        """SPDX identifier of the weights' licence, or its name; `unknown` if nobody says it."""


class Restorer(Protocol):
    """A model on a device: pictures in, restored pictures out. It knows no clip and no format.

    A model is a subclass that has a card and restores when it is called; it sets what differs from
    these values.

    Attributes:
        scale: How many times as wide and high as its pictures its results are. None keeps the size:
            such a model sees pictures that have been resized to the size that is wanted.
        multiple: Side in pixels, 1 to 32, of the cells that it works on: tiles begin at multiples
            of it. A picture may have any size: a model that needs more pads it by itself.
        value_range: The values of black and white in `run`.
        dtype: Name of its arithmetic, for reports: `float32`, `bfloat16`, `float16` or `fp8`.
        reach: Neighbouring frames that it needs on each side. 0 is all that an engine serves today.
        file: Where it was loaded from; None if from no file.
    """

    scale: int | None = None
    multiple: int = 1
    value_range: tuple[float, float] = (0.0, 1.0)
    dtype: str = "float32"
    reach: int = 0
    file: Path | None = None

    @property
    def card(self) -> Card:
        """The model's description of itself."""

    def suited(self, scale: float) -> "Restorer":
        """Choose the restorer for pictures of a scale: this one, but for models with several.

        Args:
            scale: How many times its source a result is as wide or high, the larger of both.
        """
        del scale
        return self

    def __call__(self, rgb: Tensor) -> Tensor:
        """Restore pictures; may be called by several threads at once.

        Args:
            rgb: (B, 3, H, W) float32 R'G'B' in [0, 1], on the device of the model.

        Returns:
            (B, 3, H, W) float32, or `scale` times that size, nominally in [0, 1] but not clamped.
            The caller may write to it.
        """

    def run(self, image: Tensor, *, thrift: int = 0) -> Tensor:
        """Restore pictures for an engine: in the range of the model, with less memory if need be.

        A model whose range is not [0, 1] has a method of its own, lest an engine's pictures be
        rounded twice.

        Args:
            image: (B, 3, H, W) float32 R'G'B' within `value_range`.
            thrift: How much speed to give up for memory: 0 none; 1 makes passes one by one that
                would run together; 2 works on small parts as well. A model that knows no such way
                ignores it. The result is the same but for rounding.

        Returns:
            As of a call, in `value_range`.
        """
        del thrift
        return self(image)
