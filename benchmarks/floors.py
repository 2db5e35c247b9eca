"""Minimum requirements on a model, whose detail counts only if they hold.

Unlike the targets of `benchmarks/targets.py`, which the shipped weights were made for,
these floors see what a person sees: weave, lost texture, colour in grey. docs/results/quality.md
shows which of them hold.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from benchmarks.targets import WDN, Target
from vs_gendrpix.evaluation.judge import Scores

TEACHER = "RealESRGAN_x4plus"
REFERENCED = ("realsr_canon", "kodak12, degraded")
DISTANCES = ("SqueezeNet distance", "EfficientNet distance")

Sets = Mapping[str, Mapping[str, Scores]]
"""Scores by set and method."""


@dataclass(frozen=True, slots=True)
class _Floors:
    """The floors of one model.

    Attributes:
        model: Its name among the methods; `base` and labels that begin with it have bounds of their
            own, all others those of `tiny`.
        sets: The scores.
    """

    model: str
    sets: Sets

    @property
    def large(self) -> bool:
        return self.model.startswith("base")

    def most(self, on: str, measure: str, share: float, other: str = "") -> tuple[str, Target]:
        """Require at most a figure, or at most a share of another method's."""
        return self._asked(on, measure, share, other, at_least=False)

    def least(self, on: str, measure: str, share: float, other: str = "") -> tuple[str, Target]:
        """Require at least a figure, or at least a share of another method's."""
        return self._asked(on, measure, share, other, at_least=True)

    def _asked(
        self, on: str, measure: str, share: float, other: str, *, at_least: bool
    ) -> tuple[str, Target]:
        rows = self.sets.get(on, {})
        theirs = rows.get(other, {}).get(measure) if other else 1.0
        against = f" against {'' if share == 1 else f'{share:g} x '}{other}" if other else ""
        target = Target(
            demand=f"{measure}{against}",
            found=rows.get(self.model, {}).get(measure),
            bound=None if theirs is None else share * theirs,
            at_least=at_least,
        )
        return on, target


def floors(model: str, sets: Sets, speed: Mapping[str, float]) -> list[tuple[str, Target]]:
    """List the requirements on a model, each with its set.

    Args:
        model: Its name among the methods.
        sets: The scores of a record, by set.
        speed: Frames a second over those of realesr-general-x4v3, by method.
    """
    asked = _Floors(model, sets)
    fast = Target(
        demand="speed over realesr-general-x4v3",
        found=speed.get(model),
        bound=1.0 if asked.large else 2.2,
        at_least=True,
    )
    return [*_referenced(asked), *_seen(asked), ("320x180 to 1280x720", fast)]


def _referenced(asked: _Floors) -> Iterator[tuple[str, Target]]:
    for on in REFERENCED:
        for measure in DISTANCES:
            if asked.large:
                yield asked.most(on, measure, 1.05, TEACHER)
                yield asked.most(on, measure, 0.95, WDN)
            else:
                yield asked.most(on, measure, 1, WDN)
        yield asked.least(on, "PSNR", 1, WDN)
        yield asked.least(on, "SSIMULACRA2", 1, TEACHER if asked.large else WDN)
        yield asked.most(on, "excess 95 %", 1, TEACHER if asked.large else "bicubic")
        yield asked.most(on, "grid", 1.10)
        yield asked.most(on, "grid 4", 1.10)
        yield asked.most(on, "flicker", 1, "bicubic")
        yield asked.most(on, "pan", 1.2 if asked.large else 1.3, "bicubic")
    yield asked.most("kodak12, degraded", "NIQE", 5.0 if asked.large else 5.5)


def _seen(asked: _Floors) -> Iterator[tuple[str, Target]]:
    for on in ("crops x4", "crops x2"):
        yield asked.most(on, "weave", 1, TEACHER if asked.large else "bicubic")
    for measure in ("kept 8-16", "kept 4-8", "kept 2-4"):
        yield asked.least("kodak12, clean x1", measure, 0.95)
    yield asked.least("kodak12, clean x1", "PSNR", 40)
    yield asked.most("kodak12, grey", "colour", 0.5)


def to_table(model: str, asked: list[tuple[str, Target]]) -> str:
    """Write the requirements on one model as a Markdown table, and count those that hold."""
    words = {True: "holds", False: "**does not**", None: "not measured"}
    lines = [f"| {model}, on | found | floor | |", "|---|---|---|---|"]
    for on, target in asked:
        found = "-" if target.found is None else f"{target.found:.4g}"
        bound = "-" if target.bound is None else f"{target.bound:.4g}"
        sign = "≥" if target.at_least else "≤"
        lines.append(f"| {on}: {target.demand} | {found} | {sign} {bound} | {words[target.met]} |")
    met = sum(target.met is True for _, target in asked)
    return "\n".join([f"{model}: {met} of {len(asked)} floors hold.", "", *lines])
