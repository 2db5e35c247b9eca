import random

import numpy as np
import pytest

from tests.clips import EVEN, TICK, UNEVEN, make_clip
from vs_gendrpix.errors import MediaError
from vs_gendrpix.read.reader import REACH, Reader
from vs_gendrpix.read.source import Source, open_source

LONG = tuple(512 * i for i in range(150))


def same(frame, other):
    return frame.fields == other.fields and all(
        np.array_equal(a, b) for a, b in zip(frame.planes, other.planes, strict=True)
    )


def orders(count):
    draw = random.Random(1)  # noqa: S311 - no secret
    yield list(range(count))
    yield list(reversed(range(count)))
    yield [draw.randrange(count) for _ in range(40)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("suffix", "codec", "options"),
    [
        (".mp4", "libx264", {"bf": "3", "g": "40"}),
        (".mkv", "libx264", {"bf": "3", "g": "40", "x264-params": "open-gop=1"}),
        (".ts", "libx264", {"bf": "2", "g": "12"}),
        (".webm", "libvpx", {"auto-alt-ref": "1", "lag-in-frames": "16", "b": "50k"}),
        (".mkv", "ffv1", {}),
    ],
)
def test_any_order_gives_the_frames_of_reading_through(tmp_path, suffix, codec, options):
    path = tmp_path / f"in{suffix}"
    make_clip(path, codec=codec, times=LONG, options=options)
    with open_source(path) as source:
        through = [frame for frame in source]  # noqa: C416 - the source must stay open
        reader = Reader(path)
        assert len(reader) == len(through) == len(LONG)
        for order in orders(len(through)):
            assert all(same(reader.read(number), through[number]) for number in order)
    reader.close()


@pytest.fixture
def starts(monkeypatch):
    """Where a source was opened by a reader that is there already, in seconds."""
    found = []

    class Watched(Source):
        def __init__(self, clip, **given):
            found.append(given.get("start"))
            super().__init__(clip, **given)

    monkeypatch.setattr("vs_gendrpix.read.reader.Source", Watched)
    return found


def test_a_jump_does_not_decode_what_lies_before(tmp_path, starts):
    make_clip(tmp_path / "in.mp4", times=LONG, options={"g": "10"})
    reader = Reader(tmp_path / "in.mp4")
    for number in (140, 141, 60, 0, REACH // 2, 139):
        reader.read(number)
    assert starts == [None, LONG[140] * TICK, LONG[60] * TICK, None, LONG[139] * TICK]
    reader.close()


def test_a_jump_that_ends_elsewhere_is_not_believed(tmp_path):
    make_clip(tmp_path / "in.mp4", times=LONG, options={"g": "10"})
    with open_source(tmp_path / "in.mp4") as source:
        through = list(source)
        reader = Reader(tmp_path / "in.mp4")
        reader.times = tuple(time + TICK for time in reader.times)  # finds the frame behind
        assert same(reader.read(120), through[120])
    reader.close()


@pytest.mark.parametrize("times", [EVEN, UNEVEN, tuple(t + 6400 for t in UNEVEN)])
def test_times_count_from_the_beginning(tmp_path, times):
    make_clip(tmp_path / "in.mp4", times=times)
    reader = Reader(tmp_path / "in.mp4")
    assert reader.times == tuple((t - times[0]) * TICK for t in times)


def test_a_clip_with_made_up_times_is_read_through(tmp_path, starts):
    make_clip(tmp_path / "in.h264", times=LONG, container="h264", options={"g": "10"})
    with open_source(tmp_path / "in.h264") as source:
        through = list(source)
        reader = Reader(tmp_path / "in.h264")
        for number in (120, 60, 149, 3):
            assert same(reader.read(number), through[number])
    assert set(starts) == {None}
    reader.close()


def test_a_file_that_is_cut_meanwhile_is_one_clear_error(tmp_path):
    make_clip(tmp_path / "in.ts", times=LONG, options={"g": "10"})
    reader = Reader(tmp_path / "in.ts")
    whole = (tmp_path / "in.ts").read_bytes()
    (tmp_path / "in.ts").write_bytes(whole[: len(whole) // 2])
    for number in (149, 80):
        with pytest.raises(MediaError, match=r"in\.ts"):
            reader.read(number)
    assert reader.read(20).timing.pts
    reader.close()


def test_clips_of_the_world(shared):
    for name in ("vp8_alpha.webm", "neg_first_pts.mov", "interlaced_real_720x480_film.ts"):
        path = shared / "video" / "weird" / name
        with open_source(path) as source:
            through = list(source)
            reader = Reader(path)
            numbers = (len(through) - 1, len(through) // 2, 0, len(through) - 2)
            assert all(same(reader.read(number), through[number]) for number in numbers), name
        reader.close()
