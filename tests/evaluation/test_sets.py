"""What a folder means: pairs, sharp pictures, or degraded ones alone."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vs_gendrpix.errors import MediaError
from vs_gendrpix.evaluation.degradation import degrade
from vs_gendrpix.evaluation.judge import CLEAN, GREY
from vs_gendrpix.evaluation.sets import clean, grey, read_picture, referenced, unreferenced


def save(path: Path, width: int, height: int, *, mode: str = "RGB", seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    codes = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    Image.fromarray(codes).convert(mode).save(path, lossless=True)


def test_pairs_are_matched_by_name(tmp_path: Path) -> None:
    for seed, name in enumerate(("b", "a")):
        save(tmp_path / "LR" / f"{name}.png", 20, 18, seed=seed)
        save(tmp_path / "HR" / f"{name}.webp", 80, 72, seed=10 + seed)
    found = referenced(tmp_path)
    assert (found.name, found.count) == (tmp_path.name, 2)
    first, second = found.samples()
    assert (first.name, second.name) == ("a", "b")
    assert torch.equal(first.low, read_picture(tmp_path / "LR" / "a.png"))
    assert first.reference is not None
    assert torch.equal(first.reference, read_picture(tmp_path / "HR" / "a.webp"))


def test_sharp_pictures_are_cropped_to_fours_and_degraded(tmp_path: Path) -> None:
    for seed, name in enumerate(("a", "b")):
        save(tmp_path / f"{name}.png", 70, 67, seed=seed)
    (tmp_path / "notes.txt").write_text("not a picture")
    samples = list(referenced(tmp_path).samples())
    assert [sample.name for sample in samples] == ["a", "b"]
    for number, sample in enumerate(samples):
        whole = read_picture(tmp_path / f"{sample.name}.png")
        assert sample.reference is not None
        assert torch.equal(sample.reference, whole[..., :64, :68])
        assert torch.equal(sample.low, degrade(whole[..., :64, :68], number))


def test_degraded_pictures_stay_as_they_are(tmp_path: Path) -> None:
    save(tmp_path / "grey.png", 21, 17, mode="L")
    (sample,) = unreferenced(tmp_path).samples()
    assert sample.reference is None
    assert sample.low.shape == (1, 3, 17, 21)
    assert torch.equal(sample.low[:, 0], sample.low[:, 2])


@pytest.mark.parametrize("scale", [1, 2])
def test_clean_pictures_are_the_middle_shrunk_without_damage(tmp_path: Path, scale: int) -> None:
    save(tmp_path / "a.png", 300, 400)
    found = clean(tmp_path, scale)
    assert (found.scale, found.measures) == (scale, CLEAN)
    (sample,) = found.samples()
    assert sample.reference is not None
    whole = read_picture(tmp_path / "a.png")
    assert torch.equal(sample.reference, whole[..., 72:328, 22:278])
    assert sample.low.shape == (1, 3, 256 // scale, 256 // scale)
    if scale == 1:
        torch.testing.assert_close(sample.low, sample.reference)
    assert sample.low.mean().item() == pytest.approx(sample.reference.mean().item(), abs=2e-3)


def test_grey_pictures_are_the_degraded_ones_without_colour(tmp_path: Path) -> None:
    save(tmp_path / "a.png", 64, 48)
    found = grey(tmp_path)
    assert found.measures == GREY
    (sample,) = found.samples()
    (coloured,) = referenced(tmp_path).samples()
    assert sample.reference is None
    assert torch.equal(sample.low[:, 0], sample.low[:, 2])
    assert (sample.low - coloured.low.mean(1, keepdim=True)).abs().max() < 0.51 / 255


def test_read_picture_keeps_the_order_of_colours(tmp_path: Path) -> None:
    Image.new("RGB", (2, 1), (255, 51, 0)).save(tmp_path / "one.png")
    assert read_picture(tmp_path / "one.png")[0, :, 0, 0].tolist() == pytest.approx([1, 0.2, 0])


@pytest.mark.parametrize("open_set", [referenced, unreferenced])
def test_missing_and_empty_folders_are_named(open_set, tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"no such folder: .*absent"):
        open_set(tmp_path / "absent")
    with pytest.raises(MediaError, match="no pictures in"):
        open_set(tmp_path)


def test_a_missing_partner_is_named(tmp_path: Path) -> None:
    save(tmp_path / "LR" / "a.png", 20, 18)
    save(tmp_path / "HR" / "b.png", 80, 72)
    with pytest.raises(MediaError, match=r"a\.png has no partner"):
        referenced(tmp_path)


def test_a_pair_of_another_scale_is_named(tmp_path: Path) -> None:
    save(tmp_path / "LR" / "a.png", 20, 18)
    save(tmp_path / "HR" / "a.png", 60, 54)
    with pytest.raises(MediaError, match=r"is 60x54, but 4 times .* would be 80x72"):
        list(referenced(tmp_path).samples())


def test_a_broken_picture_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(MediaError, match=r"cannot read the picture .*a\.png"):
        list(unreferenced(tmp_path).samples())
