"""`gendrpix models`: list the built-in models, show a model's card, make model files."""

import argparse
import hashlib
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from vs_gendrpix.cli.command import Command
from vs_gendrpix.errors import SettingsError, one_line
from vs_gendrpix.models.catalogue import BUILT_IN, DEFAULTS, find_model, model_card

_FILES: dict[str, tuple[str, ...]] = {
    "list": (),
    "show": ("NAME|FILE",),
    "join": ("FAITHFUL", "DETAILED", "OUT"),
    "enlarge": ("MODEL", "ENLARGING", "OUT"),
    "convert": ("IN.pth", "OUT.safetensors"),
    "wrap": ("UNET", "OUT"),
}
"""The actions of `gendrpix models`, each with the files it takes."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what to do, and the model."""
    parser.add_argument(
        "action",
        nargs="?",
        choices=tuple(_FILES),
        default="list",
        help="list the built-in models (default), show the card of a model, join two models to one "
        "between which --detail chooses, give a model another one for strong enlargement, convert "
        "a .pth file to .safetensors, or wrap a UNet in diffusers' layout",
    )
    parser.add_argument(
        "files",
        nargs="*",
        metavar="NAME|FILE",
        help="with show: the name of a built-in model, or a file; with join: the faithful model, "
        "the detailed one, and the file to write; with enlarge: the model, the one for strong "
        "enlargement, and the file to write; with convert: the .pth file, and the file to "
        "write; with wrap: the UNet, a file or a folder, and the file to write",
    )
    parser.add_argument(
        "--licence",
        default="unknown",
        metavar="NAME",
        help="with convert and wrap: the licence of the weights, to be written into the file "
        "(default: unknown)",
    )
    parser.add_argument(
        "--detail",
        type=float,
        default=1.0,
        metavar="D",
        help="with join: the new model's default for --detail, 0 to 1 (default: 1)",
    )
    parser.add_argument(
        "--above",
        type=float,
        default=2.5,
        metavar="SCALE",
        help="with enlarge: the scale above which the other model restores (default: 2.5)",
    )
    wrap = parser.add_argument_group("wrap")
    wrap.add_argument(
        "--vae", type=Path, metavar="VAE", help="the autoencoder of a UNet of latents"
    )
    wrap.add_argument(
        "--prediction",
        choices=("epsilon", "v", "sample"),
        help="what the UNet predicts: the noise (epsilon), the velocity (v) or the clean latent "
        "(sample); without --vae leave it out for a UNet that predicts a change of pixels",
    )
    wrap.add_argument(
        "--timestep",
        type=int,
        default=354,
        metavar="T",
        help="timestep of the UNet's one step (default: 354)",
    )
    wrap.add_argument(
        "--condition",
        type=Path,
        metavar="FILE",
        help="safetensors with the prompts `positive` and `negative` (default: random, to be "
        "trained)",
    )


def run(options: argparse.Namespace) -> int:
    """Do what is asked for; returns the exit code."""
    if len(options.files) != len(_FILES[options.action]):
        takes = ", ".join(f"{action} takes {_said(names)}" for action, names in _FILES.items())
        raise SettingsError(takes)
    if options.action == "join":
        _join(*map(Path, options.files), detail=options.detail)
    elif options.action == "enlarge":
        _enlarge(*map(Path, options.files), above=options.above)
    elif options.action == "convert":
        _convert(*map(Path, options.files), licence=options.licence)
    elif options.action == "wrap":
        _wrap(options)
    elif options.action == "show":
        path = find_model(options.files[0])
        rows = (_facts(path) | asdict(model_card(path))).items()
        sys.stdout.write("".join(f"{name:<9} {one_line(str(value))}\n" for name, value in rows))
    else:
        _list()
    return 0


def _said(names: tuple[str, ...]) -> str:
    return " ".join(names) or "none"


def _join(faithful: Path, detailed: Path, out: Path, *, detail: float) -> None:
    """Join two models to one; torch is loaded for it."""
    from vs_gendrpix.models.joining import join_models  # noqa: PLC0415 - loads torch

    join_models(faithful, detailed, out, detail=detail)


def _enlarge(model: Path, enlarging: Path, out: Path, *, above: float) -> None:
    """Give a model a second network, for strong enlargement; torch is loaded for it."""
    from vs_gendrpix.models.joining import add_enlarging  # noqa: PLC0415 - loads torch

    add_enlarging(model, enlarging, out, above=above)


def _convert(source: Path, out: Path, *, licence: str) -> None:
    """Write the weights of a .pth file as safetensors, and say what they are."""
    from vs_gendrpix.models.community import convert  # noqa: PLC0415 - loads torch

    convert(source, out, licence=licence)
    _say_made(out, licence)


def _wrap(options: argparse.Namespace) -> None:
    """Make a model file of weights in diffusers' layout, and say what they are."""
    from vs_gendrpix.models.ancestors.wrap import wrap  # noqa: PLC0415 - loads torch

    unet, out = map(Path, options.files)
    wrap(
        unet,
        out,
        vae=options.vae,
        condition=options.condition,
        prediction=options.prediction,
        timestep=options.timestep,
        licence=options.licence,
    )
    _say_made(out, options.licence)


def _say_made(out: Path, licence: str) -> None:
    """Print the licence and the hash of a new model file."""
    said = f"licence {licence}" if licence != "unknown" else "of an unknown licence: ask before use"
    sys.stdout.write(one_line(f"{out}: {said}, SHA-256 {_facts(out)['sha256']}") + "\n")


def _list() -> None:
    """Print a table of the built-in models."""
    rows = [_row(name, path) for name, path in BUILT_IN.items()]
    heads = ("NAME", "SIZE", "LICENCE", "DEFAULT FOR", "SHA-256")
    table = [heads, *(tuple(row) for row in rows)]
    widths = [max(len(row[column]) for row in table) for column in range(len(heads))]
    for row in table:
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        sys.stdout.write("  ".join(cells).rstrip() + "\n")


COMMAND = Command(
    purpose="list models, show what one says of itself, join two, convert or wrap others",
    description="List the built-in models, show the card of one, join two models to one, convert\n"
    "a .pth file to .safetensors, which can run no code, or make a model file of a UNet and a\n"
    "VAE in diffusers' layout.",
    examples=(
        ("", "the built-in models"),
        ("show base", "the card of a built-in model"),
        ("show mine.safetensors", "the card of a file"),
        ("convert 4x.pth 4x.safetensors", "weights without code"),
        ("wrap unet/ --vae vae/ --prediction v sd21.safetensors", "your own SD 2.1"),
        ("join true.safetensors rich.safetensors x.safetensors", "one for --detail"),
        ("enlarge to2.safetensors to4.safetensors x.safetensors", "one for all scales"),
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
