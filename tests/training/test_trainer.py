import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from tests.conftest import SMALL
from vs_gendrpix.errors import MediaError, SettingsError
from vs_gendrpix.model.gendrpix import CELL, random_network
from vs_gendrpix.model.weights import load_network
from vs_gendrpix.training.__main__ import main
from vs_gendrpix.training.pictures import Pairs, find_pictures
from vs_gendrpix.training.settings import TrainingSettings
from vs_gendrpix.training.trainer import (
    Objective,
    State,
    _advance,
    _Numbers,
    start_from_components,
    train,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pictures of coloured blocks, one smaller than a region."""
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    numbers = np.random.default_rng(4)
    for name, side in (("wall_1.png", 320), ("wall_2.png", 160), ("leaf.jpg", 280)):
        blocks = numbers.integers(0, 256, (side // 8, side // 8, 3), dtype=np.uint8)
        Image.fromarray(blocks.repeat(8, 0).repeat(8, 1)).save(pictures / name)
    return pictures


@pytest.fixture
def settings(folder: Path, tmp_path: Path) -> TrainingSettings:
    return TrainingSettings(
        folders=(folder,),
        out=tmp_path / "run",
        steps=6,
        batch=4,
        crop=64,
        warmup=2,
        learning_rate=2e-3,
        workers=0,
        save_every=3,
        ema=0.5,
    )


def weights(path: Path) -> dict[str, torch.Tensor]:
    return load_network(path, device=torch.device("cpu"), dtype=torch.float32).state_dict()


def run(settings: TrainingSettings) -> Path:
    return train(settings, config=SMALL, device=torch.device("cpu"))


def test_a_checkpoint_holds_the_whole_state(settings, tmp_path):
    """With the pairs that follow from their numbers, this is what a run needs to go on exactly."""
    device, worn = torch.device("cpu"), torch.rand(4, 3, 64, 64) * 2 - 1
    before, after = (State.begin(settings, SMALL, worn, device) for _ in range(2))
    for _ in range(2):
        _advance(before, settings, Objective(settings), worn, worn * 0.9)
    before.save(tmp_path / "checkpoint.pt")
    after.load(tmp_path / "checkpoint.pt")
    assert after.step == before.step == 2
    for name in ("network", "average"):
        first, second = (getattr(state, name).state_dict() for state in (before, after))
        assert all(torch.equal(first[key], second[key]) for key in first)
    first, second = (state.optimizer.state_dict()["state"] for state in (before, after))
    assert all(torch.equal(first[n][key], second[n][key]) for n in first for key in first[n])


def test_a_stopped_run_goes_on_where_it_stood(settings):
    run(replace(settings, steps=3))
    run(settings)
    with (settings.out / "losses.csv").open(newline="") as file:
        assert [row["step"] for row in csv.DictReader(file)] == ["3", "6"]
    assert list(_Numbers(3 * 4, 6 * 4)) == list(_Numbers(0, 6 * 4))[3 * 4 :]


def test_a_run_can_begin_with_a_model(settings, tmp_path):
    first = run(settings)
    next_settings = replace(
        settings, start=first, out=tmp_path / "next", steps=1, learning_rate=1e-6, ema=0.0
    )
    before, after = weights(first), weights(run(next_settings))
    # The file holds half precision.
    assert all(torch.allclose(before[name], after[name], atol=2e-3) for name in before)


def test_a_run_leaves_what_it_promises(settings):
    model = run(settings)
    names = {path.name for path in settings.out.iterdir()}
    assert names == {
        "checkpoint.pt",
        "losses.csv",
        "model.safetensors",
        "samples-000003.png",
        "samples-000006.png",
    }
    with (settings.out / "losses.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["3", "6"]
    assert all(float(row["l1"]) > 0 and float(row["perceptual"]) > 0 for row in rows)
    with Image.open(settings.out / "samples-000006.png") as grid:
        assert grid.size == (3 * 64, 4 * 64)  # worn, restored, clean of four regions
    card = load_network(model, device=torch.device("cpu"), dtype=torch.float32).card
    assert card.name == "run"
    assert "6 steps" in card.training


def test_training_learns(settings, folder):
    """After a few steps the network restores better than the resize it began as."""
    settings = replace(settings, steps=120, save_every=120, batch=8, fourier=0.0, perceptual=0.0)
    network = load_network(run(settings), device=torch.device("cpu"), dtype=torch.float32)
    pairs = Pairs(find_pictures([folder]), crop=64, seed=0)
    before = after = 0.0
    for number in range(1000, 1040):
        worn, clean = pairs[number]
        restored = network(worn[None], network.positive[None])[0]
        before += float((worn - clean).abs().mean())
        after += float((restored - clean).abs().mean())
    assert after < 0.98 * before


def test_a_start_from_components_is_nearly_the_resize_and_sees_detail(folder):
    pairs = Pairs(find_pictures([folder]), crop=64, seed=0)
    worn = torch.stack([pairs[number][0] for number in range(32)])
    network = random_network(SMALL, seed=0)
    start_from_components(network, worn)
    with torch.no_grad():
        features = network.unet.conv_in(F.pixel_unshuffle(worn, CELL)).transpose(0, 1).flatten(1)
        output = network(worn, network.positive.expand(len(worn), -1, -1))
    assert 0 < (output - worn).abs().mean() < 8 / 127.5
    # The faintest of the components reaches the network as strongly as brightness does.
    spread = features.std(1)
    assert spread.max() / spread.min() < 3


def test_pairs_follow_from_their_number(folder):
    paths = find_pictures([folder])
    first, second = Pairs(paths, crop=64, seed=1), Pairs(paths, crop=64, seed=1)
    second[5]  # the order of the questions must not matter
    for mine, theirs in zip(first[9], second[9], strict=True):
        assert mine.shape == (3, 64, 64)
        assert torch.equal(mine, theirs)
    assert not torch.equal(first[9][1], Pairs(paths, crop=64, seed=2)[9][1])


def test_worn_and_clean_are_the_same_place(folder):
    pairs = Pairs(find_pictures([folder]), crop=64, seed=0)
    worn, clean = map(torch.stack, zip(*(pairs[i] for i in range(24)), strict=True))
    matched = (worn - clean).abs().mean()
    assert matched < 0.8 * (worn - clean.roll(1, 0)).abs().mean()
    assert worn.abs().max() <= 1


def test_a_worker_process_makes_the_same_pairs(settings, tmp_path):
    alone = weights(run(replace(settings, steps=3)))
    helped = weights(run(replace(settings, steps=3, workers=1, out=tmp_path / "helped")))
    assert all(torch.equal(alone[name], helped[name]) for name in alone)


@pytest.mark.parametrize(
    "wrong",
    [{"batch": 0}, {"crop": 60}, {"crop": 32}, {"steps": 0}, {"ema": 1.0}],
)
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(SettingsError):
        TrainingSettings(folders=(Path(),), out=Path(), **wrong)


def test_the_rate_rises_stays_and_falls():
    settings = TrainingSettings(folders=(), out=Path(), steps=100, warmup=10, learning_rate=1.0)
    rates = [settings.rate(step) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[9:75] == [1.0] * 66
    assert rates[75:] == sorted(rates[75:], reverse=True)
    assert 0 < rates[99] < 0.05


def test_no_pictures_is_one_line(tmp_path, capsys):
    with pytest.raises(MediaError, match="no pictures"):
        find_pictures([tmp_path])
    assert main([str(tmp_path / "nowhere"), "--out", str(tmp_path / "x")]) == 3
    assert capsys.readouterr().err.count("\n") == 1
