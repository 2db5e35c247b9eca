"""Samples for evaluation: pictures and clips, with or without a reference, in sets."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Successive frames to restore; a picture is a clip of one frame.

    Attributes:
        name: File name without suffix.
        scale: How many times its size the result is.
        low: (N, 3, h, w) RGB in [0, 1], the input.
        reference: (N, 3, scale*h, scale*w) RGB in [0, 1], or None where nobody knows it.
        kind: What the picture shows, such as `grass`; empty where nobody said.
    """

    name: str
    scale: int
    low: Tensor
    reference: Tensor | None
    kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleSet:
    """Samples of one origin, each read when its turn comes.

    Attributes:
        name: What to call it.
        unit: What a sample is: `pictures`, `clips` or `crops`.
        scale: That of all samples.
        measures: What results are judged by: keys of `table.MEASURES`.
        count: Number of samples.
        samples: Starts an iteration, always in the same order.
    """

    name: str
    unit: str
    scale: int
    measures: tuple[str, ...]
    count: int
    samples: Callable[[], Iterator[Sample]]

    def first(self, count: int) -> "SampleSet":
        """The first samples alone; each is what it is in the whole set."""
        return replace(
            self, count=min(count, self.count), samples=lambda: islice(self.samples(), count)
        )

    @property
    def title(self) -> str:
        """Name, number of samples and scale, for the head of a table."""
        return f"{self.name} ({self.count} {self.unit}, x{self.scale})"
