from dataclasses import replace
from pathlib import Path

import pytest

import vs_gendrpix.training
from vs_gendrpix.errors import SettingsError
from vs_gendrpix.models.gendrpix.unet import FULL
from vs_gendrpix.training.data.settings import TeacherSettings
from vs_gendrpix.training.settings import Recipe, StageSettings, read_recipe

RECIPES = sorted((Path(vs_gendrpix.training.__file__).parent / "recipes").glob("*.toml"))


def test_a_recipe_is_read(tmp_path):
    (tmp_path / "r.toml").write_text(
        'name = "x"\n[network]\nchannels = [32, 64]\nattention = [false, true]\n'
        "[vae]\nlatent_channels = 16\n[stage.pix]\nlearning_rate = 1\ntarget = 'teacher'\n"
        "begins_with = 'models/first.safetensors'\n[teacher]\nmodel = 'larger.pth'\n"
        "[stage.next]\nbegins_with = 'pix'\n[stage.last]\nbegins_with = 'tiny'\n"
        "mixture = ['pix', 'other.pth', 'base']\n"
    )
    recipe = read_recipe(tmp_path / "r.toml")
    assert recipe.name == "x"
    assert recipe.network.channels == (32, 64)
    assert recipe.vae.latent_channels == 16
    assert recipe.stage["pix"] == StageSettings(
        learning_rate=1.0,
        target="teacher",
        begins_with=str(tmp_path / "models" / "first.safetensors"),
    )
    assert recipe.teacher == TeacherSettings(model=tmp_path / "larger.pth")
    assert [stage.begins_with for stage in recipe.stage.values()][1:] == ["pix", "tiny"]
    assert recipe.stage["last"].mixture == ("pix", str(tmp_path / "other.pth"), "base")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[", "not TOML"),
        ("nonsense = 1", "no setting 'nonsense'"),
        ("seed = 'one'", "seed must be int"),
        ("seed = -1", "at least 0"),
        ("stage = 3", "stage must be a table"),
        ("[stage.all]", "cannot be called 'all'"),
        ("[stage.a]\nbegins_with = 'b'\n[stage.b]", "a begins with b, which is later"),
        ("[stage.a]\nkind = 'other'", "use vae, latent, adc, pix, distil"),
        ("[stage.a]\nkind = 'distil'", "distil needs begins_with"),
        ("[stage.a]\nkind = 'adc'\ncritic = 'pixels'", "a stage of kind adc sees no pixels"),
        ("[stage.a]\nfeatures = 0.1\nadversarial = 0.1", "set adversarial, critic to pixels"),
        ("[stage.a]\nfeatures = 0.1\ncritic = 'pixels'", "set adversarial, critic to pixels"),
        ("[stage.a]\ncritic_first = -1", "critic_first 0"),
        ("[stage.a]\ntarget = 'teacher'", "give the recipe a .teacher."),
        ("[teacher]\nclean_below = 0.5", "teacher.model is missing"),
        ("[teacher]\nmodel = 'x.pth'\nclean_below = 0.9", "0 <= clean_below < teacher_above"),
        ("[stage.pix]\nsteps = 0", "at least 1"),
        ("[stage.pix]\nlora = -1", "lora must be at least 0"),
        ("[stage.a]\nkind = 'vae'\nlora = 4", "0 for kind vae"),
        ("[stage.a]\nmixture = ['x.pth']\nlora = 4", "a mixture, and then no lora"),
        ("[stage.a]\nkind = 'vae'\nmixture = ['x.pth']", "only a stage of kind pix"),
        ("[stage.a]\nshares = 'all'", "use layers, channels"),
        ("[stage.a]\nmixture = ['b']\n[stage.b]", "a begins with b, which is later"),
        ("autoencoder = 'x'\n[stage.a]\nkind = 'vae'", "leave stage a out"),
        ("[network]\nprediction = 'noise'", "use epsilon, v, sample"),
        ("[stage.pix]\nsteps = true", "steps must be int"),
        ("[stage.pix]\ncrop = 60", "multiple of 8"),
        ("[stage.pix]\nema = 1.0", "ema 1"),
        ("[stage.pix]\ntarget = 'dirty'", "use clean, teacher, staged"),
        ("[stage.pix]\nnegative_share = 1.0", "negative_share"),
        ("[stage.pix]\ngrain = -1", "use 0 to 255 codes"),
        ("[stage.pix]\nlearning_rate = 0", "above 0"),
        ("[network]\nchannels = 3", "must be a list"),
        ("[network]\nchannels = [3.5]", "must be int"),
        ("[vae]\nlayers = 99", "1 to 8 layers"),
    ],
)
def test_a_wrong_recipe_is_one_clear_line(tmp_path, text, said):
    (tmp_path / "r.toml").write_text(text)
    with pytest.raises(SettingsError, match=said) as caught:
        read_recipe(tmp_path / "r.toml")
    assert "\n" not in str(caught.value).strip() or "TOML" in said


def test_a_missing_recipe_is_said(tmp_path):
    with pytest.raises(SettingsError, match="cannot read the recipe"):
        read_recipe(tmp_path / "nowhere.toml")


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_the_recipes_of_the_package_are_whole(path):
    recipe = read_recipe(path)
    assert isinstance(recipe, Recipe)
    assert recipe.stage


def test_the_full_recipe_names_the_papers_network():
    (path,) = [path for path in RECIPES if path.stem == "full"]
    recipe = read_recipe(path)
    assert recipe.network == replace(FULL, prediction="epsilon")
    assert recipe.autoencoder == path.parent / "sd21.safetensors"
    assert recipe.stage["latent"].begins_with == str(recipe.autoencoder)
    assert "RAIL" in recipe.licence
    assert all(stage.lora and stage.checkpointing for stage in recipe.stage.values())


def test_the_rate_rises_stays_and_falls():
    settings = StageSettings(steps=100, warmup=10)
    rates = [settings.rate(step) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[9:75] == [1.0] * 66
    assert rates[75:] == sorted(rates[75:], reverse=True)
    assert 0 < rates[99] < 0.05
