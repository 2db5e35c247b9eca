"""The scores of methods on sets of pictures."""

import statistics
from collections.abc import Callable, Iterable, Mapping

from torch import Tensor

from vs_gendrpix.evaluation.measures.fidelity import psnr, ssim
from vs_gendrpix.evaluation.measures.grid import lattice_ratio
from vs_gendrpix.evaluation.measures.naturalness import NIQE
from vs_gendrpix.evaluation.measures.perceptual import SqueezeNetDistance
from vs_gendrpix.evaluation.measures.ssimulacra import ssimulacra2
from vs_gendrpix.evaluation.measures.temporal import flicker, pan_error
from vs_gendrpix.evaluation.methods import Method
from vs_gendrpix.evaluation.sets import Sample

Scores = dict[str, float]
"""Measure to value; only `NIQE` and `grid` where there is no reference."""

MEASURES = {
    "PSNR": ".2f",
    "SSIM": ".4f",
    "SSIMULACRA2": ".2f",
    "SqueezeNet distance": ".4f",
    "NIQE": ".2f",
    "grid": ".3f",
}
"""Measures of pictures and how they are printed: dB; 0 to 1; 100 and down; 0 and up, twice; 1 = no
grid."""

MOTION = {"flicker": ".3f", "pan": ".3f"}
"""The measures of `temporal.py`: code values of 255, 0 and up."""

REFERENCE = "reference"


class Judge:
    """Scores pictures by all measures."""

    def __init__(self) -> None:
        distance = SqueezeNetDistance()
        self._compare: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
            "PSNR": psnr,
            "SSIM": ssim,
            "SSIMULACRA2": ssimulacra2,
            "SqueezeNet distance": distance,
        }
        self._rate: dict[str, Callable[[Tensor], Tensor]] = {"NIQE": NIQE(), "grid": lattice_ratio}

    def __call__(self, image: Tensor, reference: Tensor | None) -> Scores:
        """The scores of one picture.

        Args:
            image: (1, 3, H, W) RGB in [0, 1].
            reference: The same shape and range, or None.
        """
        scores = {}
        if reference is not None:
            scores = {name: rate(image, reference).item() for name, rate in self._compare.items()}
        return scores | {name: rate(image).item() for name, rate in self._rate.items()}


def as_written(image: Tensor) -> Tensor:
    """A picture as a file of 8 bits keeps it: clipped and rounded, in [0, 1]."""
    return image.clamp(0, 1).mul(255).round().div(255)


def evaluate(
    samples: Iterable[Sample],
    methods: Mapping[str, Method],
    judge: Judge,
    *,
    watch: Callable[[Mapping[str, Tensor]], None],
) -> dict[str, Scores]:
    """The mean scores of each method over some pictures.

    Args:
        samples: The pictures; all have a reference, or none has.
        methods: What to compare, by name.
        judge: The measures.
        watch: Called with what each picture became by method, 8-bit (1, 3, 4h, 4w) RGB in [0, 1];
            the last is the reference, under its name, where there is one.

    Returns:
        The methods' scores, and what can be said of the references alone under `reference`.
    """
    found: dict[str, list[Scores]] = {}
    for sample in samples:
        results = {name: as_written(method(sample.low)) for name, method in methods.items()}
        for name, result in results.items():
            found.setdefault(name, []).append(judge(result, sample.reference))
        if sample.reference is not None:
            found.setdefault(REFERENCE, []).append(judge(sample.reference, None))
            results[REFERENCE] = sample.reference
        watch(results)
    return means(found)


def means(found: Mapping[str, list[Scores]]) -> dict[str, Scores]:
    """The mean of every measure over the pictures of each method."""
    return {
        name: {measure: statistics.fmean(s[measure] for s in scores) for measure in scores[0]}
        for name, scores in found.items()
    }


def evaluate_motion(samples: Iterable[Sample], methods: Mapping[str, Method]) -> dict[str, Scores]:
    """The mean restlessness of each method on clips made of the pictures with a reference."""
    sharp = [sample.reference for sample in samples if sample.reference is not None]
    return {
        name: {
            "flicker": statistics.fmean(flicker(method, image) for image in sharp),
            "pan": statistics.fmean(pan_error(method, image) for image in sharp),
        }
        for name, method in methods.items()
    }


def to_text(title: str, rows: Mapping[str, Scores], measures: Mapping[str, str] = MEASURES) -> str:
    """The scores as a Markdown table under a title; what was not measured is a dash."""
    table = [["", *measures]]
    for name, scores in rows.items():
        cells = [f"{scores[m]:{style}}" if m in scores else "-" for m, style in measures.items()]
        table.append([name, *cells])
    first, *others = (max(map(len, column)) for column in zip(*table, strict=True))
    lines = [
        f"| {row[0]:{first}} | "
        + " | ".join(f"{cell:>{width}}" for cell, width in zip(row[1:], others, strict=True))
        + " |"
        for row in table
    ]
    rule = f"|{'-' * (first + 2)}|" + "".join(f"{'-' * (width + 1)}:|" for width in others)
    return "\n".join([title, "", lines[0], rule, *lines[1:]])
