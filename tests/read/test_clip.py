"""An opened clip that several readers share, one after the other."""

from fractions import Fraction

import av
import pytest

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


def test_length_and_rate_are_the_containers(tmp_path):
    make_clip(tmp_path / "in.mp4", times=LONG)
    with Clip(tmp_path / "in.mp4") as clip:
        assert (clip.rate, clip.length) == (25, 60 * 512 * TICK)


def test_a_clip_is_closed_with_what_it_opened(tmp_path):
    make_clip(tmp_path / "in.mp4")
    with Clip(tmp_path / "in.mp4") as clip:
        container = clip.container
    with pytest.raises((AssertionError, ValueError, av.FFmpegError)):
        next(container.demux())
