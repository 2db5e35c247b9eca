"""Resize and restore one frame of each clip, measure its low band and lattice, and paint it.

    python benchmarks/stills.py FOLDER [--model NAME|FILE] [--out DIR]

The frame from the middle of the first two seconds is restored to 4 times its size twice, with and
without the network, in RGB of 32-bit float, which cuts nothing off. The table shows the largest
difference of both after a Gaussian blur of 16 pixels, in code values of 255, and the energy of both
on the 8x8 lattice; JSON goes to benchmarks/results/stills.json. DIR gets the middle of both
pictures side by side, a PNG for each clip.
"""

import argparse
import json
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from vs_gendrpix.errors import GendrpixError
from vs_gendrpix.evaluation.measures.grid import lattice_ratio
from vs_gendrpix.evaluation.table import as_written
from vs_gendrpix.frame.format import ColorSpec, Frame
from vs_gendrpix.read.source import open_source
from vs_gendrpix.restore.engine import Engine
from vs_gendrpix.settings import RestoreSettings

HERE = Path(__file__).parent
SIGMA = 16
SIDE = 448
"""Pixels to a side of the painted crop."""


def middle_frame(path: Path) -> Frame:
    """Read the middle frame of the first two seconds."""
    with open_source(path, end=Fraction(2)) as source:
        frames = list(source)
    return frames[len(frames) // 2]


def restored(frame: Frame, settings: RestoreSettings) -> Tensor:
    """Restore a frame at 4 times its size, to (1, 3, H, W) RGB in [0, 1]."""
    form = frame.format
    target = replace(
        form,
        width=4 * form.width,
        height=4 * form.height,
        family="rgb",
        bits=32,
        floating=True,
        subsampling=(0, 0),
        color=ColorSpec(matrix=0, full_range=True),
    )
    with Engine(settings) as engine:
        planes = engine.clip(form, target).submit(frame).result().planes
    return torch.from_numpy(np.stack(planes))[None]


def mirrored(image: Tensor, reach: int) -> Tensor:
    """Extend a picture by its mirrored borders, so that all samples count alike."""
    for dim in (-2, -1):
        size = image.shape[dim]
        before = image.narrow(dim, 0, reach).flip(dim)
        after = image.narrow(dim, size - reach, reach).flip(dim)
        image = torch.cat([before, image, after], dim)
    return image


def blurred(image: Tensor) -> Tensor:
    """Blur a picture by a Gaussian of `SIGMA` pixels."""
    offsets = torch.arange(-3 * SIGMA, 3 * SIGMA + 1, dtype=torch.float32)
    line = torch.exp(-0.5 * (offsets / SIGMA) ** 2)
    kernel = (line / line.sum()).expand(3, 1, 1, -1)
    padded = mirrored(image, 3 * SIGMA)
    return F.conv2d(F.conv2d(padded, kernel, groups=3), kernel.mT, groups=3)


def side_by_side(resized: Tensor, result: Tensor) -> Image.Image:
    """Paint the middles of the resized and the restored picture beside one another."""
    height, width = resized.shape[-2:]
    top, left = max(0, height - SIDE) // 2, max(0, width - SIDE) // 2
    crops = [image[0, :, top : top + SIDE, left : left + SIDE] for image in (resized, result)]
    codes = torch.cat(crops, dim=-1).clamp(0, 1).mul(255).round().byte().permute(1, 2, 0)
    return Image.fromarray(codes.numpy())


def main() -> None:
    """Measure, print, and paint."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="auto")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    settings = RestoreSettings(model=options.model, dtype="fp32")
    rows = []
    print(f"{'clip':40} {'low band':>9} {'lattice, resized':>17} {'restored':>9}")
    for path in sorted(options.folder.iterdir()):
        try:
            frame = middle_frame(path)
        except GendrpixError:
            continue
        resized = restored(frame, replace(settings, strength=0))
        result = restored(frame, settings)
        rows.append(
            {
                "clip": path.name,
                "low_band": 255 * (blurred(result) - blurred(resized)).abs().max().item(),
                "lattice_resized": lattice_ratio(as_written(resized)).item(),
                "lattice_restored": lattice_ratio(as_written(result)).item(),
            }
        )
        row = rows[-1]
        print(
            f"{row['clip']:40} {row['low_band']:9.3f} {row['lattice_resized']:17.3f} "
            f"{row['lattice_restored']:9.3f}",
            flush=True,
        )
        if options.out:
            options.out.mkdir(parents=True, exist_ok=True)
            side_by_side(resized, result).save(options.out / f"{path.stem}.png")
    report = {"date": time.strftime("%Y-%m-%d"), "model": options.model, "rows": rows}
    (HERE / "results" / "stills.json").write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
