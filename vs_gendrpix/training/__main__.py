"""`python -m vs_gendrpix.training STAGE --config FILE --pictures FOLDER... --out DIR`."""

import argparse
import logging
import sys
from pathlib import Path

from vs_gendrpix.errors import GendrpixError
from vs_gendrpix.restore.heap import keep_freed
from vs_gendrpix.training.all_stages import train_all
from vs_gendrpix.training.settings import read_recipe
from vs_gendrpix.training.stored_pairs import store_pairs
from vs_gendrpix.training.trainer import train


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code of `errors.py`."""
    parser = argparse.ArgumentParser(
        prog="python -m vs_gendrpix.training",
        description="Run one stage of a recipe. A stage that was stopped goes on from the "
        "checkpoint in DIR/STAGE; one that has been run gives the next its network.",
        allow_abbrev=False,
    )
    parser.add_argument("stage", help="a stage of the recipe; `pairs`, which come first; or `all`")
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="a TOML recipe")
    parser.add_argument(
        "--pictures",
        type=Path,
        nargs="+",
        default=[],
        metavar="FOLDER",
        help="photographs; stages that use the stored pairs need none",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument(
        "--minutes",
        type=float,
        help="with all: fit the steps of the stages to this time, pairs included",
    )
    options = parser.parse_args(arguments)
    if options.minutes is not None and (options.stage != "all" or options.minutes <= 0):
        parser.error("--minutes goes with all, and must be above 0")
    keep_freed()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    try:
        recipe = read_recipe(options.config)
        if options.stage == "pairs":
            path = store_pairs(recipe, pictures=options.pictures, out=options.out)
        elif options.stage == "all":
            path = train_all(
                recipe,
                pictures=options.pictures,
                out=options.out,
                seconds=None if options.minutes is None else 60 * options.minutes,
            )
        else:
            path = train(
                recipe,
                options.stage,
                pictures=options.pictures,
                out=options.out,
            )
    except GendrpixError as error:
        print(f"vs_gendrpix.training: {error}", file=sys.stderr)  # noqa: T201 - a command's face
        return error.exit_code
    print(path)  # noqa: T201 - the command's result
    return 0


if __name__ == "__main__":
    sys.exit(main())
