"""`gendrpix export`: write a model as ONNX."""

import argparse
import hashlib
import re
import sys
from pathlib import Path

from vs_gendrpix.cli.command import Command
from vs_gendrpix.cli.options import add_some
from vs_gendrpix.errors import DeviceError, needs_extra, one_line
from vs_gendrpix.models.catalogue import find_model, model_card
from vs_gendrpix.settings import RestoreSettings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the model, the file to write, and the choices of the file."""
    parser.add_argument(
        "model", metavar="MODEL", help="name of a built-in model, or a file of ours"
    )
    parser.add_argument("out", type=Path, metavar="OUT.onnx", help="the file to write")
    sizes = parser.add_mutually_exclusive_group()
    sizes.add_argument(
        "--dynamic",
        action="store_true",
        help="for pictures of any size from 16x16 on (default); where the model has windows of "
        "self-attention, it sees the whole picture instead",
    )
    sizes.add_argument(
        "--size",
        type=_size,
        metavar="WxH",
        help="for pictures of this size alone, 16 to 8192 pixels a side",
    )
    parser.add_argument(
        "--fp16",
        action="store_true",
        help="weights and arithmetic in float16; pictures stay float32",
    )
    parser.add_argument(
        "--scale",
        type=float,
        default=4,
        metavar="X",
        help="how many times the pictures will be enlarged: a model may have another network for "
        "strong enlargement, which needs them at four times their size (default: 4)",
    )
    add_some(parser, RestoreSettings, "detail", "guidance")


def _size(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"([0-9]{1,5})x([0-9]{1,5})", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no size: use 1920x1080")
    return int(found[1]), int(found[2])


def run(options: argparse.Namespace) -> int:
    """Write the file, and say what it is; returns the exit code."""
    with needs_extra("onnx", "onnx"):  # torch takes seconds to load: --help shall be quick
        from vs_gendrpix.models.devices import out_of_memory  # noqa: PLC0415
        from vs_gendrpix.models.gendrpix.export import export_onnx  # noqa: PLC0415

    chosen = RestoreSettings(model=options.model, detail=options.detail, guidance=options.guidance)
    try:
        export_onnx(
            chosen.model,
            options.out,
            size=options.size,
            half=options.fp16,
            detail=chosen.detail,
            guidance=chosen.guidance,
            scale=options.scale,
        )
    except (MemoryError, RuntimeError) as error:
        if not out_of_memory(error):
            raise
        raise DeviceError("not enough memory to record the network: use --dynamic") from error
    if not options.quiet:
        sys.stdout.write(one_line(_said(options)) + "\n")
    return 0


def _said(options: argparse.Namespace) -> str:
    """Describe the written file in one line."""
    size = "{}x{} pixels".format(*options.size) if options.size else "pictures of any size"
    content = options.out.read_bytes()
    return (
        f"{options.out}: {len(content) / 1e6:.1f} MB, for {size}, "
        f"licence {model_card(find_model(options.model)).licence}, "
        f"SHA-256 {hashlib.sha256(content).hexdigest()}"
    )


COMMAND = Command(
    purpose="write a model as ONNX, for other runtimes",
    description="Write a model as ONNX, for vs-mlrt and other runtimes: float R'G'B' in [0, 1] in\n"
    "and out, at the size of the output. Resize before it; docs/models.md has a script.",
    examples=(
        ("tiny tiny.onnx", "for any size"),
        ("base base.onnx --scale 2 --size 1920x1080 --fp16", "for one size, in half precision"),
        ("tiny rich.onnx --detail 1", "with most detail"),
    ),
    add_arguments=add_arguments,
    run=run,
)
