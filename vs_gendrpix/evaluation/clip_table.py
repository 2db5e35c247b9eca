"""The scores of methods on clips."""

from collections.abc import Mapping

import torch
from torch import Tensor

from vs_gendrpix.evaluation.clips import ClipSet
from vs_gendrpix.evaluation.comparison import watching
from vs_gendrpix.evaluation.measures.video_quality import vmaf, xpsnr
from vs_gendrpix.evaluation.measures.warping import motions, warping_error
from vs_gendrpix.evaluation.methods import Method
from vs_gendrpix.evaluation.sheet import Sheet
from vs_gendrpix.evaluation.table import REFERENCE, Scores, as_written, means

CLIP_MEASURES = {"VMAF": ".2f", "XPSNR": ".2f", "warping": ".3f"}
"""Measures of clips and how they are printed: 0 to 100; dB; code values of 255, 0 and up."""


def compare_clips(clips: ClipSet, methods: Mapping[str, Method], sheet: Sheet) -> dict[str, Scores]:
    """The mean scores of each method over clips.

    Args:
        clips: The clips; one at a time is in memory, as the method at work restores it.
        methods: What to compare, by name.
        sheet: Gets the last frame of some.

    Returns:
        The methods' scores, and the warping error of the references under `reference`.
    """
    found: dict[str, list[Scores]] = {}
    with watching(clips.name, clips.count, sheet) as watch:
        for clip in clips.clips():
            between = motions(clip.reference)
            last: dict[str, Tensor] = {}
            for name, method in methods.items():
                result = as_written(torch.cat([method(frame[None]) for frame in clip.low]))
                scores = {
                    "VMAF": vmaf(result, clip.reference),
                    "XPSNR": xpsnr(result, clip.reference),
                    "warping": warping_error(result, between),
                }
                found.setdefault(name, []).append(scores)
                last[name] = result[-1:].clone()
            own = {"warping": warping_error(clip.reference, between)}
            found.setdefault(REFERENCE, []).append(own)
            watch({**last, REFERENCE: clip.reference[-1:]})
    return means(found)
