"""The source beside the result: which frame of it, which part, and how it is scaled."""

from fractions import Fraction

import numpy as np
import pytest
import torch

from tests.clips import EVEN, make_clip, make_frames
from tests.nearest import LOSSLESS, settings
from vs_gendrpix import EncodeSettings, process
from vs_gendrpix.errors import MediaError, SettingsError
from vs_gendrpix.evaluation.methods import lanczos_to
from vs_gendrpix.read.source import open_source
from vs_gendrpix.restore.beside import PERIOD, lanczos


def lumas(path):
    """The luma of each frame."""
    with open_source(path) as source:
        return [frame.planes[0].astype(int) for frame in source]


@pytest.mark.parametrize("size", [(60, 92), (30, 46), (17, 20)])
def test_the_resize_is_that_of_pillow(size):
    pictures = torch.rand(1, 3, 30, 46, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(lanczos(pictures, size), lanczos_to(pictures, size))


@pytest.mark.usefixtures("nearest_engine")
def test_the_source_is_left_of_a_line_and_the_result_right_of_it(tmp_path):
    """The result is a negative, and has two frames for each of the source."""
    made = make_clip(tmp_path / "in.mkv", options={"crf": "0"})
    more = {"post_filter": "negate,fps=50", "compare": "side"}
    process(tmp_path / "in.mkv", tmp_path / "out.mkv", settings(1, LOSSLESS, **more))
    found = lumas(tmp_path / "out.mkv")
    assert len(found) == 24
    for number, luma in enumerate(found):
        (was, *_) = made[number // 2].planes
        assert abs(luma[:, :32] - was[:, :32]).max() <= 1  # dithered anew
        assert (luma[:, 32:34] == 235).all()
        assert abs(luma[:, 34:] - (255 - was[:, 34:].astype(int))).max() <= 1


@pytest.mark.usefixtures("nearest_engine")
def test_a_wipe_moves_and_shows_the_source_enlarged(tmp_path):
    times = [16 * tick for tick in EVEN[:7]]  # 0.64 s apart
    make_clip(tmp_path / "in.mkv", times=times, options={"crf": "0"})
    process(tmp_path / "in.mkv", tmp_path / "out.mkv", settings(2, LOSSLESS, compare="wipe"))
    lines = [int(np.argmax((luma == 235).all(0))) for luma in lumas(tmp_path / "out.mkv")]
    shares = 0.5 + 0.45 * np.sin(2 * np.pi * np.arange(7) * 0.64 / PERIOD)
    assert lines == pytest.approx(128 * shares, abs=2)


@pytest.mark.parametrize("wrong", ["pre_filter", "post_filter"])
def test_a_filter_that_cuts_leaves_the_source_no_place(tmp_path, wrong):
    make_clip(tmp_path / "in.mkv")
    chosen = settings(1, LOSSLESS, compare="side", **{wrong: "crop=32:32"})
    with pytest.raises(SettingsError, match="makes 32x32 of 64x48"):
        process(tmp_path / "in.mkv", tmp_path / "out.mkv", chosen)


@pytest.mark.parametrize(("still", "number"), [("0", 0), ("0.13", 1), ("3.5", 1), ("4.2", 2)])
@pytest.mark.usefixtures("nearest_engine")
def test_a_still_is_the_frame_that_is_shown_then(tmp_path, still, number):
    times = (0, 512, 4 * 12800, 5 * 12800)
    make_clip(tmp_path / "in.mkv", times=times)
    chosen = settings(1, EncodeSettings(), still=Fraction(still), compare="side")
    report = process(tmp_path / "in.mkv", tmp_path / "out.png", chosen)
    assert (report.frames_encoded, report.warnings) == (1, ())
    (picture,) = lumas(tmp_path / "out.png")
    assert abs(picture[:, :30] / 257 - whole_range(make_frames(times=times)[number])).max() < 8


def whole_range(frame):
    """The left part of a frame's luma, in full range."""
    return (frame.planes[0][:, :30].astype(float) - 16) * 255 / 219


def test_a_still_that_cannot_be_is_refused(tmp_path):
    make_clip(tmp_path / "in.mkv")
    with pytest.raises(SettingsError, match="a still is a picture"):
        process(tmp_path / "in.mkv", tmp_path / "out.mp4", settings(1, still=Fraction(0)))
    with pytest.raises(MediaError, match=r"no frame .* at 9 s: it ends at 0.48 s"):
        process(tmp_path / "in.mkv", tmp_path / "out.png", settings(1, still=Fraction(9)))
    with pytest.raises(SettingsError, match="not both"):
        settings(1, still=Fraction(1), start=Fraction(1))
