"""The warping error: how much a clip changes from frame to frame beyond its motion."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from vs_gendrpix.evaluation.measures.fidelity import luma

Field = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Motion:
    """The motion from one frame to the next.

    Attributes:
        flow: (H, W, 2) pixels to the right and down.
        visible: (H, W) whether the pixel can be seen in both frames.
    """

    flow: Tensor
    visible: Tensor


def motions(frames: Tensor) -> list[Motion]:
    """The motion between successive frames of a clean clip.

    Dense inverse search (Kroeger et al. 2016, in OpenCV) both ways. A pixel counts as
    visible where following the flow and then the flow back leads home, to the tolerance of
    Sundaram et al. (2010), and inside the frame.

    Args:
        frames: (N, 3, H, W) RGB in [0, 1], at least 16 pixels on each side.

    Returns:
        N - 1 motions.
    """
    return list(_motions(luma(frames).round().byte().numpy()))


def warping_error(frames: Tensor, between: list[Motion]) -> float:
    """Mean difference of frames from their next ones, moved back by the motion of the clean clip.

    A soft clip changes little too: read it beside a measure of detail. A perfect one does not
    reach 0, because moving by parts of a pixel blurs: the clean clip's own error is the floor.

    Args:
        frames: (N, 3, H, W) RGB in [0, 1].
        between: The N - 1 motions.

    Returns:
        Mean absolute difference over the visible pixels, in code values of 255.
    """
    steps = []
    for (before, after), motion in zip(pairwise(frames), between, strict=True):
        difference = (before - _moved_back(after, motion.flow)).abs().mean(0)
        steps.append(difference[motion.visible].mean())
    return 255 * torch.stack(steps).mean().item()


def _motions(frames: npt.NDArray[np.uint8]) -> Iterator[Motion]:
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    threads = cv2.getNumThreads()
    # One thread: the search goes in stripes, one a thread, so the flow would depend on the cores.
    cv2.setNumThreads(1)
    try:
        for before, after in pairwise(frames):
            there, back = _search(search, before, after), _search(search, after, before)
            yield Motion(flow=there, visible=_visible(there, back))
    finally:
        cv2.setNumThreads(threads)


def _search(search: Any, before: Any, after: Any) -> Tensor:  # noqa: ANN401 - OpenCV's own types
    flow: Field = search.calc(before, after, None)
    return torch.from_numpy(flow)


def _visible(there: Tensor, back: Tensor) -> Tensor:
    returned = _moved_back(back.permute(2, 0, 1), there).permute(1, 2, 0)
    lengths = there.square().sum(-1) + returned.square().sum(-1)
    home = (there + returned).square().sum(-1) < 0.01 * lengths + 0.5
    target = _targets(there)
    last = torch.tensor([there.shape[1] - 1, there.shape[0] - 1])
    return home & ((target >= 0) & (target <= last)).all(-1)


def _targets(flow: Tensor) -> Tensor:
    """(H, W, 2) columns and rows that a flow leads to."""
    height, width = flow.shape[:2]
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.stack([columns, rows], -1) + flow


def _moved_back(image: Tensor, flow: Tensor) -> Tensor:
    """(C, H, W) sampled where a flow leads to, by bicubic interpolation."""
    height, width = flow.shape[:2]
    places = 2 * _targets(flow) / torch.tensor([width - 1, height - 1]) - 1
    moved = F.grid_sample(
        image[None], places[None], mode="bicubic", padding_mode="border", align_corners=True
    )
    return moved[0]
