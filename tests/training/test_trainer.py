import copy
import csv
import os
import shutil
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from tests.conftest import SMALL
from tests.training.conftest import make_pictures
from vs_gendrpix.cli.main import main
from vs_gendrpix.errors import ModelError, SettingsError
from vs_gendrpix.models.ancestors.vae import VAEConfig
from vs_gendrpix.models.gendrpix.files import load_network, load_vae
from vs_gendrpix.models.gendrpix.padcfg import Padding, pad
from vs_gendrpix.models.joining import join_models
from vs_gendrpix.training import trainer
from vs_gendrpix.training.data.draw import Draw
from vs_gendrpix.training.data.pairs import Pair, Pairs, find_pictures
from vs_gendrpix.training.data.settings import TeacherSettings
from vs_gendrpix.training.losses import grainy
from vs_gendrpix.training.settings import Recipe, StageSettings
from vs_gendrpix.training.stages import Attempt, PixStage, conditions
from vs_gendrpix.training.trainer import Numbers, train

VAE = VAEConfig(channels=(8, 8, 16, 16), layers=1, latent_channels=4, groups=4, scaling=1.0)
FINE = replace(SMALL, in_channels=48, out_channels=48)
"""On cells of 4 pixels."""
STAGE = StageSettings(steps=6, batch=4, crop=64, warmup=2, learning_rate=2e-3)


STAGES = {
    "vae": replace(STAGE, kind="vae"),
    "latent": replace(STAGE, kind="latent"),
    "adc": replace(STAGE, kind="adc"),
    "plain": STAGE,
    "pix": STAGE,
    "calm": replace(STAGE, begins_with="pix"),
    "clean": replace(STAGE, begins_with="calm"),
    "distil": replace(STAGE, kind="distil", begins_with="clean"),
}
"""A recipe of all kinds; what a test changes stands in the test."""


QUICK = replace(STAGE, steps=1, learning_rate=1e-9, weight_decay=0.0)
"""A stage that learns nothing."""


def trained(folder: Path, out: Path, name: str, settings: StageSettings, **more) -> Path:
    """Run one stage of `STAGES`, with other settings than there."""
    settings = replace(settings, kind=STAGES[name].kind)
    plan = Recipe(name="small", workers=0, network=SMALL, vae=VAE, seed=3)
    plan = replace(plan, stage={**STAGES, name: settings}, **more)
    return train(plan, name, pictures=[folder], out=out)


@pytest.fixture
def run(folder, tmp_path):
    """Runs one stage of `STAGES`, with other settings than there, in a folder of some name."""

    def _run(name: str, settings: StageSettings, *, out: str = "run", **more) -> Path:
        return trained(folder, tmp_path / out, name, settings, **more)

    return _run


@pytest.fixture(scope="module")
def begun(tmp_path_factory) -> Path:
    """The folder of a run whose stages before `pix` have been, without learning anything."""
    folder = tmp_path_factory.mktemp("begun")
    for name in ("vae", "latent", "adc"):
        trained(make_pictures(folder / "pictures"), folder / "run", name, QUICK)
    return folder / "run"


@pytest.fixture(scope="module")
def learnt(tmp_path_factory) -> Path:
    """The folder of a run whose stage `pix` has learnt something."""
    folder = tmp_path_factory.mktemp("learnt")
    trained(make_pictures(folder / "pictures"), folder / "run", "pix", STAGE)
    return folder / "run"


def tensors(path: Path) -> dict[str, torch.Tensor]:
    saved = torch.load(path.parent / "checkpoint.pt", weights_only=True)
    flat = {
        f"{part}.{key}": value
        for part in ("student", "average", "critic")
        if part in saved
        for key, value in saved[part].items()
    }
    state = saved["optimizer"]["state"]
    return flat | {f"optimizer.{n}.{key}": value for n in state for key, value in state[n].items()}


def weights_of(model: Path) -> dict[str, torch.Tensor]:
    return load_network(model, device=torch.device("cpu"), dtype=torch.float32).state_dict()


@pytest.mark.slow
@pytest.mark.parametrize("critic", ["staged", "pixels"])
def test_a_stopped_run_ends_as_an_unbroken_one_bit_for_bit(
    run, begun, tmp_path, monkeypatch, critic
):
    """With every loss there is, the critic's included."""
    for out in ("whole", "stopped") if critic == "staged" else ():
        shutil.copytree(begun, tmp_path / out)
    weights = {
        "perceptual": 0.02,
        "fourier": 0.01,
        "adversarial": 0.05,
        "features": 0.1 if critic == "pixels" else 0.0,
        "consistency": 0.3,
        "grain": 6.0,
    }
    first = {"critic": critic, "critic_width": 8, "critic_first": 1, "critic_rate": 1e-3}
    settings = replace(
        STAGE, steps=4, negative_share=0.3, keep=0.25, save_every=2, **weights, **first
    )
    if critic == "staged":
        settings = replace(settings, begins_with="adc")
    unbroken = run("pix", settings, out="whole")
    advance = trainer._advance

    def stop_at_the_fourth(state, *rest):
        if state.step == 3:
            raise KeyboardInterrupt
        return advance(state, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(trainer, "_advance", stop_at_the_fourth)
        with pytest.raises(KeyboardInterrupt):
            run("pix", settings, out="stopped")
    resumed = run("pix", settings, out="stopped")
    for read in (tensors, weights_of):
        whole, stopped = read(unbroken), read(resumed)
        assert whole.keys() == stopped.keys()
        assert [key for key in whole if not torch.equal(whole[key], stopped[key])] == []


@pytest.mark.slow
def test_the_whole_recipe_runs(run, tmp_path, folder):
    """Every stage takes over from the one before and leaves what it promises."""
    settings = replace(STAGE, steps=3, perceptual=0.01)
    run("vae", replace(settings, divergence=1e-4))
    run("latent", settings)
    run("adc", replace(settings, perceptual=0, adversarial=0.05))
    run("plain", replace(settings, consistency=0.5, grain=6.0))
    run(
        "pix",
        replace(
            settings,
            begins_with="plain",
            adversarial=0.05,
            fourier=0.1,
            negative_share=0.5,
            target="staged",
        ),
    )
    run("calm", replace(settings, begins_with="pix", consistency=0.5))
    run("clean", replace(settings, begins_with="calm", perceptual=0.0, keep=0.5))
    model = run("distil", replace(settings, begins_with="clean", guidance=1.5))
    for stage in STAGES:
        names = {path.name for path in (tmp_path / "run" / stage).iterdir()}
        assert names == {
            "checkpoint.pt",
            "losses.csv",
            "losses.png",
            "model.safetensors",
            "samples-000003.png",
        }
        with Image.open(tmp_path / "run" / stage / "samples-000003.png") as grid:
            assert grid.size == (3 * 64, 4 * 64)  # degraded, restored, target of four regions
        with (tmp_path / "run" / stage / "losses.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert [row["step"] for row in rows] == ["3"]
        assert all(float(value) == float(value) for value in rows[0].values())
        assert ("critic" in rows[0]) == (stage in {"adc", "pix"})
        assert ("critic_right" in rows[0]) == ("critic" in rows[0])
    network = load_network(model, device=torch.device("cpu"), dtype=torch.float32)
    assert network.card.name == "small"
    assert "distil: 3 steps" in network.card.training
    vae = load_vae(
        tmp_path / "run" / "vae" / "model.safetensors",
        device=torch.device("cpu"),
        dtype=torch.float32,
    )
    pairs = Pairs(find_pictures([folder]), crop=64, seed=3)
    latents, _ = vae.encode(torch.stack([pairs[i][1] for i in range(8)]))
    assert 0.3 < latents.std() < 3
    with pytest.raises(ModelError, match="stage of training"):
        load_network(
            tmp_path / "run" / "adc" / "model.safetensors",
            device=torch.device("cpu"),
            dtype=torch.float32,
        )


@pytest.mark.slow
def test_a_stage_inherits_the_network_of_the_one_before(run, begun, tmp_path):
    shutil.copytree(begun, tmp_path / "run")
    run("pix", replace(QUICK, begins_with="adc"))
    first, second, third = (
        torch.load(tmp_path / "run" / stage / "checkpoint.pt", weights_only=True)["average"]
        for stage in ("latent", "adc", "pix")
    )
    same = [key for key in first if key in second and first[key].shape == second[key].shape]
    assert {key for key in first if key not in same} == {"body.conv_in.weight"}
    for key in same:
        if not key.startswith("body.conv_in"):
            torch.testing.assert_close(first[key], second[key], atol=1e-3, rtol=1e-3)
            if not key.startswith(("body.conv_out", "body.conv_norm_out")):
                torch.testing.assert_close(second[key], third[key], atol=1e-3, rtol=1e-3)


@pytest.mark.slow
def test_training_learns(run, folder):
    """After a few steps the network restores better than the resize it began as."""
    settings = replace(STAGE, steps=120, save_every=120, batch=8)
    network = load_network(run("pix", settings), device=torch.device("cpu"), dtype=torch.float32)
    pairs = Pairs(find_pictures([folder]), crop=64, seed=0)
    before = after = 0.0
    for number in range(1000, 1040):
        degraded, clean = pairs[number][:2]
        restored = network(degraded[None], network.positive[None])[0]
        before += float((degraded - clean).abs().mean())
        after += float((restored - clean).abs().mean())
    assert after < 0.98 * before


@pytest.mark.slow
def test_consistency_makes_two_views_of_a_crop_more_alike(run, folder):
    """Views differ by fresh grain and by where the cells lie."""
    settings = replace(STAGE, steps=30, save_every=30, grain=6.0)
    pairs = Pairs(find_pictures([folder]), crop=64, seed=0)
    degraded = torch.stack([pairs[number][0] for number in range(1000, 1030)])
    first = grainy(degraded, Draw(1), 6)
    second = pad(grainy(degraded, Draw(2), 6), Padding(top=3, left=5))
    apart = {}
    for weight in (0.0, 1.0):
        path = run("pix", replace(settings, consistency=weight), out=f"weight{weight:g}")
        network = load_network(path, device=torch.device("cpu"), dtype=torch.float32)
        restored = network(first, network.positive.expand(30, -1, -1))
        moved = network(second, network.positive.expand(30, -1, -1))[..., 3:67, 5:69]
        apart[weight] = (restored - moved).abs().mean()
    assert apart[1.0] < 0.75 * apart[0.0]


@pytest.mark.parametrize("consistency", [0.0, 0.5])
def test_pix_sees_each_view_under_grain_of_its_own(small_network, consistency):
    settings = replace(STAGE, grain=6.0, consistency=consistency)
    stage = PixStage(settings, copy.deepcopy(small_network))
    seen = []
    stage.student.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    grey = torch.zeros(16, 3, 64, 64)
    batch = Pair(grey, grey, torch.zeros(16, dtype=torch.bool), grey, torch.zeros(16))
    stage.attempt(batch, Draw(1))
    strengths = seen[0].std((1, 2, 3)) * 255 / 2
    assert 3 < strengths.max() < 8
    assert len(strengths.unique()) > 0.6 * len(strengths)  # some have none
    stage.settings = replace(settings, grain=0.0)
    stage.attempt(batch, Draw(1))
    assert not seen[1].any()


def test_negative_items_teach_the_negative_condition_alone(small_network):
    network = copy.deepcopy(small_network).requires_grad_(requires_grad=True)
    negative = torch.tensor([False, True])
    asked = conditions(network, negative)
    assert torch.equal(asked[0], network.positive)
    assert torch.equal(asked[1], network.negative)
    images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    for item, (mine, other) in enumerate((("positive", "negative"), ("negative", "positive"))):
        network.zero_grad()
        network(images, conditions(network, negative))[item].sum().backward()
        assert getattr(network, mine).grad.abs().sum() > 0
        assert getattr(network, other).grad.abs().sum() == 0


@pytest.mark.slow
def test_a_run_can_begin_with_a_model(run, learnt):
    first = learnt / "pix" / "model.safetensors"
    before = tensors(first)
    after = tensors(run("pix", replace(QUICK, begins_with=str(first), ema=0.0)))
    average = [key for key in before if key.startswith("average")]
    # The file holds half precision.
    assert all(torch.allclose(before[key], after[key], atol=2e-3) for key in average)


@pytest.mark.slow
def test_of_a_model_with_two_ends_a_run_begins_with_the_detailed_one(run, learnt, tmp_path):
    ends = [
        run("pix", replace(STAGE, learning_rate=1e-2), out="other"),
        learnt / "pix" / "model.safetensors",
        tmp_path / "both.safetensors",
    ]
    before = tensors(ends[1])
    join_models(*ends, detail=0.5)
    after = tensors(run("pix", replace(QUICK, begins_with=str(ends[2]), ema=0.0)))
    average = [key for key in before if key.startswith("average")]
    assert all(torch.allclose(before[key], after[key], atol=2e-3) for key in average)
    faithful = load_network(ends[0], device=torch.device("cpu"), dtype=torch.float32).state_dict()
    assert any(
        not torch.allclose(value, after[f"average.{key}"], atol=2e-3)
        for key, value in faithful.items()
    )


@pytest.mark.slow
def test_a_run_can_begin_with_a_model_of_fewer_layers(run, tmp_path):
    flat = replace(SMALL, groups=0)
    run("pix", STAGE, network=flat).rename(tmp_path / "flat.safetensors")
    begun = replace(
        STAGE, begins_with=str(tmp_path / "flat.safetensors"), steps=1, learning_rate=1e-9, ema=0.0
    )
    deep = run("pix", begun, network=replace(flat, layers=3), out="deep")
    image = torch.rand(1, 3, 64, 64) * 2 - 1
    first, second = (
        load_network(path, device=torch.device("cpu"), dtype=torch.float32)
        for path in (tmp_path / "flat.safetensors", deep)
    )
    before, after = (network(image, network.positive[None]) for network in (first, second))
    assert second.unet.config.layers == 3
    # The files hold half precision.
    assert (after - before).abs().mean() < (before - image).abs().mean() / 20


@pytest.mark.slow
def test_what_cannot_be_begun_with_is_said(run):
    with pytest.raises(ModelError, match="no model 'nobody'"):
        run("pix", replace(STAGE, begins_with="nobody"))
    with pytest.raises(SettingsError, match="tiny cannot begin a network of 2 layers"):
        run("pix", replace(STAGE, begins_with="tiny"), network=replace(SMALL, layers=2))
    with pytest.raises(SettingsError, match="pix needs stage plain first"):
        run("pix", replace(STAGE, begins_with="plain"))


@pytest.mark.slow
def test_behind_stage_one_pix_begins_as_the_identity(run, begun, tmp_path):
    """A last layer that knows nothing of the network before it would make pictures worse."""
    shutil.copytree(begun, tmp_path / "run")
    model = run("pix", replace(QUICK, begins_with="adc"))
    network = load_network(model, device=torch.device("cpu"), dtype=torch.float32)
    image = torch.rand(1, 3, 64, 64) * 2 - 1
    assert torch.allclose(network(image, network.positive[None]), image, atol=1e-5)
    with pytest.raises(SettingsError, match="adc, which has cells of 8"):
        run("pix", replace(QUICK, begins_with="adc"), network=FINE)


@pytest.mark.slow
def test_a_worker_process_makes_the_same_pairs(run):
    alone = tensors(run("pix", replace(STAGE, steps=3)))
    helped = tensors(run("pix", replace(STAGE, steps=3), out="helped", workers=1))
    assert all(torch.equal(alone[name], helped[name]) for name in alone)


def test_processes_share_the_numbers_without_gap_or_overlap():
    shares = [Numbers((2, 5), 4, (rank, 3)).numbers for rank in range(3)]
    assert sorted(number for share in shares for number in share) == list(range(2 * 12, 5 * 12))
    assert Numbers((0, 5), 4, (0, 1)).numbers[2 * 4 :] == Numbers((2, 5), 4, (0, 1)).numbers


def as_launched(processes: int) -> list[dict[str, str]]:
    """List the variables of processes that `torch.distributed.run` starts, which takes seconds."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(processes)}
    # Equally strong principal components of the start hang on the number of threads.
    shared |= {"LOCAL_WORLD_SIZE": str(processes), "OMP_NUM_THREADS": "1"}
    return [shared | {"RANK": str(n), "LOCAL_RANK": str(n)} for n in range(processes)]


@pytest.mark.slow
def test_two_processes_train_one_network(folder, tmp_path, monkeypatch):
    """Gradients of both are averaged: the same as one process with their crops in one batch."""
    monkeypatch.setattr(trainer, "_SHOWN", 32)  # as in the processes: the start hangs on it
    text = """
seed = 3
workers = 0
[network]
channels = [16, 32]
attention = [false, false]
layers = 1
condition_tokens = 2
condition_dim = 8
head_dim = 16
groups = 8
[stage.pix]
steps = 1
batch = BATCH
crop = 64
warmup = 0
learning_rate = 1e-3
"""
    found = []
    for processes, batch in ((1, 4), (2, 2)):
        config = tmp_path / f"{processes}.toml"
        config.write_text(text.replace("BATCH", str(batch)))
        out = tmp_path / f"out{processes}"
        command = ["train", "pix", "--pictures", str(folder), "--config", str(config)]
        command += ["--out", str(out)]
        if processes == 1:
            assert main(command) == 0
        else:
            running = [
                subprocess.Popen(
                    [sys.executable, "-m", "vs_gendrpix", *command],
                    stderr=subprocess.PIPE,
                    text=True,
                    env=os.environ | variables,
                )
                for variables in as_launched(processes)
            ]
            said = [each.communicate()[1] for each in running]
            assert [each.returncode for each in running] == [0, 0], said
        saved = torch.load(out / "pix" / "checkpoint.pt", weights_only=True)["optimizer"]["state"]
        found.append({number: state["exp_avg"] for number, state in saved.items()})
    # What AdamW makes of a gradient near 0 hangs on its last bit; the gradients themselves do not.
    largest = max(mean.abs().max().item() for mean in found[0].values())
    worst = max((found[0][n] - found[1][n]).abs().max().item() for n in found[0])
    # Networks compute in bf16 where the processor does.
    assert worst < 1e-2 * largest


@pytest.mark.slow
def test_a_stage_without_its_forerunner_is_one_line(folder, tmp_path, capsys):
    config = tmp_path / "recipe.toml"
    stages = ("vae", "latent")
    config.write_text(
        "".join(f"[stage.{name}]\nkind = '{name}'\nsteps = 1\ncrop = 64\n" for name in stages)
    )
    command = [
        "train",
        "latent",
        "--config",
        str(config),
        "--pictures",
        str(folder),
        "--out",
        str(tmp_path / "o"),
    ]
    assert main(command) == 2
    assert "needs stage vae first" in capsys.readouterr().err
    assert main([*command[:5], str(tmp_path / "nowhere"), *command[6:]]) == 3
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.slow
@pytest.mark.parametrize("network", [SMALL, FINE])
def test_a_stage_begins_with_what_another_has_learnt(run, learnt, tmp_path, network):
    if network is SMALL:
        shutil.copytree(learnt, tmp_path / "run")
    else:
        run("pix", STAGE, network=network)
    for after in ("calm", "distil"):
        run(after, replace(QUICK, begins_with="pix"), network=network)
    first, *others = (
        load_network(
            tmp_path / "run" / stage / "model.safetensors",
            device=torch.device("cpu"),
            dtype=torch.float32,
        )
        for stage in ("pix", "calm", "distil")
    )
    assert first.unet.config == network
    assert first.unet.conv_out.weight.abs().max() > 1e-4  # it has learnt
    for key, value in first.state_dict().items():
        for other in others:
            torch.testing.assert_close(other.state_dict()[key], value, atol=1e-5, rtol=1e-3)


@pytest.mark.slow
def test_a_stage_leaves_the_mean_of_what_it_began_with_and_what_it_has_learnt(
    run, learnt, tmp_path
):
    for out in ("all", "quarter"):
        shutil.copytree(learnt, tmp_path / out)
    before = weights_of(learnt / "pix" / "model.safetensors")
    clean = replace(STAGE, begins_with="pix")
    after = weights_of(run("clean", clean, out="all"))
    kept = weights_of(run("clean", replace(clean, keep=0.75), out="quarter"))
    for key, value in kept.items():
        mean = 0.75 * before[key] + 0.25 * after[key]
        torch.testing.assert_close(value, mean, atol=1e-4, rtol=1e-3)  # the files have halves
    assert max(float((after[key] - before[key]).abs().max()) for key in kept) > 0.004


@pytest.mark.slow
def test_a_critic_on_cells_of_8_judges_a_network_on_cells_of_4(run, begun, tmp_path):
    """Which begins with nothing of it: its layers see other grids."""
    shutil.copytree(begun, tmp_path / "run")
    model = run("pix", replace(QUICK, adversarial=0.05), network=FINE)
    network = load_network(model, device=torch.device("cpu"), dtype=torch.float32)
    image = torch.rand(1, 3, 64, 64) * 2 - 1
    assert torch.allclose(network(image, network.positive[None]), image, atol=1e-5)


def test_other_cells_are_one_line(run):
    with pytest.raises(ModelError, match="192 or 48 channels"):
        run("pix", STAGE, network=replace(SMALL, in_channels=27, out_channels=27))


@pytest.mark.slow
def test_the_critic_learns_alone_at_first(run):
    """The student has nothing to learn from a critic that knows nothing."""
    alone = {"adversarial": 0.1, "critic": "pixels", "critic_width": 8, "critic_rate": 1e-3}
    began = weights_of(run("pix", replace(STAGE, steps=1, learning_rate=1e-9), out="began"))
    path = run("pix", replace(STAGE, steps=4, critic_first=4, **alone))
    assert all(torch.equal(value, began[key]) for key, value in weights_of(path).items())
    longer = run("pix", replace(STAGE, steps=8, critic_first=4, **alone), out="longer")
    moved = [key for key, value in weights_of(longer).items() if not torch.equal(value, began[key])]
    assert moved
    critics = [
        {key: value for key, value in tensors(one).items() if key.startswith("critic")}
        for one in (path, longer)
    ]
    assert not all(torch.equal(value, critics[1][key]) for key, value in critics[0].items())


def test_what_a_crop_has_lost_decides_whom_the_student_follows(small_network):
    """The clean picture where it is known, the teacher where it is not, between them a mean."""
    label = TeacherSettings(model=Path("teacher.pth"), clean_below=0.4, teacher_above=0.8)
    settings = replace(STAGE, target="teacher")
    stage = PixStage(settings, copy.deepcopy(small_network), label=label)
    clean, taught = torch.full((40, 3, 64, 64), -0.5), torch.full((40, 3, 64, 64), 0.5)
    lost = torch.tensor([0.0, 0.4, 0.6, 0.8] * 10)
    batch = Pair(torch.zeros_like(clean), clean, torch.zeros(40, dtype=torch.bool), taught, lost)
    attempt = stage.attempt(batch, Draw(1))
    expected = torch.tensor([-0.5, -0.5, 0.0, 0.5] * 10)
    torch.testing.assert_close(attempt.wanted[:, 0, 5, 5], expected)
    # For real the critic takes either, and never a mean.
    real = attempt.real.flatten(1)
    assert set(real.unique().tolist()) == {-0.5, 0.5}
    assert torch.equal(real.amin(1), real.amax(1))
    plain = PixStage(replace(settings, target="clean"), copy.deepcopy(small_network), label=label)
    assert torch.equal(plain.attempt(batch, Draw(1)).wanted, clean)


def test_the_critic_of_pixels_sees_changes_behind_their_own_paddings(small_network):
    """What was there before says nothing of what the network has made."""
    settings = replace(STAGE, adversarial=0.1, critic="pixels", critic_width=8)
    stage = PixStage(settings, copy.deepcopy(small_network))
    change = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1)) / 10
    base = torch.rand(5, 3, 64, 64)
    attempt = Attempt({}, base + change, base, wanted=base, base=base)
    seen = stage.seen(attempt.output, attempt, Draw(1))
    assert seen.shape == (5, 3, 72, 72)
    phases = {
        (top, left)
        for one in seen
        for top in range(8)
        for left in range(8)
        if torch.allclose(one[:, top : top + 64, left : left + 64], 6 * change[0], atol=1e-5)
    }
    assert len(phases) > 2


def test_the_critic_of_pixels_can_see_the_detail_of_the_result(small_network):
    """Which has nothing of what is smooth, and does not hang on the degraded picture."""
    settings = replace(
        STAGE, adversarial=0.1, critic="pixels", critic_sees="detail", rand_pad=False
    )
    stage = PixStage(settings, copy.deepcopy(small_network))
    smooth = torch.linspace(-1, 1, 64).expand(1, 3, 64, 64)
    fine = 0.1 * (torch.arange(64) % 2 * 2.0 - 1).expand(1, 3, 64, 64)
    seen = [
        stage.seen(smooth + fine, Attempt({}, fine, fine, base=base), Draw(1))[..., 8:-8, 8:-8]
        for base in (smooth, fine)
    ]
    assert torch.equal(*seen)
    torch.testing.assert_close(seen[0], 3 * fine[..., 8:-8, 8:-8], atol=0.05, rtol=0)
