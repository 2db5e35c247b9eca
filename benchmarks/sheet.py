"""The fixed sheet of 24 crops, restored by every method, for judging by eye.

    python -m benchmarks.sheet --shared DIR --models tiny base [LABEL=FILE ...] --out FILE...

Rows are the places of `benchmarks/crops.py`, enlarged 4, 2 and 1 times. Columns are two
resizes, realesr-general-wdn-x4v3, Real-ESRGAN x4plus and the models; networks compute in bf16
where the device does, as they do for people. The peers are left out where DIR lacks them or
spandrel is not installed.

A PNG shows the crops whole. A JPEG is for documents: it shows the most detailed part of each, at
the same size of a pixel. docs/results/sheet.md shows one and says what there is to see.
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

import torch
from tqdm import tqdm

from benchmarks.crops import CROPS, SIZE, cut
from benchmarks.in_turn import autocast
from vs_gendrpix.errors import GendrpixError, ModelError, SettingsError
from vs_gendrpix.evaluation.methods import Method, ModelMethod, bicubic, lanczos, peer
from vs_gendrpix.evaluation.sheet import Sheet
from vs_gendrpix.evaluation.table import as_written
from vs_gendrpix.models.catalogue import find_model
from vs_gendrpix.models.devices import pick_device, pick_dtype
from vs_gendrpix.settings import RestoreSettings

PART = (160, 192)
"""Rows and columns of what a JPEG shows of a crop."""
OTHERS = {
    "general-wdn": "peers/realesr-general-wdn-x4v3.pth",
    "x4plus": "teacher/RealESRGAN_x4plus.safetensors",
}


def main(arguments: list[str] | None = None) -> int:
    """Restore and paint; returns the exit code of `errors.py`."""
    options = _parser().parse_args(arguments)
    try:
        _paint(options)
    except GendrpixError as error:
        print(f"sheet.py: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--shared", type=Path, required=True, help="folder with data/video/good")
    parser.add_argument(
        "--models", nargs="*", default=[], metavar="MODEL", help="built-in names, or LABEL=FILE"
    )
    parser.add_argument(
        "--out", type=Path, nargs="+", required=True, metavar="FILE", help="PNG or JPEG files"
    )
    parser.add_argument("-d", "--device", default="auto", help="auto, cpu, cuda or cuda:N")
    return parser


def _paint(options: argparse.Namespace) -> None:
    data = options.shared / "data"
    methods: dict[str, Method] = {"bicubic": bicubic, "lanczos": lanczos}
    methods |= _others(data, options.device)
    methods |= model_methods(options.models, options.device)
    sheets = {
        path: Sheet(PART if path.suffix in {".jpg", ".jpeg"} else SIZE) for path in options.out
    }
    for crop in tqdm(CROPS, unit="crop", disable=None):
        sample = cut(data / "video" / "good", crop)
        results = {name: as_written(m(sample.low, crop.scale)) for name, m in methods.items()}
        for sheet in sheets.values():
            sheet.add(results, f"{crop.kind} x{crop.scale}: {crop.clip}, frame {crop.frame}")
    for path, sheet in sheets.items():
        sheet.save(path)


def model_methods(arguments: list[str], device: str) -> dict[str, Method]:
    """Load models of the command line: built-in names, or LABEL=FILE.

    Args:
        arguments: These.
        device: A name that `pick_device` knows.

    Raises:
        ModelError: There is no such model.
    """
    found: dict[str, Method] = {}
    for argument in arguments:
        label, equals, file = argument.partition("=")
        path = find_model(file if equals else label)
        found[label] = ModelMethod(RestoreSettings(model_path=path, device=device))
    return found


def _others(data: Path, device: str) -> Mapping[str, Method]:
    """Load the networks for comparison that are in the shared folder."""
    chosen = pick_device(device)
    dtype = pick_dtype("auto", chosen)
    found: dict[str, Method] = {}
    for label, file in OTHERS.items():
        try:
            network = peer(data / file, chosen)
            found[label] = autocast(network, dtype, chosen) if dtype == torch.bfloat16 else network
        except (SettingsError, ModelError) as error:
            print(f"sheet.py: no {label}: {error}", file=sys.stderr)
    return found


if __name__ == "__main__":
    sys.exit(main())
