"""Black and white stays so."""

from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest

from tests.clips import make_frames
from tests.strategies import frame_format, noise_frame
from vs_gendrpix.cli.video import main
from vs_gendrpix.libav.pixels import to_picture
from vs_gendrpix.read.source import open_source
from vs_gendrpix.restore.engine import Engine
from vs_gendrpix.settings import RestoreSettings

SOURCE = frame_format(96, 64, subsampling=(1, 1), primaries=1, transfer=1)
TARGET = replace(SOURCE, width=192, height=128, layout=replace(SOURCE.layout, bits=10))
RGB = frame_format(96, 64, family="rgb", primaries=1, transfer=1)


def restored(frame, target, **more):
    settings = RestoreSettings(model="tiny", device="cpu", dtype="fp32", **more)
    with Engine(settings) as engine:
        return engine.clip(frame.format, target).submit(frame).result().planes


def with_chroma(low, high):
    """A noisy picture whose chroma has codes from one to another."""
    frame = noise_frame(1, SOURCE)
    draw = np.random.default_rng(2)
    chroma = [draw.integers(low, high + 1, plane.shape, np.uint8) for plane in frame.planes[1:]]
    return replace(frame, planes=(frame.planes[0], *chroma))


@pytest.mark.slow
@pytest.mark.parametrize("more", [{}, {"strength": 0.5}, {"grain": 1.0}, {"color_fix": "none"}])
@pytest.mark.parametrize("span", [(128, 128), (127, 129)])
def test_neutral_chroma_comes_out_exactly_so(span, more):
    luma, *chroma = restored(with_chroma(*span), TARGET, **more)
    assert luma.std() > 20
    for plane in chroma:
        assert (plane == 512).all()


def test_a_little_colour_stays():
    for plane in restored(with_chroma(126, 126), TARGET)[1:]:
        assert abs(plane.mean() - 504) < 2


def test_grey_rgb_and_grey_into_yuv():
    grey = noise_frame(1, RGB).planes[0]
    frame = replace(noise_frame(1, RGB), planes=(grey, grey, grey))
    red, green, blue = restored(frame, replace(RGB, width=192, height=128))
    assert np.array_equal(red, green)
    assert np.array_equal(red, blue)
    one = frame_format(96, 64, family="gray", primaries=1, transfer=1)
    frame = replace(noise_frame(1, one), planes=(grey,))
    for plane in restored(frame, TARGET)[1:]:
        assert (plane == 512).all()


def test_the_command_keeps_black_and_white(tmp_path):
    with av.open(str(tmp_path / "in.mkv"), "w") as output:
        stream = output.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number, frame in enumerate(make_frames("yuv420p", (64, 48), range(3))):
            grey = [np.full_like(plane, 128) for plane in frame.planes[1:]]
            picture = to_picture(replace(frame, planes=(frame.planes[0], *grey)), "yuv420p")
            picture.pts, picture.time_base = number, Fraction(1, 25)
            output.mux(stream.encode(picture))
        output.mux(stream.encode(None))
    arguments = [str(tmp_path / "in.mkv"), str(tmp_path / "out.mkv"), "-s", "2", "-c", "ffv1", "-q"]
    assert main([*arguments, "--progress", "none"]) == 0
    with open_source(tmp_path / "out.mkv") as source:
        for frame in source:
            neutral = 1 << frame.format.layout.bits - 1
            assert all((plane == neutral).all() for plane in frame.planes[1:])
