"""`gendrpix train STAGE --config FILE --out DIR`: run a stage of a training recipe, or all."""

import argparse
import sys
from pathlib import Path

from vs_gendrpix.cli.command import Command
from vs_gendrpix.errors import needs_extra


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the stage, the recipe, the pictures, the folder and the time."""
    parser.add_argument(
        "stage",
        metavar="STAGE",
        help="a stage of the recipe, `pairs` for its stored pairs, or `all` in order",
    )
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="a TOML recipe")
    parser.add_argument(
        "--pictures",
        type=Path,
        nargs="+",
        default=[],
        metavar="FOLDER",
        help="photographs; stages that use the stored pairs need none",
    )
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder of the results, one for each stage",
    )
    parser.add_argument(
        "--minutes",
        type=float,
        metavar="N",
        help="with all: fit the steps of the stages to this time, pairs included",
    )


def run(options: argparse.Namespace) -> int:
    """Run the stage, and print the path of its model; returns the exit code."""
    with needs_extra("train", "accelerate"):  # torch takes seconds to load: --help shall be quick
        from vs_gendrpix.training.command import run_stage  # noqa: PLC0415

    made = run_stage(
        options.stage,
        config=options.config,
        pictures=options.pictures,
        out=options.out,
        minutes=options.minutes,
    )
    sys.stdout.write(f"{made}\n")
    return 0


COMMAND = Command(
    purpose="train a model by a recipe",
    description="Run one stage of a recipe, or all. A stage that was stopped goes on from its "
    "checkpoint\nin DIR/STAGE; one that has been run gives the next its network.",
    examples=(
        ("all --config tiny.toml --pictures photos/ --out runs/mine --minutes 600", ""),
        ("pairs --config tiny.toml --pictures photos/ --out runs/mine", ""),
        ("pix --config tiny.toml --out runs/mine", "a stage by itself"),
    ),
    add_arguments=add_arguments,
    run=run,
    timed_log=True,
)
