"""A file with a second network, which restores what is strongly enlarged."""

import pytest
import torch
import torch.nn.functional as F

from tests.strategies import frame_format, noise_frame
from vs_gendrpix.cli.main import main
from vs_gendrpix.errors import ModelError, OutputError
from vs_gendrpix.models.card import ModelCard
from vs_gendrpix.models.catalogue import model_card
from vs_gendrpix.models.gendrpix.compact import CompactConfig
from vs_gendrpix.models.gendrpix.files import check_model, load_network, save_network
from vs_gendrpix.models.gendrpix.network import random_network
from vs_gendrpix.models.gendrpix.restorer import GenDRPixRestorer
from vs_gendrpix.models.gendrpix.unet import UNetConfig
from vs_gendrpix.models.joining import add_enlarging, join_models
from vs_gendrpix.restore.engine import Engine
from vs_gendrpix.settings import RestoreSettings

CPU = torch.device("cpu")
CHAIN = CompactConfig(width=8, layers=2)
UNET = UNetConfig(
    channels=(8, 8),
    attention=(False, False),
    layers=1,
    condition_tokens=2,
    condition_dim=8,
    head_dim=8,
    groups=0,
    in_channels=48,
    out_channels=48,
)


@pytest.fixture
def parts(tmp_path):
    """Folder with a UNet `fine`, a chain `large`, and `both` of them, changed above 2.5."""
    for name, config, licence in (("fine", UNET, "MIT"), ("large", CHAIN, "BSD-3-Clause")):
        card = ModelCard(name=name, licence=licence, training=f"of {name}")
        save_network(tmp_path / f"{name}.safetensors", random_network(config, seed=1, card=card))
    add_enlarging(
        *(tmp_path / f"{name}.safetensors" for name in ("fine", "large", "both")), above=2.5
    )
    return tmp_path


def same(network, file, **choices):
    other = load_network(file, device=CPU, dtype=torch.float32, **choices)
    return all(
        torch.allclose(value, other.state_dict()[name], atol=1e-3)
        for name, value in network.state_dict().items()
    )


def test_the_file_holds_both(parts):
    both = parts / "both.safetensors"
    check_model(both)
    for name, enlarging in (("fine", False), ("large", True)):
        network = load_network(both, device=CPU, dtype=torch.float32, enlarging=enlarging)
        assert same(network, parts / f"{name}.safetensors")
    card = model_card(both)
    assert (card.name, card.licence, card.enlarging) == ("both", "MIT AND BSD-3-Clause", 2.5)
    assert card.training == "of fine; enlarging: of large"


def test_both_have_two_ends(tmp_path):
    for name, config in (("fine", UNET), ("large", CHAIN)):
        for seed in (1, 2):
            save_network(tmp_path / f"{name}{seed}.safetensors", random_network(config, seed=seed))
        ends = [tmp_path / f"{name}{seed}.safetensors" for seed in (1, 2)]
        join_models(*ends, tmp_path / f"{name}.safetensors", detail=0.5)
    both = tmp_path / "both.safetensors"
    add_enlarging(tmp_path / "fine.safetensors", tmp_path / "large.safetensors", both, above=3)
    for share, seed in ((0.0, 1), (1.0, 2)):
        for name, enlarging in (("fine", False), ("large", True)):
            network = load_network(
                both, device=CPU, dtype=torch.float32, detail=share, enlarging=enlarging
            )
            assert same(network, tmp_path / f"{name}{seed}.safetensors")


def opened(path, **choices):
    return GenDRPixRestorer(path, device=CPU, dtype="fp32", **choices)


@pytest.mark.parametrize("scale", [1, 2.5])
def test_up_to_the_limit_the_first_restores(parts, scale):
    image = torch.rand(1, 3, 32, 40)
    with torch.inference_mode():
        found, wanted = (
            opened(parts / f"{name}.safetensors").suited(scale).run(image)
            for name in ("both", "fine")
        )
    assert torch.allclose(found, wanted, atol=2e-2)


@pytest.mark.parametrize("seed", [0, 1])
def test_above_it_the_second_enlarges_four_times(parts, seed):
    """Each pixel of the small picture is a cell, wherever paddings begin."""
    both = opened(parts / "both.safetensors", pad_seed=seed).suited(2.51)
    assert (both.scale, both.card.name) == (4, "both")
    small = torch.rand(1, 3, 20, 24) * 2 - 1
    large = F.interpolate(small, scale_factor=4, mode="bicubic", antialias=True).clamp(-1, 1)
    with torch.inference_mode():
        found = both.run(small)
        wanted = opened(parts / "large.safetensors").run(large)
    inside = slice(16, -16)
    assert torch.allclose(found[..., inside, inside], wanted[..., inside, inside], atol=2e-2)


@pytest.mark.parametrize(("size", "name"), [((16, 40), "fine"), ((16, 64), "large")])
def test_an_engine_goes_by_the_larger_of_both_scales(parts, size, name):
    source, target = (frame_format(*sides, "rgb") for sides in ((16, 16), size))
    seen = []
    settings = RestoreSettings(device="cpu", dtype="fp32", model_path=parts / "both.safetensors")
    with Engine(settings) as engine:
        for restorer in (engine.restorer, engine.restorer.suited(4)):
            network = restorer.network
            network.register_forward_hook(lambda *call: seen.append(type(call[0].body).__name__))
        with engine.clip(source, target) as clip:
            (frame,) = clip.map([noise_frame(0, source)])
    assert set(seen) == {{"fine": "UNet", "large": "Compact"}[name]}
    assert frame.planes[0].shape == size[::-1]


def test_the_command_makes_it(parts, capsys):
    files = [str(parts / f"{name}.safetensors") for name in ("fine", "large", "made")]
    assert main(["models", "enlarge", *files, "--above", "3"]) == 0
    assert main(["models", "show", files[2]]) == 0
    assert "enlarging 3.0\n" in capsys.readouterr().out
    assert main(["models", "enlarge", *files]) == 4
    assert main(["models", "enlarge", *files[:2], str(parts / "x"), "--above", "-1"]) == 5


def test_a_broken_second_network_is_found(parts):
    network = random_network(CompactConfig(width=8, layers=3), seed=0)
    network.body.config = CHAIN
    save_network(parts / "large.safetensors", network)
    with pytest.raises(ModelError, match=r"unexpected layers\.2"):
        add_enlarging(*(parts / f"{name}.safetensors" for name in ("fine", "large", "x")), above=2)


def test_what_does_not_go_together_is_refused(parts):
    fine, large, both = (parts / f"{name}.safetensors" for name in ("fine", "large", "both"))
    with pytest.raises(OutputError, match="exists"):
        add_enlarging(fine, large, both, above=2)
    with pytest.raises(ModelError, match="several networks"):
        add_enlarging(both, large, parts / "x.safetensors", above=2)
    with pytest.raises(ModelError, match="several networks"):
        join_models(both, both, parts / "x.safetensors", detail=1)
    save_network(parts / "other.safetensors", random_network(CHAIN, seed=3))
    join_models(large, parts / "other.safetensors", parts / "ends.safetensors", detail=1)
    with pytest.raises(ModelError, match="differ in their ends"):
        add_enlarging(fine, parts / "ends.safetensors", parts / "x.safetensors", above=2)
