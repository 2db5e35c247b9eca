"""Colour through filters that change no pixel: nothing of it may be lost by either runner."""

from fractions import Fraction

import av
import numpy as np
import pytest

from ffmpeg_filters import InProcess, Program
from tests.choices import process_settings
from tests.clips import EVEN, make_frames
from vs_gendrpix import EncodeSettings, RestoreSettings, process
from vs_gendrpix.frame.format import ColorSpec
from vs_gendrpix.libav.pixels import layout_of, location_code, planar_name, to_picture
from vs_gendrpix.read.source import open_source

SDR = {"matrix": 6, "primaries": 5, "transfer": 6}  # no defaults of a clip of 48 lines
COLORS = {
    "left": ("yuv420p", ColorSpec(**SDR)),
    "center": ("yuv420p", ColorSpec(**SDR, chroma_location="center")),
    "top left": (
        "yuv420p10le",
        ColorSpec(matrix=9, primaries=9, transfer=16, chroma_location="topleft"),
    ),
    "full range": ("yuv420p", ColorSpec(**SDR, full_range=True)),
    "4:2:2": ("yuv422p10le", ColorSpec(**SDR)),
    "4:1:1": ("yuv411p", ColorSpec(**SDR)),
    "RGB": ("gbrp10le", ColorSpec(matrix=0, primaries=1, transfer=13, full_range=True)),
    "grey": ("gray16le", ColorSpec(**SDR)),
    "alpha": ("yuva420p", ColorSpec(**SDR)),
}


@pytest.fixture(params=["in process", "program"])
def runner(request, monkeypatch):
    """Who runs every filter, whatever it needs."""
    chosen = InProcess() if request.param == "in process" else Program.find()
    if chosen is None:
        pytest.skip("no ffmpeg program on the PATH")
    monkeypatch.setattr("vs_gendrpix.libav.filters.runner_for", lambda *_: chosen)


def write(path, pix_fmt, color):
    with av.open(str(path), "w") as output:
        stream = output.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, pix_fmt
        context = stream.codec_context
        context.colorspace, context.color_primaries = color.matrix, color.primaries
        context.color_trc, context.color_range = color.transfer, 1 + color.full_range
        context.chroma_sample_location = location_code(color)
        frames = make_frames(pix_fmt, times=EVEN[:3], color=color)
        noise = np.random.default_rng(7)
        for frame in frames:
            for plane in frame.planes:
                plane[:] += noise.integers(
                    0, 1 << frame.format.layout.bits - 4, plane.shape, plane.dtype
                )
            output.mux(stream.encode(to_picture(frame, pix_fmt)))
        output.mux(stream.encode(None))


def restored(folder, model, pix_fmt, **filters):
    chosen = process_settings(
        restore=RestoreSettings(scale=Fraction(2), model_path=model, device="cpu", strength=0),
        encode=EncodeSettings(encoder="ffv1", pix_fmt=pix_fmt),
        overwrite=True,
        **filters,
    )
    process(folder / "in.mkv", folder / "out.mkv", chosen)
    with open_source(folder / "out.mkv") as source:
        return source.info.format, [[plane.copy() for plane in frame.planes] for frame in source]


@pytest.mark.slow
@pytest.mark.usefixtures("runner")
@pytest.mark.parametrize("kind", COLORS)
def test_colour_is_the_same_with_filters_and_without(tmp_path, small_model, kind):
    """At twice the size, so that a wrong siting of chroma moves it."""
    pix_fmt, color = COLORS[kind]
    write(tmp_path / "in.mkv", pix_fmt, color)
    with open_source(tmp_path / "in.mkv") as source:
        assert source.info.format.color == color
    target = planar_name(layout_of(pix_fmt))
    wanted = restored(tmp_path, small_model, target)
    for where in ("pre_filter", "post_filter"):
        for graph in ("null", "crop=iw:ih:0:0"):
            form, frames = restored(tmp_path, small_model, target, **{where: graph})
            assert form == wanted[0], (where, graph)
            for planes, given in zip(frames, wanted[1], strict=True):
                for plane, right in zip(planes, given, strict=True):
                    assert np.array_equal(plane, right), (where, graph)
