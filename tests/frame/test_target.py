from dataclasses import replace

import pytest

from vs_gendrpix.errors import SettingsError
from vs_gendrpix.frame.format import ColorSpec, FrameFormat, PixelLayout
from vs_gendrpix.frame.target import STATES_ALL, OutputTags, target_format

YUV = PixelLayout(family="yuv", bits=10, subsampling=(1, 1))
GRAY = PixelLayout(family="gray", bits=10)
RGB = PixelLayout(family="rgb", bits=10)
RGBS = PixelLayout(family="rgb", bits=32, floating=True)
LINEAR, PQ = 8, 16


def target_color(color, source=YUV, layout=YUV, tags=STATES_ALL, standard=None):
    form = FrameFormat(width=64, height=48, layout=source, color=color)
    found = target_format(form, layout, (128, 96), tags=tags, standard=standard)
    assert (found.width, found.height, found.layout) == (128, 96, layout)
    return found.color


def test_keep_keeps():
    color = ColorSpec(matrix=5, primaries=5, transfer=5, full_range=True)
    assert target_color(color) == color
    assert target_color(replace(color, matrix=0), RGBS, RGBS) == replace(color, matrix=0)


def test_rgb_becomes_limited_bt709_and_yuv_full_rgb():
    color = target_color(ColorSpec(matrix=0, full_range=True), RGB)
    assert (color.matrix, color.full_range) == (1, False)
    color = target_color(ColorSpec(matrix=0, full_range=True), RGB, GRAY)
    assert (color.matrix, color.full_range) == (1, False)
    color = target_color(ColorSpec(matrix=5), YUV, RGB)
    assert (color.matrix, color.full_range) == (0, True)


def test_rgb_of_limited_range_stays_so():
    assert not target_color(ColorSpec(matrix=0, full_range=False), RGB, RGB).full_range


def test_wide_rgb_becomes_bt2020_and_other_rgb_bt709():
    wide = ColorSpec(matrix=0, primaries=9, transfer=PQ, full_range=True)
    assert target_color(wide, RGB).matrix == 9
    assert target_color(ColorSpec(matrix=0, primaries=12), RGB).matrix == 1
    assert target_color(wide, RGB, RGB).matrix == 0


@pytest.mark.parametrize(
    ("location", "kept"),
    [("topleft", "topleft"), ("left", "left"), ("center", "left"), ("bottom", "left")],
)
def test_chroma_lies_where_players_look_for_it(location, kept):
    color = ColorSpec(matrix=9, chroma_location=location)
    assert target_color(color).chroma_location == kept


def test_a_siting_that_the_output_cannot_state_is_what_readers_assume():
    color = ColorSpec(matrix=9, chroma_location="topleft")
    for assumed in ("left", "center"):
        tags = OutputTags(chroma_locations=(assumed,))
        assert target_color(color, tags=tags).chroma_location == assumed


@pytest.mark.parametrize("assumed", [False, True])
def test_a_range_that_the_output_cannot_state_is_what_readers_assume(assumed):
    tags = OutputTags(full_range=assumed)
    for full in (False, True):
        assert target_color(ColorSpec(full_range=full), tags=tags).full_range == assumed
        assert target_color(ColorSpec(full_range=full), RGB, tags=tags).full_range == assumed
        assert target_color(ColorSpec(full_range=full), YUV, RGB, tags=tags).full_range


@pytest.mark.parametrize("primaries", [1, 9, 12])
@pytest.mark.parametrize("family", ["rgb", "yuv", "gray"])
def test_linear_light_never_leaves_floats(family, primaries):
    color = ColorSpec(matrix=0, primaries=primaries, transfer=LINEAR, full_range=True)
    floats = replace(RGBS, family=family)
    for layout in (YUV, GRAY, RGB):
        assert target_color(color, floats, layout).transfer == 1
    assert target_color(color, floats, RGBS).transfer == LINEAR


def test_linear_light_of_integer_rgb_does_not_become_yuv():
    color = ColorSpec(matrix=0, transfer=LINEAR, full_range=True)
    assert target_color(color, RGB, YUV).transfer == 1
    assert target_color(color, RGB, RGB).transfer == LINEAR
    assert target_color(replace(color, matrix=1), YUV, YUV).transfer == LINEAR


@pytest.mark.parametrize("transfer", [1, 13, PQ, LINEAR])
def test_floats_are_linear_only_where_the_output_knows_no_other(transfer):
    color = ColorSpec(matrix=1, transfer=transfer)
    assert target_color(color, YUV, RGBS).transfer == transfer
    tags = OutputTags(linear_floats=True)
    assert target_color(color, YUV, RGBS, tags).transfer == LINEAR


@pytest.mark.parametrize(("standard", "transfer"), [(1, 1), (9, 14)])
def test_matrix_and_primaries_are_converted(standard, transfer):
    color = target_color(ColorSpec(matrix=6, primaries=6, transfer=6), standard=standard)
    assert (color.matrix, color.primaries, color.transfer) == (standard, standard, transfer)
    rgb = target_color(ColorSpec(matrix=0, primaries=6, transfer=6), RGB, RGB, standard=standard)
    assert (rgb.matrix, rgb.primaries) == (0, standard)


@pytest.mark.parametrize("transfer", [4, 5, 13, 8])
def test_another_curve_stays_what_it_is(transfer):
    color = target_color(ColorSpec(matrix=6, primaries=6, transfer=transfer), standard=1)
    assert (color.matrix, color.primaries, color.transfer) == (1, 1, transfer)


@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
def test_hdr_is_not_squeezed_into_bt709(transfer, name):
    color = ColorSpec(matrix=9, primaries=9, transfer=transfer)
    with pytest.raises(SettingsError, match=f"{name} cannot become BT.709 without tone-mapping"):
        target_color(color, standard=1)
    assert target_color(color, standard=9) == color
