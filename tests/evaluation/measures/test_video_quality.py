"""VMAF and XPSNR at their tops, falling with damage, and beside another implementation."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
import vapoursynth as vs
from torch import Tensor
from torch.nn import functional as F

from tests.evaluation.measures.test_naturalness import natural, noisy
from vs_gendrpix.errors import cancellation
from vs_gendrpix.evaluation.measures.video_quality import FrameVmaf, vmaf, xpsnr


@pytest.fixture(scope="module")
def clip() -> Tensor:
    """A picture that moves, (4, 3, 128, 192)."""
    image = natural(150, 220, 3)
    return torch.cat([image[..., 2 * i : 2 * i + 128, 4 * i : 4 * i + 192] for i in range(4)])


def blurred(clip: Tensor, size: int) -> Tensor:
    return F.avg_pool2d(clip, size, 1, size // 2, count_include_pad=False)


def test_nothing_is_left_in_the_temporary_folder(
    clip: Tensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = [*cancellation._state.leftovers]
    vmaf(clip[:1], clip[:1])
    assert ([*tmp_path.iterdir()], cancellation._state.leftovers) == ([], before)
    judge = FrameVmaf(clip.shape[-2:])
    assert len([*tmp_path.iterdir()]) == 1
    assert cancellation.abandon()  # as a second signal does, before it ends the process
    assert [*tmp_path.iterdir()] == []
    cancellation.drop_leftover(judge._folder.cleanup)


def test_equal_clips_are_at_the_top(clip: Tensor) -> None:
    assert vmaf(clip, clip) > 97
    assert xpsnr(clip, clip) == math.inf


@pytest.mark.slow
@pytest.mark.parametrize("measure", [vmaf, xpsnr])
@pytest.mark.parametrize(("damage", "degrees"), [(blurred, (1, 3, 5)), (noisy, (0, 10, 25))])
def test_falls_with_damage(measure, damage, degrees, *, clip: Tensor) -> None:
    best, bad, worst = (measure(damage(clip, degree), clip) for degree in degrees)
    assert best > bad + 1 > worst + 2


@pytest.mark.slow
def test_one_bad_frame_of_four_counts(clip: Tensor) -> None:
    spoilt = clip.clone()
    spoilt[2] = blurred(clip[2:3], 9)[0]
    for measure in (vmaf, xpsnr):
        assert measure(blurred(clip, 9), clip) < measure(spoilt, clip) < measure(clip, clip)


def yuv420(clip: Tensor) -> vs.VideoNode:
    """The luma of BT.601 in 8 bits with grey chroma, as VapourSynth holds it."""
    planes = 16 + 65.481 * clip[:, 0] + 128.553 * clip[:, 1] + 24.966 * clip[:, 2]
    codes = planes.round().byte().numpy()
    blank = vs.core.std.BlankClip(
        width=codes.shape[2],
        height=codes.shape[1],
        format=vs.YUV420P8,
        length=len(codes),
        fpsnum=25,
        color=[0, 128, 128],
    )

    def fill(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        np.copyto(np.asarray(frame[0]), codes[n])
        return frame

    return vs.core.std.ModifyFrame(blank, blank, fill)


def test_xpsnr_agrees_with_another_implementation(clip: Tensor) -> None:
    """Of a single frame: how frames are averaged is each one's own."""
    grey = clip.mean(1, keepdim=True).repeat(1, 3, 1, 1)[:1]
    worn = noisy(grey.mean(1, keepdim=True).expand(-1, 3, -1, -1), 8)
    worn = worn.mean(1, keepdim=True).repeat(1, 3, 1, 1)
    judged = vs.core.vszip.XPSNR(reference=yuv420(grey), distorted=yuv420(worn))
    with judged.get_frame(0) as frame:
        other = float(frame.props["XPSNR_Y"])
    assert xpsnr(worn, grey) == pytest.approx(other, abs=0.1)
