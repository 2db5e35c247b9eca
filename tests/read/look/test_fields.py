"""Generated clips of known fields, through codecs that blur and block them."""

from fractions import Fraction

import av
import numpy as np
import pytest

from vs_gendrpix.read.clip import Clip
from vs_gendrpix.read.look.fields import Scan, scan

ROWS, COLUMNS = 480, 360
NTSC = Fraction(30000, 1001)
PROGRESSIVE = Scan(kind="progressive", order="auto", flagged=False)
SPEEDS = [(0.5, 0), (1, 0), (3, 0.5), (8, 0), (12, 3), (0, 1), (0, 2), (1, -2)]
"""Pixels to the side and down for each field: from what one hardly sees to a whip pan."""


def world():
    """A random landscape, with detail of many sizes, larger than a picture."""
    draw = np.random.default_rng(3)
    made = np.zeros((1024, 1536))
    for size in (4, 8, 16, 32):
        small = draw.normal(size=(1024 // size + 1, 1536 // size + 1))
        y, x = np.arange(1024) / size, np.arange(1536) / size
        below, right = (y % 1)[:, None], (x % 1)[None]
        across = small[:, x.astype(int)] * (1 - right) + small[:, x.astype(int) + 1] * right
        rows = y.astype(int)
        made += size**0.7 * (across[rows] * (1 - below) + across[rows + 1] * below)
    return 125 + 90 * made / np.abs(made).max()


WORLD = world()


def moments(count, speed):
    """Pictures of a camera that moves at a speed."""
    for n in range(count):
        x, y = (400 + n * step if step < 0 else n * step for step in speed)
        left, top, right, below = int(x), int(y), x % 1, y % 1
        seen = WORLD[top : top + ROWS + 1, left : left + COLUMNS + 1]
        across = seen[:, :-1] * (1 - right) + seen[:, 1:] * right
        yield (across[:-1] * (1 - below) + across[1:] * below).astype(np.uint8)


def woven(pictures, order):
    """Two pictures in each, the first one in the lines of the first field."""
    pictures = list(pictures)
    for first, second in zip(pictures[::2], pictures[1::2], strict=True):
        both = second.copy()
        both[order == "bff" :: 2] = first[order == "bff" :: 2]
        yield both


def write(path, pictures, rate=NTSC, flag=None, codec="libx264"):
    """Encode pictures; `flag` is the order of fields that the file says, None for progressive."""
    options = {"crf": "20", "preset": "ultrafast"} if codec == "libx264" else {"b": "6M"}
    if flag and codec == "libx264":
        options["x264-params"] = f"{flag}=1"
    elif flag:
        options["flags"] = "+ildct+ilme"
    with av.open(str(path), "w") as output:
        stream = output.add_stream(codec, rate=rate, options=options)
        stream.width, stream.height, stream.pix_fmt = COLUMNS, ROWS, "yuv420p"
        for number, array in enumerate(pictures):
            picture = av.VideoFrame.from_ndarray(array, format="gray").reformat(format="yuv420p")
            picture.pts, picture.time_base = number, 1 / Fraction(rate)
            output.mux(stream.encode(picture))
        output.mux(stream.encode(None))


def found(path):
    with Clip(path) as clip:
        return scan(clip, start=None, end=None)


@pytest.mark.slow
@pytest.mark.parametrize("codec", ["libx264", "mpeg2video"])
@pytest.mark.parametrize("order", ["tff", "bff"])
@pytest.mark.parametrize("speed", SPEEDS)
def test_combs_without_a_flag_are_found(tmp_path, speed, order, codec):
    write(tmp_path / "in.mkv", woven(moments(96, speed), order), codec=codec)
    assert found(tmp_path / "in.mkv") == Scan(kind="interlaced", order=order, flagged=False)


@pytest.mark.slow
@pytest.mark.parametrize("codec", ["libx264", "mpeg2video"])
@pytest.mark.parametrize("speed", [(2 * x, 2 * y) for x, y in SPEEDS])
def test_a_film_in_motion_is_not_taken_for_combs(tmp_path, speed, codec):
    """In pans up and down the lines of one neighbour fit better than the other's, though whole."""
    write(tmp_path / "in.mkv", moments(48, speed), codec=codec)
    assert found(tmp_path / "in.mkv") == PROGRESSIVE


@pytest.mark.parametrize("speed", [(0, 0), (1, 0), (4, 0)])
def test_fine_lines_are_not_taken_for_combs(tmp_path, speed):
    def lined():
        for picture in moments(48, speed):
            picture[60:200:2, 50:250], picture[61:200:2, 50:250] = 200, 50
            picture[220:400:4, 100:300] = picture[221:400:4, 100:300] = 60
            yield picture

    write(tmp_path / "in.mkv", lined())
    assert found(tmp_path / "in.mkv") == PROGRESSIVE


def test_a_progressive_clip_may_say_that_it_is_interlaced(tmp_path):
    write(tmp_path / "in.mkv", moments(48, (4, 1)), flag="tff")
    assert found(tmp_path / "in.mkv") == Scan(kind="progressive", order="auto", flagged=True)


@pytest.mark.slow
@pytest.mark.parametrize("order", ["tff", "bff"])
@pytest.mark.parametrize("flag", ["tff", "bff"])
def test_the_order_of_fields_is_what_the_pictures_show(tmp_path, flag, order):
    write(tmp_path / "in.mkv", woven(moments(96, (3, 0)), order), flag=flag)
    assert found(tmp_path / "in.mkv") == Scan(kind="interlaced", order=order, flagged=True)


@pytest.mark.parametrize("flag", ["tff", "bff"])
def test_the_flags_order_counts_where_nothing_moves(tmp_path, flag):
    write(tmp_path / "in.mkv", moments(48, (0, 0)), flag=flag)
    assert found(tmp_path / "in.mkv") == Scan(kind="interlaced", order=flag, flagged=True)


def test_combs_of_no_interlaced_systems_rate_or_size_are_left(tmp_path):
    write(tmp_path / "in.mkv", woven(moments(96, (3, 0)), "tff"), rate=60)
    assert found(tmp_path / "in.mkv") == PROGRESSIVE
