import pytest
import torch

from vs_gendrpix.errors import MediaError
from vs_gendrpix.training.pictures import Pairs, find_pictures


def test_pairs_follow_from_their_number(folder):
    paths = find_pictures([folder])
    first, second = Pairs(paths, crop=64, seed=1), Pairs(paths, crop=64, seed=1)
    second[5]  # the order of the questions must not matter
    for mine, theirs in zip(first[9][:2], second[9][:2], strict=True):
        assert mine.shape == (3, 64, 64)
        assert torch.equal(mine, theirs)
    assert not torch.equal(first[9][1], Pairs(paths, crop=64, seed=2)[9][1])


def test_worn_and_clean_are_the_same_place(folder):
    pairs = Pairs(find_pictures([folder]), crop=64, seed=0)
    worn, clean, negative = map(torch.stack, zip(*(pairs[i] for i in range(24)), strict=True))
    matched = (worn - clean).abs().mean()
    assert matched < 0.8 * (worn - clean.roll(1, 0)).abs().mean()
    assert worn.abs().max() <= 1
    assert not negative.any()


def test_negative_items_want_something_between_worn_and_clean(folder):
    paths = find_pictures([folder])
    plain = Pairs(paths, crop=64, seed=0)
    mixed = Pairs(paths, crop=64, seed=0, negative_share=0.5)
    errors = []
    for number in range(60):
        worn, target, negative = mixed[number]
        clean = plain[number][1]
        assert torch.equal(worn, plain[number][0])
        assert bool(negative) != torch.equal(target, clean)
        if negative:
            errors.append((target - clean).abs().mean().item())
    assert 18 < len(errors) < 42
    assert 0.005 < sum(errors) / len(errors) < 0.3


def test_no_pictures_is_said(tmp_path):
    with pytest.raises(MediaError, match="give some with --pictures"):
        find_pictures([])
    with pytest.raises(MediaError, match="no pictures"):
        find_pictures([tmp_path])
