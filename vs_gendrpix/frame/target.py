"""The format of restored frames: one rule for the command line and the VapourSynth filter."""

from dataclasses import dataclass, replace

from vs_gendrpix.errors import SettingsError
from vs_gendrpix.frame.format import (
    HDR_TRANSFERS,
    LINEAR,
    UNSPECIFIED,
    ChromaLocation,
    ColorSpec,
    FrameFormat,
    PixelLayout,
)

CAMERA_TRANSFER = 1
"""TransferCharacteristics of BT.709."""

_CAMERA_TRANSFERS = {1, 6, 14, 15, UNSPECIFIED}
"""TransferCharacteristics of BT.709, BT.601 and BT.2020: the same curve."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputTags:
    """The properties of colour that an output can state to its readers.

    The defaults are an output that can state everything, such as the properties of a VapourSynth
    frame.

    Attributes:
        full_range: The one range that the reader of grey or YUV frames assumes; None if the output
            states which it is.
        chroma_locations: The sitings of subsampled chroma that the output may have. The first is
            the one that its readers assume where none is stated.
        linear_floats: Whether float samples always hold linear light, as in OpenEXR.
    """

    full_range: bool | None = None
    chroma_locations: tuple[ChromaLocation, ...] = ("left", "topleft")
    linear_floats: bool = False


STATES_ALL = OutputTags()
"""An output that can state everything."""


def target_format(
    source: FrameFormat,
    layout: PixelLayout,
    size: tuple[int, int],
    *,
    tags: OutputTags = STATES_ALL,
    standard: int | None = None,
) -> FrameFormat:
    """The format of the restored frames of a clip.

    Without a `standard`, matrix, primaries, transfer and range stay the source's, except that:

    - YUV or grey that becomes RGB gets full range.
    - RGB that becomes YUV or grey gets limited range and the matrix of its primaries: BT.2020 or
      BT.709.
    - Linear light that leaves float samples, or RGB for YUV, becomes BT.709: the steps of integers
      are far too coarse for it in the shadows.
    - A range that the output cannot state becomes the one that its readers assume.

    Chroma stays top left, where BT.2100 has it, if the output can state that. Every other siting
    becomes `left`, also where the output could state it: players take chroma to lie there, and many
    do not read the statement. Chroma is made anew from RGB, so another siting costs nothing.

    Args:
        source: The format of the frames before.
        layout: The planes that are wanted.
        size: Width and height in pixels.
        tags: What the output can state.
        standard: The standard that matrix and primaries are converted to, by its number in ITU-T
            H.273: 1 is BT.709, 9 BT.2020. None keeps the source's.

    Raises:
        SettingsError: The colour cannot be converted to what is wanted.
    """
    color = _converted(source.color, standard)
    if layout.family == "rgb":
        from_rgb = source.layout.family == "rgb"
        color = replace(color, matrix=0, full_range=color.full_range if from_rgb else True)
    elif source.layout.family == "rgb":
        color = replace(color, matrix=9 if color.primaries == 9 else 1, full_range=False)
    if layout.family != "rgb" and tags.full_range is not None:
        color = replace(color, full_range=tags.full_range)
    if color.chroma_location not in tags.chroma_locations:
        color = replace(color, chroma_location=tags.chroma_locations[0])
    color = replace(color, transfer=_transfer(color.transfer, source.layout, layout, tags))
    return FrameFormat(width=size[0], height=size[1], layout=layout, color=color)


def _transfer(transfer: int, source: PixelLayout, target: PixelLayout, tags: OutputTags) -> int:
    """The transfer of the target, for the transfer that the source's frames have."""
    if target.floating:
        return LINEAR if tags.linear_floats else transfer
    becomes_yuv = source.family == "rgb" != target.family
    if transfer == LINEAR and (source.floating or becomes_yuv):
        return CAMERA_TRANSFER
    return transfer


def _converted(color: ColorSpec, standard: int | None) -> ColorSpec:
    """Convert matrix and primaries to a standard; the range stays.

    Transfers are not converted: BT.601, BT.709 and BT.2020 share one
    curve under three numbers, and every other curve, such as sRGB's or PQ's, keeps its own number.
    """
    if standard is None:
        return color
    if standard == 1 and color.transfer in HDR_TRANSFERS:
        raise SettingsError(
            f"{HDR_TRANSFERS[color.transfer]} cannot become BT.709 without tone-mapping, which is "
            "not done here: use --out-color keep"
        )
    transfer = {1: 1, 9: 14}[standard]
    return replace(
        color,
        matrix=standard,
        primaries=standard,
        transfer=transfer if color.transfer in _CAMERA_TRANSFERS else color.transfer,
    )
