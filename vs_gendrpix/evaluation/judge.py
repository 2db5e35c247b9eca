"""The measures by name, and the lists of measures for each kind of set."""

from collections.abc import Callable, Collection
from functools import partial

from torch import Tensor

from vs_gendrpix.errors import SettingsError
from vs_gendrpix.evaluation.measures.blocks import block_edges
from vs_gendrpix.evaluation.measures.colour import largest_chroma
from vs_gendrpix.evaluation.measures.features import EfficientNetDistance
from vs_gendrpix.evaluation.measures.fidelity import psnr, ssim
from vs_gendrpix.evaluation.measures.grid import lattice_ratio
from vs_gendrpix.evaluation.measures.naturalness import NIQE
from vs_gendrpix.evaluation.measures.outlines import outlines
from vs_gendrpix.evaluation.measures.perceptual import SqueezeNetDistance
from vs_gendrpix.evaluation.measures.ssimulacra import ssimulacra2
from vs_gendrpix.evaluation.measures.texture import excess_texture, texture_kept, weave_peak
from vs_gendrpix.evaluation.measures.video_quality import vmaf, xpsnr
from vs_gendrpix.evaluation.measures.warping import Motion, motions, warping_error
from vs_gendrpix.evaluation.samples import Sample

Scores = dict[str, float]
"""Measure to value; a measure that is not defined for a picture is missing."""
Values = tuple[float | None, ...]

FIDELITY = ("PSNR", "SSIM", "SSIMULACRA2", "SqueezeNet distance", "EfficientNet distance")
EXCESS = ("excess", "excess 95 %")
BLOCKS = ("blocks 8", "blocks 4")
GRIDS = ("grid", "grid 4")
OUTLINES = ("undershoot", "overshoot")
KEPT = ("kept 8-16", "kept 4-8", "kept 2-4")

PICTURE = (*FIDELITY, *EXCESS, "NIQE", *GRIDS)
"""Measures of a picture with a reference."""
ALONE = ("NIQE", *GRIDS, "weave", *OUTLINES)
"""Measures of a picture without a reference."""
CROP = ("NIQE", *GRIDS, "weave", *BLOCKS, *OUTLINES)
"""Measures of a crop of a compressed frame; the codec's grid begins at its corner."""
CLEAN = ("PSNR", *KEPT, *OUTLINES)
"""Measures of the result of a clean picture, which should change little."""
GREY = ("colour",)
"""Measures of the result of a picture without colour."""
CLIP = ("VMAF", "XPSNR", "warping", *EXCESS)
"""Measures of a clip with a reference; `EXCESS` looks at its last frame."""

MEASURES = {
    "PSNR": ".2f",
    "SSIM": ".4f",
    "SSIMULACRA2": ".2f",
    "SqueezeNet distance": ".4f",
    "EfficientNet distance": ".4f",
    "VMAF": ".2f",
    "XPSNR": ".2f",
    "warping": ".3f",
    "excess": ".2f",
    "excess 95 %": ".2f",
    "weave": ".2f",
    **dict.fromkeys(KEPT, ".3f"),
    **dict.fromkeys(BLOCKS, ".3f"),
    **dict.fromkeys(OUTLINES, ".2f"),
    "colour": ".2f",
    "NIQE": ".2f",
    **dict.fromkeys(GRIDS, ".3f"),
}
"""All measures in the order of the tables, and how they are printed."""
OF_A_REFERENCE = ("NIQE", *GRIDS, "warping")
"""Measures that can be taken of a reference itself."""
REGULAR = ("brick", "text")
"""Kinds of picture whose own rows and strokes would count as a weave."""


class Judge:
    """Scores results by named measures.

    Attributes:
        skipped: Why measures are left out on this installation, a line each.
    """

    def __init__(self) -> None:
        self.skipped: list[str] = []
        compare: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
            "PSNR": psnr,
            "SSIM": ssim,
            "SSIMULACRA2": ssimulacra2,
            "SqueezeNet distance": SqueezeNetDistance(),
        }
        try:
            compare["EfficientNet distance"] = EfficientNetDistance()
        except SettingsError as error:
            self.skipped.append(str(error))
        self._rates: dict[tuple[str, ...], Callable[[Tensor, Sample], Values]] = {
            **{(name,): _comparing(rate) for name, rate in compare.items()},
            ("VMAF",): lambda result, sample: (vmaf(result, _reference(sample)),),
            ("XPSNR",): lambda result, sample: (xpsnr(result, _reference(sample)),),
            ("warping",): _Warping(),
            EXCESS: _excess,
            ("weave",): _weave,
            KEPT: lambda result, sample: tuple(texture_kept(result, _reference(sample)).tolist()),
            BLOCKS: lambda result, sample: block_edges(result, sample.scale),
            OUTLINES: lambda result, sample: outlines(result, sample.low),
            ("colour",): lambda result, sample: (largest_chroma(result, sample.low),),
            ("NIQE",): _rating(NIQE()),
            ("grid",): _rating(lattice_ratio),
            ("grid 4",): _rating(partial(lattice_ratio, cell=4)),
        }

    def __call__(self, result: Tensor, sample: Sample, wanted: Collection[str]) -> Scores:
        """The scores of one result.

        Args:
            result: (N, 3, H, W) RGB in [0, 1], of 8 bits.
            sample: What it was made of.
            wanted: Names of measures; those of a reference need one in the sample.
        """
        scores: Scores = {}
        for names, rate in self._rates.items():
            if any(name in wanted for name in names):
                values = zip(names, rate(result, sample), strict=True)
                scores |= {n: value for n, value in values if value is not None and n in wanted}
        return scores


class _Warping:
    """The warping error; the motion of a clip is looked for once, not once for each method."""

    def __init__(self) -> None:
        self._reference: Tensor | None = None
        self._between: list[Motion] = []

    def __call__(self, result: Tensor, sample: Sample) -> Values:
        reference = _reference(sample)
        if reference is not self._reference:
            self._reference, self._between = reference, motions(reference)
        return (warping_error(result, self._between),)


def _comparing(rate: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Sample], Values]:
    return lambda result, sample: (rate(result, _reference(sample)).mean().item(),)


def _rating(rate: Callable[[Tensor], Tensor]) -> Callable[[Tensor, Sample], Values]:
    return lambda result, _: (rate(result).mean().item(),)


def _excess(result: Tensor, sample: Sample) -> Values:
    found = excess_texture(result[-1:], _reference(sample)[-1:])
    if not len(found):
        return None, None
    return found.mean().item(), found.quantile(0.95).item()


def _weave(result: Tensor, sample: Sample) -> Values:
    return (None if sample.kind in REGULAR else weave_peak(result, sample.low),)


def _reference(sample: Sample) -> Tensor:
    if sample.reference is None:
        raise SettingsError(f"{sample.name} has no reference: leave out the measures that need one")
    return sample.reference
