import numpy as np
import pytest

from vs_gendrpix.errors import MediaError
from vs_gendrpix.frame.format import ColorSpec, FrameFormat, PixelLayout, said


@pytest.mark.parametrize(
    ("layout", "words"),
    [
        (PixelLayout(family="yuv", bits=8, subsampling=(1, 1)), "64x48 YUV 4:2:0 of 8 bits"),
        (PixelLayout(family="yuv", bits=12), "64x48 YUV 4:4:4 of 12 bits"),
        (PixelLayout(family="gray", bits=16, alpha=True), "64x48 grey and alpha of 16 bits"),
        (PixelLayout(family="rgb", bits=32, floating=True), "64x48 RGB of 32-bit floats"),
    ],
)
def test_a_format_says_itself_in_words(layout, words):
    assert str(FrameFormat(width=64, height=48, layout=layout)) == words


def test_a_colour_says_itself_in_words():
    color = ColorSpec(matrix=9, primaries=9, transfer=16, chroma_location="topleft")
    words = "matrix 9, primaries 9, transfer 16, limited range, chroma topleft"
    assert str(color) == words


@pytest.mark.parametrize(
    ("bits", "full", "codes"),
    [
        (8, False, (16, 235, 128, 255)),
        (8, True, (0, 255, 128, 255)),
        (10, False, (64, 940, 512, 1023)),
        (16, True, (0, 65535, 32768, 65535)),
    ],
)
def test_the_codes_of_black_white_and_grey(bits, full, codes):
    layout = PixelLayout(family="yuv", bits=bits, subsampling=(1, 1))
    form = FrameFormat(width=2, height=2, layout=layout, color=ColorSpec(full_range=full))
    assert (form.black, form.white, form.neutral, form.top) == codes


@pytest.mark.parametrize("full", [False, True])
def test_floats_have_no_range(full):
    layout = PixelLayout(family="yuv", bits=16, floating=True)
    form = FrameFormat(width=2, height=2, layout=layout, color=ColorSpec(full_range=full))
    assert (form.black, form.white, form.neutral, form.top) == (0, 1, 0, 1)
    assert form.dtype == np.float16


def test_planes_of_odd_sizes_round_up():
    layout = PixelLayout(family="yuv", bits=8, subsampling=(1, 1), alpha=True)
    form = FrameFormat(width=5, height=3, layout=layout)
    assert form.plane_shapes == ((3, 5), (2, 3), (2, 3), (3, 5))
    assert layout.chroma_step == (2, 2)


def test_an_impossible_format_is_refused():
    with pytest.raises(MediaError, match="no area"):
        FrameFormat(width=0, height=3, layout=PixelLayout(family="gray", bits=8))
    with pytest.raises(MediaError, match="no subsampled planes"):
        PixelLayout(family="rgb", bits=8, subsampling=(1, 1))


def test_reserved_code_points_say_nothing():
    assert [code for code in range(10) if said(code)] == [1, 4, 5, 6, 7, 8, 9]
