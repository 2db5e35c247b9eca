import pytest
import torch

from vs_gendrpix.errors import MediaError
from vs_gendrpix.training.data.degradations import degrade
from vs_gendrpix.training.data.pairs import Pairs, find_pictures
from vs_gendrpix.training.data.settings import TeacherSettings
from vs_gendrpix.training.data.teacher import lost_detail


def test_pairs_follow_from_their_number(folder):
    paths = find_pictures([folder])
    first, second = Pairs(paths, crop=64, seed=1), Pairs(paths, crop=64, seed=1)
    second[5]  # the order of the questions must not matter
    for mine, theirs in zip(first[9][:2], second[9][:2], strict=True):
        assert mine.shape == (3, 64, 64)
        assert torch.equal(mine, theirs)
    assert not torch.equal(first[9][1], Pairs(paths, crop=64, seed=2)[9][1])


def test_degraded_and_clean_are_the_same_place(folder):
    pairs = Pairs(find_pictures([folder]), crop=64, seed=0)
    degraded, clean, negative, *_ = map(
        torch.stack, zip(*(pairs[i] for i in range(24)), strict=True)
    )
    matched = (degraded - clean).abs().mean()
    assert matched < 0.8 * (degraded - clean.roll(1, 0)).abs().mean()
    assert degraded.abs().max() <= 1
    assert not negative.any()


def test_no_item_has_less_than_the_least_scale(folder, monkeypatch):
    scales = []
    monkeypatch.setattr(
        "vs_gendrpix.training.data.pairs.degrade",
        lambda clean, scale, draw: scales.append(scale) or degrade(clean, scale, draw),
    )
    for least in (1.0, 3.0):
        pairs = Pairs(find_pictures([folder]), crop=64, seed=0, min_scale=least)
        scales.clear()
        for number in range(40):
            pairs[number]
        assert min(scales) == least
        assert max(scales) == 4


@pytest.mark.slow
def test_negative_items_want_something_between_degraded_and_clean(folder):
    paths = find_pictures([folder])
    plain = Pairs(paths, crop=64, seed=0)
    mixed = Pairs(paths, crop=64, seed=0, negative_share=0.5)
    errors = []
    for number in range(60):
        degraded, target, negative = mixed[number][:3]
        clean = plain[number][1]
        assert torch.equal(degraded, plain[number][0])
        assert bool(negative) != torch.equal(target, clean)
        if negative:
            errors.append((target - clean).abs().mean().item())
    assert 18 < len(errors) < 42
    assert 0.005 < sum(errors) / len(errors) < 0.3


@pytest.mark.slow
def test_neutral_pictures_become_neutral_ones(folder, teacher_file):
    """The student must not learn to colour film that has no colour."""
    paths = find_pictures([folder])
    label = TeacherSettings(model=teacher_file, clean_below=0.0, teacher_above=0.1)
    pairs = Pairs(paths, crop=64, seed=0, label=label)
    neutral = [pair for pair in (pairs[number] for number in range(90)) if _is_grey(pair.target)]
    assert 2 <= len(neutral) <= 20
    assert all(_is_grey(pair.teacher) for pair in neutral)
    assert any(not torch.equal(pair.teacher, pair.target) for pair in neutral)
    kept = [_is_grey(pair.degraded) for pair in neutral]
    assert any(kept)


def _is_grey(image):
    return bool((image.amax(0) - image.amin(0)).max() < 1e-4)


@pytest.mark.slow
def test_the_teacher_labels_what_has_lost_detail(folder, teacher_file):
    """Its label is what it makes of the small picture, in the colours of the degraded one."""
    paths = find_pictures([folder])
    label = TeacherSettings(model=teacher_file, clean_below=0.5, teacher_above=0.75)
    pairs, asked = Pairs(paths, crop=64, seed=0, label=label), 0
    plain = Pairs(paths, crop=64, seed=0)
    for number in range(24):
        pair, alone = pairs[number], plain[number]
        assert all(torch.equal(pair[part], alone[part]) for part in range(3))
        assert alone.lost == 0
        assert torch.equal(alone.teacher, alone.target)
        assert pair.lost == pytest.approx(
            lost_detail(pair.degraded / 2 + 0.5, pair.target / 2 + 0.5), abs=1e-5
        )
        if pair.lost <= 0.5:
            assert torch.equal(pair.teacher, pair.target)
        else:
            asked += 1
            assert not torch.equal(pair.teacher, pair.target)
            assert (pair.teacher - pair.degraded).mean((1, 2)).abs().max() < 4 / 255
    assert 3 < asked < 24


def test_no_pictures_is_said(tmp_path):
    with pytest.raises(MediaError, match="give some with --pictures"):
        find_pictures([])
    with pytest.raises(MediaError, match="no pictures"):
        find_pictures([tmp_path])
