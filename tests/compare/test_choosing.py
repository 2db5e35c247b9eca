"""Which frames a page shows, and where each is opened."""

from itertools import pairwise

import pytest
import torch

from vs_gendrpix.compare.choosing import chosen, spot


@pytest.mark.parametrize("total", [1, 5])
def test_a_short_clip_is_shown_whole(total):
    assert chosen([0.0] * total, 5) == list(range(total))


@pytest.mark.parametrize("count", [1, 2, 3, 9, 24, 99])
def test_as_many_as_are_asked_for_are_shown_in_order(count):
    places = chosen([float(n % 17) for n in range(100)], count)
    assert len(set(places)) == count
    assert places == sorted(places)
    assert places[0] >= 0
    assert places[-1] < 100


def test_the_worst_are_shown_and_one_bad_scene_does_not_take_all_places():
    badness = [0.0] * 600
    badness[100:140] = [50.0 + n for n in range(40)]
    badness[480] = 3.0
    places = chosen(badness, 12)
    assert {139, 480} <= set(places)
    assert sum(100 <= place < 140 for place in places) <= 4


def test_the_others_are_spread_over_the_clip():
    places = chosen([0.0] * 299 + [1.0], 12)
    assert (places[0], places[-1]) == (0, 299)
    assert max(b - a for a, b in pairwise(places)) < 70


def test_frames_without_a_value_are_not_the_worst():
    badness = [float("-inf")] * 10
    badness[7] = -90.0  # as of a measure of which more is better
    assert 7 in chosen(badness, 2)


@pytest.mark.parametrize("anchor", [0, 1, 2])
@pytest.mark.parametrize("at", [(0, 0), (700, 30), (300, 400), (767, 590)])
def test_a_frame_is_opened_where_the_clips_differ_most(at, anchor):
    column, row = at
    pictures = [torch.full((1, 3, 600, 777), 0.5) for _ in range(3)]
    pictures[1][..., row : row + 10, column : column + 10] = 0.9
    pictures[2][..., 200:203, 100:103] = 0.9
    x, y = spot(pictures, anchor)
    assert (abs(x - column), abs(y - row)) <= (128 + 16, 128 + 16)


@pytest.mark.parametrize("size", [(2, 3), (50, 70), (1000, 2000)])
def test_equal_pictures_are_opened_in_the_middle(size):
    picture = torch.rand(1, 3, *size)
    assert spot([picture, picture.clone()], 0) == (size[1] // 2, size[0] // 2)
