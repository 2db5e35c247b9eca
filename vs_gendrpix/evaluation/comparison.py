"""Evaluation of a set under a progress bar, with some of its samples drawn on a sheet."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from torch import Tensor
from tqdm import tqdm

from vs_gendrpix.errors import OutputError
from vs_gendrpix.evaluation.judge import Judge, Scores
from vs_gendrpix.evaluation.methods import Method
from vs_gendrpix.evaluation.samples import SampleSet
from vs_gendrpix.evaluation.sheet import Sheet
from vs_gendrpix.evaluation.table import evaluate

ROWS_OF_A_SET = 6
"""Samples of each set that the sheet shows, evenly spread."""


def compare(
    samples: SampleSet, methods: Mapping[str, Method], judge: Judge, sheet: Sheet
) -> dict[str, Scores]:
    """Score methods on one set of samples, and draw some of them on a sheet."""
    with _watching(samples.name, samples.count, sheet) as watch:
        return evaluate(samples, methods, judge, watch=watch)


@contextmanager
def _watching(
    name: str, total: int, sheet: Sheet
) -> Iterator[Callable[[Mapping[str, Tensor]], None]]:
    """Show progress over a set. The yielded function draws some results on a sheet."""
    wanted = {i * total // ROWS_OF_A_SET for i in range(ROWS_OF_A_SET)}
    places = count()  # not the bar's: it counts nothing where it is not shown
    with tqdm(total=total, desc=name, unit="item", disable=None) as bar:

        def watch(results: Mapping[str, Tensor]) -> None:
            if next(places) in wanted:
                sheet.add(results)
            bar.update()

        yield watch


def write_json(path: Path, result: Mapping[str, object]) -> None:
    """Write a result.

    Raises:
        OutputError: It cannot be written.
    """
    try:
        path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"cannot write the scores to {path}: {error.strerror}") from error
