"""Compare whites of the space in which the network restores log scans and camera log.

    python -m benchmarks.log_space PICTURES

As `hdr_space.py` does: SDR pictures are worn as small video and taken for scenes, the brightest
0.5 to 4 times a diffuse white. They are coded in a log curve of 10 bits, restored to four times the
size, and compared with the picture itself in the same code values. Figures are dB over the plain
resize, of a crop of each picture, on average; the table goes to benchmarks/results/log_space.json.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from benchmarks.hdr_space import FROM_DISPLAY, ROOT, SCALE, TO_DISPLAY, closeness
from vs_gendrpix.color.log_curves import LOG_CURVES
from vs_gendrpix.evaluation.degradation import degrade
from vs_gendrpix.frame.format import FrameFormat, PixelLayout
from vs_gendrpix.frame.transfer import CINEON, LOGC3
from vs_gendrpix.restore.engine import settings_restorer
from vs_gendrpix.restore.way import Way
from vs_gendrpix.settings import RestoreSettings

CURVES = {"LogC3": LOGC3, "Cineon": CINEON}
SCENES = (0.5, 1, 4)
WHITES = (0.5, 1, 2, 4, 8)
SIZE = (256, 384)
AS_CODED = "as it is coded"


def way() -> Way:
    """Make what restores pictures of `SIZE` from a quarter of it."""
    settings, cpu = RestoreSettings(device="cpu", dtype="fp32"), torch.device("cpu")
    small, large = (
        FrameFormat(width=columns, height=rows, layout=PixelLayout(family="rgb", bits=16))
        for rows, columns in ((SIZE[0] // SCALE, SIZE[1] // SCALE), SIZE)
    )
    return Way(settings_restorer(settings, cpu), settings, small, large, device=cpu)


@torch.inference_mode()
def gains(path: Path, number: int, curve: int, scene: float) -> dict[str, float]:
    """Measure each white's gain over the resize in dB, for one picture."""
    light, code = LOG_CURVES[curve]
    picture = torch.from_numpy(np.array(Image.open(path).convert("RGB"))).permute(2, 0, 1)[None]
    picture = picture[..., : SIZE[0], : SIZE[1]] / 255

    def shot(sdr: Tensor) -> Tensor:
        return code(FROM_DISPLAY(sdr.clamp(0, 1)) * scene)

    wanted, small = shot(picture), (shot(degrade(picture, number)) * 1023).round() / 1023
    resized = closeness(F.interpolate(small, SIZE, mode="bicubic", antialias=True), wanted)
    restore = way().restore
    found = {AS_CODED: restore(small)[0]}
    for white in WHITES:
        seen = TO_DISPLAY(light(small) / white)
        found[f"white {white:g}"] = code(FROM_DISPLAY(restore(seen)[0]) * white)
    return {name: closeness(made, wanted) - resized for name, made in found.items()}


def main() -> None:
    """Print the table and keep it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("pictures", type=Path, help="a folder of clean pictures")
    paths = sorted(parser.parse_args().pictures.iterdir())
    results: dict[str, dict[str, float]] = {}
    for name, curve in CURVES.items():
        for scene in SCENES:
            each = [gains(path, number, curve, scene) for number, path in enumerate(paths)]
            row = {key: round(sum(gain[key] for gain in each) / len(each), 3) for key in each[0]}
            results[f"{name}, scene to {scene:g}"] = row
            print(f"{name}, scene to {scene:g}", *(f"{k} {v:+.3f} dB" for k, v in row.items()))
    path = ROOT / "benchmarks" / "results" / "log_space.json"
    path.write_text(json.dumps({"pictures": len(paths), "gain": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
