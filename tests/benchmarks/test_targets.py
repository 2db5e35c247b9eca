"""The targets: each side of every bound, for both sizes of model."""

import pytest

from benchmarks.targets import GENERAL, WDN, targets, to_table

OTHERS = {
    GENERAL: {"SqueezeNet distance": 0.23, "PSNR": 25.0, "SSIMULACRA2": -40.0},
    WDN: {"SqueezeNet distance": 0.22, "PSNR": 26.0, "SSIMULACRA2": -32.0},
    "bicubic": {"SSIMULACRA2": -33.0, "flicker": 3.0},
}
REACHED = {
    "SqueezeNet distance": 0.22,
    "PSNR": 26.0,
    "SSIMULACRA2": -32.0,
    "grid": 1.1,
    "flicker": 2.4,
}
MISSED = {
    "SqueezeNet distance": 0.221,
    "PSNR": 25.99,
    "SSIMULACRA2": -32.1,
    "grid": 1.11,
    "flicker": 2.41,
}


def verdicts(model: str, rows: dict, speed: float | None) -> dict[str, bool | None]:
    asked = targets(model, {"kodak12": rows}, {} if speed is None else {model: speed})
    assert {name for name, _ in asked} == {"kodak12", "320x180 to 1280x720"}
    return {target.demand.split()[0]: target.met for _, target in asked}


def test_all_are_met_at_their_bounds() -> None:
    assert set(verdicts("tiny", {**OTHERS, "tiny": REACHED}, 2.0).values()) == {True}


@pytest.mark.parametrize("measure", [*MISSED, "speed"])
def test_each_is_missed_alone(measure: str) -> None:
    scores = REACHED | {name: value for name, value in MISSED.items() if name == measure}
    speed = 1.99 if measure == "speed" else 2.0
    found = verdicts("a variant", {**OTHERS, "a variant": scores}, speed)
    assert [name for name, met in found.items() if not met] == [measure.split(maxsplit=1)[0]]


def test_base_has_its_own_bounds() -> None:
    """A tenth less distance than the better peer, more SSIMULACRA2 than tiny, half the speed."""
    rows = {**OTHERS, "tiny": REACHED, "base": REACHED | {"SSIMULACRA2": -31.9}}
    found = verdicts("base", rows, 0.5)
    assert [name for name, met in found.items() if not met] == ["SqueezeNet"]
    rows["base"] = REACHED | {"SqueezeNet distance": 0.198, "SSIMULACRA2": -32.1}
    found = verdicts("base", rows, 0.49)
    assert [name for name, met in found.items() if not met] == ["SSIMULACRA2", "speed"]


def test_what_was_not_measured_is_neither_met_nor_missed() -> None:
    found = verdicts("tiny", {"bicubic": OTHERS["bicubic"], "tiny": REACHED}, None)
    unknown = {name for name, met in found.items() if met is None}
    assert unknown == {"SqueezeNet", "PSNR", "SSIMULACRA2", "speed"}


def test_the_table_says_both_figures_and_the_verdict() -> None:
    rows = {**OTHERS, "tiny": MISSED, "b": REACHED}
    asked = {label: targets(label, {"kodak12": rows}, {}) for label in ("tiny", "b")}
    lines = to_table(asked).splitlines()
    assert lines[0] == "| on | tiny | b |"
    (line,) = (line for line in lines if "PSNR" in line)
    assert "25.99 ≥ 26 **missed**" in line
    assert "26 ≥ 26 met" in line
    assert lines[-1].count("not measured") == 2
