"""Compare colour spaces in which the network restores HDR pictures.

    python benchmarks/hdr_space.py PICTURES

SDR pictures are worn as small video (the evaluation's degradation), shown as HDR in PQ and BT.2020
with their white at 100 to 1000 cd/m2 and 10 bits, restored to four times the size with the network
in each space, and compared with the picture itself, shown the same way: on the PQ signal, whose
steps the eye sees about equally well. Figures are dB over the plain resize, whole pictures but for
their border; the table goes to benchmarks/results/hdr_space.json.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from vs_gendrpix.color.primaries import curves, with_primaries
from vs_gendrpix.evaluation.degradation import degrade
from vs_gendrpix.frame.format import ColorSpec, FrameFormat, PixelLayout
from vs_gendrpix.restore.engine import settings_restorer
from vs_gendrpix.restore.way import Way
from vs_gendrpix.settings import RestoreSettings

ROOT = Path(__file__).parents[1]
WHITES = (100, 203, 500, 1000)
SCALE, BORDER = 4, 4
LINEAR = ColorSpec(matrix=0, primaries=1, transfer=8)
WIDE = ColorSpec(matrix=0, primaries=9, transfer=8)
FROM_PQ, TO_PQ = curves(16)
FROM_HLG, TO_HLG = curves(18)
FROM_DISPLAY, TO_DISPLAY = curves(1)

Space = tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]


def display(white: float) -> Space:
    """Make the space of a BT.1886 display with a white in cd/m2, to and from PQ."""
    share = white / 10_000
    return (lambda pq: TO_DISPLAY(FROM_PQ(pq) / share), lambda v: TO_PQ(FROM_DISPLAY(v) * share))


SPACES: dict[str, Space] = {
    "PQ as it is": (lambda pq: pq, lambda v: v),
    "PQ, 1000 cd/m2 as white": (lambda pq: pq / 0.75183, lambda v: v * 0.75183),
    "HLG's curve to 1000 cd/m2": (
        lambda pq: TO_HLG(FROM_PQ(pq) * 10),
        lambda v: TO_PQ(FROM_HLG(v) / 10),
    ),
} | {f"BT.1886 with white at {white} cd/m2": display(white) for white in (203, 400, 600, 1000)}


def show(sdr: Tensor, white: float) -> Tensor:
    """Convert an SDR picture to HDR (PQ and BT.2020), its white at a number of cd/m2."""
    light = with_primaries(FROM_DISPLAY(sdr.clamp(0, 1)), LINEAR, WIDE)
    return TO_PQ(light.clamp(min=0) * (white / 10_000))


def gains(path: Path, number: int, white: float) -> dict[str, float]:
    """Measure each space's gain over the resize in dB, for one picture."""
    picture = torch.from_numpy(np.array(Image.open(path).convert("RGB"))).permute(2, 0, 1)[None]
    picture = picture[..., : picture.shape[-2] // 8 * 4, : picture.shape[-1] // 8 * 4] / 255
    small = (show(degrade(picture, number), white) * 1023).round() / 1023
    wanted = show(picture, white)
    large = [int(side) for side in picture.shape[-2:]]
    sizes = ([side // SCALE for side in large], large)
    source, target = (
        FrameFormat(width=columns, height=rows, layout=PixelLayout(family="rgb", bits=16))
        for rows, columns in sizes
    )
    settings = RestoreSettings(device="cpu", dtype="fp32")
    cpu = torch.device("cpu")
    way = Way(settings_restorer(settings, cpu), settings, source, target, device=cpu)
    resized = closeness(F.interpolate(small, large, mode="bicubic", antialias=True), wanted)
    with torch.inference_mode():
        return {
            name: closeness(leave(way.restore(enter(small))[0]), wanted) - resized
            for name, (enter, leave) in SPACES.items()
        }


def closeness(found: Tensor, wanted: Tensor) -> float:
    """PSNR in dB."""
    inner = (..., slice(BORDER, -BORDER), slice(BORDER, -BORDER))
    return float(-10 * torch.log10((found - wanted)[inner].square().mean()))


def main() -> None:
    """Print the table and keep it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("pictures", type=Path, help="a folder of clean pictures")
    paths = sorted(parser.parse_args().pictures.iterdir())
    results: dict[str, dict[str, float]] = {name: {} for name in SPACES}
    for white in WHITES:
        each = [gains(path, number, white) for number, path in enumerate(paths)]
        for name in SPACES:
            mean = sum(gain[name] for gain in each) / len(each)
            results[name][f"white {white}"] = round(mean, 3)
    for name, row in results.items():
        print(f"{name:36}", *(f"{column} {gain:+.3f} dB" for column, gain in row.items()))
    path = ROOT / "benchmarks" / "results" / "hdr_space.json"
    path.write_text(json.dumps({"pictures": len(paths), "gain": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
