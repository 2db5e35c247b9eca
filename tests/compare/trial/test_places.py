"""The four frames and the second that are restored."""

from dataclasses import replace

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
