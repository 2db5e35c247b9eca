"""`python -m vs_gendrpix.evaluation MODEL FOLDER...`: the table that compares a model."""

import argparse
import json
import sys
from collections.abc import Mapping
from itertools import count
from pathlib import Path

from torch import Tensor
from tqdm import tqdm

from vs_gendrpix.errors import GendrpixError, OutputError, SettingsError
from vs_gendrpix.evaluation.methods import Method, ModelMethod, bicubic, lanczos, peers
from vs_gendrpix.evaluation.sets import PictureSet, Sample, referenced, worn
from vs_gendrpix.evaluation.sheet import Sheet
from vs_gendrpix.evaluation.table import (
    MOTION,
    REFERENCE,
    Judge,
    Scores,
    evaluate,
    evaluate_motion,
    to_text,
)
from vs_gendrpix.settings import RestoreSettings

ROWS_OF_A_SET = 6
"""Pictures of each set that the sheet shows, evenly spread."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code of `errors.py`."""
    options = _parser().parse_args(arguments)
    try:
        _run(options)
    except GendrpixError as error:
        print(f"vs_gendrpix.evaluation: {error}", file=sys.stderr)  # noqa: T201 - a command's face
        return error.exit_code
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m vs_gendrpix.evaluation",
        description="Compare a model with resizes at x4 and print a table for each "
        "folder. PSNR and SSIM are of the luma without 4 pixels at the border.",
        allow_abbrev=False,
    )
    parser.add_argument("model", metavar="MODEL", help="a built-in name or a safetensors file")
    parser.add_argument(
        "folders",
        nargs="*",
        type=Path,
        metavar="FOLDER",
        help="LR/ and HR/ with pairs of pictures, or sharp pictures, which are degraded first",
    )
    parser.add_argument(
        "--worn",
        nargs="+",
        type=Path,
        default=[],
        metavar="FOLDER",
        help="pictures that are worn already and have no reference: only the grid is measured",
    )
    parser.add_argument("--peers", type=Path, metavar="DIR", help="weights for spandrel to compare")
    parser.add_argument(
        "--motion",
        action="store_true",
        help="measure flicker and panning too, on clips made of the sharp pictures",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the scores there too")
    parser.add_argument("--sheet", type=Path, metavar="PNG", help="write crops side by side there")
    parser.add_argument("-d", "--device", default="auto", help="auto, cpu, cuda or cuda:N")
    return parser


def _run(options: argparse.Namespace) -> None:
    sets = [*map(referenced, options.folders), *map(worn, options.worn)]
    if not sets:
        raise SettingsError("no pictures to judge by: give a FOLDER or --worn FOLDER")
    # In fp32 whatever the device likes best, so that the scores of two machines compare.
    settings = RestoreSettings(model=options.model, device=options.device, dtype="fp32")
    model = ModelMethod(settings)
    methods: dict[str, Method] = {"bicubic": bicubic, "lanczos": lanczos, "model": model}
    if options.peers:
        methods |= peers(options.peers, model.device)
    judge, sheet = Judge(), Sheet()
    scores: dict[str, dict[str, Scores]] = {}
    for pictures in sets:
        scores[pictures.name] = _judge_set(pictures, methods, judge, sheet)
        title = f"{pictures.name} ({pictures.count} pictures, x4)"
        print(to_text(title, scores[pictures.name]) + "\n", flush=True)  # noqa: T201 - the result
        if options.motion and REFERENCE in scores[pictures.name]:
            motion = evaluate_motion(pictures.samples(), methods)
            print(to_text(f"{title}, in motion", motion, MOTION) + "\n")  # noqa: T201 - the same
            for name, found in motion.items():
                scores[pictures.name][name] |= found
    if options.sheet:
        sheet.save(options.sheet)
    if options.json:
        _write_json(options.json, {"model": options.model, "sets": scores})


def _judge_set(
    pictures: PictureSet, methods: Mapping[str, Method], judge: Judge, sheet: Sheet
) -> dict[str, Scores]:
    """The scores on one set; some of its pictures go to the sheet."""
    wanted = {i * pictures.count // ROWS_OF_A_SET for i in range(ROWS_OF_A_SET)}
    places = count()  # not the bar's: it counts nothing where it is not shown
    with tqdm(total=pictures.count, desc=pictures.name, unit="picture", disable=None) as bar:

        def watch(sample: Sample, results: Mapping[str, Tensor]) -> None:
            if next(places) in wanted:
                reference = {} if sample.reference is None else {REFERENCE: sample.reference}
                sheet.add({**results, **reference})
            bar.update()

        return evaluate(pictures.samples(), methods, judge, watch=watch)


def _write_json(path: Path, result: Mapping[str, object]) -> None:
    try:
        path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"cannot write the scores to {path}: {error.strerror}") from error
