"""The colour space in which a network sees a picture: SDR and HLG unchanged, all else as SDR.

A network that was trained on SDR pictures works best on values that look like one. PQ spends a
quarter of its range on shadows that no SDR picture has, and linear light has next to no codes
there. Logarithmic curves of film scans and cameras are flat and grey, with twice the codes in the
shadows. All are converted to the curve of an SDR display (BT.1886) with a fixed white. White does
not follow the metadata, which may be wrong, nor the frame, which would pulse. HLG is made for SDR
displays and stays as it is.
"""

from torch import Tensor

from vs_gendrpix.color.log_curves import LOG_CURVES
from vs_gendrpix.color.primaries import curves
from vs_gendrpix.frame.format import LINEAR

BT709, PQ = 1, 16
WHITE = {PQ: 400 / 10_000, LINEAR: 1.0, **dict.fromkeys(LOG_CURVES, 4.0)}
"""White of the working space, by transfer, in linear light of that transfer.

For PQ it is 400 cd/m2, which gained most over pictures graded to 100, 203, 500 and 1000 cd/m2 when
it was chosen (benchmarks/hdr_space.py; with today's `tiny` it is 0.02 dB below the best). For log
it is four times a diffuse white, which gained most over scenes that end at half, once and four
times it (benchmarks/log_space.py). Brighter values exceed 1 and are kept."""


def to_working(rgb: Tensor, transfer: int) -> Tensor:
    """Convert R'G'B' of a clip to the working space.

    Args:
        rgb: Any shape, black 0 and white 1; values outside that range are kept.
        transfer: Transfer of the clip (ITU-T H.273, or one of `frame/transfer.py`).

    Returns:
        A tensor of the same shape; `rgb` itself where the working space is the clip's own.
    """
    if transfer not in WHITE:
        return rgb
    (to_linear, _), (_, to_display) = curves(transfer), curves(BT709)
    return to_display(to_linear(rgb) / WHITE[transfer])


def from_working(seen: Tensor, transfer: int) -> Tensor:
    """Convert R'G'B' of the working space back to the clip's: the inverse of `to_working`, to 3e-5.

    Args:
        seen: R'G'B' in the working space.
        transfer: Transfer of the clip (ITU-T H.273, or one of `frame/transfer.py`).

    Returns:
        A tensor of the same shape; `seen` itself where the working space is the clip's own.
    """
    if transfer not in WHITE:
        return seen
    (_, from_linear), (from_display, _) = curves(transfer), curves(BT709)
    return from_linear(from_display(seen) * WHITE[transfer])
