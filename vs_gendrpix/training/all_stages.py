"""Run all stages of a recipe, one after the other, within a given time if need be."""

import csv
import json
import logging
import os
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from vs_gendrpix.errors import SettingsError
from vs_gendrpix.training.data.stored_pairs import store_pairs
from vs_gendrpix.training.settings import Recipe
from vs_gendrpix.training.trainer import train

log = logging.getLogger(__name__)

_PROBE = 8
"""Number of steps that are timed, after as many to warm up."""
_SPENT = 0.9
"""Share of the given time that is planned: checkpoints, grids and slow moments take the rest."""


def train_all(
    recipe: Recipe, *, pictures: list[Path], out: Path, seconds: float | None = None
) -> Path:
    """Store a recipe's pairs and run its stages, except those that are complete.

    Args:
        recipe: Its stages run in its order.
        pictures: Folders of photographs.
        out: Where the stages' folders lie.
        seconds: Time for everything, by the clock: the steps of all stages become fewer or more
            by the same factor. The plan is kept in DIR/steps.json, so that a run that was stopped
            goes on with it. None leaves the steps as they are.

    Returns:
        Path of the last stage's model.

    Raises:
        SettingsError: The recipe has no stages, the time is too short for a step of each, or
            this is one of several processes.
        MediaError: There are no pictures.
        ModelError: A model to begin with is missing or bad.
    """
    began = time.monotonic()
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise SettingsError("several processes share a stage, not all: run pairs, then each stage")
    names = list(recipe.stage)
    if not names:
        raise SettingsError("the recipe has no stages: give it tables [stage.NAME]")
    if recipe.pairs.count and not (out / "pairs").exists():
        store_pairs(recipe, pictures=pictures, out=out)
    if seconds is not None:
        plan = out / "steps.json"
        if not plan.exists():
            costs = _costs(recipe, names, pictures, out)
            left = seconds - (time.monotonic() - began)
            steps = _fitted(recipe, costs, _SPENT * left)
            plan.write_text(json.dumps(steps))
            log.info("steps within %.0f s: %s", left, steps)
        recipe = _with_steps(recipe, json.loads(plan.read_text()))
    for name in names:
        model = train(recipe, name, pictures=pictures, out=out)
    return model


def _costs(recipe: Recipe, names: list[str], pictures: list[Path], out: Path) -> dict[str, float]:
    """Measure the seconds per step of each stage, in a folder beside theirs."""
    folder = out / "probe"
    folder.mkdir(parents=True, exist_ok=True)
    pairs = folder / "pairs"
    if recipe.pairs.count and not pairs.exists():
        pairs.symlink_to((out / "pairs").absolute())
    probe = _with_steps(recipe, dict.fromkeys(names, 2 * _PROBE), save_every=_PROBE)
    costs = {}
    for name in names:
        train(probe, name, pictures=pictures, out=folder)
        with (folder / name / "losses.csv").open(newline="") as file:
            rates = [float(row["crops_per_second"]) for row in csv.DictReader(file)]
        # Each rate is that since the start.
        crops = probe.stage[name].batch * _PROBE
        costs[name] = (2 * crops / rates[-1] - crops / rates[-2]) / _PROBE
    return costs


def _fitted(recipe: Recipe, costs: Mapping[str, float], seconds: float) -> dict[str, int]:
    """Scale the numbers of steps of all stages by one factor, to fit the given time."""
    whole = sum(recipe.stage[name].steps * cost for name, cost in costs.items())
    steps = {name: int(recipe.stage[name].steps * seconds / whole) for name in costs}
    if min(steps.values()) < 1:
        raise SettingsError(
            f"{max(0, seconds):.0f} s are too short for these stages: give more time"
        )
    return steps


def _with_steps(
    recipe: Recipe, steps: Mapping[str, int], *, save_every: int | None = None
) -> Recipe:
    changed = {}
    for name, count in steps.items():
        stage = recipe.stage[name]
        changed[name] = replace(stage, steps=count, save_every=save_every or stage.save_every)
    return replace(recipe, stage={**recipe.stage, **changed})
