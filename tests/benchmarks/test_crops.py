"""Crops: the declared list is sound, and a crop is the place it names, on the codec's grid."""

from pathlib import Path

import pytest
import torch

from benchmarks import crops
from benchmarks.crops import CROPS, SIZE, Crop, crop_set, cut
from tests.clips import make_clip
from vs_gendrpix.errors import MediaError
from vs_gendrpix.evaluation.clips import rgb_of
from vs_gendrpix.read.source import open_source

GOOD = Path(__file__).parents[3] / "shared" / "data" / "video" / "good"


def test_the_sheet_has_24_places_of_every_kind() -> None:
    assert len(set(CROPS)) == 24
    kinds = {crop.kind for crop in CROPS}
    assert kinds >= {"grass", "leaves", "hair", "brick", "text", "face", "sky"}
    assert {crop.scale for crop in CROPS} == {1, 2, 4}
    assert all(crop.left % 8 == crop.top % 8 == 0 for crop in CROPS)


@pytest.mark.slow
@pytest.mark.skipif(not GOOD.is_dir(), reason="the shared clips are not here")
def test_every_place_lies_inside_its_clip() -> None:
    for crop in CROPS:
        with open_source(GOOD / crop.clip) as source:
            form = source.info.format
        assert crop.left + SIZE[1] // crop.scale <= form.width
        assert crop.top + SIZE[0] // crop.scale <= form.height


def test_a_crop_is_the_place_it_names(tmp_path: Path) -> None:
    make_clip(tmp_path / "a.mp4", size=(360, 360), times=(0, 512, 1024))
    crop = Crop(clip="a.mp4", frame=2, left=16, top=8, scale=4, kind="grass")
    sample = cut(tmp_path, crop)
    with open_source(tmp_path / "a.mp4") as source:
        *_, last = source
    assert torch.equal(sample.low, rgb_of(last)[..., 8:72, 16:96])
    assert (sample.scale, sample.kind, sample.reference) == (4, "grass", None)


def test_a_set_holds_one_scale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_clip(tmp_path / "a.mp4", size=(360, 360), times=(0,))
    places = [Crop(clip="a.mp4", frame=0, left=0, top=0, scale=s, kind="sky") for s in (2, 4, 2)]
    monkeypatch.setattr(crops, "CROPS", tuple(places))
    found = crop_set(tmp_path, 2)
    assert (found.name, found.count, found.scale) == ("crops x2", 2, 2)
    assert [tuple(sample.low.shape) for sample in found.samples()] == [(1, 3, 128, 160)] * 2


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="no such folder"):
        crop_set(tmp_path / "absent", 4)
    make_clip(tmp_path / "a.mp4", size=(360, 360), times=(0,))
    late = Crop(clip="a.mp4", frame=5, left=0, top=0, scale=4, kind="sky")
    with pytest.raises(MediaError, match=r"a\.mp4 has no frame 5"):
        cut(tmp_path, late)
