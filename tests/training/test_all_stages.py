import csv
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import SMALL
from vs_gendrpix.cli.main import main
from vs_gendrpix.errors import SettingsError
from vs_gendrpix.models.ancestors.vae import VAEConfig
from vs_gendrpix.training import all_stages
from vs_gendrpix.training.data.settings import PairSettings
from vs_gendrpix.training.settings import Recipe, StageSettings

VAE = VAEConfig(channels=(8, 8, 16, 16), layers=1, latent_channels=4, groups=4, scaling=1.0)
STAGE = StageSettings(steps=2, batch=2, crop=64, warmup=1, save_every=1000)
RECIPE = Recipe(
    workers=0,
    network=SMALL,
    vae=VAE,
    pairs=PairSettings(count=4, side=64),
    stage={
        "vae": replace(STAGE, kind="vae"),
        "latent": replace(STAGE, kind="latent"),
        "adc": replace(STAGE, kind="adc", adversarial=0.05),
        "pix": replace(STAGE, begins_with="adc"),
    },
)


@pytest.fixture
def run(folder, tmp_path):
    def _run(recipe=RECIPE, **more):
        return all_stages.train_all(recipe, pictures=[folder], out=tmp_path / "run", **more)

    return _run


def last_step(folder) -> int:
    with (folder / "losses.csv").open(newline="") as file:
        return int(list(csv.DictReader(file))[-1]["step"])


@pytest.mark.slow
def test_all_makes_the_pairs_and_runs_every_stage_once(run, tmp_path):
    model = run()
    assert model == tmp_path / "run" / "pix" / "model.safetensors"
    made = {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*")}
    assert {"pairs", "vae", "latent", "adc", "pix"} == {
        path.name for path in (tmp_path / "run").iterdir()
    }
    run()
    assert made == {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*")}


@pytest.mark.slow
def test_a_step_is_timed_apart_from_the_run(folder, tmp_path):
    recipe = replace(RECIPE, workers=0, pairs=PairSettings())
    out = tmp_path / "run"
    costs = all_stages._costs(recipe, ["vae", "latent"], [folder], out)
    assert list(costs) == ["vae", "latent"]
    assert min(costs.values()) > 0
    assert [path.name for path in out.iterdir()] == ["probe"]


@pytest.mark.slow
def test_the_steps_are_fitted_to_the_time_and_a_stopped_run_keeps_them(run, tmp_path, monkeypatch):
    plan = tmp_path / "run" / "steps.json"
    recipe = replace(
        RECIPE, workers=0, pairs=PairSettings(), stage={"vae": replace(STAGE, kind="vae")}
    )
    plan.parent.mkdir()
    monkeypatch.setattr(all_stages, "_costs", lambda *_: {"vae": 1000.0})
    run(recipe, seconds=5500)
    assert json.loads(plan.read_text()) == {"vae": 4}
    assert last_step(tmp_path / "run" / "vae") == 4
    plan.write_text(json.dumps({"vae": 6}))
    run(recipe, seconds=5500)
    assert last_step(tmp_path / "run" / "vae") == 6


@given(
    costs=st.lists(st.floats(0.001, 10), min_size=3, max_size=3),
    steps=st.lists(st.integers(1, 10**6), min_size=3, max_size=3),
    seconds=st.floats(1, 1e6),
)
def test_all_stages_change_by_the_same_factor(costs, steps, seconds):
    names = ("vae", "latent", "adc")
    stages = {name: replace(STAGE, steps=count) for name, count in zip(names, steps, strict=True)}
    of = dict(zip(names, costs, strict=True))
    try:
        fitted = all_stages._fitted(Recipe(stage=stages), of, seconds)
    except SettingsError:
        fitted = {}
    factor = seconds / sum(stages[name].steps * of[name] for name in names)
    if not fitted:
        assert min(steps) * factor < 1
        return
    assert sum(fitted[name] * of[name] for name in names) <= seconds * (1 + 1e-9)
    for name in names:
        assert 0 <= stages[name].steps * factor - fitted[name] < 1 + 1e-6 * fitted[name]


def test_too_little_time_or_no_stage_is_one_line(run, monkeypatch):
    monkeypatch.setattr(all_stages, "_costs", lambda *_: {"vae": 1000.0})
    with pytest.raises(SettingsError, match="too short"):
        run(replace(RECIPE, pairs=PairSettings()), seconds=100)
    with pytest.raises(SettingsError, match="no stages"):
        run(Recipe())
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(SettingsError, match="several processes"):
        run()


def test_minutes_go_with_all_alone(tmp_path, capsys):
    config = tmp_path / "recipe.toml"
    config.write_text("")
    for stage, minutes in (("vae", "3"), ("all", "0")):
        command = [
            "train",
            stage,
            "--config",
            str(config),
            "--out",
            str(tmp_path),
            "--minutes",
            minutes,
        ]
        assert main(command) == SettingsError.exit_code
        assert "--minutes goes with all" in capsys.readouterr().err
    command = [
        "train",
        "all",
        "--config",
        str(config),
        "--out",
        str(tmp_path / "run"),
        "--minutes",
        "3",
    ]
    assert main(command) == SettingsError.exit_code
    assert "no stages" in capsys.readouterr().err
