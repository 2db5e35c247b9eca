"""Quality targets of the shipped models, relative to common networks."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from vs_gendrpix.evaluation.judge import Scores

GENERAL = "realesr-general-x4v3"
WDN = "realesr-general-wdn-x4v3"
DISTANCE = "SqueezeNet distance"

Rows = Mapping[str, Scores]
"""Scores on one set, by method."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A target, and the two figures that decide whether it is met.

    Attributes:
        demand: In words.
        found: The model's figure, None where it was not measured.
        bound: What it is held against, None where that was not measured.
        at_least: Whether the figure must reach the bound; else it must not exceed it.
    """

    demand: str
    found: float | None
    bound: float | None
    at_least: bool

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None if one of its figures was not measured."""
        if self.found is None or self.bound is None:
            return None
        return self.found >= self.bound if self.at_least else self.found <= self.bound

    def __str__(self) -> str:
        verdict = {True: "met", False: "**missed**", None: "not measured"}[self.met]
        if self.found is None or self.bound is None:
            return verdict
        return f"{self.found:.4g} {'≥' if self.at_least else '≤'} {self.bound:.4g} {verdict}"


def targets(
    model: str, sets: Mapping[str, Rows], speed: Mapping[str, float]
) -> list[tuple[str, Target]]:
    """List the targets of a model, each with its set.

    Args:
        model: Its name among the methods. One that begins with `base` is asked what `base` is
            asked, any other one what `tiny` is.
        sets: The scores on the sets that count.
        speed: Frames a second over those of realesr-general-x4v3, by method.
    """
    large = model.startswith("base")
    asked = [(name, target) for name, rows in sets.items() for target in _on_a_set(model, rows)]
    fast = Target(
        demand=f"speed over {GENERAL}",
        found=speed.get(model),
        bound=0.5 if large else 2.0,
        at_least=True,
    )
    return [*asked, ("320x180 to 1280x720", fast)]


def _on_a_set(model: str, rows: Rows) -> Iterator[Target]:
    large = model.startswith("base")
    upper = partial(_target, rows, model, at_least=False)
    lower = partial(_target, rows, model, at_least=True)
    if large:
        yield upper(DISTANCE, "0.9 x the better general", lambda v: 0.9 * min(v), GENERAL, WDN)
    else:
        yield upper(DISTANCE, "both generals", min, GENERAL, WDN)
    yield lower("PSNR", "general-wdn", max, WDN)
    if large:
        yield lower("SSIMULACRA2", "tiny", max, "tiny")
    else:
        yield lower("SSIMULACRA2", "bicubic and general-wdn", max, "bicubic", WDN)
    yield upper("grid", "none", lambda _: 1.10)
    yield upper("flicker", "0.8 x bicubic", lambda v: 0.8 * max(v), "bicubic")


def _target(
    rows: Rows,
    model: str,
    measure: str,
    against: str,
    bound: Callable[[list[float]], float],
    *others: str,
    at_least: bool,
) -> Target:
    values = [rows[name][measure] for name in others if measure in rows.get(name, {})]
    return Target(
        demand=f"{measure} against {against}",
        found=rows.get(model, {}).get(measure),
        bound=bound(values) if len(values) == len(others) else None,
        at_least=at_least,
    )


def to_table(demands: Mapping[str, list[tuple[str, Target]]]) -> str:
    """Write the targets as a Markdown table, a column for each model."""
    first = next(iter(demands.values()))
    lines = [["on", *demands], ["---"] * (1 + len(demands))]
    for row, (name, _) in enumerate(first):
        asked = {label: targets[row][1] for label, targets in demands.items()}
        lines.append([name, *(f"{target.demand}: {target}" for target in asked.values())])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
