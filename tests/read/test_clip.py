"""An opened clip that several readers share, one after the other."""

import os
from contextlib import ExitStack
from fractions import Fraction
from itertools import zip_longest
from threading import Lock, Thread

import av
import numpy as np
import pytest

from benchmarks.try_clips import drawn, write
from tests.clips import TICK, make_clip
from vs_gendrpix.read.clip import Clip
from vs_gendrpix.read.source import Source

LONG = tuple(512 * number for number in range(60))


def ticks(source):
    return [frame.timing.pts for frame in source]


@pytest.mark.parametrize("name", ["in.mp4", "in.mkv", "in.ts", "in.avi", "in.h264"])
def test_frames_are_the_same_after_a_look(tmp_path, name):
    path = tmp_path / name
    make_clip(path, times=LONG, options={"g": "10", "bf": "2" if name != "in.avi" else "0"})
    with Clip(path) as clip:
        fresh = ticks(Source(clip))
    with Clip(path) as clip:
        if clip.go_to(Fraction(1)):
            next(clip.pictures())
        clip.forget_damage()  # a search may land where pictures lack their references
        assert ticks(Source(clip)) == fresh
        assert clip.notes.errors == 0


def test_a_search_opens_nothing_anew(tmp_path, monkeypatch):
    make_clip(tmp_path / "in.mp4", times=LONG, options={"g": "10"})
    with Clip(tmp_path / "in.mp4") as clip:
        opened = []
        monkeypatch.setattr("vs_gendrpix.read.clip.open_input", lambda *_, **__: opened.append(1))
        for place in (Fraction(1), Fraction(0), Fraction(2)):
            assert clip.go_to(place)
            picture = next(clip.pictures())
            assert picture.pts * clip.time_base <= place
        assert opened == []


@pytest.mark.parametrize("name", ["in.mp4", "in.mkv", "in.ts", "in.avi", "in.h264"])
@pytest.mark.parametrize("count", [12, 60])
def test_the_beginning_is_found_again(tmp_path, name, count):
    make_clip(tmp_path / name, times=LONG[:count], options={"g": "10", "bf": "0"})
    with Clip(tmp_path / name) as clip:
        fresh = [picture.pts for picture in clip.pictures()]
        assert clip.go_to(Fraction(0))
        assert [picture.pts for picture in clip.pictures()] == fresh


def test_the_beginning_of_a_short_transport_stream_is_found_again(tmp_path):
    """It has no index: a search for its beginning ends behind its only keyframe."""
    with av.open(str(tmp_path / "in.ts"), "w") as output:
        stream = output.add_stream("mpeg2video", rate=Fraction(30000, 1001), options={"b": "8M"})
        stream.width, stream.height, stream.pix_fmt = 96, 480, "yuv420p"
        for number in range(3):
            noise = np.random.default_rng(number).integers(0, 255, (720, 96), np.uint8)
            picture = av.VideoFrame.from_ndarray(noise, format="yuv420p")
            picture.pts, picture.time_base = number, Fraction(1001, 30000)
            output.mux(stream.encode(picture))
        output.mux(stream.encode(None))
    with Clip(tmp_path / "in.ts") as clip:
        fresh = [picture.pts for picture in clip.pictures()]
        assert clip.go_to(Fraction(0))
        assert [picture.pts for picture in clip.pictures()] == fresh
        assert len(fresh) == 3


def test_length_and_rate_are_the_containers(tmp_path):
    make_clip(tmp_path / "in.mp4", times=LONG)
    with Clip(tmp_path / "in.mp4") as clip:
        assert (clip.rate, clip.length) == (25, 60 * 512 * TICK)


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
@pytest.mark.parametrize("size", [(64, 48), (320, 240)])
def test_pictures_that_say_no_time_count(tmp_path, codec, size):
    """Of small pictures several begin in one packet of a program stream, which has one time."""
    options = {"x265-params": "log-level=none"} if codec == "libx265" else {}
    path = write(
        tmp_path / "in.mpg", [drawn(n, size=size) for n in range(30)], codec=codec, options=options
    )
    with av.open(str(path)) as opened:
        said = [packet.pts for packet in opened.demux(video=0) if packet.size]
    assert sum(pts is not None for pts in said) < 10
    with Clip(path) as clip:
        assert (clip.rate, clip.length, clip.pace.even) == (25, Fraction(30, 25), True)
        assert len(set(clip.index.times)) == 30
        assert Source(clip).info.frames == 30


def test_pictures_that_say_neither_time_nor_duration_count(tmp_path):
    make_clip(tmp_path / "in.mpg", times=LONG[:16])
    with Clip(tmp_path / "in.mpg") as clip:
        assert (clip.rate, clip.length, len(clip.index.times)) == (25, Fraction(16, 25), 16)


def test_a_clip_is_closed_with_what_it_opened(tmp_path):
    make_clip(tmp_path / "in.mp4")
    with Clip(tmp_path / "in.mp4") as clip:
        container = clip.container
    with pytest.raises((AssertionError, ValueError, av.FFmpegError)):
        next(container.demux())


@pytest.mark.parametrize("clean_first", [True, False])
@pytest.mark.parametrize("together", [True, False])
def test_a_clip_is_not_blamed_for_what_another_is(tmp_path, clean_first, together):
    """All decoders of a kind write to one log, from threads of their own."""
    long = tuple(512 * number for number in range(60))
    make_clip(tmp_path / "clean.mp4", size=(320, 240), times=long)
    data = bytearray((tmp_path / "clean.mp4").read_bytes())
    begin = data.index(b"mdat")
    for place in range(begin + 2000, len(data) - 4000, 97):
        data[place] ^= 0x10
    (tmp_path / "bad.mp4").write_bytes(data)
    names = ["clean.mp4", "bad.mp4"] if clean_first else ["bad.mp4", "clean.mp4"]
    with ExitStack() as stack:
        clips = {name: stack.enter_context(Clip(tmp_path / name)) for name in names}
        counts = dict.fromkeys(names, 0)

        def read(name):
            for _ in clips[name].pictures():
                counts[name] += 1

        if together:
            threads = [Thread(target=read, args=(name,)) for name in names]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        else:  # a picture of each in turn
            for _ in zip_longest(*(clips[name].pictures() for name in names)):
                pass
        assert not clips["clean.mp4"].notes.damaged
        assert clips["bad.mp4"].notes.errors > 10


def test_one_clip_of_a_process_decodes_in_threads_and_the_next_one_after_it(tmp_path, monkeypatch):
    # Another test's clip may wait for the garbage collector.
    monkeypatch.setattr("vs_gendrpix.libav.log._threads", Lock())
    make_clip(tmp_path / "in.mp4")
    with Clip(tmp_path / "in.mp4") as first, Clip(tmp_path / "in.mp4") as second:
        counts = [clip.stream.codec_context.thread_count for clip in (first, second)]
    with Clip(tmp_path / "in.mp4") as third:
        counts.append(third.stream.codec_context.thread_count)
    assert counts[0] == counts[2]
    assert counts[0] > 1 or os.cpu_count() == 1
    assert counts[1] == 1


def test_a_decoder_that_wants_absurd_memory_has_met_damage(shared):
    """Of a packet with wrong bits H.263 says that memory is short; more frames come."""
    with Clip(shared / "video" / "faults" / "fuzz2_00248_h263_m_bits.3gp") as clip:
        assert sum(1 for _ in clip.pictures()) > 0
        assert clip.notes.errors
