"""What a codec was told to round by is found, in the same unit for every codec."""

import pytest

from benchmarks.try_clips import drawn, noisy, write
from tests.clips import make_clip
from vs_gendrpix.errors import MediaError
from vs_gendrpix.read.look.rounding import rounding
from vs_gendrpix.settings import ReadSettings

PICTURES = noisy([drawn(number) for number in range(12)], 4)


@pytest.mark.parametrize(
    ("codec", "options", "step"),
    [
        ("libx264", {"qp": "20"}, 6.3),
        ("libx264", {"qp": "45"}, 113),
        # Its keyframe's quantiser is 23, all others are 35: what counts lies between.
        ("libx264", {"qp": "35", "x264-params": "ipratio=4:bframes=0"}, 17.8),
        ("mpeg1video", {"qmin": "6", "qmax": "6"}, 12),
        ("mpeg2video", {"qmin": "20", "qmax": "20"}, 40),
        ("mpeg4", {"qmin": "20", "qmax": "20"}, 40),
        ("libvpx-vp9", {"crf": "50", "qmin": "50", "qmax": "50", "b": "0", "cpu-used": "8"}, 81),
        ("ffv1", {}, None),
    ],
)
def test_the_step_is_what_the_codec_was_told(tmp_path, codec, options, step):
    path = write(tmp_path / "a.mkv", PICTURES, codec=codec, options=options)
    found = rounding(path, ReadSettings())
    assert found == (step and pytest.approx(step, rel=0.25))  # codecs vary it from kind to kind


def test_ten_bits_mean_what_eight_do(tmp_path):
    made = []
    for pix_fmt in ("yuv420p", "yuv420p10le"):
        path = tmp_path / f"{pix_fmt}.mkv"
        make_clip(path, pix_fmt=pix_fmt, options={"crf": "30"})
        made.append(rounding(path, ReadSettings()))
    assert made[1] == pytest.approx(made[0], rel=0.2)


def test_all_of_a_clip_counts(tmp_path):
    easy = [0 * PICTURES[0]] * 6
    few = {"b": "20000", "g": "12"}
    path = write(tmp_path / "a.mp4", easy + PICTURES * 4, codec="mpeg4", options=few)
    assert rounding(path, ReadSettings()) > 40


def test_what_is_no_file_tells_nothing_and_what_is_no_media_is_an_error(tmp_path):
    assert rounding(tmp_path, ReadSettings()) is None
    (tmp_path / "a.mp4").write_text("none")
    with pytest.raises(MediaError):
        rounding(tmp_path / "a.mp4", ReadSettings())
