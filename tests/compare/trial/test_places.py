"""The four frames and the second that are restored."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from benchmarks.try_clips import drawn, write
from vs_gendrpix.settings import ReadSettings

pytest.importorskip("cv2", reason="the extra `evaluation` is not installed")

from vs_gendrpix.compare.trial.look import look
from vs_gendrpix.compare.trial.places import places
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.job.open import open_input

PICTURES = [drawn(number) for number in range(12)]


def test_four_frames_are_taken_of_four_scenes_and_none_is_black(tmp_path):
    scenes = [[drawn(each, seed=seed) for each in range(8)] for seed in (1, 4, 9, 7)]
    dark = [np.zeros_like(PICTURES[0])] * 5
    path = write(tmp_path / "a.mkv", [*scenes[0], *dark, *scenes[1], *scenes[2], *scenes[3]])
    with open_input(path, ReadSettings(), Notes()) as clip:
        seen = look(clip)
    assert seen.cuts == 4
    *frames, second = places(seen)
    numbers = [round(float(place.start * 25) + 0.25) for place in frames]
    begins = (0, 13, 21, 29)
    assert [max(b for b in begins if b <= number) for number in numbers] == list(begins)
    assert not any(8 <= number < 13 for number in numbers)
    assert second.end - second.start == 1


def test_of_a_clip_that_is_mostly_black_the_rest_is_shown(tmp_path):
    shown, black = [0.2 * each for each in PICTURES], [np.zeros_like(PICTURES[0])] * 36
    path = write(tmp_path / "a.mkv", [*black[:24], *shown, *black])
    with open_input(path, ReadSettings(), Notes()) as clip:
        *frames, second = places(look(clip))
    assert len(frames) == 4
    assert all(24 / 25 <= place.moment < 36 / 25 for place in [*frames, second])


def test_a_frame_within_a_fade_is_not_taken(tmp_path):
    with open_input(write(tmp_path / "a.mkv", PICTURES), ReadSettings(), Notes()) as clip:
        seen = look(clip)
    textures = [(3.0, False), (9.0, True), (5.0, False)] * 4
    samples = tuple(
        replace(each, texture=texture, fades=fades)
        for each, (texture, fades) in zip(seen.samples, textures, strict=True)
    )
    *frames, _ = places(replace(seen, samples=samples))
    assert [round(25 * place.moment) for place in frames] == [2, 5, 8, 11]


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """What is seen of a clip of twelve frames, of which a test replaces what it sets."""
    path = write(tmp_path_factory.mktemp("seen") / "a.mkv", PICTURES)
    with open_input(path, ReadSettings(), Notes()) as clip:
        return look(clip)


def having(seen, **values):
    """What was seen, with other values in its twelve samples, a second apart."""
    samples = [replace(each, seconds=Fraction(n)) for n, each in enumerate(seen.samples)]
    for name, each in values.items():
        samples = [
            replace(sample, **{name: value}) for sample, value in zip(samples, each, strict=True)
        ]
    return replace(seen, samples=tuple(samples), end=Fraction(12), frames=300)


def test_a_frame_is_taken_of_each_quarter_where_scenes_are_few_and_none_is_dark(seen):
    found = having(
        seen,
        scene=[0] * 12,
        texture=[5, 9, 4, 9, 5, 6, 4, 7, 9, 5, 0.8, 6],
        brightness=[0.5, 0.07, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.07, 0.5, 0.5, 0.09],
    )
    *frames, _ = places(found)
    assert [place.moment for place in frames] == [0, 3, 7, 11]
    assert [place.moment - place.start for place in frames] == [Fraction(1, 100)] * 4
    assert [place.end - place.start for place in frames] == [Fraction(1, 25)] * 4


def test_the_second_lies_amid_the_longest_scene_and_within_the_clip(seen):
    found = having(seen, scene=[0] * 2 + [1] * 5 + [2] * 4 + [3], texture=[5] * 12)
    assert places(found)[-1].moment == 4
    # The last frame: a second from there on would end behind the clip.
    found = having(seen, scene=[0] * 12, texture=[0] * 11 + [5])
    assert [place.moment for place in places(found)] == [11, 11]
    assert places(replace(found, end=Fraction(23, 2)))[-1].moment == Fraction(21, 2)
    short = replace(seen, end=Fraction(12, 25))
    assert places(short)[-1].moment == 0
    assert len(places(replace(short, frames=1, samples=short.samples[:1]))) == 1


def test_scenes_count_for_more_than_quarters(seen):
    found = having(
        seen, scene=[0] * 6 + [1, 1, 2, 2, 3, 3], texture=[5, 5, 5, 5, 9, 5, 7, 6, 6, 7, 7, 6]
    )
    assert [place.moment for place in places(found)[:-1]] == [4, 6, 9, 10]
