"""Black-and-white pictures: recognise them, and remove the colour that a network adds to them."""

from collections.abc import Sequence

import torch
from torch import Tensor

from vs_gendrpix.frame.format import LUMA_WEIGHTS, FrameFormat


def is_neutral(planes: Sequence[Tensor], source: FrameFormat) -> Tensor:
    """Tell which pictures have no colour: at most one code of 8 bits of it in any pixel.

    Args:
        planes: (B, rows, columns) each, of the source format.
        source: The format of the planes.

    Returns:
        (B,) bool, on the device of the planes.
    """
    layout = source.layout
    code = 1 / 255 if layout.floating else 1 << layout.bits - 8
    if layout.family == "gray":
        return torch.ones(len(planes[0]), dtype=torch.bool, device=planes[0].device)
    if layout.family == "yuv":
        far = [plane.float().sub_(source.neutral).abs_().amax((1, 2)) for plane in planes[1:3]]
        return torch.maximum(*far) <= code
    red, green, blue = (plane.float() for plane in planes[:3])
    most = torch.maximum(torch.maximum(red, green), blue)
    least = torch.minimum(torch.minimum(red, green), blue)
    return most.sub_(least).amax((1, 2)) <= code


def with_neutral(rgb: Tensor, neutral: Tensor, target: FrameFormat) -> Tensor:
    """Replace the colour of some pictures by their luma.

    Args:
        rgb: (B, 3, H, W) R'G'B'.
        neutral: (B,) bool, which ones.
        target: The format to make, whose luma stays as it is; BT.709's for RGB.

    Returns:
        The same shape: red, green and blue are equal where `neutral` is true.
    """
    if rgb.device.type == "cpu" and not neutral.any():  # to ask a GPU would be to wait for it
        return rgb
    red, green, blue = rgb.unbind(1)
    kr, kb = LUMA_WEIGHTS.get(target.color.matrix, LUMA_WEIGHTS[1])
    luma = (red * kr).add_(green, alpha=1 - kr - kb).add_(blue, alpha=kb)
    return torch.where(neutral[:, None, None, None], luma.unsqueeze(1), rgb)
