"""Tests whether faster ways to run the network change what one sees, before they become defaults.

    python benchmarks/gate.py windows|fp8 CLIP... [--model NAME|FILE] [--frames N]

Frames of real clips are restored to four times their size, fast and exactly, by the same weights:
self-attention in windows against full attention, or linear layers in fp8 against those in bf16. A
clip of 480x270 pixels gives 1080p, one of 960x540 gives 4K. Compared are

    distance  how differently a classifier sees both (LPIPS's form): at most 0.02 for any frame
    seam      gradient energy at the borders of blocks over that elsewhere, beside the same of the
              exact one: 1.00 +- 0.02, the mean over the frames of a clip
    pan       the same over one frame that moves through a block a token at a time: what stands
              still on the screen adds up, what belongs to the picture does not: 1.00 +- 0.02

The table goes to the standard output, JSON to benchmarks/results/gate_WHAT.json (--out). Ends in 1
if a limit is broken. A CPU emulates products in fp8: slow, but the same values.
"""

import argparse
import itertools
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from vs_gendrpix.color.codes import to_rgb
from vs_gendrpix.evaluation.measures.perceptual import SqueezeNetDistance
from vs_gendrpix.frame.format import FrameFormat, PixelLayout
from vs_gendrpix.models.devices import pick_device
from vs_gendrpix.models.gendrpix.attention import SelfAttention
from vs_gendrpix.models.gendrpix.fp8 import to_fp8
from vs_gendrpix.models.gendrpix.restorer import GenDRPixRestorer
from vs_gendrpix.models.gendrpix.window_plan import axis_plan
from vs_gendrpix.read.source import open_source
from vs_gendrpix.restore.way import Way
from vs_gendrpix.settings import RestoreSettings

HERE = Path(__file__).parent
Both = tuple[GenDRPixRestorer, GenDRPixRestorer]
SCALE = 4
DISTANCE, SEAM = 0.02, 0.02
BORDER = 16
"""Pixels at the frame's edge that are not compared."""


@dataclass(frozen=True, slots=True)
class Grid:
    """The blocks of one layer: tokens along both axes, window, and pixels of a token."""

    lengths: tuple[int, int]
    window: int
    shifted: bool
    token: int

    def borders(self, axis: int) -> set[int]:
        """Pixels at which a block begins, of the padded picture."""
        plan = axis_plan(self.lengths[axis], self.window, shifted=self.shifted)
        return {first * self.token for first in plan.blocks[1:]}


def opened(settings: RestoreSettings, device: torch.device) -> GenDRPixRestorer:
    """Load the model that settings name."""
    model = settings.model_path or settings.model
    return GenDRPixRestorer(model, device=device, dtype=settings.dtype)


def windows(settings: RestoreSettings, device: torch.device) -> Both:
    """Load a model with self-attention in windows, and with full attention."""
    fast, exact = (opened(settings, device) for _ in range(2))
    if not any(isinstance(part, SelfAttention) for part in exact.network.modules()):
        sys.exit(f"gate.py: {exact.card.name} has no self-attention, so nothing to compare")
    exact.network.unet.attend_fully()
    return fast, exact


def fp8(settings: RestoreSettings, device: torch.device) -> Both:
    """Load a model with linear layers in fp8, and in bf16."""
    settings = replace(settings, dtype="bf16")
    fast, exact = (opened(settings, device) for _ in range(2))
    to_fp8(fast.network.unet)
    return fast, exact


WHAT: dict[str, Callable[[RestoreSettings, torch.device], Both]] = {
    "windows": windows,
    "fp8": fp8,
}


class Pair:
    """One model twice, fast and exact, for frames of one size."""

    def __init__(self, what: str, settings: RestoreSettings, size: tuple[int, int]) -> None:
        height, width = size
        form = FrameFormat(width=width, height=height, layout=PixelLayout(family="rgb", bits=16))
        device = pick_device(settings.device)
        fast, exact = WHAT[what](settings, device)
        self.fast, self.exact = (
            Way(one, settings, form, form, device=device) for one in (fast, exact)
        )
        self.grids: set[Grid] = set()
        padding = fast.guided.plan.positive
        self.shift = (padding.top, padding.left)
        for part in fast.network.modules():
            if isinstance(part, SelfAttention) and part.window is not None:
                part.register_forward_pre_hook(self._note)
        self.cell = fast.network.cell
        self._columns = width // self.cell

    def _note(self, layer: torch.nn.Module, args: tuple[Tensor]) -> None:
        lengths = tuple(args[0].shape[1:3])
        token = self.cell * round(self._columns / lengths[1])
        self.grids.add(Grid(lengths, layer.window, layer.shifted, token))

    @torch.inference_mode()
    def __call__(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        """Restore a (1, 3, H, W) picture in [0, 1] both ways."""
        first, second = (one.restore(picture)[0] for one in (self.fast, self.exact))
        return first, second

    def seam(self, energies: Iterable[tuple[Tensor, Tensor]], axis: int) -> float | None:
        """The seam ratio of step energies along an axis; None where all is one block."""
        pairs = [torch.stack(energy) for energy in energies]
        mean = torch.stack(pairs).mean(0)
        places = set().union(*(grid.borders(axis) for grid in self.grids))
        at = torch.zeros(mean.shape[-1], dtype=torch.bool)
        # The step before the first pixel of a block.
        at[[p - self.shift[axis] - 1 for p in places if p - self.shift[axis] < len(at)]] = True
        inner = torch.zeros_like(at)
        inner[BORDER:-BORDER] = True
        if not (at & inner).any():
            return None
        ratio = mean[:, at & inner].mean(1) / mean[:, ~at & inner].mean(1)
        return (ratio[0] / ratio[1]).item()


def steps(picture: Tensor, axis: int) -> Tensor:
    """Measure the energy of the steps from row to row (0) or from column to column (1)."""
    if axis == 0:
        picture = picture.transpose(-1, -2)
    return picture.diff(dim=-1).square().mean((0, 1, 2))


def frames(clip: Path, count: int) -> Iterable[Tensor]:
    """Yield frames of a clip, evenly over its first ten seconds, (1, 3, h, w) RGB in [0, 1]."""
    with open_source(clip) as source:
        form = source.info.format
        apart = max(1, int(min(source.info.frames or 250, 250) / count))
        for frame in itertools.islice(source, 0, apart * count, apart):
            planes = [torch.from_numpy(plane)[None] for plane in frame.planes]
            yield to_rgb(planes, form)


def enlarge(picture: Tensor) -> Tensor:
    """Enlarge a picture as the network sees it."""
    large = F.interpolate(picture, scale_factor=SCALE, mode="bicubic", antialias=True)
    return large.clamp(0, 1)


def compare(what: str, clip: Path, settings: RestoreSettings, count: int) -> dict[str, object]:
    """Measure the difference of both ways on a clip."""
    measure = SqueezeNetDistance()
    pair, distances, largest, change = None, [], 0.0, 0.0
    energies: list[list[tuple[Tensor, Tensor]]] = [[], []]
    for picture in map(enlarge, frames(clip, count)):
        size = (picture.shape[-2], picture.shape[-1])
        pair = pair or Pair(what, settings, size)
        first, second = pair(picture)
        with torch.inference_mode():
            distances.append(measure(first.clamp(0, 1), second.clamp(0, 1)).item())
        largest = max(largest, 255 * (first - second).abs().max().item())
        change = max(change, 255 * (second - picture).abs().mean().item())
        for axis in range(2):
            energies[axis].append((steps(first, axis), steps(second, axis)))
    if pair is None:
        raise SystemExit(f"{clip} has no frames")
    print(f"{clip.name}: {len(distances)} frames", file=sys.stderr)
    return {
        "clip": clip.name,
        "size": f"{size[1]}x{size[0]}",
        "frames": len(distances),
        "distance": statistics.mean(distances),
        "distance_max": max(distances),
        "code_values_max": largest,
        "change_of_exact": change,
        "seam_rows": pair.seam(energies[0], 0),
        "seam_columns": pair.seam(energies[1], 1),
        "pan": pan(what, picture, settings),
    }


def pan(what: str, picture: Tensor, settings: RestoreSettings) -> float | None:
    """Measure the seam ratio of columns over a pan through one block, of a picture's left part."""
    height, width = picture.shape[-2:]
    shown = width * 3 // 4 // 64 * 64
    pair = Pair(what, settings, (height, shown))
    pair(picture[..., :shown])
    if not pair.grids:
        return None
    grid = max(pair.grids, key=lambda grid: grid.token)
    block = axis_plan(grid.lengths[1], grid.window, shifted=grid.shifted).block
    places = range(0, min(block * grid.token, width - shown) + 1, grid.token)
    energies = []
    for place in places:
        first, second = pair(picture[..., place : place + shown])
        energies.append((steps(first, 1), steps(second, 1)))
    return pair.seam(energies, 1)


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=sorted(WHAT))
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--model", default="auto")
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    out = options.out or HERE / "results" / f"gate_{options.what}.json"
    path = Path(options.model) if Path(options.model).suffix else None
    settings = RestoreSettings(
        model="auto" if path else options.model, model_path=path, device=options.device
    )
    began = time.perf_counter()
    rows = [compare(options.what, clip, settings, options.frames) for clip in options.clips]
    print(f"{'clip':32} {'size':>10} {'frames':>6} {'distance':>9} {'seam':>13} {'pan':>6}")
    held = True
    for row in rows:
        ratios = [row[name] for name in ("seam_rows", "seam_columns", "pan")]
        kept = [ratio is None or abs(ratio - 1) <= SEAM for ratio in ratios]
        row["holds"] = all(kept) and row["distance_max"] <= DISTANCE
        held = held and row["holds"]
        said = ["-" if ratio is None else f"{ratio:.4f}" for ratio in ratios]
        print(
            f"{row['clip']:32} {row['size']:>10} {row['frames']:6} {row['distance_max']:9.5f} "
            f"{said[0]} {said[1]} {said[2]} {'holds' if row['holds'] else 'BROKEN'}"
        )
    report = {
        "date": time.strftime("%Y-%m-%d"),
        "hardware": f"{os.cpu_count()} cores, {platform.machine()}",
        "torch": torch.__version__,
        "what": options.what,
        "model": options.model,
        "seconds": time.perf_counter() - began,
        "rows": rows,
    }
    out.write_text(json.dumps(report, indent=2) + "\n")
    sys.exit(0 if held else 1)


if __name__ == "__main__":
    main()
