"""`gendrpix models`: list the built-in models, or show what a model file says of itself."""

import argparse
import hashlib
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from vs_gendrpix.cli.command import Command
from vs_gendrpix.errors import SettingsError, one_line
from vs_gendrpix.models.catalogue import BUILT_IN, DEFAULTS, find_model, model_card


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what to do, and the model."""
    parser.add_argument(
        "action",
        nargs="?",
        choices=("list", "show"),
        default="list",
        help="list the built-in models (default), or show the card of a model",
    )
    parser.add_argument(
        "model",
        nargs="?",
        metavar="NAME|FILE",
        help="with show: the name of a built-in model, or a .safetensors file",
    )


def run(options: argparse.Namespace) -> int:
    """Print a table of models or the card of one; returns the exit code."""
    if (options.action == "show") != (options.model is not None):
        raise SettingsError("show takes the name or the file of a model, and list takes none")
    rows = [_row(name, path) for name, path in BUILT_IN.items()]
    if options.model is not None:
        path = find_model(options.model)
        rows = list((_facts(path) | asdict(model_card(path))).items())
        sys.stdout.write("".join(f"{name:<9} {one_line(str(value))}\n" for name, value in rows))
        return 0
    heads = ("NAME", "SIZE", "LICENCE", "DEFAULT FOR", "SHA-256")
    table = [heads, *(tuple(row) for row in rows)]
    widths = [max(len(row[column]) for row in table) for column in range(len(heads))]
    for row in table:
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        sys.stdout.write("  ".join(cells).rstrip() + "\n")
    return 0


COMMAND = Command(
    purpose="list the built-in models, or show what a model file says of itself",
    description="List the built-in models, or show the card of a model: its name, licence, scale "
    "and training.",
    examples=(
        ("", "the built-in models"),
        ("show base", "the card of a built-in model"),
        ("show mine.safetensors", "the card of a file"),
    ),
    add_arguments=add_arguments,
    run=run,
)


def _row(name: str, path: Path) -> tuple[str, ...]:
    """A line of the list."""
    facts, devices = _facts(path), [kind for kind, model in DEFAULTS.items() if model == name]
    return name, facts["size"], model_card(path).licence, ", ".join(devices), facts["sha256"]


def _facts(path: Path) -> dict[str, Any]:
    """Path, size and hash of a file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"file": path, "size": f"{path.stat().st_size / 1e6:.1f} MB", "sha256": digest}
