"""`gendrpix compare A B [C ...] -o PAGE`: a page that compares clips or pictures."""

import argparse
import sys
from pathlib import Path

from vs_gendrpix.cli.command import Command
from vs_gendrpix.errors import SettingsError, needs_extra


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what is compared, and the page."""
    parser.add_argument(
        "clips",
        nargs="+",
        type=Path,
        metavar="CLIP",
        help="a video, a picture, numbered pictures or a VapourSynth script (.vpy); 2 to 6 in all",
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="PAGE", help="the page, an .html file"
    )
    parser.add_argument(
        "--reference",
        type=Path,
        metavar="CLIP",
        help="what the others should look like, for SSIMULACRA2, VMAF and XPSNR; it is shown too "
        "(default: none, and the others are compared with the first)",
    )
    parser.add_argument(
        "--frames",
        type=int,
        default=24,
        metavar="N",
        help="largest number of frames to show, the worst among them (1 or more; default: 24)",
    )
    parser.add_argument(
        "-y", "--overwrite", action="store_true", help="replace an existing page and its pictures"
    )


def run(options: argparse.Namespace) -> int:
    """Compare, and print the path of the page; returns the exit code."""
    if options.frames < 1:
        raise SettingsError(f"{options.frames} frames cannot be shown: use 1 or more")
    with needs_extra("evaluation", "PIL"):  # torch takes seconds to load: --help shall be quick
        from vs_gendrpix.compare.command import compare  # noqa: PLC0415

    whole = compare(
        options.clips,
        options.output,
        reference=options.reference,
        frames=options.frames,
        overwrite=options.overwrite,
    )
    sys.stdout.write(f"{options.output}\n")
    return 0 if whole else 1


COMMAND = Command(
    purpose="make a page that compares clips or pictures",
    description="Make a page for the browser that compares 2 to 6 clips or pictures, frame by "
    "frame:\na slider, flipping, side by side, the difference, and measures over time.\n"
    "It works without a network. All are scaled to the largest by Lanczos.",
    examples=(
        ("in.mp4 out.mp4 -o page.html", "before and after"),
        ("tiny.mp4 base.mp4 --reference master.mov -o page.html", "which is closer"),
        ("in.mp4 film.vpy -o page.html --frames 60", "with a script's output"),
    ),
    add_arguments=add_arguments,
    run=run,
)
