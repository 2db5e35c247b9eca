from fractions import Fraction

import numpy as np
import pytest

from tests.strategies import frame_format
from vs_gendrpix.frame.area import Area
from vs_gendrpix.frame.format import Frame, Timing
from vs_gendrpix.read.look.bars import PLACES, find_picture

WIDTH, HEIGHT = 160, 90
CLIP = Area(width=160, height=68, x=0, y=12)  # 2.35 : 1, with 12 and 10 rows of bar
YUV = frame_format(WIDTH, HEIGHT, subsampling=(1, 1))


def scene(number, *, level=0.4, crop=CLIP):
    """(rows, columns) in [0, 1]: a textured picture between bars."""
    random = np.random.default_rng(number)
    light = np.zeros((HEIGHT, WIDTH))
    part = level * (0.4 + 0.6 * random.random((crop.height, crop.width)))
    light[crop.y : crop.y + crop.height, crop.x : crop.x + crop.width] = part
    return light


def frame(light, form=YUV, noise=0.0):
    random = np.random.default_rng(7)
    light = light + noise * random.standard_normal(light.shape)
    black, white = (0, 2**form.layout.bits - 1) if form.color.full_range else (16, 235)
    if not form.color.full_range:
        black, white = black << form.layout.bits - 8, white << form.layout.bits - 8
    codes = np.clip(black + light * (white - black), 0, 2**form.layout.bits - 1).round()
    planes = [codes.astype(form.dtype)]
    for shape in form.plane_shapes[1:]:
        same = form.layout.family == "rgb"
        planes.append(planes[0] if same else np.full(shape, 1 << form.layout.bits - 1, form.dtype))
    timing = Timing(pts=0, duration=0, time_base=Fraction(1, 25))
    return Frame(format=form, planes=tuple(planes), timing=timing)


def found(scenes, form=YUV, noise=0.0):
    return find_picture(frame(light, form, noise) for light in scenes)


FORMS = [
    YUV,
    frame_format(WIDTH, HEIGHT, "yuv", 10, (1, 0)),
    frame_format(WIDTH, HEIGHT, full_range=True),
    frame_format(WIDTH, HEIGHT, "rgb", 12, full_range=True),
    frame_format(WIDTH, HEIGHT, "gray", 16),
]


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_bars_are_found_in_every_format(form):
    assert found([scene(number) for number in range(PLACES)], form) == CLIP


@pytest.mark.parametrize(
    "crop",
    [
        Area(width=120, height=90, x=20, y=0),
        Area(width=120, height=68, x=20, y=12),
        Area(width=160, height=80, x=0, y=0),
    ],
    ids=str,
)
def test_bars_at_any_side(crop):
    assert found([scene(number, crop=crop) for number in range(PLACES)]) == crop


def test_noise_in_the_bars_does_not_matter():
    assert found([scene(number) for number in range(PLACES)], noise=0.02) == CLIP


def test_edges_between_chroma_samples_are_rounded_inwards():
    odd = Area(width=151, height=67, x=3, y=13)
    assert found([scene(n, crop=odd) for n in range(PLACES)]) == Area(
        width=150, height=66, x=4, y=14
    )


def test_dark_scenes_take_nothing_of_the_picture():
    small = Area(width=40, height=20, x=60, y=40)  # a lamp in the night
    scenes = [scene(n, crop=small) for n in range(12)] + [scene(n) for n in range(4)]
    assert found(scenes) == CLIP
    dark = [scene(n, level=0.12) for n in range(PLACES)]
    assert found(dark) == CLIP
    black = [np.zeros((HEIGHT, WIDTH))] * 10
    assert found(black + [scene(n) for n in range(6)]) == CLIP


def test_a_title_in_a_bar_or_a_full_logo_changes_nothing():
    scenes = [scene(number) for number in range(PLACES)]
    scenes[0] = np.full((HEIGHT, WIDTH), 0.5)
    scenes[5][82:86, 40:120:2] = 0.9
    assert found(scenes) == CLIP


def test_a_picture_that_is_often_full_is_not_cropped():
    full = Area(width=WIDTH, height=HEIGHT, x=0, y=0)
    scenes = [scene(n, crop=full if n % 3 == 0 else CLIP) for n in range(PLACES)]
    assert found(scenes) is None


def test_a_night_sky_is_no_bar():
    light = np.repeat(np.linspace(0, 0.25, HEIGHT)[:, None], WIDTH, axis=1)
    assert found([light] * PLACES) is None


def test_no_bars_and_nothing_to_see():
    full = Area(width=WIDTH, height=HEIGHT, x=0, y=0)
    assert found([scene(n, crop=full) for n in range(PLACES)]) is None
    assert found([np.zeros((HEIGHT, WIDTH))] * PLACES) is None
    assert found([scene(n, crop=Area(width=4, height=4, x=80, y=40)) for n in range(4)]) is None
    assert find_picture([]) is None
