"""`python -m vs_gendrpix.evaluation MODEL FOLDER...`: the table that compares a model."""

import argparse
import os
import sys
from pathlib import Path

from vs_gendrpix.errors import GendrpixError, OutputError, SettingsError
from vs_gendrpix.evaluation.clips import degraded_clips
from vs_gendrpix.evaluation.comparison import compare, write_json
from vs_gendrpix.evaluation.judge import Judge, Scores
from vs_gendrpix.evaluation.methods import Method, ModelMethod, bicubic, lanczos, peers
from vs_gendrpix.evaluation.sets import referenced, worn
from vs_gendrpix.evaluation.sheet import Sheet
from vs_gendrpix.evaluation.table import REFERENCE, evaluate_motion, to_text
from vs_gendrpix.settings import RestoreSettings


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code of `errors.py`."""
    options = _parser().parse_args(arguments)
    try:
        _run(options)
    except GendrpixError as error:
        print(f"vs_gendrpix.evaluation: {error}", file=sys.stderr)  # noqa: T201 - a command's face
        return error.exit_code
    except BrokenPipeError:
        # Who reads (`| head`) has seen enough; at its end Python would write what is left.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OutputError.exit_code
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
        help="pictures that are degraded already, without a reference",
    )
    parser.add_argument(
        "--clips",
        nargs="+",
        type=Path,
        default=[],
        metavar="FOLDER",
        help="sharp videos of 360 lines or more, which are degraded first",
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
    sets = [
        *map(referenced, options.folders),
        *map(worn, options.worn),
        *map(degraded_clips, options.clips),
    ]
    if not sets:
        raise SettingsError("nothing to judge by: give a FOLDER, --worn FOLDER or --clips FOLDER")
    # In fp32 whatever the device likes best, so that the scores of two machines compare.
    settings = RestoreSettings(model=options.model, device=options.device, dtype="fp32")
    model = ModelMethod(settings)
    methods: dict[str, Method] = {"bicubic": bicubic, "lanczos": lanczos, "model": model}
    if options.peers:
        methods |= peers(options.peers, model.device)
    judge, sheet = Judge(), Sheet()
    for line in judge.skipped:
        print(f"vs_gendrpix.evaluation: {line}", file=sys.stderr)  # noqa: T201 - a command's face
    scores: dict[str, dict[str, Scores]] = {}
    for samples in sets:
        found = compare(samples, methods, judge, sheet)
        if options.motion and samples.unit == "pictures" and REFERENCE in found:
            for name, motion in evaluate_motion(samples, methods, samples.count).items():
                found[name] |= motion
        scores[samples.name] = found
        print(to_text(samples.title, found) + "\n", flush=True)  # noqa: T201 - the result
    if options.sheet:
        sheet.save(options.sheet)
    if options.json:
        write_json(options.json, {"model": options.model, "sets": scores})
