from fractions import Fraction

import av
import numpy as np
import pytest
import vapoursynth as vs

from tests.choices import process_settings
from tests.clips import make_clip
from vs_gendrpix import EncodeSettings, RestoreSettings, process
from vs_gendrpix.frame.format import ColorSpec
from vs_gendrpix.libav.pixels import to_picture

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


@pytest.mark.slow
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
