"""The judge: what is asked for is measured, what is not defined is missing, what lacks is said."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from tests.evaluation.measures.test_grid import scene
from tests.evaluation.measures.test_texture import grass
from vs_gendrpix.errors import SettingsError
from vs_gendrpix.evaluation.judge import ALONE, CLEAN, CLIP, CROP, GREY, MEASURES, PICTURE, Judge
from vs_gendrpix.evaluation.measures import features
from vs_gendrpix.evaluation.samples import Sample

pytest.importorskip("cv2", reason="the extra `evaluation` is not installed")


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge()


def sample(reference: torch.Tensor, scale: int = 4, kind: str = "") -> Sample:
    size = [side // scale for side in reference.shape[-2:]]
    low = F.interpolate(reference, size, mode="bicubic", antialias=True).clamp(0, 1)
    return Sample(name="a", scale=scale, low=low, reference=reference, kind=kind)


def test_every_set_asks_for_measures_that_there_are() -> None:
    for asked in (PICTURE, ALONE, CROP, CLEAN, GREY, CLIP):
        assert set(asked) <= MEASURES.keys()
        assert len(set(asked)) == len(asked)


def test_what_is_asked_for_is_measured_and_no_more(judge: Judge) -> None:
    true = grass(1, 192)
    found = judge(true, sample(true), ("PSNR", "excess 95 %", "blocks 4"))
    assert found.keys() == {"PSNR", "excess 95 %", "blocks 4"}
    assert found["PSNR"] == float("inf")
    assert found["excess 95 %"] == 0


def test_what_is_not_defined_is_missing(judge: Judge) -> None:
    flat = torch.full((1, 3, 192, 192), 0.5)
    assert judge(flat, sample(flat), ("excess", "excess 95 %", "weave")) == {}
    true = grass(1, 192)
    assert judge(true, sample(true, scale=1), ("weave",)) == {}


def test_rows_that_are_there_are_no_weave(judge: Judge) -> None:
    true = grass(1, 192)
    assert judge(true, sample(true, kind="grass"), ("weave",)).keys() == {"weave"}
    for kind in ("brick", "text"):
        assert judge(true, sample(true, kind=kind), ("weave",)) == {}


def test_the_motion_of_a_clip_is_its_own(judge: Judge) -> None:
    """Judged after another clip, a clip gets what it gets alone."""
    image = F.avg_pool2d(scene(140, 180, count=1), 5, 1)
    one, other = (
        torch.cat([image[..., s * i : s * i + 112, s * i : s * i + 112] for i in range(3)])
        for s in (2, 7)
    )
    first = judge(one, sample(one), ("warping",))
    assert judge(other, sample(other), ("warping",)) != first
    assert judge(one, sample(one), ("warping",)) == first


def test_a_measure_without_a_reference_says_so(judge: Judge) -> None:
    true = grass(1, 192)
    alone = replace(sample(true), reference=None)
    with pytest.raises(SettingsError, match="a has no reference"):
        judge(true, alone, ("PSNR",))


def test_a_missing_network_is_said_and_its_measure_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "PACKAGE", "absent_package")
    judge = Judge()
    (line,) = judge.skipped
    assert "pip install '.[evaluation]'" in line
    true = grass(1, 192)
    assert judge(true, sample(true), ("EfficientNet distance", "PSNR")).keys() == {"PSNR"}
