import gc
from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest

from tests.clips import EVEN, TICK, UNEVEN, make_clip, make_frames
from vs_gendrpix.errors import MediaError
from vs_gendrpix.libav.pixels import to_picture
from vs_gendrpix.read.clip import Clip
from vs_gendrpix.read.look.changes import refuse_changes
from vs_gendrpix.read.source import Source, open_source
from vs_gendrpix.settings import ReadSettings


def decode(path, **span):
    with open_source(path, **span) as source:
        return list(source), source


def mjpeg_packets(sizes):
    """One JPEG a frame, so that a test can put any time on any of them."""
    for size in sizes:
        context = av.CodecContext.create("mjpeg", "w")
        context.width, context.height, context.pix_fmt = *size, "yuvj420p"
        context.time_base = TICK
        picture = to_picture(make_frames("yuvj420p", size, (0,))[0], "yuvj420p")
        yield from [*context.encode(picture), *context.encode(None)]


def make_mjpeg(path, times, sizes):
    with av.open(str(path), "w") as output:
        stream = output.add_mux_stream("mjpeg", rate=25, width=sizes[0][0], height=sizes[0][1])
        stream.time_base = Fraction(1, 1000)
        for index, (packet, pts) in enumerate(zip(mjpeg_packets(sizes), times, strict=True)):
            packet.stream, packet.time_base = stream, Fraction(1, 1000)
            packet.pts, packet.dts = pts, index  # a muxer minds only dts
            output.mux(packet)


@pytest.mark.parametrize(
    ("pix_fmt", "size"),
    [
        ("yuv420p", (64, 48)),
        ("yuv420p", (63, 47)),
        ("yuv422p10le", (64, 48)),
        ("yuv444p12le", (61, 33)),
        ("yuv410p", (63, 47)),
        ("gray", (63, 47)),
        ("gray16le", (64, 48)),
        ("gbrp10le", (64, 48)),
        ("bgr0", (63, 47)),
    ],
)
def test_frames_come_out_as_they_went_in(tmp_path, pix_fmt, size):
    made = make_clip(tmp_path / "in.mkv", codec="ffv1", pix_fmt=pix_fmt, size=size)
    found, source = decode(tmp_path / "in.mkv")
    assert len(found) == len(made) == source.decoded
    assert not source.notes.damaged
    for was, now in zip(made, found, strict=True):
        assert now.format.layout.family == was.format.layout.family
        assert now.format.layout.bits == was.format.layout.bits
        for a, b in zip(was.planes, now.planes, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("params", "fields"),
    [("tff=1", "top"), ("bff=1", "bottom"), ("interlaced=0", "progressive")],
)
def test_fields_are_told(tmp_path, params, fields):
    make_clip(tmp_path / "in.mkv", options={"x264-params": params})
    found, _ = decode(tmp_path / "in.mkv")
    assert {frame.fields for frame in found} == {fields}


@pytest.mark.parametrize("times", [EVEN, UNEVEN, tuple(t + 6400 for t in UNEVEN)])
def test_times_are_exact(tmp_path, times):
    make_clip(tmp_path / "in.mp4", times=times, options={"bf": "2"})
    found, source = decode(tmp_path / "in.mp4")
    assert [f.timing.pts * f.timing.time_base for f in found] == [t * TICK for t in times]
    assert source.info.frames == 12
    assert source.offset == 0


@pytest.mark.parametrize("count", [1, 2, 5, 8])
def test_numbered_pictures_are_counted(tmp_path, count):
    """At 24 a second, whose duration in microseconds is a little short for most numbers."""
    for number in range(count):
        with av.open(str(tmp_path / f"{number:04}.png"), "w", format="image2") as output:
            stream = output.add_stream("png", rate=24)
            stream.width, stream.height, stream.pix_fmt = 16, 16, "rgb24"
            output.mux(stream.encode(av.VideoFrame(16, 16, "rgb24")))
            output.mux(stream.encode(None))
    with open_source(tmp_path / "%04d.png") as source:
        assert source.info.frames == count == len(list(source))


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
@pytest.mark.parametrize(
    ("start", "end", "first", "last"),
    [
        (None, Fraction(2, 10), 0, 4),
        (Fraction(2, 10), None, 5, 11),
        (Fraction(21, 100), Fraction(36, 100), 6, 8),
        (Fraction(2, 10), Fraction(24, 100), 5, 5),
    ],
)
def test_a_range_is_exact_and_begins_at_zero(tmp_path, suffix, start, end, first, last):
    path = tmp_path / f"in{suffix}"
    made = make_clip(path, options={"g": "4", "bf": "2"})
    found, source = decode(path, start=start, end=end)
    levels = [float(frame.planes[0].mean()) for frame in found]
    wanted = [float(frame.planes[0].mean()) for frame in made[first : last + 1]]
    assert levels == pytest.approx(wanted, abs=3)
    seconds = [float(f.timing.pts * f.timing.time_base) for f in found]
    shift = float(start) if start else 0.0
    begin = seconds[0] if start is None else 0.0
    steps = [0.04 * index - shift for index in range(first, last + 1)]
    assert seconds == pytest.approx([begin + step for step in steps], abs=0.0011)
    assert not source.notes.damaged


def test_a_range_without_frames_is_refused(tmp_path):
    make_clip(tmp_path / "in.mp4")
    with (
        pytest.raises(MediaError, match="no frames between"),
        open_source(tmp_path / "in.mp4", start=Fraction(100)),
    ):
        pass


def test_rotation_pixel_shape_and_rate_are_read(tmp_path):
    def prepare(_, stream):
        stream.set_display_rotation(90)  # counter-clockwise
        stream.codec_context.sample_aspect_ratio = Fraction(16, 15)

    make_clip(tmp_path / "in.mp4", prepare=prepare)
    with open_source(tmp_path / "in.mp4") as source:
        assert source.info.rotation == 270
        assert source.info.sample_aspect_ratio == Fraction(16, 15)
        assert source.info.average_rate == 25


def test_a_raw_stream_gets_times_from_its_rate(tmp_path):
    make_clip(tmp_path / "in.h264", container="h264")
    found, source = decode(tmp_path / "in.h264")
    seconds = [frame.timing.pts * frame.timing.time_base for frame in found]
    assert seconds == [Fraction(index, 25) for index in range(12)]
    assert source.notes.made_up_times == 12
    assert "made up" in source.notes.damage_in_words()


@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
@pytest.mark.parametrize("b_frames", ["0", "2"])
@pytest.mark.parametrize("start", [None, Fraction(28, 100)])
def test_an_avi_knows_only_decoding_times(tmp_path, codec, b_frames, start):
    options = {"bf": b_frames, "g": "4"}
    frames = make_frames(times=tuple(range(12)), tick=Fraction(1, 25))
    with av.open(str(tmp_path / "in.avi"), "w") as output:
        stream = output.add_stream(codec, rate=25, options=options)
        stream.width, stream.height = 64, 48
        for frame in frames:
            output.mux(stream.encode(to_picture(frame, "yuv420p")))
        output.mux(stream.encode(None))
    found, source = decode(tmp_path / "in.avi", start=start)
    assert [frame.timing.pts for frame in found] == list(range(5 if start else 12))
    levels = [float(frame.planes[0].mean()) for frame in found]
    wanted = [float(frame.planes[0].mean()) for frame in frames[-len(found) :]]
    assert levels == pytest.approx(wanted, abs=3)
    assert not source.notes.damaged


def test_a_time_that_repeats_moves_one_tick_on_and_one_that_goes_back_to_where_it_is_due(tmp_path):
    make_mjpeg(tmp_path / "in.mkv", (10, 50, 50, 40, 170), [(64, 48)] * 5)
    found, source = decode(tmp_path / "in.mkv")
    assert [frame.timing.pts for frame in found] == [10, 50, 51, 90, 170]
    assert source.notes.made_up_times == 2


def test_a_change_of_size_stops_the_clip(tmp_path):
    make_mjpeg(tmp_path / "in.mkv", (0, 40, 80), [(64, 48), (64, 48), (32, 48)])
    with (
        open_source(tmp_path / "in.mkv") as source,
        pytest.raises(MediaError, match=r"64x48 .* to 32x48 .* after 2 frames"),
    ):
        list(source)


def test_damage_is_counted_and_frames_that_decode_are_kept(tmp_path):
    path = tmp_path / "in.mp4"
    make_clip(path, size=(256, 192), options={"g": "4", "crf": "5"})
    data = bytearray(path.read_bytes())
    middle = data.index(b"mdat") + 3000
    for offset in range(0, 600, 40):
        data[middle + offset] ^= 0x5A
    path.write_bytes(data)
    found, source = decode(path)
    assert len(found) == 12
    assert source.notes.errors > 0
    assert "damaged" in source.notes.damage_in_words()


def test_a_packet_that_cannot_be_decoded_is_passed_over(tmp_path):
    path = tmp_path / "in.mkv"
    make_mjpeg(path, (0, 40, 80), [(64, 48)] * 3)
    data = path.read_bytes()
    first = data.index(b"\xff\xd8")
    second = data.index(b"\xff\xd8", first + 2)
    length = data.index(b"\xff\xd9", second) - second
    path.write_bytes(data[:second] + bytes(length) + data[second + length :])
    found, source = decode(path)
    assert [frame.timing.pts for frame in found] == [0, 80]
    assert source.notes.errors > 0


def test_a_huge_picture_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    make_clip(tmp_path / "in.mp4")
    monkeypatch.setattr("vs_gendrpix.read.opening.MAX_PIXELS", 1000)
    with pytest.raises(MediaError, match="64x48"), open_source(tmp_path / "in.mp4"):
        pass


def test_it_can_be_closed_with_frames_left(tmp_path):
    make_clip(tmp_path / "in.mp4")
    with open_source(tmp_path / "in.mp4") as source:
        first = next(iter(source))
    assert first.planes[0].shape == (48, 64)  # the frame outlives its source


def test_libav_is_left_as_quiet_as_it_was(tmp_path):
    gc.collect()  # VapourSynth's `frames()` leaves a cycle, which may hold a clip of another test
    av.logging.set_level(None)
    make_clip(tmp_path / "in.mp4")
    decode(tmp_path / "in.mp4")
    assert av.logging.get_level() is None
    assert av.logging.get_skip_repeated()


def test_a_clocks_ticks_are_not_taken_for_a_rate(tmp_path):
    """A transport stream of varying rate has no average, and libav guesses 25600 a second."""
    times = (0, 512, 900, 1800, 1840, 2600, 4096, 4140)
    make_clip(tmp_path / "in.ts", times=times, options={"bf": "0"})
    with open_source(tmp_path / "in.ts") as source:
        assert source.info.average_rate <= 300
        assert len(list(source)) == len(times)


def test_alpha_that_vp9_hides_in_its_packets_is_not_lost_in_silence(tmp_path):
    make_clip(tmp_path / "in.webm", codec="libvpx-vp9", pix_fmt="yuva420p")
    with open_source(tmp_path / "in.webm") as source:
        assert not source.info.format.layout.alpha
        assert ["alpha channel is dropped" in said for said in source.notes.warnings] == [True]


def test_a_tag_that_says_alpha_where_there_is_none_is_passed_over(shared):
    """Browsers write it on whatever they record."""
    with Clip(shared / "video" / "weird" / "no_duration_vfr_1280x720.webm") as clip:
        assert clip.stream.metadata["alpha_mode"] == "1"
        source = Source(clip)
        assert sum(1 for _ in source) == 74
        assert source.notes.warnings == []


def test_only_what_the_container_shows_is_read(shared):
    """Matroska's PixelCrop: 8 columns at the left, 16 at the right, 4 rows above, 12 below."""
    path = shared / "video" / "reports" / "container_crop.mkv"
    with av.open(str(path)) as clip:
        whole = next(clip.decode(video=0)).to_ndarray()
    with open_source(path) as source:
        assert source.info.sample_aspect_ratio == Fraction(40, 39)  # 4:3 on the screen
        assert (source.info.format.width, source.info.format.height) == (104, 80)
        frame = next(iter(source))
    np.testing.assert_array_equal(frame.planes[0], whole[4:84, 8:112])


def join(path, *parts):
    """Write clips of MPEG-2 in a row: the pixel aspect ratio, matrix and primaries of each."""
    data = b""
    frames = make_frames(size=(352, 288), times=tuple(range(9)), tick=Fraction(1, 25))
    frames[8].planes[1][:], frames[8].planes[2][:] = 90, 170  # a red
    for shape, matrix, primaries in parts:
        with av.open(str(path), "w") as output:
            stream = output.add_stream("mpeg2video", rate=25)
            stream.width, stream.height = 352, 288
            context = stream.codec_context
            context.sample_aspect_ratio = shape
            context.colorspace, context.color_primaries, context.color_trc = matrix, primaries, 6
            for frame in frames:  # one picture, so that not all are keyframes
                still = replace(frames[8], timing=frame.timing)
                output.mux(stream.encode(to_picture(still, "yuv420p")))
            output.mux(stream.encode(None))
        data += path.read_bytes()
    path.write_bytes(data)


def test_a_shape_of_pixels_that_changes_is_refused_or_said(tmp_path):
    path = tmp_path / "in.m2v"
    join(path, (Fraction(12, 11), 5, 5), (Fraction(16, 11), 5, 5))
    with open_source(path) as source, pytest.raises(MediaError, match="12:11 to 16:11 after"):
        list(source)
    with Clip(path) as clip, pytest.raises(MediaError, match="12:11 to 16:11 at"):
        refuse_changes(clip, Source(clip).info.format, None)  # before the work
    with open_source(path, ReadSettings(on_change="scale")) as source:
        frames = list(source)
    assert len(frames) == 18
    changed = "the picture changes its pixel aspect ratio from 12:11 to 16:11"
    assert changed in str(source.notes.warnings)
    # Wide-screen pictures in a frame of 4:3: 288 * 12 / 16 rows of them, and black above and below.
    before, after = (frame.planes[0].astype(int) for frame in (frames[8], frames[17]))
    assert before.min() > 60
    assert after[36:-36].min() > 60
    assert (after[:36] == 16).all()
    assert (after[-36:] == 16).all()


@pytest.mark.parametrize("codec", ["libx264", "libx265", "mpeg2video"])
def test_the_shape_of_each_picture_is_its_own_behind_b_frames(tmp_path, codec):
    """Decoders say a new shape when they read it, which is before the last pictures are shown."""
    path, data = tmp_path / "in.ts", b""
    for shape in (Fraction(1), Fraction(4, 3)):
        with av.open(str(path), "w") as output:
            chosen = {"bf": "2", "x265-params": "log-level=none:bframes=2"}
            stream = output.add_stream(codec, rate=25, options=chosen)
            stream.width, stream.height = 128, 96
            stream.codec_context.sample_aspect_ratio = shape
            stream.codec_context.gop_size = 5
            for frame in make_frames(size=(128, 96)):
                output.mux(stream.encode(to_picture(frame, "yuv420p")))
            output.mux(stream.encode(None))
        data += path.read_bytes()
    path.write_bytes(data)
    with open_source(path, ReadSettings(on_change="scale")) as source:
        bars = [bool((frame.planes[0][:8] == 16).all()) for frame in source]
    assert bars == [False] * 12 + [True] * 12
    with open_source(path, end=Fraction(12, 25)) as source:
        assert len(list(source)) == 12
    with Clip(path) as clip:
        refuse_changes(clip, Source(clip).info.format, Fraction(12, 25))


def test_code_values_that_change_their_matrix_are_converted(tmp_path):
    path = tmp_path / "in.m2v"
    join(path, (Fraction(1), 5, 5), (Fraction(1), 1, 5))
    with open_source(path) as source:
        frames = list(source)
    assert "converted to the first one's" in str(source.notes.warnings)
    assert len(frames) == 18
    # The same codes of the other matrix: what a conversion through R'G'B' makes of them.
    light, blue, red = (float(plane.mean()) for plane in frames[8].planes)
    rgb = (
        light + 1.5748 * (red - 128) * 219 / 224,
        light - (0.1873 * (blue - 128) + 0.4681 * (red - 128)) * 219 / 224,
        light + 1.8556 * (blue - 128) * 219 / 224,
    )
    wanted = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]
    assert abs(float(frames[17].planes[0].mean()) - light) > 0.2
    assert abs(float(frames[17].planes[0].mean()) - wanted) < 0.3
    assert len({frame.format for frame in frames}) == 1


def test_primaries_that_change_are_refused(tmp_path):
    path = tmp_path / "in.m2v"
    join(path, (Fraction(1), 5, 5), (Fraction(1), 5, 6))
    with open_source(path) as source, pytest.raises(MediaError, match="changes its colour from"):
        list(source)
    with open_source(path, ReadSettings(on_change="scale")) as source:
        assert len(list(source)) == 18
    assert "primaries and transfer are not converted" in str(source.notes.warnings)
