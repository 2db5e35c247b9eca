"""False colour: the colour that a method adds to a picture without any."""

from torch import Tensor

from vs_gendrpix.errors import SettingsError


def largest_chroma(image: Tensor, low: Tensor) -> float:
    """The strongest colour in the result of a neutral input.

    Args:
        image: (1, 3, H, W) RGB in [0, 1].
        low: The input; its channels are equal.

    Returns:
        The largest |Cb| or |Cr| of BT.601, in code values of 255; 0 = neutral everywhere.

    Raises:
        SettingsError: The input has colour.
    """
    if not low.eq(low[:, :1]).all():
        raise SettingsError("colour in grey is measured on neutral pictures: this one has colour")
    red, green, blue = image.double().mul(255).unbind(1)
    y = 0.299 * red + 0.587 * green + 0.114 * blue
    return max(((blue - y) / 1.772).abs().max().item(), ((red - y) / 1.402).abs().max().item())
