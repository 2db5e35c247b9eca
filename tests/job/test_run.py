import errno
import os
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import get_args

import av
import numpy as np
import pytest

from tests.choices import process_settings
from tests.clips import AUDIO, EVEN, TICK, UNEVEN, make_clip, make_frames, read
from tests.nearest import LOSSLESS, QUICK, left_behind, settings
from vs_gendrpix import EncodeSettings, RestoreSettings, process
from vs_gendrpix.errors import (
    MediaError,
    OutputError,
    ResourceError,
    SettingsError,
    VerificationError,
)
from vs_gendrpix.frame.area import Area
from vs_gendrpix.job.progress import Progress
from vs_gendrpix.job.rate import Bound
from vs_gendrpix.libav.pixels import to_picture
from vs_gendrpix.write.container import Container
from vs_gendrpix.write.encoding.encoder import _restamp
from vs_gendrpix.write.writer import FileWriter

pytestmark = pytest.mark.usefixtures("nearest_engine")


@pytest.mark.slow
@pytest.mark.parametrize("times", [EVEN, UNEVEN, tuple(t + 7000 for t in UNEVEN)])
@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv"])
def test_every_frame_comes_out_at_its_time(tmp_path, suffix, times):
    make_clip(tmp_path / "in.mp4", times=times, options={"bf": "2"})
    report = process(tmp_path / "in.mp4", tmp_path / f"out.{suffix}", settings(2))
    assert (report.frames_decoded, report.frames_encoded, report.exit_code) == (12, 12, 0)
    found = read(tmp_path / f"out.{suffix}")
    assert found.size == (128, 96)
    wanted = [time * TICK for time in times]
    worst = max(abs(a - b) for a, b in zip(found.times, wanted, strict=True))
    assert worst == 0 if suffix != "mkv" else worst <= Fraction(1, 2000)
    assert found.means == sorted(found.means)  # the frames brighten one by one: order is kept
    assert left_behind(tmp_path) == [f"out.{suffix}"]


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_clips_shorter_than_the_encoders_delay(tmp_path, count, suffix):
    make_clip(tmp_path / "in.mp4", times=UNEVEN[:count])
    chosen = settings(encode=EncodeSettings(preset="medium"))
    # Dirty memory first: the encoder takes times from there.
    process(tmp_path / "in.mp4", tmp_path / f"out0.{suffix}", chosen)
    process(tmp_path / "in.mp4", tmp_path / f"out.{suffix}", chosen)
    found = read(tmp_path / f"out.{suffix}")
    assert [round(time / TICK, -1) for time in found.times] == [
        round(time, -1) for time in UNEVEN[:count]
    ]
    with av.open(str(tmp_path / f"out.{suffix}")) as clip:
        packets = [packet for packet in clip.demux(video=0) if packet.size]
    assert all(packet.dts is None or packet.dts <= packet.pts for packet in packets)


def test_decoding_times_are_made_anew_for_a_clip_that_the_encoder_holds_whole():
    packets = []
    for pts in (0, 40, 10, 20, 30):  # as encoded: the second picture is shown last
        packet = av.Packet(b"x")
        packet.pts, packet.dts = pts, 0x7F7F7F7F7F7F
        packets.append(packet)
    _restamp(packets)
    times = [packet.dts for packet in packets]
    assert times == sorted(set(times))
    assert all(packet.dts <= packet.pts for packet in packets)
    assert times == [-10, 0, 10, 20, 30]


@pytest.mark.slow
@pytest.mark.parametrize("made", ["mp4", "mov", "mkv"])
@pytest.mark.parametrize("wanted", ["mp4", "mov", "mkv"])
def test_sound_is_copied_packet_for_packet(tmp_path, made, wanted):
    audio = AUDIO[made] if wanted != "mov" else "aac"
    make_clip(tmp_path / f"in.{made}", audio=audio)
    report = process(tmp_path / f"in.{made}", tmp_path / f"out.{wanted}", settings())
    was, now = read(tmp_path / f"in.{made}"), read(tmp_path / f"out.{wanted}")
    assert [data for data, _ in now.sides[1]] == [data for data, _ in was.sides[1]]
    drift = [b[1] - a[1] for a, b in zip(was.sides[1], now.sides[1], strict=True)]
    assert max(map(abs, drift)) <= Fraction(1, 1000)
    assert report.copied == {1: len(was.sides[1])}
    assert report.warnings == ()


def test_a_coarse_clock_that_starts_late_moves_nothing(tmp_path):
    """A start at 49/24 s is no whole millisecond, which MP4's own clock would count in."""
    clock = Fraction(1, 24)
    with av.open(str(tmp_path / "in.mov"), "w", options={"video_track_timescale": "24"}) as output:
        stream = output.add_stream("libx264", rate=24)
        stream.width, stream.height = 64, 48
        stream.codec_context.time_base = stream.time_base = clock
        for frame in make_frames(times=tuple(range(49, 61)), tick=clock):
            output.mux(stream.encode(to_picture(frame, "yuv420p")))
        output.mux(stream.encode(None))
    with av.open(str(tmp_path / "in.mov")) as clip:
        assert clip.streams.video[0].time_base == clock
    report = process(tmp_path / "in.mov", tmp_path / "out.mp4", settings())
    assert report.exit_code == 0
    assert read(tmp_path / "out.mp4").times == [tick * clock for tick in range(49, 61)]


def test_sound_packets_at_one_time_are_kept_apart_for_mp4(tmp_path):
    """Matroska takes two packets of one time, MP4 does not."""
    make_clip(tmp_path / "good.mp4", audio="aac")
    with (
        av.open(str(tmp_path / "good.mp4")) as clip,
        av.open(str(tmp_path / "in.mkv"), "w") as output,
    ):
        streams = {s.index: output.add_stream_from_template(s) for s in clip.streams}
        packets = [packet for packet in clip.demux() if packet.size]
        sound = [packet for packet in packets if packet.stream.type == "audio"]
        sound[3].pts = sound[3].dts = sound[2].dts
        for packet in packets:
            packet.stream = streams[packet.stream_index]
            output.mux(packet)
    report = process(tmp_path / "in.mkv", tmp_path / "out.mp4", settings())
    was, now = read(tmp_path / "in.mkv").sides[1], read(tmp_path / "out.mp4").sides[1]
    assert was[2][1] == was[3][1]
    assert [data for data, _ in now] == [data for data, _ in was]
    assert report.exit_code == 1
    assert "1 times" in report.warnings[-1]


def test_gaps_between_subtitles_are_no_packets(tmp_path):
    """An MP4 holds an empty text wherever no subtitle is shown: it is neither lost nor added."""
    with av.open(str(tmp_path / "in.mp4"), "w") as output:
        video = output.add_stream("libx264", rate=25)
        video.width, video.height = 64, 48
        text = output.add_stream("mov_text")
        text.codec_context.subtitle_header = b"[Script Info]\n"
        text.time_base = Fraction(1, 1000)
        for frame in make_frames():
            output.mux(video.encode(to_picture(frame, "yuv420p")))
        output.mux(video.encode(None))
        for begin, words in ((40, b"one"), (240, b"two"), (400, b"three")):
            packet = av.Packet(len(words).to_bytes(2, "big") + words)
            packet.stream, packet.time_base = text, Fraction(1, 1000)
            packet.pts = packet.dts = begin
            packet.duration = 80
            output.mux(packet)
    report = process(tmp_path / "in.mp4", tmp_path / "out.mp4", settings())
    assert report.exit_code == 0
    assert report.copied == {1: 3}
    spoken = [(data[2:], time) for data, time in read(tmp_path / "out.mp4").sides[1] if data[2:]]
    assert spoken == [
        (b"one", Fraction(40, 1000)),
        (b"two", Fraction(240, 1000)),
        (b"three", Fraction(400, 1000)),
    ]


def test_a_range_takes_sound_and_chapters_along(tmp_path):
    def prepare(output, _):
        output.set_chapters(
            [
                {
                    "id": i,
                    "start": 160 * i,
                    "end": 160 * (i + 1),
                    "metadata": {"title": f"part {i}"},
                }
                | {"time_base": Fraction(1, 1000)}
                for i in range(3)
            ]
        )

    make_clip(tmp_path / "in.mp4", audio="aac", options={"g": "4"}, prepare=prepare)
    chosen = settings(start=Fraction(2, 10), end=Fraction(36, 100))
    report = process(tmp_path / "in.mp4", tmp_path / "out.mp4", chosen)
    assert report.frames_encoded == 4
    was, now = read(tmp_path / "in.mp4"), read(tmp_path / "out.mp4")
    assert now.times == [Fraction(index, 25) for index in range(4)]
    kept = [(data, time) for data, time in was.sides[1] if 0.2 <= time < 0.36]
    assert [data for data, _ in now.sides[1]] == [data for data, _ in kept]
    for (_, before), (_, after) in zip(kept, now.sides[1], strict=True):
        assert abs(before - Fraction(2, 10) - after) < Fraction(1, 1000)
    with av.open(str(tmp_path / "out.mp4")) as clip:
        spans = [(c["metadata"]["title"], c["start"], c["end"]) for c in clip.chapters()]
    assert [title for title, *_ in spans] == ["part 1", "part 2"]


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_tags_rotation_shape_chapters_and_metadata_are_kept(tmp_path, suffix):
    def prepare(output, stream):
        context = stream.codec_context
        context.colorspace, context.color_primaries, context.color_trc = 9, 9, 16
        context.color_range = 2
        context.sample_aspect_ratio = Fraction(16, 15)
        stream.set_display_rotation(90)
        stream.metadata["language"] = "fra"
        output.metadata["title"] = "A title"
        output.set_chapters(
            [
                {"id": 0, "start": 0, "end": 300, "metadata": {"title": "one"}}
                | {"time_base": Fraction(1, 1000)}
            ]
        )

    path = tmp_path / f"in.{suffix}"
    make_clip(path, audio="aac", prepare=prepare)
    report = process(path, tmp_path / f"out.{suffix}", settings(2))
    picture = read(tmp_path / f"out.{suffix}").picture
    assert (picture.colorspace, picture.color_primaries, picture.color_trc) == (9, 9, 16)
    assert picture.color_range == 2
    assert picture.rotation == 90
    assert picture.format.name == "yuv420p10le"
    assert report.warnings == ()
    with av.open(str(tmp_path / f"out.{suffix}")) as clip:
        assert clip.metadata["title"] == "A title"
        assert [chapter["metadata"]["title"] for chapter in clip.chapters()] == ["one"]
        assert clip.streams.video[0].metadata["language"] == "fra"
        assert clip.streams.audio[0].metadata["language"] == "eng"
        assert clip.streams.video[0].sample_aspect_ratio == Fraction(16, 15)


def test_unspecified_colour_is_written_as_it_was_taken(tmp_path):
    make_clip(tmp_path / "in.mp4", size=(64, 576))
    process(tmp_path / "in.mp4", tmp_path / "out.mp4", settings(2))
    picture = read(tmp_path / "out.mp4").picture
    # The output has more than 720 lines: a player that guesses would guess wrong.
    assert (picture.colorspace, picture.color_primaries, picture.color_range) == (5, 5, 1)


def test_a_squeeze_keeps_the_shape_on_the_screen(tmp_path):
    make_clip(tmp_path / "in.mp4", size=(64, 48))
    chosen = process_settings(restore=RestoreSettings(width=128, height=48), encode=QUICK)
    process(tmp_path / "in.mp4", tmp_path / "out.mp4", chosen)
    with av.open(str(tmp_path / "out.mp4")) as clip:
        assert clip.streams.video[0].sample_aspect_ratio == Fraction(1, 2)


def test_the_shape_of_pixels_goes_into_matroska_with_any_codec(tmp_path):
    def prepare(_, stream):
        stream.codec_context.sample_aspect_ratio = Fraction(16, 15)

    make_clip(tmp_path / "in.mp4", prepare=prepare)
    ffv1 = EncodeSettings(encoder="ffv1", pix_fmt="yuv420p")
    report = process(tmp_path / "in.mp4", tmp_path / "out.mkv", settings(encode=ffv1))
    assert report.warnings == ()
    with av.open(str(tmp_path / "out.mkv")) as clip:
        assert clip.streams.video[0].sample_aspect_ratio == Fraction(16, 15)
    assert process(tmp_path / "in.mp4", tmp_path / "two.mkv", settings()).warnings == ()


@pytest.mark.parametrize("scale", [Fraction(1), Fraction(3, 2), Fraction(3)])
def test_odd_sizes_become_even_where_the_encoder_needs_it(tmp_path, scale):
    make_clip(tmp_path / "in.mkv", codec="ffv1", size=(63, 47))
    process(tmp_path / "in.mkv", tmp_path / "out.mp4", settings(scale))
    width, height = read(tmp_path / "out.mp4").size
    assert abs(width - 63 * scale) <= 1
    assert abs(height - 47 * scale) <= 1
    assert width % 2 == height % 2 == 0


@pytest.mark.parametrize("pix_fmt", ["yuv422p10le", "yuv444p12le", "gray", "bgr0", "yuv410p"])
def test_other_inputs_are_encoded(tmp_path, pix_fmt):
    make_clip(tmp_path / "in.mkv", codec="ffv1", pix_fmt=pix_fmt)
    assert process(tmp_path / "in.mkv", tmp_path / "out.mp4", settings()).frames_encoded == 12
    assert len(read(tmp_path / "out.mp4").times) == 12


@pytest.mark.parametrize(
    ("encode", "suffix"),
    [
        (LOSSLESS, "mp4"),
        (EncodeSettings(encoder="ffv1", pix_fmt="gbrp10le"), "mkv"),
        (EncodeSettings(encoder="prores_ks", pix_fmt="yuv422p10le"), "mov"),
        (EncodeSettings(encoder="libx264rgb", pix_fmt="rgb24", preset="ultrafast"), "mkv"),
        (EncodeSettings(options=(("x265-params", "bframes=0"),), preset="ultrafast"), "mp4"),
    ],
)
def test_other_encoders(tmp_path, encode, suffix):
    make_clip(tmp_path / "in.mp4")
    process(tmp_path / "in.mp4", tmp_path / f"out.{suffix}", settings(encode=encode))
    assert len(read(tmp_path / f"out.{suffix}").times) == 12


def test_planes_reach_the_encoder_unchanged(tmp_path):
    made = make_clip(tmp_path / "in.mkv", codec="ffv1")
    process(tmp_path / "in.mkv", tmp_path / "out.mp4", settings(encode=LOSSLESS))
    with av.open(str(tmp_path / "out.mp4")) as clip:
        for frame, picture in zip(made, clip.decode(video=0), strict=True):
            planes = np.concatenate([plane.ravel() for plane in frame.planes])
            np.testing.assert_array_equal(picture.to_ndarray().ravel(), planes)


def test_what_the_container_cannot_hold_is_named_in_one_line(tmp_path):
    with av.open(str(tmp_path / "in.mkv"), "w") as output:
        video = output.add_stream("libx264", rate=25)
        video.width, video.height = 64, 48
        text = output.add_mux_stream("subrip")
        text.metadata["language"] = "deu"
        output.add_attachment("font.ttf", "font/ttf", b"not really")
        for frame in make_frames():
            output.mux(video.encode(to_picture(frame, "yuv420p")))
        output.mux(video.encode(None))
        packet = av.Packet(b"Guten Tag")
        packet.stream, packet.pts, packet.dts, packet.duration = text, 0, 0, 400
        packet.time_base = Fraction(1, 1000)
        output.mux(packet)
    report = process(tmp_path / "in.mkv", tmp_path / "out.mp4", settings())
    assert report.warnings == (
        "not carried over: attachment stream 2",
        "converted: subtitle stream 1 (srt, deu) to mov_text",
    )
    assert report.exit_code == 0
    process(tmp_path / "in.mkv", tmp_path / "out.mkv", settings())
    with av.open(str(tmp_path / "out.mkv")) as clip:
        assert [stream.type for stream in clip.streams] == ["video", "subtitle", "attachment"]
        assert clip.streams[2].data == b"not really"
        assert clip.streams[1].metadata["language"] == "deu"
    assert [data for data, _ in read(tmp_path / "out.mkv").sides[1]] == [b"Guten Tag"]


def test_damage_is_reported_and_published(tmp_path):
    make_clip(tmp_path / "in.h264", container="h264")
    report = process(tmp_path / "in.h264", tmp_path / "out.mp4", settings())
    assert report.exit_code == 1
    assert report.frames_encoded == 12


def test_a_run_that_fails_tells_the_damage_that_may_be_its_cause(tmp_path, monkeypatch, caplog):
    def fail(_):
        raise VerificationError("not as it should be")

    make_clip(tmp_path / "in.h264", container="h264")
    monkeypatch.setattr(FileWriter, "finish", fail)
    with pytest.raises(VerificationError):
        process(tmp_path / "in.h264", tmp_path / "out.mp4", settings())
    assert "the input is damaged: 12 times that were missing" in caplog.text


def test_progress_hears_of_every_frame(tmp_path):
    class Listener(Progress):
        def __init__(self):
            self.heard = []

        def start(self, start):
            self.heard.append((start.frames, start.size, start.plan.model.name))

        def frame(self, count, bound):
            assert bound in get_args(Bound)
            self.heard.append(count)

        def done(self, report):
            self.heard.append(report.frames_encoded)

    listener = Listener()
    make_clip(tmp_path / "in.mp4")
    process(tmp_path / "in.mp4", tmp_path / "out.mp4", settings(2), progress=listener)
    assert listener.heard == [(12, (128, 96), "tiny"), *range(1, 13), 12]


def fail_at_the_fifth_write(monkeypatch, error):
    write = FileWriter.write

    def failing(self, frame):
        if self.frames == 4:
            raise error
        write(self, frame)

    monkeypatch.setattr(FileWriter, "write", failing)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OutputError("broken"), MemoryError()])
def test_a_failure_midway_leaves_nothing_behind(tmp_path, monkeypatch, error):
    make_clip(tmp_path / "in.mp4", audio="aac")
    fail_at_the_fifth_write(monkeypatch, error)
    before = set(threading.enumerate())
    with pytest.raises(type(error)):
        process(tmp_path / "in.mp4", tmp_path / "out.mp4", settings())
    assert left_behind(tmp_path) == []
    assert not set(threading.enumerate()) - before


@pytest.mark.parametrize(
    ("number", "kind"), [(errno.ENOSPC, ResourceError), (errno.EIO, OutputError)]
)
def test_a_full_disk_is_temporary_and_leaves_nothing_behind(tmp_path, monkeypatch, number, kind):
    def full(*_):
        raise av.error.OSError(number, "cannot")

    make_clip(tmp_path / "in.mp4")
    monkeypatch.setattr("vs_gendrpix.write.carry.copy.SideStreams.copy_until", full)
    with pytest.raises(kind):
        process(tmp_path / "in.mp4", tmp_path / "out.mp4", settings())
    assert left_behind(tmp_path) == []


def test_a_decoder_that_fails_midway_leaves_nothing_behind(tmp_path, monkeypatch):
    def changing(_, picture, number):
        if number == 6:
            raise MediaError("the picture changes")
        return picture, Area(width=64, height=48, x=0, y=0)

    make_clip(tmp_path / "in.mp4")
    monkeypatch.setattr("vs_gendrpix.read.alike.Alike.made", changing)
    with pytest.raises(MediaError, match="changes"):
        process(tmp_path / "in.mp4", tmp_path / "out.mp4", settings())
    assert left_behind(tmp_path) == []


def test_a_result_with_a_missing_frame_is_not_published(tmp_path, monkeypatch):
    make_clip(tmp_path / "in.mp4")
    mux = Container.mux

    def losing(self, packets):
        mux(self, [packet for packet in packets if not packet.is_keyframe])

    monkeypatch.setattr(Container, "mux", losing)
    with pytest.raises(VerificationError, match=r"\d frames, not 12"):
        process(tmp_path / "in.mp4", tmp_path / "out.mp4", settings())
    assert left_behind(tmp_path) == []


def test_a_result_with_a_moved_frame_is_not_published(tmp_path, monkeypatch):
    make_clip(tmp_path / "in.mp4")
    monkeypatch.setattr(
        "vs_gendrpix.write.encoding.encoder.to_picture",
        lambda frame, pix_fmt: to_picture(
            replace(frame, timing=replace(frame.timing, pts=frame.timing.pts * 2)), pix_fmt
        ),
    )
    with pytest.raises(VerificationError, match="from its time"):
        process(tmp_path / "in.mp4", tmp_path / "out.mp4", settings())
    assert left_behind(tmp_path) == []


@pytest.mark.parametrize(
    ("encode", "said"),
    [
        (EncodeSettings(encoder="nonsense"), "no encoder 'nonsense'.*libx265"),
        (EncodeSettings(encoder="aac"), "not a video encoder"),
        (EncodeSettings(preset="nonsense"), "refuses"),
        (EncodeSettings(options=(("nonsense", "1"),)), "no option nonsense"),
        (EncodeSettings(encoder="libx264", pix_fmt="gbrp"), "refuses.*libx265"),
        (EncodeSettings(pix_fmt="nonsense"), "no pixel format"),
        (EncodeSettings(encoder="libsvtav1", pix_fmt="gray"), "refuses"),
    ],
)
def test_an_encoder_that_fails_its_trial_is_refused_at_once(tmp_path, encode, said):
    make_clip(tmp_path / "in.mp4")
    with pytest.raises(SettingsError, match=said):
        process(tmp_path / "in.mp4", tmp_path / "out.mp4", settings(encode=encode))
    assert left_behind(tmp_path) == []


@pytest.mark.parametrize(
    ("codec", "size", "said"),
    [
        ("dnxhd", (64, 48), "refuses 64x48"),
        ("libx265", (48, 40), "needs at least 64x16 pixels"),  # it would ruin the heap
        ("libsvtav1", (64, 8), "needs at least 16x16 pixels"),
    ],
)
def test_an_encoder_that_refuses_the_size_is_refused_at_once(tmp_path, codec, size, said):
    make_clip(tmp_path / "in.mp4", codec="mpeg4", size=size)
    chosen = settings(encode=EncodeSettings(encoder=codec))
    with pytest.raises(SettingsError, match=said):
        process(tmp_path / "in.mp4", tmp_path / "out.mp4", chosen)


def threads():
    return [int(path.name) for path in Path("/proc/self/task").iterdir()]


def policies():
    """How the kernel schedules this process's threads, without repeats."""
    found = set()
    for thread in threads():
        with suppress(ProcessLookupError):  # it has ended since
            found.add(os.sched_getscheduler(thread))
    return found


@pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="only root on Linux gets real-time threads"
)
def test_no_encoder_takes_real_time_priority(tmp_path):
    """SVT-AV1 gives it to its threads and to ours, which then can stand still for minutes."""

    class Look(Progress):
        def frame(self, *_):
            seen.update(policies())

    make_clip(tmp_path / "in.mp4")
    seen = set()
    encode = EncodeSettings(encoder="libsvtav1", preset="12")
    try:
        process(tmp_path / "in.mp4", tmp_path / "out.mp4", settings(encode=encode), progress=Look())
        assert seen == policies() == {os.SCHED_OTHER}
    finally:  # or every test from here on would have it
        for thread in threads():
            with suppress(ProcessLookupError):
                os.sched_setscheduler(thread, os.SCHED_OTHER, os.sched_param(0))


def test_a_container_that_cannot_hold_the_codec_is_refused_at_once(tmp_path):
    make_clip(tmp_path / "in.mp4")
    chosen = settings(encode=EncodeSettings(encoder="utvideo", pix_fmt="yuv420p"))
    with pytest.raises(SettingsError, match=r"\.mp4 files cannot hold utvideo"):
        process(tmp_path / "in.mp4", tmp_path / "out.mp4", chosen)
    with pytest.raises(SettingsError, match=r"cannot write \.avi"):
        process(tmp_path / "in.mp4", tmp_path / "out.avi", settings())
    assert left_behind(tmp_path) == []


@pytest.mark.parametrize(("matrix", "scale", "told"), [(6, 4, True), (6, 2, False), (1, 4, False)])
def test_sd_colour_in_an_hd_picture_is_told(tmp_path, caplog, matrix, scale, told):
    def prepare(_, stream):
        stream.codec_context.colorspace = matrix

    make_clip(tmp_path / "in.mp4", size=(64, 180), times=EVEN[:2], prepare=prepare)
    with caplog.at_level("INFO", "vs_gendrpix"):
        process(tmp_path / "in.mp4", tmp_path / "out.mp4", settings(scale))
    assert any("--out-color bt709" in line for line in caplog.messages) is told


def test_what_a_killed_run_left_is_swept_and_said(tmp_path):
    make_clip(tmp_path / "in.mp4")
    script = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from vs_gendrpix.write.output import OutputFile\n"
        "with OutputFile(Path(sys.argv[1]), source=Path('x'), overwrite=False):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", script, tmp_path / "out.mp4"], check=False)
    assert len(left_behind(tmp_path)) == 2
    report = process(tmp_path / "in.mp4", tmp_path / "out.mp4", settings())
    assert report.exit_code == 0
    assert any("which a killed run had left" in warning for warning in report.warnings)
    assert left_behind(tmp_path) == ["out.mp4"]


@pytest.mark.parametrize("filters", [{"pre_filter": "trim=end=0"}, {"post_filter": "select=0"}])
def test_filters_that_let_nothing_through_are_named(tmp_path, filters):
    make_clip(tmp_path / "in.mp4")
    with pytest.raises(SettingsError, match="filters let no frame"):
        process(tmp_path / "in.mp4", tmp_path / "out.mkv", settings(**filters))
    assert left_behind(tmp_path) == []


def test_the_longest_names_are_written(tmp_path):
    make_clip(tmp_path / "in.mp4")
    name = "\u00e4" * 125 + "x.mkv"
    process(tmp_path / "in.mp4", tmp_path / name, settings(report=tmp_path / ("r" * 255)))
    assert left_behind(tmp_path) == sorted([name, "r" * 255])
