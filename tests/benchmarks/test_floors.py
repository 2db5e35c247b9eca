"""The floors: what is asked of tiny and of base, what holds, what nobody measured."""

import pytest

from benchmarks.floors import REFERENCED, TEACHER, floors, to_table
from benchmarks.targets import WDN

GOOD = {
    "SqueezeNet distance": 0.2, "EfficientNet distance": 0.2, "PSNR": 28.0, "SSIMULACRA2": -20.0,
    "excess 95 %": 0.1, "grid": 1.0, "grid 4": 1.0, "flicker": 1.0, "pan": 1.0, "NIQE": 4.0,
    "weave": 0.0,
}  # fmt: skip
THEIRS = {
    "SqueezeNet distance": 0.25, "EfficientNet distance": 0.25, "PSNR": 27.0, "SSIMULACRA2": -25.0,
    "excess 95 %": 0.2, "flicker": 2.0, "pan": 2.0, "weave": 0.0,
}  # fmt: skip


def record(**worse: float) -> dict[str, dict[str, dict[str, float]]]:
    ours = GOOD | worse
    rows = {"tiny": ours, "base": ours, "bicubic": THEIRS, WDN: THEIRS, TEACHER: THEIRS}
    clean = {"kept 8-16": 1.0, "kept 4-8": 1.0, "kept 2-4": 0.97, "PSNR": 45.0} | worse
    return {
        **dict.fromkeys((*REFERENCED, "crops x4", "crops x2"), rows),
        "kodak12, clean x1": {"tiny": clean, "base": clean},
        "kodak12, grey": {"tiny": {"colour": 0.2}, "base": {"colour": 0.2}},
    }


@pytest.mark.parametrize(("model", "count"), [("tiny", 27), ("base", 31)])
def test_a_good_model_holds_all(model: str, count: int) -> None:
    asked = floors(model, record(), {model: 2.5})
    assert len(asked) == count
    assert all(target.met for _, target in asked)


@pytest.mark.parametrize(
    ("measure", "value", "both"),
    [
        ("SqueezeNet distance", 0.245, False), ("NIQE", 5.2, False), ("weave", 0.5, True),
        ("excess 95 %", 0.3, True), ("kept 2-4", 0.9, True), ("grid 4", 1.2, True),
        ("pan", 2.5, False), ("SSIMULACRA2", -26.0, True),
    ],
)  # fmt: skip
def test_what_is_worse_breaks_its_own_floors_alone(measure: str, value: float, both: bool) -> None:
    """`base` is asked for more than `tiny`."""
    for model, breaks in (("tiny", both), ("base", True)):
        asked = floors(model, record(**{measure: value}), {model: 2.5})
        broken = {target.demand for _, target in asked if not target.met}
        assert bool(broken) == breaks
        assert all(demand.startswith(measure) for demand in broken)


def test_speed_and_what_was_not_measured() -> None:
    asked = dict(floors("tiny", {}, {"tiny": 2.0}))
    assert asked["320x180 to 1280x720"].met is False
    assert asked["kodak12, grey"].met is None
    table = to_table("tiny", floors("tiny", record(), {"tiny": 2.0}))
    assert table.startswith("tiny: 26 of 27 floors hold.")
    assert "| kodak12, clean x1: PSNR | 45 | ≥ 40 | holds |" in table
    assert "**does not**" in table
