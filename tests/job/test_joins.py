"""Files whose clock starts again: joined recordings, the cells of a DVD, a broadcast that jumps."""

from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest

from tests.choices import process_settings
from tests.clips import make_frames, read
from tests.joined import COUNT, FRAME, KINDS, MARK, STARTS, make_joined, steps, worst_sound
from vs_gendrpix import EncodeSettings, ReadSettings, RestoreSettings, process
from vs_gendrpix.libav.pixels import to_picture

pytestmark = pytest.mark.usefixtures("nearest_engine")


def chosen(**cut):
    return process_settings(
        read=ReadSettings(**cut),
        restore=RestoreSettings(scale=Fraction(1)),
        encode=EncodeSettings(encoder="libx264", pix_fmt="yuv420p", preset="ultrafast"),
    )


@pytest.mark.slow  # 16 jobs
@pytest.mark.parametrize("starts", STARTS.values(), ids=STARTS)
@pytest.mark.parametrize("suffix", KINDS)
def test_the_parts_follow_each_other_with_their_sound(tmp_path, suffix, starts):
    parts = make_joined(tmp_path / f"in{suffix}", starts)
    report = process(tmp_path / f"in{suffix}", tmp_path / "out.mkv", chosen())
    found = read(tmp_path / "out.mkv")
    assert len(found.times) == 4 * COUNT == report.start.frames
    assert steps(found.times) == {40.0}
    late, count = worst_sound(parts, found)
    assert late <= Fraction(20, 1000)
    assert count >= sum(len(part.sound) for part in parts) - 2 * 3
    assert any("starts again 3 times, first at 0.7" in said for said in report.warnings)
    assert report.exit_code == 0


@pytest.mark.slow  # 8 jobs
@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(60000, 1001)], ids=str)
@pytest.mark.parametrize("suffix", KINDS)
def test_an_even_rate_stays_even_across_many_joins(tmp_path, suffix, rate):
    if suffix == ".vob" and rate > 50:
        rate = Fraction(30000, 1001)
    parts = make_joined(tmp_path / f"in{suffix}", (7, 1, 500, 3, 3, 90) * 2, rate=rate)
    report = process(tmp_path / f"in{suffix}", tmp_path / "out.mov", chosen())
    assert report.exit_code == 0
    with av.open(str(tmp_path / "out.mov")) as output:
        pts = sorted(packet.pts for packet in output.demux(video=0) if packet.size)
        unit = Fraction(str(output.streams.video[0].time_base))
    assert len(pts) == len(parts) * COUNT
    assert {(b - a) * unit for a, b in pairwise(pts)} == {1 / rate}


@pytest.mark.slow  # 8 jobs
@pytest.mark.parametrize("suffix", [".ts", ".vob"])
@pytest.mark.parametrize(("start", "end"), [(Fraction(1), Fraction(2)), (Fraction(17, 10), None)])
def test_a_range_is_in_the_joined_time(tmp_path, suffix, start, end):
    parts = make_joined(tmp_path / f"in{suffix}", STARTS["both"])
    process(tmp_path / f"in{suffix}", tmp_path / "whole.mkv", chosen())
    process(tmp_path / f"in{suffix}", tmp_path / "out.mkv", chosen(start=start, end=end))
    whole, found = read(tmp_path / "whole.mkv"), read(tmp_path / "out.mkv")
    begin = min(whole.times[0], whole.sides[1][0][1])
    kept = [
        (time, mean)
        for time, mean in zip(whole.times, whole.means, strict=True)
        if start <= time - begin and (end is None or time - begin < end)
    ]
    assert found.means == pytest.approx([mean for _, mean in kept], abs=2)
    assert steps(found.times) == {40.0}
    late, _ = worst_sound(parts, found, first=kept[0][0] - whole.times[0])
    assert late <= Fraction(20, 1000)


def test_sound_that_is_converted_stays_with_its_pictures(tmp_path):
    make_joined(tmp_path / "in.vob", STARTS["both"], sound="pcm_dvd")
    report = process(tmp_path / "in.vob", tmp_path / "out.mp4", chosen())
    assert "converted: audio stream 1 (pcm_dvd) to alac" in report.warnings
    with av.open(str(tmp_path / "out.mp4")) as output:
        first = next(output.decode(video=0)).time
    with av.open(str(tmp_path / "out.mp4")) as output:
        loud = [
            frame.time + number / frame.sample_rate - first
            for frame in output.decode(audio=0)
            for number, level in enumerate(frame.to_ndarray()[0])
            if level > 2**14
        ]
    for part in range(4):
        mark = float(part * COUNT * FRAME) + MARK
        assert min(abs(seconds - mark) for seconds in loud) <= 0.02


def test_missing_pictures_are_no_join_where_the_sound_goes_on(tmp_path):
    """A slide show: the next picture comes after 12 seconds."""
    with av.open(str(tmp_path / "in.ts"), "w") as output:
        video, sound = output.add_stream("mpeg2video", rate=25), output.add_stream("mp2")
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        times = [*range(20), *range(320, 340)]
        pictures = {frame.timing.pts: frame for frame in make_frames(times=times, tick=FRAME)}
        for number in range(340):
            if number in pictures:
                output.mux(video.encode(to_picture(pictures[number], "yuv420p")))
            wave = av.AudioFrame.from_ndarray(np.zeros((1, 3840), np.int16), layout="stereo")
            wave.sample_rate, wave.pts = 48000, number * 1920
            output.mux(sound.encode(wave))
        output.mux(video.encode(None))
    report = process(tmp_path / "in.ts", tmp_path / "out.mkv", chosen())
    assert steps(read(tmp_path / "out.mkv").times) == {40.0, 12040.0}
    assert not any("starts again" in said for said in report.warnings)
