"""Models of other people: the frames of a plain call of spandrel, through every front end."""

import pickle
import sys
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
import vapoursynth as vs
from safetensors.torch import save_file
from torch import Tensor, nn

from tests.choices import process_settings
from tests.clips import make_clip
from vs_gendrpix import RestoreSettings, gendrpix, process, source_clip
from vs_gendrpix.cli.main import main
from vs_gendrpix.errors import ModelError, OutputError, SettingsError
from vs_gendrpix.frame.format import FrameFormat, PixelLayout
from vs_gendrpix.models.catalogue import model_card
from vs_gendrpix.models.opening import open_restorer
from vs_gendrpix.read.source import open_source
from vs_gendrpix.restore.way import Way
from vs_gendrpix.settings import EncodeSettings

spandrel = pytest.importorskip("spandrel")

PEERS = (
    *("4xLSDIRCompactC3.pth", "realesr-animevideov3.pth", "realesr-general-wdn-x4v3.pth"),
    "realesr-general-x4v3.pth",
)
LOSSLESS = EncodeSettings(encoder="ffv1", pix_fmt="gbrp16le")


def compact(scale: int, channels: int = 3) -> dict[str, Tensor]:
    """A random network whose tensors spandrel takes for a Real-ESRGAN compact net."""
    torch.manual_seed(scale)
    widths = [channels, 8, 8, channels * scale**2]
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layers += [nn.Conv2d(before, after, 3, padding=1), nn.PReLU(after)]
    return nn.ModuleDict({"body": nn.Sequential(*layers[:-1])}).state_dict()


@pytest.fixture(params=[".pth", ".safetensors"])
def model(request, tmp_path):
    """A small network for x2, in both kinds of files."""
    path = tmp_path / f"2xSmall{request.param}"
    if request.param == ".pth":
        torch.save(compact(2), path)
    else:
        save_file(compact(2), path, metadata={"license": "MIT"})
    return path


def plain(path: Path, rgb: Tensor) -> Tensor:
    """A plain call of spandrel."""
    network = spandrel.ModelLoader("cpu").load_from_file(path).eval()
    with torch.inference_mode():
        return network(rgb)


def scene(height: int, width: int) -> Tensor:
    """A picture of slopes and edges, (1, 3, height, width)."""
    down = torch.linspace(0.1, 0.9, height)[:, None]
    across = torch.linspace(0.2, 0.8, width)[None]
    edge = ((torch.arange(width)[None] // 6 + torch.arange(height)[:, None] // 5) % 2) * 0.2
    return torch.stack([down * across, down.expand(height, width), across + edge * 0.5])[None]


def test_it_is_what_spandrel_makes(model):
    restorer = open_restorer(model, device="cpu", dtype="fp32")
    rgb = scene(22, 35)
    torch.testing.assert_close(restorer(rgb), plain(model, rgb))
    assert (restorer.scale, restorer.dtype, restorer.file) == (2, "float32", model)


def test_its_card_has_its_name_and_what_its_file_says(model):
    card = open_restorer(model, device="cpu").card
    assert card == model_card(model)
    assert card.name == "2xSmall"
    assert card.licence == ("MIT" if model.suffix == ".safetensors" else "unknown")


@pytest.mark.parametrize("tile", [None, (64, 64)])
def test_its_frames_come_in_tiles_and_at_any_size(model, tile):
    size = {"width": 96, "height": 80}
    source = FrameFormat(layout=PixelLayout(family="rgb", bits=16), **size)
    settings = RestoreSettings(tile=tile, overlap=(32, 32), color_fix="none", dtype="fp32")
    restorer = open_restorer(model, device="cpu", dtype="fp32")
    rgb = scene(80, 96)
    for factor in (2, 3):
        target = FrameFormat(
            width=96 * factor, height=80 * factor, layout=PixelLayout(family="rgb", bits=16)
        )
        way = Way(restorer, settings, source, target, device=torch.device("cpu"))
        made, finite = way.restore(rgb)
        assert finite.all()
        wanted = torch.nn.functional.interpolate(
            plain(model, rgb), (80 * factor, 96 * factor), mode="bicubic", antialias=True
        )
        assert (made - wanted).abs().max() < 1.2 / 255


def test_a_grey_network_restores_the_luma_and_keeps_the_colour(tmp_path):
    path = tmp_path / "grey.safetensors"
    save_file(compact(2, channels=1), path)
    restorer = open_restorer(path, device="cpu", dtype="fp32")
    grey = scene(16, 16)[:, :1]
    torch.testing.assert_close(
        restorer(grey.expand(1, 3, 16, 16)),
        plain(path, grey).expand(1, 3, 32, 32),
        atol=2e-6,
        rtol=0,
    )
    rgb = scene(16, 16)
    made = restorer(rgb)
    large = torch.nn.functional.interpolate(rgb, (32, 32), mode="bicubic", antialias=True)
    change = made - large
    torch.testing.assert_close(change[:, 0], change[:, 2], atol=2e-6, rtol=0)


def test_a_file_that_is_no_model_is_one_line(tmp_path):
    save_file({"weight": torch.zeros(3)}, tmp_path / "x.safetensors")
    with pytest.raises(ModelError, match="no model of ours, and of no kind that spandrel knows"):
        open_restorer(tmp_path / "x.safetensors", device="cpu")
    (tmp_path / "x.pth").write_bytes(b"nothing")
    with pytest.raises(ModelError, match=r"x\.pth holds no plain weights"):
        open_restorer(tmp_path / "x.pth", device="cpu")
    broken = compact(2)
    broken["body.2.weight"] = torch.zeros(8, 5, 3, 3)
    save_file(broken, tmp_path / "y.safetensors")
    with pytest.raises(ModelError, match=r"y\.safetensors does not hold the network it seems to"):
        open_restorer(tmp_path / "y.safetensors", device="cpu")


class Canary:
    def __reduce__(self):
        return (Path.touch, (Path("canary"),))


def test_code_in_a_pth_is_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old.pth").write_bytes(pickle.dumps(Canary()))
    torch.save({"body": Canary()}, tmp_path / "new.pth")
    for name in ("old.pth", "new.pth"):
        with pytest.raises(ModelError, match="holds no plain weights"):
            open_restorer(tmp_path / name, device="cpu")
    assert not (tmp_path / "canary").exists()


def test_without_spandrel_it_is_said_what_to_install(model, monkeypatch):
    monkeypatch.setitem(sys.modules, "spandrel", None)
    with pytest.raises(SettingsError, match=r"pip install '\.\[spandrel\]'"):
        open_restorer(model, device="cpu")


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"guidance": 2.0}, "has no guidance"),
        ({"detail": 0.5}, "has no choice of detail"),
        ({"attention": "full"}, "has no choice of attention"),
        ({"dtype": "fp8"}, "not known to be good in fp8"),
    ],
)
def test_choices_of_our_own_network_are_refused(model, choice, said):
    with pytest.raises(SettingsError, match=said):
        open_restorer(model, device="cpu", **choice)


def test_a_pth_becomes_safetensors(tmp_path, capsys):
    torch.save(compact(2), tmp_path / "in.pth")
    out = tmp_path / "out.safetensors"
    assert main(["models", "convert", str(tmp_path / "in.pth"), str(out)]) == 0
    assert "of an unknown licence" in capsys.readouterr().out
    rgb = scene(16, 16)
    torch.testing.assert_close(plain(out, rgb), plain(tmp_path / "in.pth", rgb))
    assert main(["models", "convert", str(tmp_path / "in.pth"), str(out)]) == OutputError.exit_code
    assert main(["models", "convert", str(out), str(tmp_path / "x.bin")]) == 2
    named = tmp_path / "named.safetensors"
    assert main(["models", "convert", str(out), str(named), "--licence", "MIT"]) == 0
    assert model_card(named).licence == "MIT"
    assert main(["models", "show", str(named)]) == 0
    assert "licence   MIT" in capsys.readouterr().out
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".pth", *[".safetensors"] * 2]


def pictures(path: Path) -> list[np.ndarray]:
    with open_source(path) as source:
        return [np.stack(frame.planes) for frame in source]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "tile"),
    [
        *((name, tile) for name in PEERS for tile in (None, (96, 96))),
        ("RealESRGAN_x4plus.safetensors", None),
    ],
)
def test_the_command_and_the_filter_give_the_frames_of_a_plain_call(shared, tmp_path, name, tile):
    path = shared / ("peers" if name.endswith(".pth") else "teacher") / name
    source = tmp_path / "in.mkv"
    size = (64, 48) if "x4plus" in name else (112, 104)  # 70 times as slow
    make_clip(source, codec="ffv1", pix_fmt="gbrp10le", size=size, times=[0])
    restore = RestoreSettings(
        scale=Fraction(4),
        model_path=path,
        dtype="fp32",
        color_fix="none",
        tile=tile,
        overlap=(48, 48),
    )
    chosen = process_settings(restore=restore, encode=LOSSLESS)
    process(source, tmp_path / "out.mkv", chosen)
    found = pictures(tmp_path / "out.mkv")
    for made, given in zip(found, pictures(source), strict=True):
        wanted = plain(path, torch.from_numpy(given[None].astype(np.float32)) / 1023)
        off = np.abs(made / 65535 - wanted[0].numpy()).max() * 255
        assert off <= 1
    clip = gendrpix(
        source_clip(source),
        4,
        model_path=path,
        dtype="fp32",
        color_fix="none",
        format=vs.RGB48,
        tile=tile and tile[0],
        overlap=48,
    )
    (frame,) = clip.frames()
    np.testing.assert_array_equal(np.stack(frame), found[0])
