from fractions import Fraction

import pytest

from tests.clips import make_clip
from vs_gendrpix import EncodeSettings
from vs_gendrpix.frame.format import CHROMA_LOCATIONS, ColorSpec, FrameFormat, PixelLayout
from vs_gendrpix.frame.target import target_format
from vs_gendrpix.libav.pixels import encoder_layout
from vs_gendrpix.read.source import open_source
from vs_gendrpix.write.encoding.color_tags import color_tags


def target_color(color, family="yuv", **encode):
    form = FrameFormat(width=64, height=48, layout=PixelLayout(family=family, bits=8), color=color)
    chosen = EncodeSettings(**{"encoder": "libx265", "pix_fmt": "yuv420p10le"} | encode)
    layout = encoder_layout(chosen.pix_fmt)
    return target_format(form, layout, (64, 48), tags=color_tags(chosen)).color


def test_what_an_encoder_cannot_say_is_what_players_take():
    color = ColorSpec(matrix=1, full_range=True, chroma_location="topleft")
    for encoder in ("prores_ks", "mpeg2video"):
        plain = target_color(color, encoder=encoder)
        assert (plain.full_range, plain.chroma_location) == (False, "left")
    vp9 = target_color(color, encoder="libvpx-vp9")
    assert (vp9.full_range, vp9.chroma_location) == (True, "left")
    assert target_color(color, encoder="libx264") == color
    rgb = ColorSpec(matrix=0, full_range=True)
    assert target_color(rgb, "rgb", encoder="png", pix_fmt="rgb24").full_range


def test_grey_is_full_where_files_do_not_say():
    """Which is how pictures are read: a grey PNG has no other range."""
    for full in (False, True):
        color = target_color(ColorSpec(full_range=full), "gray", encoder="png", pix_fmt="gray")
        assert color.full_range
    rgb = ColorSpec(matrix=0, full_range=True)
    assert target_color(rgb, "rgb", encoder="png", pix_fmt="gray").full_range


def test_pictures_of_floats_hold_linear_light():
    assert target_color(ColorSpec(transfer=1), encoder="exr", pix_fmt="gbrpf32le").transfer == 8


@pytest.mark.parametrize(
    ("encoder", "pix_fmt", "suffix"),
    [
        ("libx264", "yuv420p", "mp4"),
        ("libx264", "yuv420p", "mkv"),
        ("libx265", "yuv420p10le", "mov"),
        ("libsvtav1", "yuv420p10le", "mp4"),
        ("ffv1", "yuv420p", "mkv"),
        ("ffv1", "yuv422p10le", "mkv"),
        ("libvpx-vp9", "yuv420p", "mp4"),
        ("prores_ks", "yuv422p10le", "mov"),
        ("mpeg4", "yuv420p", "mp4"),
        ("mjpeg", "yuvj420p", "mkv"),
        ("mpeg1video", "yuv420p", "mp4"),
    ],
)
@pytest.mark.parametrize("location", ["left", "center", "topleft"])
def test_files_are_read_with_the_siting_that_was_written(
    tmp_path, encoder, pix_fmt, suffix, location
):
    color = target_color(
        ColorSpec(matrix=1, primaries=1, transfer=1, chroma_location=location),
        encoder=encoder,
        pix_fmt=pix_fmt,
    )
    path = tmp_path / f"out.{suffix}"
    siting = CHROMA_LOCATIONS.index(color.chroma_location)
    quiet = {"x265-params": "log-level=none"} if encoder == "libx265" else {}

    def prepare(_, stream):
        stream.codec_context.time_base = Fraction(1, 25)  # MPEG-1 has only the usual rates
        stream.codec_context.color_range = 2 if color.full_range else 1
        stream.codec_context.chroma_sample_location = siting + 1

    make_clip(path, codec=encoder, pix_fmt=pix_fmt, options=quiet, prepare=prepare)
    with open_source(path) as source:
        found = source.info.format.color
    assert found.chroma_location == color.chroma_location
    assert found.full_range == color.full_range
