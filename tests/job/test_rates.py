"""Rates and times that are right in the finished file."""

from fractions import Fraction
from itertools import pairwise

import av
import pytest

from tests.clips import TICK, make_clip, make_frames, read
from tests.joined import steps
from tests.nearest import settings
from vs_gendrpix import EncodeSettings, process
from vs_gendrpix.libav.pixels import to_picture
from vs_gendrpix.settings import PrepareSettings

pytestmark = pytest.mark.usefixtures("nearest_engine")

FILM = Fraction(24000, 1001)
QUICK = EncodeSettings(encoder="libx264", pix_fmt="yuv420p", preset="ultrafast")


def write(path, codec, rate, size, pix_fmt="yuv420p", count=8):
    with av.open(str(path), "w") as output:
        stream = output.add_stream(codec, rate=rate)
        stream.width, stream.height, stream.pix_fmt = *size, pix_fmt
        for frame in make_frames(pix_fmt, size, times=range(count), tick=1 / Fraction(rate)):
            output.mux(stream.encode(to_picture(frame, pix_fmt)))
        output.mux(stream.encode(None))


@pytest.mark.parametrize(
    ("name", "codec", "rate", "size"),
    [
        ("in.dv", "dvvideo", Fraction(25), (720, 576)),
        ("in.dv", "dvvideo", Fraction(30000, 1001), (720, 480)),
        ("in.gxf", "mpeg2video", Fraction(25), (720, 576)),
        ("in.mxf", "mpeg2video", Fraction(25), (720, 576)),
    ],
)
def test_the_rate_of_tapes_and_servers_reaches_the_output(tmp_path, name, codec, rate, size):
    pix_fmt = "yuv411p" if size[1] == 480 and codec == "dvvideo" else "yuv420p"
    write(tmp_path / name, codec, rate, size, pix_fmt)
    chosen = settings(encode=QUICK, prepare=PrepareSettings(deinterlace="off"))
    report = process(tmp_path / name, tmp_path / "out.mp4", chosen)
    assert report.start.plan.clip.average_rate == rate
    assert steps(read(tmp_path / "out.mp4").times) == {round(float(1000 / rate), 1)}
    assert report.start.frames == report.frames_encoded == 8


@pytest.mark.parametrize("suffix", ["mov", "mp4"])
def test_a_matroska_file_becomes_one_of_constant_rate(tmp_path, suffix):
    times = [round(n / FILM / TICK) for n in range(60)]
    make_clip(tmp_path / "in.mkv", times=times, audio="flac", options={"bf": "2"})
    process(tmp_path / "in.mkv", tmp_path / f"out.{suffix}", settings(encode=QUICK))
    with av.open(str(tmp_path / f"out.{suffix}")) as output:
        video = output.streams.video[0]
        assert (video.average_rate, video.guessed_rate) == (FILM, FILM)
        pts = sorted(packet.pts for packet in output.demux(video) if packet.size)
        assert {b - a for a, b in pairwise(pts)} == {1001}


def test_soft_telecined_film_is_24_frames_with_its_sound(tmp_path, caplog):
    caplog.set_level("INFO")
    fields = [5 * (n // 2) + 3 * (n % 2) for n in range(48)]
    times = [round(n * Fraction(1001, 60000) / TICK) for n in fields]
    make_clip(tmp_path / "in.ts", times=times, audio="mp2", options={"bf": "2"})
    was = read(tmp_path / "in.ts")
    process(tmp_path / "in.ts", tmp_path / "out.mov", settings(encode=QUICK))
    found = read(tmp_path / "out.mov")
    assert set(steps(found.times)) == {41.7}
    late = [
        a - b - (found.times[0] - was.times[0]) for a, b in zip(found.times, was.times, strict=True)
    ]
    assert max(map(abs, late)) <= Fraction(20, 1000)
    sound = next(iter(found.sides.values()))[0][1] - next(iter(was.sides.values()))[0][1]
    assert abs(sound) <= Fraction(9, 1000)
    assert "are taken as they are, at 24000/1001" in caplog.text


def test_a_dvd_of_soft_telecined_film(tmp_path, shared):
    clip = shared / "video" / "reports" / "soft_telecine.vob"
    report = process(clip, tmp_path / "out.mov", settings(encode=QUICK))
    assert report.start.plan.clip.average_rate == FILM
    assert steps(read(tmp_path / "out.mov").times) == {41.7}


def test_a_tape_of_pal(tmp_path, shared):
    clip = shared / "video" / "reports" / "tape_pal.dv"
    report = process(clip, tmp_path / "out.mp4", settings(encode=QUICK))
    assert report.start.plan.clip.average_rate == 25
    assert report.start.frames == report.frames_encoded == 10  # a frame of each field
