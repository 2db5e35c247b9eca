"""`benchmarks/quality.py` on a small folder, and what `scores.py` makes of its JSON."""

import hashlib
import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import torch
from PIL import Image

from tests.clips import make_clip
from tests.evaluation.test_command import compact, save, scene

pytest.importorskip("cv2", reason="the extra `evaluation` is not installed")

from benchmarks import crops
from benchmarks.targets import GENERAL
from vs_gendrpix.cli.main import main as gendrpix

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
CLIP = "good, degraded"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def quality() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            crops,
            "CROPS",
            tuple(
                crops.Crop(clip="clip.mp4", frame=2, left=8, top=16, scale=scale, kind="grass")
                for scale in (4, 2, 1)
            ),
        )
        module = load("quality")
        patch.setattr(module, "SPEED_SIZE", (64, 48))
        yield module


@pytest.fixture(scope="module")
def documents() -> ModuleType:
    return load("scores")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One item of every kind, two sharp pictures."""
    root = tmp_path_factory.mktemp("shared")
    kinds = ("realsr_canon/LR", "realsr_canon/HR", "kodak12", "realsrset20", "reallr")
    for kind in kinds:
        (root / "data" / "eval" / kind).mkdir(parents=True)
    for path, size in (
        ("realsr_canon/LR/a.png", (24, 48)), ("realsr_canon/HR/a.png", (96, 192)),
        ("kodak12/a.png", (96, 192)), ("kodak12/b.png", (96, 192)),
        ("realsrset20/a.png", (24, 48)), ("reallr/a.png", (24, 48)),
    ):  # fmt: skip
        save(root / "data" / "eval" / path, scene(*size, seed=len(path)))
    (root / "data" / "video" / "good").mkdir(parents=True)
    ticks = (0, 512, 1024)
    make_clip(root / "data" / "video" / "good" / "clip.mp4", size=(360, 360), times=ticks)
    return root


@pytest.mark.slow
def test_everything_is_judged_and_written(
    quality: ModuleType,
    folder: Path,
    *,
    small_model: Path,
    idle_model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("spandrel")
    peers = folder / "data" / "peers"
    peers.mkdir()
    torch.save(compact(4).state_dict(), peers / f"{GENERAL}.pth")
    models = [f"idle={idle_model}", f"other={small_model}"]
    files = ["--json", str(tmp_path / "q.json"), "--out", str(tmp_path / "sheets")]
    given = ["--shared", str(folder), "--models", *models, "--peers", "--pictures", "1", *files]
    assert quality.main([*given, "-d", "cpu"]) == 0

    report = json.loads((tmp_path / "q.json").read_text())
    names = [
        "realsr_canon", "kodak12, degraded", "crops x4", "crops x2", "crops x1",
        "kodak12, clean x1", "kodak12, clean x2", "kodak12, grey", "realsrset20", "reallr", CLIP,
    ]  # fmt: skip
    assert list(report["sets"]) == list(report["titles"]) == names
    assert report["titles"]["crops x2"] == "crops x2 (1 crops, x2)"
    for scores in report["sets"].values():
        assert {"bicubic", "lanczos", "idle", "other", GENERAL} <= scores.keys()
    assert report["sets"]["kodak12, degraded"]["other"].keys() >= {"NIQE", "flicker", "pan"}
    unchanged = report["sets"]["kodak12, clean x1"]["idle"]
    assert unchanged["PSNR"] == float("inf")
    assert unchanged["kept 2-4"] == pytest.approx(1)
    assert report["sets"]["kodak12, clean x1"]["other"]["PSNR"] < 60
    assert report["sets"]["kodak12, grey"]["other"]["colour"] > 1
    assert report["sets"]["kodak12, grey"]["idle"]["colour"] < 0.01
    clip = report["sets"][CLIP]
    assert clip["other"].keys() >= {"VMAF", "XPSNR", "warping"}
    assert clip["idle"]["VMAF"] == pytest.approx(clip["bicubic"]["VMAF"], abs=0.5)
    assert clip["other"]["VMAF"] != clip["idle"]["VMAF"]
    assert report["models"]["idle"] == hashlib.sha256(idle_model.read_bytes()).hexdigest()
    assert str(folder) not in json.dumps(report)

    grid = next(t for t in report["targets"]["idle"] if t["demand"].startswith("grid"))
    assert grid["met"] == (grid["found"] <= 1.1)
    assert report["speed"][GENERAL] == 1
    assert report["speed"]["idle"] > 0
    speed = report["targets"]["idle"][-1]
    assert speed["met"] == (report["speed"]["idle"] >= 2)
    *_, last = (part for part in capsys.readouterr().out.split("\n\n") if part.strip())
    assert last.startswith("| on | idle | other |")
    sheets = {path.name for path in (tmp_path / "sheets").iterdir()}
    assert sheets == {f"{name.replace(', ', '-')}.png" for name in names}
    with Image.open(tmp_path / "sheets" / "good-degraded.png") as sheet:
        assert sheet.width > 4 * 256  # a column for each method and the reference


def test_some_sets_are_added_to_a_record_of_the_same_weights(
    quality: ModuleType,
    folder: Path,
    *,
    idle_model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "q.json"
    record = {
        "models": {"idle": hashlib.sha256(idle_model.read_bytes()).hexdigest()},
        "first_only": None,
        "sets": {"kodak12, grey": {"idle": {"colour": 9.0, "NIQE": 4.0}}, "reallr": {"idle": {}}},
        "speed": {"idle": 3.0},
    }
    path.write_text(json.dumps(record))
    given = ["--shared", str(folder), "--models", f"idle={idle_model}", "--json", str(path)]
    asked = [*given, "--sets", "kodak12, grey", "--still", "-d", "cpu"]
    assert quality.main(asked) == 0
    report = json.loads(path.read_text())
    assert report["speed"] == {"idle": 3.0}
    grey = report["sets"]["kodak12, grey"]
    assert grey["idle"]["NIQE"] == 4
    assert grey["idle"]["colour"] < 0.01
    assert grey["bicubic"].keys() == {"colour"}

    others = {"reallr": {"idle": {"NIQE": 4.0}, "wdn": {"NIQE": 5.0}}}
    path.write_text(json.dumps({**record, "models": {"idle": "0"}, "sets": others}))
    assert quality.main(asked) == 0
    report = json.loads(path.read_text())
    assert report["sets"]["reallr"] == {"wdn": {"NIQE": 5.0}}
    assert "idle" in report["sets"]["kodak12, grey"]

    path.write_text(json.dumps({**record, "models": {"other": "0"}}))
    assert quality.main(asked) == 2
    assert "record of the same models" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--models", "a.safetensors"], 2, "give LABEL=FILE, or one of tiny"),
        (["--models", "a=MODEL", "a=MODEL"], 2, "a twice"),
        (["--models", "bicubic=MODEL"], 2, "bicubic is the name of another method"),
        (["--models", "a=MODEL", "--pictures", "0"], 2, "use 1 or more"),
        (["--models", "a=absent.safetensors"], 5, "absent.safetensors"),
        (["--models", "a=MODEL", "--shared", "absent"], 3, "no such folder: absent"),
    ],
)
def test_errors_are_one_line_and_a_code(
    arguments: list[str],
    code: int,
    message: str,
    *,
    quality: ModuleType,
    folder: Path,
    small_model: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = [argument.replace("MODEL", str(small_model)) for argument in arguments]
    assert quality.main(["--shared", str(folder), *given, "-d", "cpu"]) == code
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


REPORT = {
    "first_only": None,
    "titles": {
        "kodak12, degraded": "kodak12, degraded (12 pictures, x4)",
        CLIP: f"{CLIP} (7 clips, x4)",
    },
    "sets": {
        "kodak12, degraded": {
            "bicubic": {"PSNR": 25.031, "flicker": 2.7},
            "reference": {"grid": 0.9},
        },
        CLIP: {"bicubic": {"VMAF": 61.25}},
    },
    "targets": {
        "tiny": [
            {
                "set": "kodak12",
                "demand": "grid",
                "found": 1.2,
                "bound": 1.1,
                "at_least": False,
                "met": False,
            }
        ]
    },
}


def test_blocks_are_filled_and_all_else_stays(documents: ModuleType) -> None:
    text = (
        "# Title\n<!-- scores: kodak12, degraded -->\nold\n<!-- end of scores -->\nwords\n"
        "<!-- scores: targets -->\n<!-- end of scores -->\n"
        f"<!-- scores: {CLIP} -->\n<!-- end of scores -->\nend\n"
    )
    made = documents.filled(text, REPORT)
    assert "old" not in made
    assert "| bicubic   | 25.03 |     - |   2.700 |" in made
    assert "kodak12, degraded (12 pictures, x4)" in made
    assert "grid: 1.2 ≤ 1.1 **missed**" in made
    assert "| bicubic | 61.25 |" in made
    assert made.startswith("# Title\n")
    assert "\nwords\n" in made
    assert made.endswith("\nend\n")
    assert documents.filled(made, REPORT) == made


def test_figures_of_other_weights_and_quick_looks_are_refused(
    documents: ModuleType, tmp_path: Path
) -> None:
    path = tmp_path / "quality.json"
    digests = {
        name: hashlib.sha256(weights.read_bytes()).hexdigest()
        for name, weights in documents.BUILT_IN.items()
    }
    path.write_text(json.dumps({**REPORT, "models": digests}))
    assert documents.load(path)["titles"] == REPORT["titles"]
    path.write_text(json.dumps({**REPORT, "models": {**digests, "tiny": "0"}}))
    with pytest.raises(documents.StaleError, match="other weights than tiny"):
        documents.load(path)
    path.write_text(json.dumps({**REPORT, "models": digests, "first_only": 2}))
    with pytest.raises(documents.StaleError, match="quick look"):
        documents.load(path)
    with pytest.raises(documents.StaleError, match="no scores of 'absent'"):
        documents.filled("<!-- scores: absent -->\n<!-- end of scores -->", REPORT)


RECIPE = """
name = "small"
workers = 0
[network]
channels = [16, 32]
attention = [false, false]
layers = 1
condition_tokens = 2
condition_dim = 8
head_dim = 16
groups = 0
[vae]
channels = [8, 8, 16, 16]
layers = 1
latent_channels = 4
groups = 4
scaling = 1.0
[pairs]
count = 12
side = 64
negative_share = 0.5
[stage.vae]
kind = "vae"
steps = 1
batch = 2
crop = 64
[stage.latent]
kind = "latent"
steps = 1
batch = 2
crop = 64
[stage.adc]
kind = "adc"
steps = 1
batch = 2
crop = 64
adversarial = 0.05
[stage.pix]
begins_with = "adc"
steps = 2
batch = 2
crop = 64
warmup = 0
learning_rate = 0.01
ema = 0.0
fourier = 0.005
adversarial = 0.05
negative_share = 0.5
"""


@pytest.mark.slow
def test_ablations_train_every_variant_and_judge_it(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("accelerate", reason="the extra `train` is not installed")
    ablations = load("ablations")
    recipe, run = tmp_path / "recipe.toml", tmp_path / "run"
    recipe.write_text(RECIPE)
    for stage in ("pairs", "vae", "latent", "adc"):
        pictures = ["--pictures", str(folder / "data" / "eval" / "kodak12")]
        assert (
            gendrpix(["train", stage, "--config", str(recipe), *pictures, "--out", str(run)]) == 0
        )
    assert ablations.main(["train", str(recipe), str(run), "--steps", "1"]) == 0
    monkeypatch.setattr(ablations, "RESULT", tmp_path / "ablations.json")
    assert ablations.main(["judge", str(run), "--shared", str(folder), "--pictures", "1"]) == 0
    report = json.loads((tmp_path / "ablations.json").read_text())
    methods = {"bicubic", *ablations.VARIANTS, *ablations.PLANS}
    assert set(report["sets"]) == {"realsr_canon", "kodak12, degraded"}
    for rows in report["sets"].values():
        assert set(rows) - {"reference"} == methods
        assert rows["no critic"]["PSNR"] != rows["whole"]["PSNR"]
        assert all(rows[name]["flicker"] > 0 for name in methods)
