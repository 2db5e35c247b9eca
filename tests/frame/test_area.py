from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.clips import make_frames
from tests.strategies import frame_format
from vs_gendrpix.errors import SettingsError
from vs_gendrpix.frame.area import Area, cropped, with_bars
from vs_gendrpix.frame.format import ColorSpec


def test_a_crop_must_lie_in_the_picture_and_on_chroma_samples():
    form = frame_format(64, 48, subsampling=(1, 1))
    Area.whole(form).check(form)
    for part, said in (
        ((64, 49, 0, 0), "beyond"),
        ((10, 10, 56, 0), "beyond"),
        ((10, 10, 1, 0), "multiples of 2 and 2"),
        ((10, 10, 0, 3), "multiples of 2 and 2"),
    ):
        with pytest.raises(SettingsError, match=said):
            Area(**dict(zip(("width", "height", "x", "y"), part, strict=True))).check(form)


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p10le", "yuv444p", "gbrp", "gray"])
def test_the_part_and_black_around_it(pix_fmt):
    (frame,) = make_frames(pix_fmt, size=(64, 48), times=(5,))
    crop = Area(width=40, height=30, x=8, y=6)
    part = cropped(frame, crop)
    assert (part.format.width, part.format.height) == (40, 30)
    assert part.timing == frame.timing
    back = with_bars(part, frame.format, crop)
    assert back.format == frame.format
    again = cropped(back, crop)
    for mine, theirs in zip(again.planes, part.planes, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    black = {"yuv420p": [16, 128, 128], "yuv422p10le": [64, 512, 512], "yuv444p": [16, 128, 128]}
    levels = black.get(pix_fmt, [0 if frame.format.color.full_range else 16] * 3)
    for plane, level in zip(back.planes, levels, strict=False):
        assert plane[0, 0] == plane[-1, -1] == plane[0, -1] == level


def test_black_of_full_range():
    color = ColorSpec(matrix=1, full_range=True)
    (frame,) = make_frames("yuv420p", size=(64, 48), times=(5,), color=color)
    crop = Area(width=40, height=30, x=8, y=6)
    back = with_bars(cropped(frame, crop), frame.format, crop)
    assert [int(plane[0, 0]) for plane in back.planes] == [0, 128, 128]


@given(
    st.integers(1, 200), st.integers(1, 200), st.integers(0, 100), st.integers(0, 100),
    st.sampled_from([Fraction(1), Fraction(3, 2), Fraction(2), Fraction(4)]),
    st.sampled_from([(0, 0), (1, 0), (1, 1)]),
)  # fmt: skip
@example(width=1, height=1, x=0, y=3, scale=Fraction(1), subsampling=(1, 1))
def test_a_scaled_crop_keeps_its_place(width, height, x, y, scale, subsampling):
    source = frame_format(x + width + 7, y + height)
    step_x, step_y = (1 << log2 for log2 in subsampling)
    target = frame_format(
        max(round(source.width * scale / step_x), 1) * step_x,
        max(round(source.height * scale / step_y), 1) * step_y,
        subsampling=subsampling,
    )
    scaled = Area(width=width, height=height, x=x, y=y).scaled(source, target)
    scaled.check(target)
    assert abs(scaled.x - x * target.width / source.width) <= step_x
    assert scaled.y + scaled.height == target.height
    assert abs(scaled.width - width * target.width / source.width) <= 2 * step_x
