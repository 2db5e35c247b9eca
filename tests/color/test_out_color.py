from fractions import Fraction

import av
import numpy as np
import pytest
import vapoursynth as vs

from tests.choices import process_settings
from tests.clips import make_clip
from vs_gendrpix import EncodeSettings, RestoreSettings, process
from vs_gendrpix.errors import SettingsError
from vs_gendrpix.frame.format import ColorSpec, FrameFormat, PixelLayout
from vs_gendrpix.libav.pixels import target_format, to_picture

PATCHES = [(110, 115, 155), (140, 118, 112), (90, 150, 120), (180, 128, 128), (100, 120, 122)]
"""Y, Cb, Cr of colours that all primaries here can show: zimg cuts off what lies outside."""


def make_patches(path, color):
    """An SD clip of flat colours, 8-bit 4:4:4."""

    def prepare(_, stream):
        context = stream.codec_context
        context.colorspace, context.color_primaries = color.matrix, color.primaries
        context.color_trc, context.color_range = color.transfer, 1

    frames = make_clip(
        path, codec="ffv1", pix_fmt="yuv444p", size=(80, 16), times=(0,), prepare=prepare
    )
    for index in range(3):
        row = np.repeat([patch[index] for patch in PATCHES], 16)
        frames[0].planes[index][:] = row
    with av.open(str(path), "w") as output:
        stream = output.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 80, 16, "yuv444p"
        prepare(output, stream)
        output.mux(stream.encode(to_picture(frames[0], "yuv444p")))
        output.mux(stream.encode(None))


def by_zimg(source, target):
    """The patches as zimg converts them, in floats and at last to codes of 12 bits."""
    clip = vs.core.std.BlankClip(width=80, height=16, format=vs.YUV444P8, length=1)

    def fill(n, f):  # noqa: ARG001
        made = f.copy()
        for index in range(3):
            np.asarray(made[index])[:] = np.repeat([patch[index] for patch in PATCHES], 16)
        return made

    clip = clip.std.ModifyFrame(clip, fill)
    clip = clip.resize.Point(
        format=vs.RGBS,
        matrix_in=source.matrix,
        primaries_in=source.primaries,
        transfer_in=source.transfer,
        primaries=target.primaries,
        transfer=source.transfer,
        range_in=0,
    ).resize.Point(format=vs.YUV444P12, matrix=target.matrix, range=0)
    with clip.get_frame(0) as frame:
        return [np.asarray(frame[index])[8, 8::16].astype(int) for index in range(3)]


@pytest.mark.parametrize(("out_color", "matrix", "transfer"), [("bt709", 1, 1), ("bt2020", 9, 14)])
@pytest.mark.parametrize(
    "source",
    [
        ColorSpec(matrix=6, primaries=6, transfer=6),
        ColorSpec(matrix=5, primaries=5, transfer=6),
        ColorSpec(matrix=1, primaries=1, transfer=1),
        ColorSpec(matrix=9, primaries=9, transfer=14),
    ],
)
def test_colours_and_tags_are_converted(tmp_path, small_model, source, out_color, matrix, transfer):
    make_patches(tmp_path / "in.mkv", source)
    chosen = process_settings(
        restore=RestoreSettings(
            scale=Fraction(2), model_path=small_model, device="cpu", strength=0
        ),
        encode=EncodeSettings(encoder="ffv1", pix_fmt="yuv444p12le"),
        out_color=out_color,
    )
    process(tmp_path / "in.mkv", tmp_path / "out.mkv", chosen)
    with av.open(str(tmp_path / "out.mkv")) as clip:
        picture = next(clip.decode(video=0))
    tags = (picture.colorspace, picture.color_primaries, picture.color_trc, picture.color_range)
    assert tags == (matrix, matrix, transfer, 1)
    wanted = by_zimg(source, ColorSpec(matrix=matrix, primaries=matrix))
    for plane, codes in zip(picture.planes, wanted, strict=True):
        found = np.frombuffer(plane, np.uint16).reshape(32, -1)[16, 16:160:32].astype(int)
        # 12 bits: 2 codes are an eighth of a code of 8. Half a code is either's dither.
        assert np.abs(found - codes).max() <= 2


def target_color(color, family="yuv", out_color="keep", **encode):
    form = FrameFormat(width=64, height=48, layout=PixelLayout(family=family, bits=8), color=color)
    chosen = EncodeSettings(**{"encoder": "libx265", "pix_fmt": "yuv420p10le"} | encode)
    return target_format(form, chosen, (64, 48), out_color).color


def test_keep_keeps():
    color = ColorSpec(matrix=5, primaries=5, transfer=5, full_range=True)
    assert target_color(color) == color


@pytest.mark.parametrize("transfer", [4, 5, 13, 8])
def test_another_curve_stays_what_it_is(transfer):
    color = target_color(ColorSpec(matrix=6, primaries=6, transfer=transfer), out_color="bt709")
    assert (color.matrix, color.primaries, color.transfer) == (1, 1, transfer)


@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
def test_hdr_is_not_squeezed_into_bt709(transfer, name):
    color = ColorSpec(matrix=9, primaries=9, transfer=transfer)
    with pytest.raises(SettingsError, match=f"{name} cannot become BT.709 without tone-mapping"):
        target_color(color, out_color="bt709")
    assert target_color(color, out_color="bt2020") == color


def test_wide_rgb_becomes_bt2020_and_other_rgb_bt709():
    wide = ColorSpec(matrix=0, primaries=9, transfer=16, full_range=True)
    assert target_color(wide, "rgb").matrix == 9
    assert target_color(ColorSpec(matrix=0, primaries=12), "rgb").matrix == 1
    assert target_color(wide, "rgb", pix_fmt="gbrp10le").matrix == 0


@pytest.mark.parametrize(
    ("location", "kept"),
    [("topleft", "topleft"), ("left", "left"), ("center", "left"), ("bottom", "left")],
)
def test_chroma_lies_where_players_look_for_it(location, kept):
    assert target_color(ColorSpec(matrix=9, chroma_location=location)).chroma_location == kept


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
