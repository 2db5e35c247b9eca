"""A lone time with a wrong bit is no discontinuity: the times before and after it agree."""

from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest

from benchmarks.faults.clips import KINDS, make_clip
from benchmarks.faults.mutants import mutant
from tests.choices import process_settings
from tests.clips import make_frames, read
from tests.joined import COUNT, make_joined, steps, worst_sound
from tests.joined import KINDS as JOINABLE
from tests.lone_times import SOUND, VIDEO, flip_flv, flip_matroska, flip_mpeg
from tests.write.carry.test_copy import add_text, lines
from vs_gendrpix import EncodeSettings, ReadSettings, RestoreSettings, process
from vs_gendrpix.libav.pixels import to_picture
from vs_gendrpix.read.clip import Clip

pytestmark = pytest.mark.usefixtures("nearest_engine")

BOTH, PTS, DTS = ("pts", "dts"), ("pts",), ("dts",)


def chosen(**cut):
    return process_settings(
        read=ReadSettings(**cut),
        restore=RestoreSettings(scale=Fraction(1)),
        encode=EncodeSettings(encoder="libx264", pix_fmt="yuv420p", preset="ultrafast"),
    )


def check(folder, suffix, parts):
    """Restore `in`, and see that pictures and sound are where they were before the bit was flipped.

    Returns the report.
    """
    report = process(folder / f"in{suffix}", folder / "out.mkv", chosen())
    found = read(folder / "out.mkv")
    assert steps(found.times) == {40.0}
    assert len(found.times) == COUNT * len(parts)
    assert report.start.frames == len(found.times) or suffix == ".mkv"
    late, _ = worst_sound(parts, found)
    assert late <= Fraction(20, 1000)
    joins = [said for said in report.warnings if "starts again" in said]
    assert len(joins) == (len(parts) > 1)
    return report


@pytest.mark.slow  # 24 jobs
@pytest.mark.parametrize("bit", [32, 21])
@pytest.mark.parametrize("number", [0, 1, 7, -1])
@pytest.mark.parametrize("fields", [BOTH, PTS, DTS], ids=" ".join)
def test_a_picture_of_a_transport_stream(tmp_path, fields, number, bit):
    parts = make_joined(tmp_path / "in.ts", (60000,))  # its bit 32 is set: the time goes back
    flip_mpeg(tmp_path / "in.ts", VIDEO, number, bit, fields)
    report = check(tmp_path, ".ts", parts)
    # A decoding time is of no use to anybody: the times that are shown are all there.
    assert report.exit_code in ({1} if fields == PTS else {0, 1})


@pytest.mark.slow  # 12 jobs
@pytest.mark.parametrize("bit", [32, 21, 17])
@pytest.mark.parametrize("number", [1, 3, -1])
def test_sound_of_a_transport_stream(tmp_path, number, bit):
    parts = make_joined(tmp_path / "in.ts", (60000,))
    flip_mpeg(tmp_path / "in.ts", SOUND, number, bit)
    assert check(tmp_path, ".ts", parts).exit_code == 1


@pytest.mark.slow  # 8 jobs
@pytest.mark.parametrize("fields", [BOTH, PTS, DTS], ids=" ".join)
@pytest.mark.parametrize("stream", [VIDEO, SOUND])
def test_a_joined_file_is_cut_at_its_joins_alone(tmp_path, stream, fields):
    parts = make_joined(tmp_path / "in.ts", (3000, 1500, 1, 20))
    flip_mpeg(tmp_path / "in.ts", stream, 7, 26, fields)
    report = check(tmp_path, ".ts", parts)
    assert any("starts again 3 times" in said for said in report.warnings)


@pytest.mark.slow  # 12 jobs
@pytest.mark.parametrize("bit", [30, 20, 10])
@pytest.mark.parametrize("number", [5, -1])
@pytest.mark.parametrize("kind", [8, 9])
def test_a_tag_of_flash_video(tmp_path, kind, number, bit):
    if bit == 10 and number == -1:
        pytest.skip("a second's pause before the last picture may be meant")
    parts = make_joined(tmp_path / "in.flv", (3,))
    flip_flv(tmp_path / "in.flv", kind, number, bit)
    check(tmp_path, ".flv", parts)


@pytest.fixture
def matroska(monkeypatch):
    monkeypatch.setitem(JOINABLE, ".mkv", ("matroska", "libx264", "aac", {}))


@pytest.mark.slow  # 8 jobs
@pytest.mark.parametrize("bit", [15, 14, 10])
@pytest.mark.parametrize("track", [1, 2])
@pytest.mark.usefixtures("matroska")
def test_a_block_of_matroska(tmp_path, track, bit):
    parts = make_joined(tmp_path / "in.mkv", (3,))
    flip_matroska(tmp_path / "in.mkv", track, 7, bit)
    report = check(tmp_path, ".mkv", parts)
    assert report.exit_code == 1 or (track, bit) == (2, 15)  # libav makes up a time below 0


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
@pytest.mark.parametrize(("number", "bit"), [(0, 14), (3, 14), (3, 15), (-1, 14)])
def test_a_subtitle(tmp_path, suffix, number, bit):
    begins = [200, 900, 1700, 2300, 3100, 4200]
    with av.open(str(tmp_path / "in.mkv"), "w") as output:
        video = output.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        write = add_text(output, "subrip", [(begin, begin + 300, str(begin)) for begin in begins])
        output.start_encoding()
        write()
        for frame in make_frames(times=range(125), tick=Fraction(1, 25)):
            output.mux(video.encode(to_picture(frame, "yuv420p")))
        output.mux(video.encode(None))
    flip_matroska(tmp_path / "in.mkv", 2, number, bit)
    report = process(tmp_path / "in.mkv", tmp_path / f"out{suffix}", chosen())
    found = [(begin, int(text)) for begin, _, text in lines(tmp_path / f"out{suffix}")]
    assert [text for _, text in found] == begins
    del found[number]
    assert all(abs(begin - text) <= 1 for begin, text in found)
    times = [begin for begin, _, _ in lines(tmp_path / f"out{suffix}")]
    assert times == sorted(times)
    assert times[-1] < 5000
    assert report.exit_code == 1 or bit == 15  # libav makes up a time below 0


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_a_pause_before_pictures_that_are_decoded_in_another_order_stays(tmp_path, suffix):
    times = [*range(40), 1540, *range(1541, 1560), 3000]
    with av.open(str(tmp_path / f"in{suffix}"), "w") as output:
        options = {"bf": "3", "b-adapt": "0", "g": "250", "sc_threshold": "0"}
        video = output.add_stream("libx264", rate=25, options=options)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        for frame in make_frames(times=times, tick=Fraction(1, 25)):
            output.mux(video.encode(to_picture(frame, "yuv420p")))
        output.mux(video.encode(None))
    report = process(tmp_path / f"in{suffix}", tmp_path / "out.mkv", chosen())
    found = read(tmp_path / "out.mkv").times
    apart = [round(float(b - a) * 25) for a, b in pairwise(found)]
    assert apart == np.diff(times).tolist()
    assert report.exit_code == 0


@pytest.mark.parametrize("number", [100690, 201722])
def test_mutants_with_a_lone_time(tmp_path, number):
    name, kind = list(KINDS.items())[number % len(KINDS)]
    make_clip(tmp_path / "whole.ts", kind)
    (tmp_path / "in.ts").write_bytes(mutant((tmp_path / "whole.ts").read_bytes(), number)[1])
    report = process(tmp_path / "in.ts", tmp_path / "out.mov", chosen())
    assert not any("starts again" in said for said in report.warnings)
    found = read(tmp_path / "out.mov")
    assert steps(found.times) == {40.0}
    assert len(found.times) == 12
    with av.open(str(tmp_path / "whole.ts")) as given, av.open(str(tmp_path / "out.mov")) as made:
        late = [
            file.streams.audio[0].start_time * Fraction(str(file.streams.audio[0].time_base))
            - file.streams.video[0].start_time * Fraction(str(file.streams.video[0].time_base))
            for file in (given, made)
        ]
    assert abs(late[0] - late[1]) <= Fraction(20, 1000), name


def test_the_clip_begins_and_lasts_as_its_other_times_say(tmp_path):
    make_joined(tmp_path / "in.ts", (60000,))
    with Clip(tmp_path / "in.ts") as clip:
        whole = clip.begin, clip.length, clip.pace
    flip_mpeg(tmp_path / "in.ts", VIDEO, 0, 32)
    with Clip(tmp_path / "in.ts") as clip:
        assert abs(clip.begin - whole[0]) <= Fraction(1, 10)
        assert abs(clip.length - whole[1]) <= Fraction(1, 10)
        assert clip.pace == whole[2]
        assert clip.delay < 1
