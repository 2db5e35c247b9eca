from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest

from ffmpeg_filters import apply
from tests.choices import process_settings
from tests.clips import EVEN, TICK, UNEVEN, make_clip, read
from tests.nearest import settings
from vs_gendrpix import RestoreSettings, process
from vs_gendrpix.errors import SettingsError

pytestmark = pytest.mark.usefixtures("nearest_engine")


def run(folder, name="in.mp4", **chosen):
    return process(folder / name, folder / "out.mp4", settings(**chosen))


def test_a_frame_for_each_field_halfway_in_time_and_sound_as_it_was(tmp_path):
    make_clip(tmp_path / "in.mp4", audio="aac")
    run(tmp_path, pre_filter="bwdif")
    was, now = read(tmp_path / "in.mp4"), read(tmp_path / "out.mp4")
    assert now.times == [n * TICK * 256 for n in range(24)]
    assert [data for data, _ in now.sides[1]] == [data for data, _ in was.sides[1]]


def test_uneven_times_stay_exact(tmp_path):
    make_clip(tmp_path / "in.mp4", times=UNEVEN)
    run(tmp_path, pre_filter="hflip", post_filter="hflip")
    assert read(tmp_path / "out.mp4").times == [time * TICK for time in UNEVEN]


def test_filters_after_change_the_size_that_is_encoded(tmp_path):
    make_clip(tmp_path / "in.mp4")
    run(tmp_path, scale=2, pre_filter="crop=32:24", post_filter="pad=iw:ih+16:0:8")
    found = read(tmp_path / "out.mp4")
    assert (found.size, found.picture.format.name) == ((64, 64), "yuv420p10le")
    assert len(found.times) == len(EVEN)


def test_a_graph_may_end_early(tmp_path):
    make_clip(tmp_path / "in.mp4")
    report = run(tmp_path, pre_filter="trim=end_frame=5")
    assert (report.frames_encoded, len(read(tmp_path / "out.mp4").times)) == (5, 5)


@pytest.mark.parametrize(
    "graph", ["nosuch", "scale=bogus=1", "crop=999", "split", "a,,b", "setpts=0"]
)
def test_a_bad_graph_is_one_line_and_nothing_is_published(tmp_path, graph):
    make_clip(tmp_path / "in.mp4")
    with pytest.raises(SettingsError) as told:
        run(tmp_path, pre_filter=graph)
    assert "\n" not in str(told.value)
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


def write(path, pictures, rate):
    with av.open(str(path), "w") as output:
        options = {"x264-params": "tff=1", "crf": "1"}
        stream = output.add_stream("libx264", rate=rate, options=options)
        stream.height, stream.width = pictures[0].shape
        stream.pix_fmt = "yuv420p"
        for number, array in enumerate(pictures):
            picture = av.VideoFrame.from_ndarray(array, format="gray").reformat(format="yuv420p")
            picture.pts, picture.time_base = number, 1 / Fraction(rate)
            output.mux(stream.encode(picture))
        output.mux(stream.encode(None))


def moving(count):
    y, x = np.mgrid[:96, :128]
    for n in range(count):
        yield (128 + 80 * np.sin((x + 5 * n) / 6) * np.cos((y + 2 * n) / 9)).astype(np.uint8)


def woven(film):
    for first, second in zip(film[::2], film[1::2], strict=True):
        both = first.copy()
        both[1::2] = second[1::2]
        yield both


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mode", "frames", "warnings"), [("auto", 48, 0), ("bwdif", 48, 0), ("off", 24, 1)]
)
def test_an_interlaced_clip(tmp_path, mode, frames, warnings):
    write(tmp_path / "in.mp4", list(woven(list(moving(48)))), 25)
    report = run(tmp_path, deinterlace=mode)
    assert report.frames_encoded == frames
    assert len([said for said in report.warnings if "interlaced" in said]) == warnings


@pytest.mark.slow
def test_a_telecined_clip_becomes_the_film(tmp_path):
    film = apply("telecine=first_field=top:pattern=23", moving(96), pix_fmt="gray", rate=24)
    write(tmp_path / "in.mp4", list(film), Fraction(30000, 1001))
    report = run(tmp_path)
    assert report.frames_encoded == 96
    times = read(tmp_path / "out.mp4").times
    assert {b - a for a, b in pairwise(times)} == {Fraction(1001, 24000)}


@pytest.mark.parametrize(
    ("chosen", "frames"),
    [
        ({"deinterlace": "bwdif"}, 2),
        ({"pre_filter": "yadif=1,tmix=2"}, 2),
        ({"pre_filter": "bwdif,bwdif"}, 4),
    ],
)
def test_of_a_single_frame_the_second_field_comes_half_a_frame_later(tmp_path, chosen, frames):
    write(tmp_path / "in.mp4", list(woven(list(moving(2)))), 25)
    run(tmp_path, **chosen)
    assert read(tmp_path / "out.mp4").times == [Fraction(n, 25 * frames) for n in range(frames)]


@pytest.mark.slow
def test_so_it_does_in_a_preview_and_a_still_of_one_frame(tmp_path):
    write(tmp_path / "in.mp4", list(woven(list(moving(60)))), 25)
    run(tmp_path, pre_filter="vhs", preview=Fraction(3, 100))
    first, second = read(tmp_path / "out.mp4").times
    assert second - first == Fraction(1, 50)
    chosen = process_settings(
        pre_filter="vhs", still=Fraction(29, 25), restore=RestoreSettings(scale=Fraction(1))
    )
    assert process(tmp_path / "in.mp4", tmp_path / "out.png", chosen).frames_encoded == 1


def test_a_pre_filter_that_deinterlaces_does_so_alone(tmp_path):
    write(tmp_path / "in.mp4", list(woven(list(moving(48)))), 25)
    assert run(tmp_path, pre_filter="yadif").frames_encoded == 24


def test_a_progressive_clip_is_left_alone(tmp_path):
    write(tmp_path / "in.mp4", list(moving(24)), 25)  # flagged as interlaced, which it is not
    assert run(tmp_path).frames_encoded == 24


@pytest.mark.slow
@pytest.mark.parametrize("name", ["vhs", "dvd_interlaced", "anime_dvd"])
def test_a_preset_makes_frames_of_fields_only_where_there_are_fields(tmp_path, name):
    write(tmp_path / "frames.mp4", list(moving(24)), 25)
    write(tmp_path / "fields.mp4", list(woven(list(moving(48)))), 25)
    chosen = {"pre_filter": name, "overwrite": True}
    assert run(tmp_path, "frames.mp4", **chosen).frames_encoded == 24
    assert run(tmp_path, "fields.mp4", **chosen).frames_encoded == 48
    assert run(tmp_path, "fields.mp4", deinterlace="off", **chosen).frames_encoded == 24
