"""A job in segments gives the frames of one piece, whatever the input is like."""

from fractions import Fraction

import pytest

from tests.changing import make_changing_clip
from tests.job.segments.both import STEP, make_both, make_moving
from tests.joined import STARTS, make_joined
from vs_gendrpix import EncodeSettings
from vs_gendrpix.job.segments import cutting

pytestmark = pytest.mark.usefixtures("nearest_engine")

ARCHIVE = EncodeSettings(encoder="ffv1", pix_fmt="yuv420p")
COUNT = 45

OPEN = {"bf": "3", "x264-params": "open-gop=1:scenecut=0:keyint=12:min-keyint=2"}
OPEN_HEVC = {"x265-params": "open-gop=1:keyint=12:min-keyint=2:bframes=4:log-level=none"}
GROUPS = {"bf": "2", "g": "12", "b": "2M"}
REFRESH = {"bf": "0", "x264-params": "intra-refresh=1:keyint=15"}
EVEN = {"tick": Fraction(1, 25), "times": range(COUNT)}
UNEVEN = {"times": [STEP * n + n * n * 37 % 300 for n in range(COUNT)]}
EARLY = {"times": [STEP * (n - 10) for n in range(COUNT)]}
LATE = {"times": [STEP * (n + 100) for n in range(COUNT)]}
MPEG2 = {"codec": "mpeg2video", "options": GROUPS, **EVEN}
AV1 = {"codec": "libsvtav1", "options": {"g": "12", "preset": "12"}}

INPUTS = {
    "b-frames.mp4": {"options": {"bf": "3", "g": "12"}},
    "one-keyframe.mkv": {"options": {"bf": "3", "g": "250", "preset": "medium"}},
    "open.mp4": {"options": OPEN},
    "open.mkv": {"options": OPEN},
    "open.ts": {"options": OPEN},
    "open-hevc.mp4": {"codec": "libx265", "options": OPEN_HEVC},
    "open-hevc.ts": {"codec": "libx265", "options": OPEN_HEVC},
    "mpeg2.ts": MPEG2,
    "mpeg2.mpg": MPEG2,
    "mpeg2.vob": MPEG2,
    "mpeg2.mxf": MPEG2,
    "raw.m2v": {**MPEG2, "container": "mpeg2video"},
    "h264.mpg": {"options": {"bf": "2", "g": "12"}, **EVEN},  # many pictures say no time
    "mpeg1.mpg": {**MPEG2, "codec": "mpeg1video"},
    "uneven.mp4": UNEVEN,
    "uneven.mkv": UNEVEN,
    "early.mkv": {**EARLY, "options": {"bf": "0"}},
    "edit-list.mp4": EARLY,
    "late.mp4": LATE,
    "packed.avi": {"codec": "mpeg4", "options": GROUPS, **EVEN},
    "h264.avi": {"options": GROUPS, **EVEN},
    "mjpeg.avi": {"codec": "mjpeg", "pix_fmt": "yuvj420p", **EVEN},
    "vp9.webm": {
        "codec": "libvpx-vp9",
        "options": {"g": "12", "deadline": "realtime", "cpu-used": "8"},
    },
    "av1.mkv": AV1,
    "av1.ivf": AV1,
    "prores.mov": {"codec": "prores_ks", "pix_fmt": "yuv422p10le"},
    "h264.flv": {"options": {"bf": "2", "g": "12"}},
    "pictures.gif": {"codec": "gif", "pix_fmt": "rgb8", **EVEN},
    "wmv2.wmv": {"codec": "wmv2", "options": {"g": "12", "b": "2M"}, **EVEN},
    "raw.y4m": {"codec": "wrapped_avframe", "container": "yuv4mpegpipe", **EVEN},
    "soft-telecine.ts": {
        "tick": Fraction(1001, 60000),
        "times": [5 * (n // 2) + 3 * (n % 2) for n in range(COUNT)],
        "options": GROUPS,
        "sound": "mp2",
    },
    "refresh.mp4": {"options": REFRESH},
    "refresh.ts": {"options": REFRESH},
}

SCRIPT = """
import vapoursynth as vs
frames = [
    vs.core.std.BlankClip(None, 64, 48, vs.YUV420P8, 1, 25, 1, color=[n * 4, 128, 90])
    for n in range(45)
]
vs.core.std.Splice(frames).set_output()
"""

SMALLER, WIDER = (32, 24), (96, 48)

JOINED = (".m2ts", ".vob", ".flv")

RANGES = {
    "start": {"start": Fraction(1, 2)},
    "end": {"end": Fraction(3, 2)},
    "between frames": {"start": Fraction(31, 100), "end": Fraction(3, 2)},
    "preview": {"preview": Fraction(1)},
}


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    """Segments of ten frames."""
    monkeypatch.setattr(cutting, "LENGTH", 10)


@pytest.mark.slow
@pytest.mark.parametrize("name", INPUTS)
def test_each_kind_of_input(tmp_path, name):
    make_moving(tmp_path / name, COUNT, **INPUTS[name])
    assert make_both(tmp_path / name, "out.mkv", ARCHIVE).differences() == {}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "codec", "size"),
    [("in.ts", "libx264", WIDER), ("in.nut", "mpeg2video", SMALLER), ("in.mkv", "mjpeg", WIDER)],
)
def test_pictures_of_another_size_from_the_middle_on_are_made_like_the_first(
    tmp_path, name, codec, size
):
    make_changing_clip(tmp_path / name, codec, [(64, 48)] * 23 + [size] * 22)
    both = make_both(tmp_path / name, "out.mkv", ARCHIVE, on_change="scale")
    assert both.differences() == {}
    assert any("changes from 64x48" in line for line in both.job_report.warnings)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["raw.h264", "raw.hevc"])
def test_a_stream_without_times_is_one_piece(tmp_path, name, caplog):
    caplog.set_level("INFO")
    codec = {"raw.h264": "libx264", "raw.hevc": "libx265"}[name]
    make_moving(tmp_path / name, codec=codec, container=name[4:])
    assert make_both(tmp_path / name, "out.mkv", ARCHIVE).differences() == {"segments": 0}
    lines = [line for line in caplog.messages if "one piece" in line]
    assert len(lines) == 1
    assert "does not say when its frames are shown" in lines[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("suffix", "starts"),
    [*((".ts", starts) for starts in STARTS), *((each, max(STARTS)) for each in JOINED)],
)
def test_a_clock_that_starts_again(tmp_path, suffix, starts):
    make_joined(tmp_path / f"in{suffix}", STARTS[starts])
    assert make_both(tmp_path / f"in{suffix}", "out.mkv", ARCHIVE).differences() == {}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "part"),
    [
        *(("in.mp4", part) for part in RANGES),
        *((name, max(RANGES)) for name in ("in.ts", "in.mpg", "in.avi", "early.mkv")),
    ],
)
def test_a_range(tmp_path, name, part):
    chosen = {
        "in.mp4": {"options": GROUPS, "sound": "aac"},
        "in.ts": {"options": GROUPS, "sound": "mp2"},
        "in.mpg": {**MPEG2, "sound": "mp2"},
        "in.avi": {"codec": "mpeg4", "options": GROUPS, **EVEN},
        "early.mkv": {**EARLY, "options": {"bf": "0"}},
    }
    make_moving(tmp_path / name, COUNT, **chosen[name])
    assert make_both(tmp_path / name, "out.mkv", ARCHIVE, **RANGES[part]).differences() == {}


@pytest.mark.slow
@pytest.mark.parametrize("part", [{}, RANGES[max(RANGES)]], ids=["whole", "part"])
def test_a_script(tmp_path, part):
    (tmp_path / "in.vpy").write_text(SCRIPT)
    assert make_both(tmp_path / "in.vpy", "out.mkv", ARCHIVE, **part).differences() == {}
