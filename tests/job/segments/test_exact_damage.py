"""A job in segments tells of a damaged input what one piece tells, and loses no frame."""

from fractions import Fraction
from threading import Lock

import av
import pytest

from tests.job.segments.both import make_both, make_moving
from vs_gendrpix import EncodeSettings
from vs_gendrpix.job.segments import cutting

pytestmark = pytest.mark.usefixtures("nearest_engine")

ARCHIVE = EncodeSettings(encoder="ffv1", pix_fmt="yuv420p")
EVEN = {"tick": Fraction(1, 25), "times": range(45)}
HEVC = {"x265-params": "log-level=none:keyint=12:bframes=2"}


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    """Segments of ten frames."""
    monkeypatch.setattr(cutting, "LENGTH", 10)


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch):
    """Decoders without threads: with them libav calls the last picture of a cut file corrupt in
    57 of 60 readings only."""
    taken = Lock()
    taken.acquire()
    monkeypatch.setattr("vs_gendrpix.libav.log._threads", taken)


def change_packets(source, path, change):
    """Copy a clip; `change(number, packet)` gives what becomes of a packet's data, or None."""
    with av.open(str(source)) as given, av.open(str(path), "w") as output:
        stream = output.add_stream_from_template(given.streams.video[0])
        number = 0
        for packet in given.demux(video=0):
            if not packet.size:
                continue
            data = change(number, bytes(packet))
            number += 1
            if data is None:
                continue
            copy = av.Packet(data)
            copy.pts, copy.dts, copy.duration = packet.pts, packet.dts, packet.duration
            copy.time_base, copy.is_keyframe = packet.time_base, packet.is_keyframe
            copy.stream = stream
            output.mux(copy)


def broken(numbers):
    """Spoil the middle of some packets."""
    return lambda number, data: data[:12] + bytes(len(data) - 12) if number in numbers else data


def without(numbers):
    """Leave some packets out."""
    return lambda number, data: None if number in numbers else data


KINDS = {
    "prores.mov": {"codec": "prores_ks", "pix_fmt": "yuv422p10le"},
    "h264.mp4": {"options": {"bf": "0", "g": "12"}},
    "hevc.mkv": {"codec": "libx265", "options": HEVC},
    "mpeg4.avi": {"codec": "mpeg4", "options": {"g": "12"}, **EVEN},
}


@pytest.mark.slow
@pytest.mark.parametrize("numbers", [{9}, {10}, {19, 20, 21}, set(range(18, 33))], ids=len)
@pytest.mark.parametrize("name", ["prores.mov", "hevc.mkv"])
def test_packets_that_are_broken(tmp_path, name, numbers):
    """At a cut, before one, or through all of a segment."""
    make_moving(tmp_path / f"whole.{name}", **KINDS[name])
    change_packets(tmp_path / f"whole.{name}", tmp_path / name, broken(numbers))
    both = make_both(tmp_path / name, "out.mkv", ARCHIVE)
    assert both.one_report.exit_code == 1
    assert both.differences() == {}


@pytest.mark.slow
@pytest.mark.parametrize("numbers", [{9}, {10}, {19, 20, 21}, {0}], ids=str)
@pytest.mark.parametrize("name", KINDS)
def test_packets_that_are_not_there(tmp_path, name, numbers):
    make_moving(tmp_path / f"whole.{name}", **KINDS[name])
    change_packets(tmp_path / f"whole.{name}", tmp_path / name, without(numbers))
    assert make_both(tmp_path / name, "out.mkv", ARCHIVE).differences() == {}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["prores.mov", "mpeg4.avi", "h264.ts"])
def test_a_file_that_was_cut_off(tmp_path, name):
    """An AVI announces all its frames at its beginning."""
    whole = tmp_path / f"whole.{name}"
    faststart = {"movflags": "faststart"} if name == "prores.mov" else None
    make_moving(whole, **KINDS.get(name, {}), muxing=faststart)
    data = whole.read_bytes()
    (tmp_path / name).write_bytes(data[: len(data) * 9 // 10 + 5])
    both = make_both(tmp_path / name, "out.mkv", ARCHIVE)
    assert both.one_report.exit_code == 1
    assert both.differences() == {}
