"""Clips to judge by: real files, decoded, cropped and degraded the same way for ever."""

from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from tests.clips import make_clip
from tests.evaluation.measures.test_naturalness import natural
from vs_gendrpix.errors import MediaError
from vs_gendrpix.evaluation.clips import FRAMES, degraded_clips
from vs_gendrpix.evaluation.degradation import degrade_clip
from vs_gendrpix.evaluation.measures.fidelity import psnr

DECIBELS = (32.54, 33.46, 33.01)
"""Golden: PSNR of what H.264, MPEG-2 and HEVC leave, against the plain resize."""


def moving(count: int = 4) -> list[torch.Tensor]:
    image = F.avg_pool2d(natural(300, 360, 4), 5, 1)
    return [image[..., 3 * i : 3 * i + 256, 5 * i : 5 * i + 320] for i in range(count)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "good"
    path.mkdir()
    make_clip(path / "b.mp4", size=(372, 366), times=tuple(range(0, 512 * 14, 512)))
    make_clip(path / "a.mkv", size=(360, 400), pix_fmt="yuv422p10le")
    make_clip(path / "small.mp4", size=(640, 352))
    (path / "notes.txt").write_text("no video")
    return path


def test_large_videos_are_taken_in_order_and_cropped(folder: Path) -> None:
    found = degraded_clips(folder)
    assert (found.name, found.count) == ("good, degraded", 2)
    first, second = found.samples()
    assert (first.name, second.name) == ("a", "b")
    assert first.reference.shape == (FRAMES, 3, 400, 360)
    assert second.reference.shape == (FRAMES, 3, 360, 368)
    for clip in (first, second):
        assert clip.low.shape[-2:] == tuple(side // 4 for side in clip.reference.shape[-2:])
        steps = clip.reference.mean((1, 2, 3)).diff()
        assert (steps > 0).all()  # the frames of `make_clip` brighten
        small = F.interpolate(clip.reference, clip.low.shape[-2:], mode="area")
        torch.testing.assert_close(
            clip.low.mean((1, 2, 3)), small.mean((1, 2, 3)), atol=2 / 255, rtol=0
        )


def test_the_first_clips_are_those_of_the_whole(folder: Path) -> None:
    whole = degraded_clips(folder)
    (alone,) = whole.first(1).samples()
    assert torch.equal(alone.low, next(whole.samples()).low)
    assert whole.first(1).count == 1
    assert whole.first(9).count == 2


def test_no_folder_and_no_videos_are_named(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="no such folder"):
        degraded_clips(tmp_path / "absent")
    with pytest.raises(MediaError, match="no videos of 360x360"):
        degraded_clips(tmp_path)


@pytest.mark.parametrize("number", range(3))
def test_strength_is_golden(number: int) -> None:
    """Codec versions may move it by little; a changed blur, noise or quality moves it by more."""
    frames = moving()
    low = degrade_clip(frames, number)
    assert low.shape == (4, 3, 64, 80)
    plain = F.interpolate(torch.cat(frames), (64, 80), mode="bicubic", antialias=True)
    assert psnr(low, plain).mean().item() == pytest.approx(DECIBELS[number], abs=0.3)
    assert torch.equal(low, degrade_clip(frames, number))


def test_frames_and_clips_get_different_noise() -> None:
    still = [F.avg_pool2d(natural(260, 260, 6), 5, 1)] * 2
    one, other = degrade_clip(still, 1), degrade_clip(still, 4)
    assert not torch.equal(one[0], one[1])
    assert not torch.equal(one, other)


def test_frames_stay_in_order_and_place() -> None:
    """A codec's B-frames come out of order; each must meet its own picture."""
    frames = moving(6)
    low = degrade_clip(frames, 0)
    plain = F.interpolate(torch.cat(frames), (64, 80), mode="bicubic", antialias=True)
    errors = (low[:, None] - plain[None]).square().mean((2, 3, 4))
    assert errors.argmin(1).tolist() == list(range(6))
