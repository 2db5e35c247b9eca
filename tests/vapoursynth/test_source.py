import gc
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest
import vapoursynth as vs

from tests.clips import EVEN, TICK, UNEVEN, make_clip
from vs_gendrpix import source_clip
from vs_gendrpix.read.source import open_source


def decoded(path):
    with open_source(path) as source:
        return [[plane.copy() for plane in frame.planes] for frame in source]


def same(frame, planes):
    return all(np.array_equal(np.asarray(frame[i]), plane) for i, plane in enumerate(planes))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pix_fmt", "form"),
    [
        ("yuv420p", vs.YUV420P8),
        ("yuv422p10le", vs.YUV422P10),
        ("gray", vs.GRAY8),
        ("gbrp10le", vs.RGB30),
        ("yuv410p", vs.YUV410P8),
    ],
)
def test_frames_are_those_of_the_file(tmp_path, pix_fmt, form):
    make_clip(tmp_path / "in.mkv", codec="ffv1", pix_fmt=pix_fmt)
    wanted = decoded(tmp_path / "in.mkv")
    clip = source_clip(tmp_path / "in.mkv")
    assert (clip.format.id, clip.num_frames) == (form, len(wanted))
    assert all(same(frame, wanted[n]) for n, frame in enumerate(clip.frames()))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pix_fmt", "size", "cut"),
    [
        ("yuv420p", (63, 47), (62, 46)),
        ("yuv422p", (63, 47), (62, 47)),
        ("gray", (63, 47), (63, 47)),
    ],
)
def test_half_chroma_samples_are_cut_off(tmp_path, pix_fmt, size, cut):
    make_clip(tmp_path / "in.mkv", codec="ffv1", pix_fmt=pix_fmt, size=size)
    wanted = decoded(tmp_path / "in.mkv")
    clip = source_clip(tmp_path / "in.mkv")
    assert (clip.width, clip.height) == cut
    for n, frame in enumerate(clip.frames()):
        for index, plane in enumerate(wanted[n]):
            found = np.asarray(frame[index])
            np.testing.assert_array_equal(found, plane[: found.shape[0], : found.shape[1]])


@pytest.mark.slow
def test_any_frame_from_any_thread(tmp_path):
    make_clip(tmp_path / "in.mp4", times=tuple(512 * i for i in range(120)), options={"g": "25"})
    wanted = decoded(tmp_path / "in.mp4")
    clip = source_clip(str(tmp_path / "in.mp4"))
    order = np.random.default_rng(1).permutation(120)
    with ThreadPoolExecutor(4) as threads:
        frames = list(threads.map(clip.get_frame, map(int, order)))
    assert all(same(frame, wanted[n]) for n, frame in zip(order, frames, strict=True))


def test_colour_and_shape_are_told(tmp_path):
    def prepare(_, stream):
        context = stream.codec_context
        context.colorspace, context.color_primaries, context.color_trc = 9, 9, 16
        context.color_range, context.chroma_sample_location = 2, 3
        context.sample_aspect_ratio = Fraction(16, 15)

    make_clip(
        tmp_path / "in.mkv",
        prepare=prepare,
        options={"x264-params": "chromaloc=2:colormatrix=bt2020nc:colorprim=bt2020:"
                 "transfer=smpte2084:fullrange=on"},
    )  # fmt: skip
    props = source_clip(tmp_path / "in.mkv").get_frame(3).props
    names = ("_Matrix", "_Primaries", "_Transfer", "_ChromaLocation")
    assert [int(props[name]) for name in names] == [9, 9, 16, 2]
    assert (props["_SARNum"], props["_SARDen"]) == (16, 15)


@pytest.mark.parametrize(("params", "fields"), [("tff=1", 2), ("bff=1", 1), ("interlaced=0", 0)])
def test_fields_are_told(tmp_path, params, fields):
    make_clip(tmp_path / "in.mkv", options={"x264-params": params})
    assert source_clip(tmp_path / "in.mkv").get_frame(0).props["_FieldBased"] == fields


def test_what_is_not_said_is_taken_as_the_command_line_takes_it(tmp_path):
    make_clip(tmp_path / "in.avi", codec="mjpeg", pix_fmt="yuvj420p", times=EVEN)
    props = source_clip(tmp_path / "in.avi").get_frame(0).props
    assert (props["_Matrix"], props["_Range"], props["_FieldBased"]) == (5, 1, 0)


def test_times_of_a_variable_rate(tmp_path):
    make_clip(tmp_path / "in.mp4", times=UNEVEN)
    frames = [frame.props for frame in source_clip(tmp_path / "in.mp4").frames()]
    assert [props["_AbsoluteTime"] for props in frames] == [float(t * TICK) for t in UNEVEN]
    durations = [Fraction(props["_DurationNum"], props["_DurationDen"]) for props in frames]
    assert durations[:-1] == [(b - a) * TICK for a, b in pairwise(UNEVEN)]


def test_a_file_that_cannot_be_read_is_one_clear_error(tmp_path):
    with pytest.raises(vs.Error, match=r"^gendrpix: there is no file"):
        source_clip(tmp_path / "nothing.mp4")
    (tmp_path / "text.mp4").write_text("not a video")
    with pytest.raises(vs.Error, match=r"^gendrpix: cannot read"):
        source_clip(tmp_path / "text.mp4")


def test_a_clip_that_nobody_holds_closes_its_file(tmp_path):
    make_clip(tmp_path / "in.mp4")
    gc.collect()  # VapourSynth's `frames()` leaves a cycle, which may hold a clip of another test
    av.logging.set_level(None)
    clip = source_clip(tmp_path / "in.mp4")
    clip.get_frame(2).close()
    assert av.logging.get_level() == av.logging.WARNING  # as long as it listens to a decoder
    del clip
    assert av.logging.get_level() is None


def test_a_picture_that_changes_is_refused(shared):
    with pytest.raises(vs.Error, match=r"^gendrpix: the picture of .* changes"):
        source_clip(shared / "video" / "weird" / "res_change_9sizes_vp8.webm")


def test_bestsource_gives_the_same_frames(shared):
    """Where it is installed; it is the reference, for it knows every container."""
    if not hasattr(vs.core, "bs"):
        pytest.skip("no vapoursynth-bestsource")
    for name in ("good/carphone_176x144_distorted.mp4", "weird/vp8_alpha.webm"):
        path = shared / "video" / name
        mine = source_clip(path)
        theirs = vs.core.bs.VideoSource(str(path), cachemode=0)
        assert mine.num_frames == theirs.num_frames
        for n in np.random.default_rng(2).permutation(mine.num_frames)[:30]:
            frame, other = mine.get_frame(int(n)), theirs.get_frame(int(n))
            for index in range(3):
                np.testing.assert_array_equal(np.asarray(frame[index]), np.asarray(other[index]))
