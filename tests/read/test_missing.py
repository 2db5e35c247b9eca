"""Lost frames: cut files, streams that end in a frame, packets that no picture comes of."""

import subprocess
import sys
from fractions import Fraction

import av
import pytest

from benchmarks.faults.cuts import FRAMES
from benchmarks.faults.cuts import make as clip
from tests.clips import make_clip
from vs_gendrpix.errors import GendrpixError
from vs_gendrpix.read.source import open_source
from vs_gendrpix.settings import ReadSettings

FORMATS = {
    "y4m": "wrapped_avframe",
    "yuv": "rawvideo",
    "ts": "mpeg2video",
    "flv": "libx264",
    "avi": "utvideo",
    "mkv": "ffv1",
}


def make(path, suffix):
    clip(path, FORMATS[suffix], "yuv420p")
    return path.read_bytes()


def read(path, **choices):
    """Frames that come, and the clip's notes; None where it is refused."""
    raw = (320, 240, "yuv420p") if path.suffix == ".yuv" else None
    try:
        with open_source(path, ReadSettings(raw=raw), **choices) as source:
            return sum(1 for _ in source), source.notes
    except GendrpixError:
        return None


@pytest.mark.slow
@pytest.mark.parametrize("suffix", FORMATS)
def test_a_clip_that_is_cut_off_says_so_and_a_whole_one_does_not(tmp_path, suffix):
    data = make(tmp_path / f"in.{suffix}", suffix)
    count, notes = read(tmp_path / f"in.{suffix}")
    assert (count, notes.missing) == (FRAMES, [])
    assert not notes.damaged or suffix == "yuv"
    for part in range(3, 10):
        (tmp_path / f"cut.{suffix}").write_bytes(data[: len(data) * part // 10 + 1])
        found = read(tmp_path / f"cut.{suffix}")
        if found is not None:
            count, notes = found
            assert count == FRAMES or notes.damaged, part


def test_the_frames_that_should_be_there_are_counted(tmp_path):
    data = make(tmp_path / "in.avi", "avi")
    place = next(iter(av.open(str(tmp_path / "in.avi")).demux())).pos
    per_frame = (len(data) - place) // (FRAMES + 1)
    (tmp_path / "in.avi").write_bytes(data[: place + 7 * per_frame])
    count, notes = read(tmp_path / "in.avi")
    assert f"expected 36 frames, got {count}" in notes.missing
    assert "expected 36 frames" in notes.damage_in_words()


def test_a_cut_is_no_business_of_a_range_before_it(tmp_path):
    data = make(tmp_path / "in.y4m", "y4m")
    (tmp_path / "in.y4m").write_bytes(data[:-100])
    assert not read(tmp_path / "in.y4m", end=Fraction(1))[1].damaged
    assert read(tmp_path / "in.y4m", start=Fraction(1))[1].damaged


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["y4m", "ts"])
def test_a_pipe_that_dies_says_so(tmp_path, suffix):
    data = make(tmp_path / f"in.{suffix}", suffix)
    script = (
        "from pathlib import Path\n"
        "from vs_gendrpix.read.source import open_source\n"
        "with open_source(Path('-')) as source:\n"
        "    list(source)\n"
        "    print(source.notes.missing)\n"
    )
    for given, told in ((data, False), (data[:-100], True)):
        command = [sys.executable, "-c", script]
        done = subprocess.run(command, input=given, capture_output=True, check=True)
        assert (b"cut off" in done.stdout) == told


def test_packets_without_a_picture_are_missing_frames(tmp_path):
    """A packet of nothing but a picture's header, which the decoder takes and shows nothing of."""
    clip(tmp_path / "in.mkv", "mpeg2video", "yuv420p")
    with (
        av.open(str(tmp_path / "in.mkv")) as source,
        av.open(str(tmp_path / "out.mkv"), "w") as output,
    ):
        stream = output.add_stream_from_template(source.streams.video[0])
        for number, packet in enumerate(source.demux()):
            if not packet.size:
                continue
            written = av.Packet(b"\0\0\1\xb2") if number in (9, 10) else packet  # user data
            written.pts, written.dts = packet.pts, packet.dts
            written.time_base, written.stream = packet.time_base, stream
            output.mux(written)
    count, notes = read(tmp_path / "out.mkv")
    assert count == FRAMES - 2
    assert notes.missing == ["expected 36 frames, got 34"]


def test_gaps_without_packets_are_no_loss(tmp_path):
    """A clip of a variable rate, and one with B-frames."""
    times = (0, 512, 1024, 4096, 4608, 9000, 9512)
    make_clip(tmp_path / "in.mp4", times=times, options={"bf": "2"})
    assert read(tmp_path / "in.mp4")[1].missing == []
