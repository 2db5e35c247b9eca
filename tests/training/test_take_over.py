"""A chain that begins as the function of a compact network of Real-ESRGAN's."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from spandrel.architectures.Compact import Compact as SRVGGNetCompact

from tests.strategies import SMALL
from tests.training.conftest import make_pictures
from vs_gendrpix.errors import SettingsError
from vs_gendrpix.models.card import ModelCard
from vs_gendrpix.models.community import load_community
from vs_gendrpix.models.gendrpix.compact import CompactConfig
from vs_gendrpix.models.gendrpix.network import GenDRPix
from vs_gendrpix.training import stages, trainer
from vs_gendrpix.training.beginnings import new, take_over
from vs_gendrpix.training.build import build
from vs_gendrpix.training.data.pairs import Pair
from vs_gendrpix.training.settings import Recipe, StageSettings, read_recipe
from vs_gendrpix.training.stages import PixStage
from vs_gendrpix.training.trainer import train

BORDER = 40
"""Pixels at a picture's border, where zeros beyond it are other values of other layers."""


def chain(**values) -> GenDRPix:
    return new(GenDRPix, CompactConfig(**values), channels=(48, 48), seed=0)


def compact(seed: int = 0, **values) -> SRVGGNetCompact:
    torch.manual_seed(seed)
    return SRVGGNetCompact(**{"num_feat": 8, "num_conv": 2, "upscale": 4} | values)


def take_over_of(other: SRVGGNetCompact) -> dict[str, torch.Tensor]:
    student = chain(width=8, layers=2)
    take_over(student, other)
    return student.body.state_dict()


def differences(
    student: GenDRPix, other: torch.nn.Module, small: torch.Tensor
) -> tuple[float, float]:
    """Mean difference of both results, and of the other's from the resize, without the border."""
    large = F.interpolate(small, scale_factor=4, mode="bicubic", antialias=True)
    with torch.inference_mode():
        wanted = other(small)
        found = (student(large * 2 - 1, student.positive[None]) + 1) / 2
    cut = slice(BORDER, -BORDER)
    return tuple((wanted - image)[..., cut, cut].abs().mean().item() for image in (found, large))


def test_it_gives_the_other_networks_result(monkeypatch):
    # What is taken from the chain's change, the pattern of its cells, the other network keeps.
    monkeypatch.setattr(
        "vs_gendrpix.models.gendrpix.network.without_lattice", lambda cells, **_: cells
    )
    student, other = chain(width=8, layers=2), compact()
    take_over(student, other)
    small = torch.rand(1, 3, 48, 56, generator=torch.Generator().manual_seed(1))
    found, change = differences(student, other, small)
    assert found < 0.01 * change
    assert not student.positive.any()


@pytest.mark.slow
def test_it_gives_real_weights_result(shared, monkeypatch):
    monkeypatch.setattr(
        "vs_gendrpix.models.gendrpix.network.without_lattice", lambda cells, **_: cells
    )
    other = load_community(shared / "peers/realesr-general-wdn-x4v3.pth").model
    student = chain()
    take_over(student, other)
    small = F.interpolate(torch.rand(1, 3, 20, 24), (80, 96), mode="bicubic").clamp(0, 1)
    global_border = 35 * 4
    large = F.interpolate(small, scale_factor=4, mode="bicubic", antialias=True)
    with torch.inference_mode():
        wanted = other(small)
        found = (student(large * 2 - 1, student.positive[None]) + 1) / 2
    cut = slice(global_border, -global_border)
    difference = (wanted - found)[..., cut, cut].abs().mean()
    assert difference < 0.001 < (wanted - large)[..., cut, cut].abs().mean()


def recipe(tmp_path) -> Recipe:
    torch.save(compact().state_dict(), tmp_path / "peer.pth")
    (tmp_path / "r.toml").write_text(
        "[compact]\nwidth = 8\nlayers = 2\n"
        "[stage.first]\nbegins_with = 'peer.pth'\n"
        "[stage.bare]\n"
        "[stage.tall]\nbegins_with = 'tiny'\n"
        "[stage.late]\nkind = 'adc'\n"
        "[stage.mixed]\nbegins_with = 'peer.pth'\nmixture = ['first', 'other.pth']\n"
        "steps = 4\nsave_every = 2\nbatch = 1\ncrop = 64\nlearning_rate = 0.1\n"
        "warmup = 0\nema = 0.0\ntexture = 0.1\nphases = 0.1\n"
    )
    return read_recipe(tmp_path / "r.toml")


def test_a_stage_begins_with_a_peers_file(tmp_path):
    stage = build("first", recipe(tmp_path), out=tmp_path, degraded=torch.zeros(1, 3, 64, 64))
    (first,) = [value for name, value in compact().named_parameters() if name == "body.2.weight"]
    assert torch.equal(stage.student.body.layers[0][0].weight, first)


def test_a_stage_may_learn_a_share_for_each_layer(tmp_path):
    made = recipe(tmp_path)
    torch.save(compact(seed=1).state_dict(), tmp_path / "other.pth")
    stage = replace(made.stage["mixed"], mixture=made.stage["mixed"].mixture[1:], shares="layers")
    made = replace(made, stage={"mixed": stage})
    student = build("mixed", made, out=tmp_path, degraded=torch.zeros(1, 3, 64, 64)).student
    trained = [weight for weight in student.parameters() if weight.requires_grad]
    assert [weight.shape for weight in trained] == [(1, 1)] * 2 * 2


def test_a_chain_learns(tmp_path):
    """From its beginning as the resize."""
    stage = build("bare", recipe(tmp_path), out=tmp_path, degraded=torch.zeros(1, 3, 64, 64))
    clean = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    pair = Pair(clean / 2, clean, torch.tensor([False]), clean, torch.tensor([0.0]))
    assert torch.equal(stage.show(stage.student, pair.degraded), pair.degraded)
    optimizer = torch.optim.Adam(stage.student.parameters(), 0.02)
    losses = []
    for step in range(8):
        total = stage.losses(pair, (0, step))[0]["total"]
        losses.append(total.item())
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
    assert losses[-1] < 0.8 * losses[0]


@pytest.mark.slow
def test_shares_of_other_networks_are_learnt_and_resume_bit_for_bit(tmp_path, monkeypatch):
    made = recipe(tmp_path)
    whole = replace(made.stage["mixed"], mixture=())
    made = replace(made, workers=0, stage={**made.stage, "first": whole})
    torch.save(compact(seed=1).state_dict(), tmp_path / "other.pth")
    pictures = [make_pictures(tmp_path / "pictures")]

    def run(name: str, out: str = "out") -> dict[str, torch.Tensor]:
        return load_file(train(made, name, pictures=pictures, out=tmp_path / out))

    def begun(name: str) -> dict[str, torch.Tensor]:
        stage = build(name, made, out=tmp_path / "out", degraded=torch.zeros(1, 3, 64, 64))
        return stage.student.body.state_dict()

    first, mixed = run("first"), run("mixed")
    columns = (tmp_path / "out" / "mixed" / "losses.csv").read_text().splitlines()[0].split(",")
    assert {"texture", "phases"} < set(columns)
    begin, other = begun("first"), take_over_of(compact(seed=1))
    for name in ("conv_in.weight", "conv_out.weight", "shortcut.weight"):
        assert torch.equal(mixed[name], begin[name].half())
        assert not torch.equal(mixed[name], first[name])
    kernel = "layers.0.0.weight"
    learnt, *spans = (w[kernel].float() - begin[kernel] for w in (mixed, first, other))
    assert learnt.abs().max() > 0.01
    for channel in range(8):  # nothing but what lies between the others
        span = torch.stack([one[channel].flatten() for one in spans], 1)
        aim = learnt[channel].flatten()
        shares = torch.linalg.lstsq(span, aim[:, None]).solution[:, 0]
        assert (aim - span @ shares).abs().max() < 2e-3

    advance = trainer._advance

    def stop_at_the_third(state, *rest):
        if state.step == 2:
            raise KeyboardInterrupt
        return advance(state, *rest)

    (tmp_path / "out" / "mixed").rename(tmp_path / "unbroken")
    with monkeypatch.context() as patch:
        patch.setattr(trainer, "_advance", stop_at_the_third)
        with pytest.raises(KeyboardInterrupt):
            run("mixed")
    resumed = run("mixed")
    assert all(torch.equal(value, mixed[name]) for name, value in resumed.items())


@pytest.mark.parametrize(
    ("stage", "message"),
    [("tall", "another chain than"), ("late", "needs a UNet: give the recipe")],
)
def test_what_a_chain_cannot_begin_with_is_said(tmp_path, stage, message):
    with pytest.raises(SettingsError, match=message):
        build(stage, recipe(tmp_path), out=tmp_path, degraded=torch.zeros(1, 3, 64, 64))


def test_a_recipe_has_one_network(tmp_path):
    (tmp_path / "r.toml").write_text("[network]\nlayers = 2\n[compact]\nlayers = 2\n")
    with pytest.raises(SettingsError, match="keep one"):
        read_recipe(tmp_path / "r.toml")


@pytest.mark.parametrize(
    ("student", "other"),
    [
        (chain(width=8, layers=3), compact()),
        (chain(width=16, layers=2), compact()),
        (chain(width=8, layers=2), compact(upscale=2)),
        (chain(width=8, layers=2), compact(act_type="relu")),
        (new(GenDRPix, CompactConfig(width=8, layers=2), channels=(192, 192), seed=0), compact()),
        (GenDRPix(SMALL, ModelCard(name="unet")), compact()),
    ],
    ids=["layers", "width", "scale", "activation", "cells", "unet"],
)
def test_another_network_is_refused(student, other):
    with pytest.raises(SettingsError, match="compact network of scale 4 alone"):
        take_over(student, other)


def test_both_views_of_a_chain_have_the_phase_that_it_restores(monkeypatch):
    """Its cells are pixels of the source: at other phases it never works."""
    seen = set()

    def pad(image, padding):
        seen.add((padding.top, padding.left))
        return original(image, padding)

    original = stages.pad
    monkeypatch.setattr(stages, "pad", pad)
    picture = torch.zeros(1, 3, 64, 64)
    pair = Pair(picture, picture, torch.tensor([False]), picture, torch.tensor([0.0]))
    settings = StageSettings(consistency=0.5)
    stage = PixStage(settings, chain(width=8, layers=2))
    for step in range(12):
        stage.losses(pair, (0, step))
    assert seen == {(top, left) for top in (0, 4) for left in (0, 4)}
