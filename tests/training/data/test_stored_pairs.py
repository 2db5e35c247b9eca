import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from tests.conftest import SMALL
from vs_gendrpix.errors import SettingsError
from vs_gendrpix.training.data.pairs import Pairs, find_pictures
from vs_gendrpix.training.data.settings import PairSettings, TeacherSettings
from vs_gendrpix.training.data.stored_pairs import StoredPairs, store_pairs
from vs_gendrpix.training.settings import Recipe, StageSettings
from vs_gendrpix.training.trainer import train

RECIPE = Recipe(
    seed=3,
    workers=2,
    network=SMALL,
    pairs=PairSettings(count=20, side=72, negative_share=0.5),
    stage={"pix": StageSettings(steps=2, batch=2, crop=64)},
)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of a run whose pairs have been made, which takes two processes a while."""
    out = tmp_path_factory.mktemp("store")
    blocks = np.random.default_rng(4).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    (out / "pictures").mkdir()
    Image.fromarray(blocks.repeat(8, 0).repeat(8, 1)).save(out / "pictures" / "wall.png")
    store_pairs(RECIPE, pictures=[out / "pictures"], out=out)
    return out


@pytest.fixture
def stored(run):
    return run / "pairs"


@pytest.mark.slow
def test_stored_pairs_are_those_of_their_numbers_whoever_made_them(run, stored):
    source = Pairs(find_pictures([run / "pictures"]), crop=72, seed=3, negative_share=0.5)
    pairs = StoredPairs(stored, crop=72, seed=0)
    for number in (0, 7, 19):
        degraded, target, negative = source[number][:3]
        assert torch.equal(torch.from_numpy(pairs.degraded[number].copy()), degraded.half())
        assert torch.equal(torch.from_numpy(pairs.target[number].copy()), target.half())
        assert (number in pairs.kinds[True]) == bool(negative)


@pytest.mark.slow
def test_items_are_crops_turned_and_mirrored_alike(stored):
    pairs = StoredPairs(stored, crop=64, seed=0)
    seen = set()
    for number in range(40):
        degraded, target, negative = pairs[number][:3]
        assert degraded.shape == target.shape == (3, 64, 64)
        assert torch.equal(pairs[number][0], degraded)
        assert not negative
        turned = [
            (turns, mirrored)
            for turns in range(4)
            for mirrored in (False, True)
            for index in pairs.kinds[False]
            if _holds(pairs.degraded[index], degraded, turns, mirrored)
            and _holds(pairs.target[index], target, turns, mirrored)
        ]
        assert turned
        seen.update(turned)
    assert len(seen) > 5


def _holds(whole, crop, turns, mirrored):
    """Whether a stored picture has the crop in it, after what was done to that is undone."""
    plain = (crop.flip(-1) if mirrored else crop).rot90(-turns, (-2, -1)).half()
    places = torch.from_numpy(whole.copy()).unfold(1, 64, 1).unfold(2, 64, 1)  # (3, 9, 9, 64, 64)
    corners = (places[..., 0, 0] == plain[:, :1, :1]).all(0).nonzero().tolist()
    return any(torch.equal(places[:, top, left], plain) for top, left in corners)


@pytest.mark.slow
def test_negative_items_come_from_the_negative_pairs(stored):
    pairs = StoredPairs(stored, crop=64, seed=0, negative_share=0.5)
    negative = [bool(pairs[number][2]) for number in range(60)]
    assert 15 < sum(negative) < 45


@pytest.mark.slow
def test_a_stage_learns_from_stored_pairs_without_pictures(run):
    model = train(replace(RECIPE, workers=0), "pix", pictures=[], out=run)
    assert model.is_file()


@pytest.mark.slow
def test_labels_are_stored_and_cut_with_the_pairs(run, tmp_path, teacher_file):
    label = TeacherSettings(model=teacher_file)
    six = PairSettings(count=6, side=72)
    labelled = replace(RECIPE, workers=0, pairs=six, teacher=label)
    folder = store_pairs(labelled, pictures=[run / "pictures"], out=tmp_path)
    source = Pairs(find_pictures([run / "pictures"]), crop=72, seed=3, label=label)
    pairs = StoredPairs(folder, crop=72, seed=0)
    asked = 0
    for number in range(6):
        pair = source[number]
        assert torch.equal(torch.from_numpy(pairs.teacher[number].copy()), pair.teacher.half())
        assert pairs.lost[number] == pair.lost
        asked += not torch.equal(pair.teacher, pair.target)
    assert asked
    crops = [StoredPairs(folder, crop=64, seed=0)[number] for number in range(30)]
    for crop in crops:
        taught = crop.lost > label.clean_below
        assert taught != torch.equal(crop.teacher, crop.target)
        assert (crop.teacher - crop.target).abs().mean() < 0.5  # the same place
    follows = {"pix": replace(RECIPE.stage["pix"], target="teacher")}
    train(replace(labelled, stage=follows), "pix", pictures=[], out=tmp_path)


@pytest.mark.slow
def test_a_worker_gets_the_place_of_the_pairs_not_a_copy(stored):
    pairs = StoredPairs(stored, crop=64, seed=5)
    pickled = pickle.dumps(pairs)
    assert len(pickled) < 1000
    assert torch.equal(pickle.loads(pickled)[3][0], pairs[3][0])  # noqa: S301 - ours


def test_what_is_missing_is_said(tmp_path, stored):
    with pytest.raises(SettingsError, match="no crop of 80"):
        StoredPairs(stored, crop=80, seed=0)
    with pytest.raises(SettingsError, match="run the stage pairs"):
        StoredPairs(tmp_path, crop=64, seed=0)
    with pytest.raises(SettingsError, match="has pairs already"):
        store_pairs(RECIPE, pictures=[], out=stored.parent)
    with pytest.raises(SettingsError, match="set count"):
        store_pairs(replace(RECIPE, pairs=PairSettings()), pictures=[], out=tmp_path)
