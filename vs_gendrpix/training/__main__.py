"""`python -m vs_gendrpix.training FOLDER... --out DIR`: train a network on pictures."""

import argparse
import logging
import sys
from dataclasses import fields
from pathlib import Path

from vs_gendrpix.errors import GendrpixError
from vs_gendrpix.training.settings import TrainingSettings
from vs_gendrpix.training.trainer import train

_HELP = {
    "steps": "length of the run",
    "batch": "crops a step",
    "crop": "side of a crop in pixels",
    "learning_rate": "peak rate of AdamW",
    "warmup": "steps until the peak rate",
    "weight_decay": "of AdamW",
    "ema": "decay of the averaged weights",
    "fourier": "weight of the masked Fourier loss",
    "perceptual": "weight of the SqueezeNet distance",
    "seed": "decides the start and the pairs",
    "workers": "processes that make pairs",
    "threads": "CPU threads of the network, 0 = all",
    "save_every": "steps between checkpoints",
}


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code of `errors.py`."""
    parser = argparse.ArgumentParser(
        prog="python -m vs_gendrpix.training",
        description="Train the pixel-space network on a folder of pictures. A run that was "
        "stopped goes on from the checkpoint in DIR.",
        allow_abbrev=False,
    )
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--start", type=Path, metavar="FILE", help="begin with a model's weights")
    for field in fields(TrainingSettings):
        if field.name in _HELP:
            name, kind = "--" + field.name.replace("_", "-"), type(field.default)
            text = f"{_HELP[field.name]} (default {field.default})"
            parser.add_argument(name, type=kind, default=field.default, help=text, metavar="N")
    values = vars(parser.parse_args(arguments))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    try:
        path = train(TrainingSettings(**{**values, "folders": tuple(values["folders"])}))
    except GendrpixError as error:
        print(f"vs_gendrpix.training: {error}", file=sys.stderr)  # noqa: T201 - a command's face
        return error.exit_code
    print(path)  # noqa: T201 - the command's result
    return 0


if __name__ == "__main__":
    sys.exit(main())
