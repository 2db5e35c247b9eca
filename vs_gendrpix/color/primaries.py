"""Conversion of primaries in linear light, with the curves and chromaticities of ITU-T H.273."""

from math import log

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from vs_gendrpix.color.log_curves import LOG_CURVES, Curve
from vs_gendrpix.errors import MediaError
from vs_gendrpix.frame.format import LINEAR, ColorSpec, said

_D65, _C, _DCI = (0.3127, 0.3290), (0.310, 0.316), (0.314, 0.351)
PRIMARIES = {
    1: ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060), _D65),  # BT.709, sRGB
    4: ((0.67, 0.33), (0.21, 0.71), (0.14, 0.08), _C),  # BT.470 M, NTSC of 1953
    5: ((0.64, 0.33), (0.29, 0.60), (0.15, 0.06), _D65),  # BT.470 BG, BT.601 with 625 lines
    6: ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), _D65),  # BT.601 with 525 lines, SMPTE C
    7: ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), _D65),  # SMPTE 240M
    8: ((0.681, 0.319), (0.243, 0.692), (0.145, 0.049), _C),  # film
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), _D65),  # BT.2020, BT.2100
    11: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), _DCI),  # DCI P3
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), _D65),  # Display P3
    22: ((0.630, 0.340), (0.295, 0.605), (0.155, 0.077), _D65),  # EBU 3213
}
"""x and y of red, green, blue and white by ColourPrimaries, ITU-T H.273 table 2."""

REFERENCE_WHITE = {16: 203 / 10_000, 18: 0.26496}
"""HDR reference white by TransferCharacteristics, in linear light of that transfer (BT.2408).

It is 203 cd/m2 for PQ, and 75 % of the signal for HLG."""

_BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)
"""(3, 3) from XYZ to cone responses: the Bradford adaptation (Lam 1985), as in ICC profiles."""


def with_primaries(rgb: Tensor, source: ColorSpec, target: ColorSpec) -> Tensor:
    """Convert R'G'B' to other primaries, and to or from linear light.

    The transfer is converted only if either side is linear light; otherwise the source's curve
    stays. In linear light made from HDR, 1 is reference white, as 1 is white in that of SDR.

    Args:
        rgb: (B, 3, H, W) float32, black 0 and white 1; values outside that range are kept.
        source: The colour of `rgb`; unspecified primaries and transfer are BT.709's.
        target: The colour that is wanted.

    Returns:
        (B, 3, H, W); `rgb` itself if there is nothing to convert.

    Raises:
        MediaError: The primaries or the transfer are not supported.
    """
    matrix = conversion(source.primaries, target.primaries)
    relit = source.transfer != target.transfer and LINEAR in {source.transfer, target.transfer}
    if matrix is None and not relit:
        return rgb
    to_linear, from_linear = curves(source.transfer)
    linear = to_linear(rgb)
    if relit:
        from_linear = curves(target.transfer)[1]
        linear /= REFERENCE_WHITE.get(source.transfer, 1)
    if matrix is None:
        return from_linear(linear)
    # Python's numbers: a tensor made of them for each frame would let the host wait for the device.
    mixed = [
        linear[:, 0] * red + linear[:, 1] * green + linear[:, 2] * blue
        for red, green, blue in matrix.tolist()
    ]
    return from_linear(torch.stack(mixed, 1))


def conversion(source: int, target: int) -> npt.NDArray[np.float64] | None:
    """(3, 3) matrix from linear RGB of one ColourPrimaries to another; None if they are equal.

    Raises:
        MediaError: The primaries are not supported.
    """
    first, second = (_chromaticities(number) for number in (source, target))
    if first == second:
        return None
    matrix = np.linalg.inv(_to_xyz(second)) @ _adapt(first[3], second[3]) @ _to_xyz(first)
    return np.asarray(matrix, np.float64)


def curves(transfer: int) -> tuple[Curve, Curve]:
    """The curves of a TransferCharacteristics: from R'G'B' to linear light, and back.

    Both go on below black, so that such values survive the conversion in both directions. All but
    those of film scans and cameras are odd functions.

    Raises:
        MediaError: The transfer is not supported.
    """
    try:
        return _CURVES[transfer if said(transfer) else 1]
    except KeyError:
        raise MediaError(
            f"primaries of pictures with transfer {transfer} cannot be converted: "
            "keep the colour as it is"
        ) from None


def _chromaticities(number: int) -> tuple[tuple[float, float], ...]:
    """Chromaticities of red, green, blue and white of a ColourPrimaries."""
    try:
        return PRIMARIES[number if said(number) else 1]
    except KeyError:
        raise MediaError(
            f"colour primaries {number} cannot be converted: use one of "
            f"{', '.join(map(str, PRIMARIES))}, or keep the colour as it is"
        ) from None


def _to_xyz(chromaticities: tuple[tuple[float, float], ...]) -> npt.NDArray[np.float64]:
    """(3, 3) matrix from linear RGB to CIE 1931 XYZ, with Y 1 for white (SMPTE RP 177)."""
    *colors, white = (_xyz(point) for point in chromaticities)
    columns = np.stack(colors, 1)
    return np.asarray(columns * np.linalg.solve(columns, white), np.float64)


def _adapt(source: tuple[float, float], target: tuple[float, float]) -> npt.NDArray[np.float64]:
    """(3, 3) matrix in XYZ that adapts one white point to another."""
    gain = (_BRADFORD @ _xyz(target)) / (_BRADFORD @ _xyz(source))
    return np.asarray(np.linalg.inv(_BRADFORD) @ np.diag(gain) @ _BRADFORD, np.float64)


def _xyz(point: tuple[float, float]) -> npt.NDArray[np.float64]:
    """XYZ of a chromaticity, with Y 1."""
    x, y = point
    return np.array([x / y, 1, (1 - x - y) / y])


def _odd(curve: Curve) -> Curve:
    """The odd continuation of a curve that is defined for positive values."""
    return lambda values: torch.copysign(curve(values.abs()), values)


def _power(gamma: float) -> tuple[Curve, Curve]:
    """The curve v**gamma and its inverse."""
    return _odd(lambda v: v**gamma), _odd(lambda v: v ** (1 / gamma))


def _camera(alpha: float, beta: float, slope: float, power: float) -> tuple[Curve, Curve]:
    """A camera's curve and its inverse: a power with a linear segment below `beta`."""

    def to_linear(v: Tensor) -> Tensor:
        return torch.where(v < slope * beta, v / slope, ((v + alpha - 1) / alpha) ** (1 / power))

    def from_linear(v: Tensor) -> Tensor:
        return torch.where(v < beta, v * slope, alpha * v**power - (alpha - 1))

    return _odd(to_linear), _odd(from_linear)


_M1, _M2 = 2610 / 16384, 2523 / 4096 * 128
_C1, _C2, _C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32


def _from_pq(v: Tensor) -> Tensor:
    """Convert PQ to linear light, 1 at 10,000 cd/m2 (SMPTE ST 2084)."""
    root = v ** (1 / _M2)
    return ((root - _C1).clamp(min=0) / (_C2 - _C3 * root)) ** (1 / _M1)


def _to_pq(v: Tensor) -> Tensor:
    """Convert linear light to PQ, the inverse of `_from_pq`."""
    power = v**_M1
    return ((_C1 + _C2 * power) / (1 + _C3 * power)) ** _M2


_A, _B = 0.17883277, 1 - 4 * 0.17883277
_D = 0.5 - _A * log(4 * _A)


def _from_hlg(v: Tensor) -> Tensor:
    """Convert HLG to scene light, 1 at the top of the range (BT.2100 table 5)."""
    return torch.where(v <= 0.5, v * v / 3, (torch.exp((v - _D) / _A) + _B) / 12)


def _to_hlg(v: Tensor) -> Tensor:
    """Convert scene light to HLG, the inverse of `_from_hlg`."""
    return torch.where(
        v <= 1 / 12, torch.sqrt(3 * v), _A * torch.log((12 * v - _B).clamp(min=1e-6)) + _D
    )


_BT1886 = _power(2.4)
"""The display curve of BT.601, BT.709 and BT.2020.

A master is judged on a display, so its light is the display's, not the camera's. BT.2087 annex 1
and zimg convert in it too."""
_CURVES: dict[int, tuple[Curve, Curve]] = {
    1: _BT1886,
    4: _power(2.2),
    5: _power(2.8),
    6: _BT1886,
    7: _camera(1.111572195921731, 0.022821585529445, 4.0, 0.45),
    8: _power(1),
    13: _camera(1.055, 0.0031308, 12.92, 1 / 2.4),
    14: _BT1886,
    15: _BT1886,
    16: (_odd(_from_pq), _odd(_to_pq)),
    18: (_odd(_from_hlg), _odd(_to_hlg)),
    **LOG_CURVES,
}
"""By TransferCharacteristics, ITU-T H.273 table 3, and by our own numbers."""
