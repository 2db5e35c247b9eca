"""`gendrpix evaluate`: its table, its files, its errors."""

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from vs_gendrpix.cli.main import main
from vs_gendrpix.errors import ModelError, OutputError, SettingsError
from vs_gendrpix.evaluation.judge import ALONE, PICTURE
from vs_gendrpix.evaluation.methods import ModelMethod, bicubic, peers
from vs_gendrpix.evaluation.sheet import GAP, HEAD, SIDE
from vs_gendrpix.evaluation.table import REFERENCE, as_written
from vs_gendrpix.models.gendrpix.files import load_network, save_network
from vs_gendrpix.settings import RestoreSettings


def scene(height: int, width: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    blobs = torch.rand(1, 3, height // 8, width // 8, generator=generator)
    return F.interpolate(blobs, (height, width), mode="bicubic").clamp(0, 1)


def save(path: Path, image: Tensor) -> None:
    codes = image[0].permute(1, 2, 0).mul(255).round().numpy().astype(np.uint8)
    Image.fromarray(codes).save(path)


@pytest.fixture(scope="session")
def sharp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pictures to be degraded, one upright."""
    folder = tmp_path_factory.mktemp("evaluation") / "sharp"
    folder.mkdir()
    save(folder / "a.png", scene(96, 192, 1))
    save(folder / "b.png", scene(192, 96, 2))
    return folder


@pytest.mark.slow
def test_a_reader_that_leaves_early_ends_it_without_a_trace(small_model: Path, sharp: Path) -> None:
    command = [sys.executable, "-m", "vs_gendrpix", "evaluate", str(small_model), str(sharp)]
    running = subprocess.Popen(
        [*command, "-d", "cpu"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert running.stdout is not None
    assert running.stderr is not None
    running.stdout.close()
    assert running.stderr.read() == ""
    running.stderr.close()
    assert running.wait() == OutputError.exit_code


@pytest.mark.slow
def test_table_json_and_sheet(
    small_model: Path, sharp: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    worn = tmp_path / "worn"
    worn.mkdir()
    save(worn / "old.png", scene(24, 48, 3))
    scores, sheet = tmp_path / "scores.json", tmp_path / "sheet.png"
    files = ["--json", str(scores), "--sheet", str(sheet)]
    assert (
        main(["evaluate", str(small_model), str(sharp), "--worn", str(worn), *files, "-d", "cpu"])
        == 0
    )

    found = json.loads(scores.read_text())
    assert found["model"] == str(small_model)
    assert list(found["sets"]) == ["sharp, degraded", "worn"]
    judged, alone = found["sets"].values()
    assert list(judged) == ["bicubic", "lanczos", "model", REFERENCE]
    assert set(judged["model"]) == set(PICTURE)
    assert judged["model"] != judged["bicubic"]
    assert list(judged[REFERENCE]) == ["NIQE", "grid", "grid 4"]
    assert set(alone["model"]) <= set(ALONE)

    table = capsys.readouterr().out
    assert "sharp, degraded (2 pictures, x4)" in table
    assert f"{judged['bicubic']['SSIM']:.4f}" in table
    lines = [line for line in table.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in lines} == {len(PICTURE) + 2, len(alone["model"]) + 2}

    with Image.open(sheet) as image:
        assert image.width > 2 * SIDE
        assert image.height > HEAD + 2 * SIDE


@pytest.mark.slow
def test_the_sheet_shows_six_pictures_of_a_set(small_model: Path, tmp_path: Path) -> None:
    worn = tmp_path / "worn"
    worn.mkdir()
    for seed in range(8):
        save(worn / f"{seed}.png", scene(24, 48, seed))
    sheet = tmp_path / "sheet.png"
    assert (
        main(
            ["evaluate", str(small_model), "--worn", str(worn), "--sheet", str(sheet), "-d", "cpu"]
        )
        == 0
    )
    with Image.open(sheet) as image:
        assert image.height == HEAD + 6 * (SIDE + GAP) - GAP


def test_a_model_that_changes_nothing_scores_as_the_resize(
    idle_model: Path, sharp: Path, tmp_path: Path
) -> None:
    scores = tmp_path / "scores.json"
    assert main(["evaluate", str(idle_model), str(sharp), "--json", str(scores), "-d", "cpu"]) == 0
    (judged,) = json.loads(scores.read_text())["sets"].values()
    for measure in PICTURE:
        assert judged["model"][measure] == pytest.approx(judged["bicubic"][measure], rel=1e-2)


def test_the_model_is_run_as_the_product_runs_it(small_model: Path, idle_model: Path) -> None:
    """Any size, size after size; the network's change arrives whole."""
    model = ModelMethod(RestoreSettings(model=str(small_model), device="cpu", dtype="fp32"))
    idle = ModelMethod(RestoreSettings(model=str(idle_model), device="cpu", dtype="fp32"))
    for size in ((24, 32), (17, 23), (24, 32)):
        low = scene(32, 32, 4)[..., : size[0], : size[1]]
        result = model(low, 4)
        assert result.shape == (1, 3, 4 * size[0], 4 * size[1])
        assert torch.equal(result, model(low, 4))
        plain = bicubic(low, 4)
        torch.testing.assert_close(idle(low, 4), plain, atol=1e-5, rtol=0)
        assert (result - plain).abs().max() > 1e-3


def test_a_model_that_makes_infinities_is_refused(
    small_model: Path, sharp: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    network = load_network(small_model, device=torch.device("cpu"), dtype=torch.float32)
    nn.init.constant_(network.unet.conv_out.weight, 3e38)
    path = tmp_path / "broken.safetensors"
    save_network(path, network)
    assert main(["evaluate", str(path), str(sharp), "-d", "cpu"]) == 7
    assert "not finite" in capsys.readouterr().err


def test_pictures_are_judged_as_a_file_of_eight_bits_keeps_them() -> None:
    image = torch.tensor([-0.2, 0.5, 1.3, 0.5 + 0.6 / 255])
    expected = torch.tensor([0, 128, 255, 128]) / 255
    torch.testing.assert_close(as_written(image), expected)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["MODEL"], 2, "give a FOLDER"),
        (["MODEL", "absent"], 3, "no such folder: absent"),
        (["MODEL", "--worn", "SMALL"], 2, "NIQE of a picture of 64x64 pixels"),
        (["absent.safetensors", "SHARP"], 5, "absent.safetensors"),
        (["MODEL", "SHARP", "-d", "cuda:99"], 6, "cuda:99"),
        (["MODEL", "SHARP", "--sheet", "absent/sheet.png"], 4, "cannot write the sheet"),
        (["MODEL", "SHARP", "--json", "absent/scores.json"], 4, "cannot write the scores"),
    ],
)
def test_errors_are_one_line_and_a_code(
    arguments: list[str],
    code: int,
    message: str,
    *,
    small_model: Path,
    sharp: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    save(tmp_path / "small.png", scene(16, 16, 6))
    names = {"MODEL": str(small_model), "SHARP": str(sharp), "SMALL": str(tmp_path)}
    given = [names.get(argument, argument) for argument in arguments]
    assert main(["evaluate", *given, *([] if "-d" in given else ["-d", "cpu"])]) == code
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def compact(scale: int) -> nn.Module:
    """A random network whose tensors spandrel takes for a Real-ESRGAN compact net."""
    widths = [3, 8, 8, 3 * scale**2]
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layers += [nn.Conv2d(before, after, 3, padding=1), nn.PReLU(after)]
    return nn.ModuleDict({"body": nn.Sequential(*layers[:-1])})


def test_peers_are_loaded_and_enlarge(tmp_path: Path) -> None:
    pytest.importorskip("spandrel")
    network = compact(4)
    torch.save(network.state_dict(), tmp_path / "peer.pth")
    (name, method), *others = peers(tmp_path, torch.device("cpu")).items()
    assert (name, others) == ("peer", [])
    low = scene(16, 24, 5)
    with torch.no_grad():
        expected = F.pixel_shuffle(network["body"](low), 4) + F.interpolate(low, scale_factor=4)
    torch.testing.assert_close(method(low, 4), expected.clamp(0, 1))


def test_peers_that_do_not_fit_are_named(tmp_path: Path) -> None:
    pytest.importorskip("spandrel")
    with pytest.raises(ModelError, match=r"no \.pth or \.safetensors files"):
        peers(tmp_path, torch.device("cpu"))
    torch.save(compact(2).state_dict(), tmp_path / "double.pth")
    with pytest.raises(ModelError, match=r"double\.pth is no network for x4"):
        peers(tmp_path, torch.device("cpu"))


def test_peers_without_spandrel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.save(compact(4).state_dict(), tmp_path / "peer.pth")
    monkeypatch.setitem(sys.modules, "spandrel", None)
    with pytest.raises(SettingsError, match=r"pip install '\.\[spandrel\]'"):
        peers(tmp_path, torch.device("cpu"))
