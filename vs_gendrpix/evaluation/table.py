"""The scores of methods on sets of samples."""

import statistics
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from vs_gendrpix.errors import cancellation
from vs_gendrpix.evaluation.judge import MEASURES, OF_A_REFERENCE, Judge, Scores
from vs_gendrpix.evaluation.measures.temporal import flicker, pan_error
from vs_gendrpix.evaluation.methods import Method
from vs_gendrpix.evaluation.samples import SampleSet

MOTION = {"flicker": ".3f", "pan": ".3f"}
"""The measures of `measures/temporal.py`: code values of 255, 0 and up."""

REFERENCE = "reference"


def as_written(image: Tensor) -> Tensor:
    """A picture as a file of 8 bits keeps it: clipped and rounded, in [0, 1]."""
    return image.clamp(0, 1).mul(255).round().div(255)


def evaluate(
    samples: SampleSet,
    methods: Mapping[str, Method],
    judge: Judge,
    *,
    watch: Callable[[Mapping[str, Tensor]], None],
) -> dict[str, Scores]:
    """The mean scores of each method over the samples of a set.

    Args:
        samples: The set; all its samples have a reference, or none has.
        methods: What to compare, by name.
        judge: Computes the measures that the set asks for.
        watch: Called for each sample with the last frame of every result, by method: 8-bit
            (1, 3, H, W) RGB in [0, 1]. The reference comes last, under its name, if there is one.

    Returns:
        Method to scores, with those of the references alone under `reference`.
    """
    found: dict[str, list[Scores]] = {}
    for sample in samples.samples():
        cancellation.check()
        shown: dict[str, Tensor] = {}
        for name, method in methods.items():
            frames = [method(frame[None], sample.scale) for frame in sample.low]
            result = as_written(torch.cat(frames))
            found.setdefault(name, []).append(judge(result, sample, samples.measures))
            shown[name] = result[-1:].clone()
        if sample.reference is not None:
            own = [name for name in samples.measures if name in OF_A_REFERENCE]
            found.setdefault(REFERENCE, []).append(judge(sample.reference, sample, own))
            shown[REFERENCE] = sample.reference[-1:]
        watch(shown)
    return {name: _means(scores) for name, scores in found.items()}


def _means(scores: list[Scores]) -> Scores:
    """The mean of every measure over the samples where it is defined."""
    names = dict.fromkeys(name for of_one in scores for name in of_one)
    return {n: statistics.fmean(of_one[n] for of_one in scores if n in of_one) for n in names}


def evaluate_motion(samples: SampleSet, methods: Mapping[str, Method]) -> dict[str, Scores]:
    """The mean restlessness of each method on clips made of the pictures of a set.

    Args:
        samples: Pictures with a reference; each is restored eight times by every method.
        methods: What to compare, by name.
    """
    sharp = [s.reference for s in samples.samples() if s.reference is not None]
    return {
        name: {
            "flicker": statistics.fmean(flicker(method, image) for image in sharp),
            "pan": statistics.fmean(pan_error(method, image) for image in sharp),
        }
        for name, method in methods.items()
    }


def to_text(title: str, rows: Mapping[str, Scores]) -> str:
    """The scores as a Markdown table under a title; what was not measured is a dash."""
    present = {name for scores in rows.values() for name in scores}
    measures = {name: style for name, style in (MEASURES | MOTION).items() if name in present}
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
