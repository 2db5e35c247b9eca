"""The command line and the VapourSynth filter make the same pixels of the same clips.

On a machine with a GPU both restore on it.
"""

from fractions import Fraction

import numpy as np
import pytest
import vapoursynth as vs

from tests.choices import process_settings
from tests.clips import EVEN, UNEVEN, make_clip
from vs_gendrpix import EncodeSettings, RestoreSettings, gendrpix, process
from vs_gendrpix import source_clip as open_clip
from vs_gendrpix.frame.format import CHROMA_LOCATIONS, LINEAR
from vs_gendrpix.read.source import open_source


def processed(path, out, pix_fmt, **restore):
    """The frames that the command line writes, through a codec that loses nothing."""
    process(
        path,
        out,
        process_settings(
            restore=RestoreSettings(**restore),
            encode=EncodeSettings(encoder="ffv1", pix_fmt=pix_fmt),
        ),
    )
    with open_source(out) as source:
        return [
            (tuple(plane.copy() for plane in frame.planes), frame.timing.pts) for frame in source
        ]


def filtered(path, **given):
    """The frames that the filter makes of the same file."""
    clip = gendrpix(open_clip(path), **given)
    with_planes = []
    for frame in clip.frames(close=True):
        planes = tuple(np.array(frame[index]) for index in range(frame.format.num_planes))
        with_planes.append((planes, frame.props["_AbsoluteTime"]))
    return with_planes


def assert_same(mine, theirs):
    assert len(mine) == len(theirs) > 0
    for (planes, _), (others, _) in zip(mine, theirs, strict=True):
        for plane, other in zip(planes, others, strict=True):
            np.testing.assert_array_equal(plane, other)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pix_fmt", "size", "out_fmt", "number"),
    [
        ("yuv420p", (64, 48), "yuv420p10le", vs.YUV420P10),
        ("yuv420p", (64, 48), "yuv420p", None),
        ("yuv422p10le", (62, 46), "yuv422p10le", None),
        ("yuv444p", (33, 27), "yuv444p16le", vs.YUV444P16),
        ("yuv420p", (64, 48), "gbrp10le", vs.RGB30),
        ("gbrp10le", (33, 27), "gbrp10le", None),
        ("gbrp12le", (34, 28), "yuv420p10le", vs.YUV420P10),
        ("gray", (33, 27), "gray", None),
        ("gray16le", (33, 27), "gray16le", None),
    ],
)
def test_every_format(tmp_path, small_model, pix_fmt, size, out_fmt, number):
    path = tmp_path / "in.mkv"
    make_clip(path, codec="ffv1", pix_fmt=pix_fmt, size=size, times=EVEN[:4])
    mine = filtered(path, scale=2, model_path=small_model, format=number)
    theirs = processed(
        path, tmp_path / "out.mkv", out_fmt, scale=Fraction(2), model_path=small_model
    )
    assert_same(mine, theirs)


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {"scale": 1},
        {"scale": 1.5, "guidance": 1.0},
        {"width": 96, "height": 80},
        {"height": 144},
        {"scale": 2, "guidance": 1.7, "pad_seed": 3, "strength": 0.5, "color_fix": "none"},
        {"scale": 2, "dtype": "bf16"},
        {"scale": 2, "grain": 1.5},
        {"scale": 4, "tile": (128, 64), "overlap": (32, 8), "attention": "full"},
    ],
)
def test_every_option(tmp_path, small_model, options):
    path = tmp_path / "in.mp4"
    make_clip(path, times=UNEVEN, options={"bf": "2"})
    theirs = dict(options)
    if "scale" in theirs:
        theirs["scale"] = Fraction(theirs["scale"])
    mine = filtered(path, model_path=small_model, **options)
    others = processed(path, tmp_path / "out.mkv", "yuv420p", model_path=small_model, **theirs)
    assert_same(mine, others)


@pytest.mark.slow
@pytest.mark.parametrize("location", ["center", "topleft", "top", "bottomleft", "bottom"])
def test_every_siting_of_chroma(tmp_path, small_model, location):
    def prepare(_, stream):
        stream.codec_context.chroma_sample_location = CHROMA_LOCATIONS.index(location) + 1

    path = tmp_path / "in.mp4"
    make_clip(path, times=EVEN[:2], prepare=prepare)
    assert open_clip(path).get_frame(0).props["_ChromaLocation"] == CHROMA_LOCATIONS.index(location)
    mine = filtered(path, scale=2, model_path=small_model)
    theirs = processed(
        path, tmp_path / "out.mkv", "yuv420p", scale=Fraction(2), model_path=small_model
    )
    assert_same(mine, theirs)
    with open_source(tmp_path / "out.mkv") as source:
        written = source.info.format.color.chroma_location
    made = gendrpix(open_clip(path), 2, model_path=small_model).get_frame(0)
    assert CHROMA_LOCATIONS[made.props["_ChromaLocation"]] == written


@pytest.mark.slow
def test_a_picture_of_mjpeg(tmp_path, small_model):
    """Its chroma lies in the centre, where decoders take it to lie."""
    path = tmp_path / "in.mov"
    make_clip(path, codec="mjpeg", pix_fmt="yuvj420p", times=EVEN[:2])
    mine = filtered(path, scale=2, model_path=small_model)
    theirs = processed(
        path, tmp_path / "out.mkv", "yuv420p", scale=Fraction(2), model_path=small_model
    )
    assert_same(mine, theirs)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("out_fmt", "number"), [("yuv420p10le", vs.YUV420P10), ("gbrp10le", vs.RGB30)]
)
def test_linear_floats(tmp_path, small_model, out_fmt, number):
    """Integers hold BT.709 of them: in linear light their steps are too coarse in the shadows."""
    path, pictures = tmp_path / "in.mkv", tmp_path / "linear" / "%02d.exr"
    (frame, _) = make_clip(path, codec="ffv1", pix_fmt="yuv420p", times=EVEN[:2])
    as_they_are = RestoreSettings(scale=Fraction(1), strength=0)
    process(path, pictures, process_settings(restore=as_they_are))
    with open_source(pictures) as source:
        assert source.info.format.color.transfer == LINEAR
    mine = filtered(pictures, scale=1, strength=0.0, model_path=small_model, format=number)
    theirs = processed(
        pictures,
        tmp_path / "out.mkv",
        out_fmt,
        scale=Fraction(1),
        strength=0.0,
        model_path=small_model,
    )
    assert_same(mine, theirs)
    if number == vs.YUV420P10:
        luma = frame.planes[0].astype(int) << 2
        assert np.abs(mine[0][0][0].astype(int) - luma).max() <= 4
    clip = gendrpix(open_clip(pictures), 1, strength=0, format=number)
    assert clip.get_frame(0).props["_Transfer"] == 1


@pytest.mark.slow
def test_batches_give_the_same(tmp_path, small_model):
    path = tmp_path / "in.mp4"
    make_clip(path)
    alone = filtered(path, scale=2, model_path=small_model)
    together = filtered(path, scale=2, model_path=small_model, batch_size=4)
    for (planes, _), (others, _) in zip(alone, together, strict=True):
        for plane, other in zip(planes, others, strict=True):
            # Other shapes may sum in another order: one code at a rounding edge.
            assert np.abs(plane.astype(int) - other.astype(int)).max() <= 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "pix_fmt"),
    [
        ("tiny_10x66_vp9.webm", "yuv420p"),
        ("h264_10bit.mp4", "yuv420p10le"),
        ("vp9_422_12bit_160x90.webm", "yuv422p12le"),
    ],
)
def test_clips_of_the_world(tmp_path, small_model, shared, name, pix_fmt):
    path = shared / "video" / "weird" / name
    mine = filtered(path, scale=1, model_path=small_model)
    theirs = processed(
        path, tmp_path / "out.mkv", pix_fmt, scale=Fraction(1), model_path=small_model
    )
    assert_same(mine, theirs)
