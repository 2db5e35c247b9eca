import re

import av
import numpy as np
import pytest

from tests.clips import make_frames
from vs_gendrpix.errors import MediaError, SettingsError
from vs_gendrpix.frame.format import ColorSpec, PixelLayout
from vs_gendrpix.libav.pixels import (
    encoder_layout,
    frame_format,
    layout_of,
    planar_name,
    read_planes,
    to_picture,
)

PLANAR = ["yuv420p", "yuv422p10le", "yuv444p12le", "yuv440p", "yuv411p", "yuv410p", "gray"]
PLANAR += ["gray16le", "gbrp", "gbrp12le", "yuvj420p", "yuva420p", "yuva444p10le", "gbrap16le"]
PLANAR += ["ya8", "ya16le", "gbrpf32le", "gbrapf32le", "grayf32le", "gbrpf16le", "grayf16le"]
PACKED = ["nv12", "nv24", "p010le", "p216le", "yuyv422", "uyvy422", "y210le", "xv30le"]
PACKED += ["rgb24", "bgr0", "rgb48le", "x2rgb10le", "rgb48be", "yuv420p10be", "gray10be"]
PACKED += ["rgba", "bgra", "rgba64le", "rgba64be", "ya16be"]


@pytest.mark.parametrize("size", [(64, 48), (62, 34)])
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("pix_fmt", PLANAR + PACKED)
def test_planes_pass_through_a_picture_bit_for_bit(pix_fmt, size, full):
    check_passage(pix_fmt, size, full)


# libswscale loses the last chroma of an odd width on the way *into* p010; no encoder asks for that.
@pytest.mark.parametrize("pix_fmt", [*PLANAR, "nv12", "yuyv422", "rgb24", "rgb48le"])
def test_planes_of_odd_sizes_pass_through_a_picture(pix_fmt):
    check_passage(pix_fmt, (63, 47), full=False)


def check_passage(pix_fmt, size, full):
    frame = make_frames(pix_fmt, size, (0,), color=ColorSpec(matrix=1, full_range=full))[0]
    picture = to_picture(frame, pix_fmt)
    assert picture.format.name == pix_fmt
    found = read_planes(picture)
    assert len(found) == len(frame.planes)
    for was, now in zip(frame.planes, found, strict=True):
        np.testing.assert_array_equal(now, was)


def test_rgb_planes_come_in_the_order_r_g_b():
    array = np.zeros((16, 16, 3), np.uint8)
    array[..., 0], array[..., 1], array[..., 2] = 10, 20, 30
    picture = av.VideoFrame.from_ndarray(array, format="rgb24")
    assert [int(plane[0, 0]) for plane in read_planes(picture)] == [10, 20, 30]
    assert [int(plane[0, 0]) for plane in read_planes(picture.reformat(format="gbrp"))] == [
        10,
        20,
        30,
    ]


def test_a_palette_and_alpha_become_rgb():
    array = np.full((16, 16, 4), (200, 100, 50, 128), np.uint8)
    picture = av.VideoFrame.from_ndarray(array, format="rgba")
    assert layout_of("rgba").alpha
    assert [int(plane[0, 0]) for plane in read_planes(picture)] == [200, 100, 50, 128]
    assert frame_format(picture).layout.alpha
    assert layout_of("pal8").family == "rgb"


@pytest.mark.parametrize(
    ("height", "matrix", "primaries"), [(288, 5, 5), (576, 5, 5), (480, 6, 6), (240, 6, 6)]
)
def test_an_unspecified_matrix_below_720_lines_is_bt601(height, matrix, primaries):
    color = frame_format(av.VideoFrame(64, height, "yuv420p")).color
    assert (color.matrix, color.primaries, color.transfer) == (matrix, primaries, 6)


def test_an_unspecified_matrix_from_720_lines_is_bt709():
    color = frame_format(av.VideoFrame(64, 720, "yuv420p")).color
    assert (color.matrix, color.primaries, color.transfer, color.full_range) == (1, 1, 1, False)


def test_what_a_picture_says_is_kept():
    picture = av.VideoFrame(64, 48, "yuv420p10le")
    picture.colorspace, picture.color_primaries, picture.color_trc = 9, 9, 16
    picture.color_range, picture.chroma_location = 2, 3
    form = frame_format(picture)
    assert form.color == ColorSpec(
        matrix=9, primaries=9, transfer=16, full_range=True, chroma_location="topleft"
    )
    assert (form.layout.bits, form.layout.subsampling) == (10, (1, 1))


def test_yuvj_and_gray_are_full_range():
    assert frame_format(av.VideoFrame(64, 48, "yuvj422p")).color.full_range
    assert frame_format(av.VideoFrame(64, 48, "gray")).color.full_range
    limited = av.VideoFrame(64, 48, "gray")
    limited.color_range = 1
    assert not frame_format(limited).color.full_range


@pytest.mark.parametrize("pix_fmt", ["rgbf32le", "yaf16le", "xyz12le", "bayer_rggb8", "cuda"])
def test_a_format_that_we_cannot_read_is_refused(pix_fmt):
    with pytest.raises(MediaError, match=pix_fmt):
        layout_of(pix_fmt)


@pytest.mark.parametrize("pix_fmt", ["nonsense", "rgbf32le"])
def test_a_format_that_we_cannot_fill_is_refused(pix_fmt):
    with pytest.raises(SettingsError, match=pix_fmt):
        encoder_layout(pix_fmt)


@pytest.mark.parametrize("pix_fmt", ["yuv410p", "gbrapf32le", "ya16le", "gray10le", "yuva422p12le"])
def test_a_planar_format_is_named_as_ffmpeg_names_it(pix_fmt):
    assert planar_name(layout_of(pix_fmt)) == pix_fmt


@pytest.mark.parametrize(
    "layout",
    [
        PixelLayout(family="yuv", bits=11, subsampling=(1, 1)),
        PixelLayout(family="yuv", bits=8, subsampling=(2, 1)),
        PixelLayout(family="yuv", bits=32, floating=True),
    ],
    ids=str,
)
def test_a_layout_that_ffmpeg_lacks_is_refused(layout):
    with pytest.raises(MediaError, match=f"no pixel format for {re.escape(str(layout))}: convert"):
        planar_name(layout)
