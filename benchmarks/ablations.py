"""Measure what parts of the paper's last stage, and kinds of guidance, gain in a small model.

    python benchmarks/ablations.py train RECIPE RUN [--steps N]
    python benchmarks/ablations.py judge RUN --shared DIR [--pictures N]

RUN is the folder of a recipe whose pairs and stages up to `adc` are there. `train` runs its stage
`pix` once for each of the variants below, from the same start, with the same seed and pairs, into
RUN/ablations. `judge` compares them on the pictures of DIR/data/eval that have a reference, in one
pass each; then guidance in its kinds, with the network of the whole recipe. JSON goes to
benchmarks/results/ablations.json.
"""

import argparse
import logging
import os
import platform
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vs_gendrpix.errors import GendrpixError, SettingsError
from vs_gendrpix.evaluation.comparison import compare, write_json
from vs_gendrpix.evaluation.judge import Judge, Scores
from vs_gendrpix.evaluation.methods import Method, ModelMethod, bicubic
from vs_gendrpix.evaluation.sets import referenced
from vs_gendrpix.evaluation.sheet import Sheet
from vs_gendrpix.evaluation.table import evaluate_motion, to_text
from vs_gendrpix.frame.format import FrameFormat, PixelLayout
from vs_gendrpix.models.gendrpix.padcfg import PadPlan, pad_plan
from vs_gendrpix.restore.engine import settings_restorer
from vs_gendrpix.restore.way import Way
from vs_gendrpix.settings import RestoreSettings
from vs_gendrpix.training.build import MODEL
from vs_gendrpix.training.settings import read_recipe
from vs_gendrpix.training.trainer import train

RESULT = Path(__file__).parent / "results" / "ablations.json"
SETS = ("realsr_canon", "kodak12")

VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "whole": {},
    "no MFS": {"fourier": 0.0},
    "no RandPad": {"rand_pad": False},
    "fresh critic": {"critic": "fresh"},
    "no critic": {"adversarial": 0.0},
    "two views": {"consistency": 0.3},
}
"""Variants of the recipe by name, with the settings that they change."""

GUIDANCE = 1.2
"""The weight w at which kinds of guidance are compared; the paper does not give its own."""


def _vanilla(_: int) -> PadPlan:
    """Both branches behind the same padding: classifier-free guidance as others have it."""
    positive = pad_plan(0).positive
    return PadPlan(positive=positive, negative=positive)


PLANS: Mapping[str, Callable[[int], PadPlan]] = {
    "vanilla CFG": _vanilla,
    "PadCFG, the paper's plan": lambda _: pad_plan(0),
    "PadCFG, another plan": lambda _: pad_plan(1),
    "PadCFG, a plan a frame": lambda frame: pad_plan(1 + frame),
}
"""Kinds of guidance by name, as functions from a frame's number to its pad plan."""


def train_variants(recipe_file: Path, run: Path, steps: int | None) -> None:
    """Run the last stage once for each variant; those that are done cost nothing."""
    recipe = read_recipe(recipe_file)
    if "pix" not in recipe.stage:
        raise SettingsError(f"{recipe_file} has no stage pix to leave parts out of")
    settings = recipe.stage["pix"]
    settings = replace(settings, steps=steps or settings.steps)
    for name, changes in VARIANTS.items():
        out = run / "ablations" / name
        out.mkdir(parents=True, exist_ok=True)
        for part in ("pairs", "vae", "adc"):
            if not (out / part).exists():
                (out / part).symlink_to((run / part).absolute())
        stages = {**recipe.stage, "pix": replace(settings, **changes)}
        train(replace(recipe, name=name, stage=stages), "pix", pictures=[], out=out)


class Guided:
    """A model under a kind of guidance, whose plan may change from frame to frame."""

    def __init__(self, model: Path, plans: Callable[[int], PadPlan]) -> None:
        self.settings = RestoreSettings(model_path=model, dtype="fp32", guidance=GUIDANCE)
        self.plans, self.frames = plans, count()
        self.restorer = settings_restorer(self.settings, torch.device("cpu"))

    def __call__(self, low: Tensor, scale: int) -> Tensor:
        """Enlarge and restore one picture; the call of a `Method`."""
        height, width = low.shape[-2:]
        source = FrameFormat(width=width, height=height, layout=PixelLayout(family="rgb", bits=16))
        target = replace(source, width=width * scale, height=height * scale)
        cpu = torch.device("cpu")
        plan = self.plans(next(self.frames))
        self.restorer.guided = replace(self.restorer.guided, plan=plan)
        with torch.inference_mode():
            way = Way(self.restorer, self.settings, source, target, device=cpu)
            return way.restore(low)[0]


def judge(run: Path, shared: Path, limit: int | None) -> dict[str, dict[str, Scores]]:
    """Score all variants and kinds of guidance on each set, and print the scores."""
    files = {name: run / "ablations" / name / "pix" / MODEL for name in VARIANTS}
    methods: dict[str, Method] = {"bicubic": bicubic}
    for name, path in files.items():
        methods[name] = ModelMethod(RestoreSettings(model_path=path, dtype="fp32", guidance=1.0))
    for name, plans in PLANS.items():
        methods[name] = Guided(files["whole"], plans)
    scores = {}
    for name in SETS:
        pictures = referenced(shared / "data" / "eval" / name)
        pictures = pictures if limit is None else pictures.first(limit)
        found = compare(pictures, methods, Judge(), Sheet())
        for method, motion in evaluate_motion(pictures, methods).items():
            found[method] |= motion
        print(to_text(pictures.title, found) + "\n", flush=True)
        scores[pictures.name] = found
    return scores


def main(arguments: list[str] | None = None) -> int:
    """Train or judge; returns the exit code of `errors.py`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True)
    trains = commands.add_parser("train", help="run the last stage once for each variant")
    trains.add_argument("recipe", type=Path)
    trains.add_argument("run", type=Path)
    trains.add_argument("--steps", type=int, help="instead of the recipe's")
    judges = commands.add_parser("judge", help="compare what has been trained")
    judges.add_argument("run", type=Path)
    judges.add_argument("--shared", type=Path, required=True, help="folder with data/eval")
    judges.add_argument("--pictures", type=int, help="the first N of every set only")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    try:
        if options.command == "train":
            train_variants(options.recipe, options.run, options.steps)
            return 0
        report = {
            "date": time.strftime("%Y-%m-%d"),
            "hardware": f"{os.cpu_count()} cores, {platform.machine()}",
            "guidance": GUIDANCE,
            "pictures": options.pictures,
            "sets": judge(options.run, options.shared, options.pictures),
        }
        write_json(RESULT, report)
    except GendrpixError as error:
        print(f"ablations.py: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
