"""`gendrpix evaluate MODEL FOLDER...`: compare a model with resizes."""

import argparse
from pathlib import Path

from vs_gendrpix.cli.command import Command
from vs_gendrpix.errors import needs_extra


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the model, the pictures, and what to measure and to write."""
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
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the scores as JSON")
    parser.add_argument("--sheet", type=Path, metavar="PNG", help="write crops side by side")
    parser.add_argument(
        "-d",
        "--device",
        default="auto",
        metavar="D",
        help="auto, cpu, cuda, cuda:N, xpu, xpu:N or mps",
    )


def run(options: argparse.Namespace) -> int:
    """Measure, and print a table for each folder; returns the exit code."""
    with needs_extra("evaluation", "PIL"):  # torch takes seconds to load: --help shall be quick
        from vs_gendrpix.evaluation.command import evaluate  # noqa: PLC0415

    evaluate(
        options.model,
        options.folders,
        worn_folders=options.worn,
        clip_folders=options.clips,
        peers_folder=options.peers,
        motion=options.motion,
        json=options.json,
        sheet=options.sheet,
        device=options.device,
    )
    return 0


COMMAND = Command(
    purpose="compare a model with resizes, on pictures and clips",
    description="Compare a model with resizes at x4, and print a table for each folder.\n"
    "PSNR and SSIM are of the luma, without 4 pixels at the border.",
    examples=(
        ("base photos/", "sharp pictures, which are degraded first"),
        ("mine.safetensors pairs/ --json scores.json", "pictures in LR/ and HR/"),
        ("tiny --worn scans/ --sheet crops.png", "without a reference"),
    ),
    add_arguments=add_arguments,
    run=run,
)
