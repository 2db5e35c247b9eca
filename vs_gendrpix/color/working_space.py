"""The space in which the network sees a picture: SDR and HLG as they are, PQ and linear as SDR.

A network that has learnt from SDR pictures does most for what looks like one. PQ spreads a quarter
of its range over shadows that no SDR picture has, and linear light has next to none. Both are seen
as a display of BT.1886 would need them, with a fixed white: not one by metadata, which may be
wrong, nor one by frame, which would pulse. HLG is made to be watched on such a display.
"""

from torch import Tensor

from vs_gendrpix.color.primaries import curves
from vs_gendrpix.frame.format import LINEAR

BT709, PQ = 1, 16
WHITE = {PQ: 400 / 10_000, LINEAR: 1.0}
"""What is seen as white, in the transfer's linear light: 400 cd/m2 and 1. Brighter parts are kept
as they are. For PQ 400 did most over pictures graded to 100, 203, 500 and 1000 cd/m2
(benchmarks/hdr_space.py)."""


def enter(rgb: Tensor, transfer: int) -> Tensor:
    """R'G'B' as the network sees it; the very tensor if that is as it is.

    Args:
        rgb: Black 0 and white 1; what lies outside is kept.
        transfer: Its TransferCharacteristics (ITU-T H.273).
    """
    if transfer not in WHITE:
        return rgb
    (to_linear, _), (_, to_display) = curves(transfer), curves(BT709)
    return to_display(to_linear(rgb) / WHITE[transfer])


def leave(seen: Tensor, transfer: int) -> Tensor:
    """The inverse of `enter`, to 3e-5."""
    if transfer not in WHITE:
        return seen
    (_, from_linear), (from_display, _) = curves(transfer), curves(BT709)
    return from_linear(from_display(seen) * WHITE[transfer])
