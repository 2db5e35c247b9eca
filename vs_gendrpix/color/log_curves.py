"""Logarithmic curves of film scans and cameras: code values to the light of the scene, and back.

In linear light 0.18 is a grey card and 1 a diffuse white. Brighter light exceeds 1.
"""

from collections.abc import Callable
from math import log

import torch
from torch import Tensor

from vs_gendrpix.frame.transfer import CINEON, LOGC3, SLOG3, SLOG3_LIMITED

Curve = Callable[[Tensor], Tensor]

_WHITE, _CODES = 685, 300
"""Code of a 90 % white, and codes for ten times the light: 0.002 of density a code, on a negative
whose gamma is 0.6 (Kodak, "Conversion of 10-bit Log Film Data To 8-bit Linear or Video Data for The
Cineon Digital Film System", 1995). Code 95 is the film's base, which is black."""
_BASE = 10 ** ((95 - _WHITE) / _CODES)
_DARKEST = (10 ** (-_WHITE / _CODES) - _BASE) / (1 - _BASE)
_SLOPE = log(10) / _CODES * 10 ** (-_WHITE / _CODES) / (1 - _BASE)
"""Light of code 0, and light a code there: below it our curve is straight."""


def _from_cineon(v: Tensor) -> Tensor:
    """Convert Cineon's code value, 1 at 1023, to linear light."""
    code = 1023 * v
    light = (10 ** ((code.clamp(min=0) - _WHITE) / _CODES) - _BASE) / (1 - _BASE)
    return light + code.clamp(max=0) * _SLOPE


def _to_cineon(light: Tensor) -> Tensor:
    """Convert linear light to Cineon, the inverse of `_from_cineon`."""
    seen = light.clamp(min=_DARKEST) * (1 - _BASE) + _BASE
    code = _WHITE + _CODES * torch.log10(seen)
    return (code + (light - _DARKEST).clamp(max=0) / _SLOPE) / 1023


_CUT, _A, _B, _C, _D, _E, _F = 0.010591, 5.555556, 0.052272, 0.247190, 0.385537, 5.367655, 0.092809
"""LogC3 at EI 800 for relative scene exposure (ARRI, "ALEXA Log C Curve: Usage in VFX", 2017)."""


def _from_logc3(v: Tensor) -> Tensor:
    """Convert ARRI LogC3 at EI 800 to linear light."""
    return torch.where(v > _E * _CUT + _F, (10 ** ((v - _D) / _C) - _B) / _A, (v - _F) / _E)


def _to_logc3(light: Tensor) -> Tensor:
    """Convert linear light to LogC3, the inverse of `_from_logc3`."""
    curve = _C * torch.log10((_A * light + _B).clamp(min=_B)) + _D
    return torch.where(light > _CUT, curve, _E * light + _F)


_TOE = 171.2102946929
"""Code of S-Log3 below which it is straight (Sony, "Technical Summary for S-Gamut3.Cine/S-Log3 and
S-Gamut3/S-Log3", from which all numbers below are)."""


def _from_slog3(v: Tensor) -> Tensor:
    """Convert Sony S-Log3, 1 at code 1023, to linear light."""
    code = 1023 * v
    curve = 10 ** ((code - 420) / 261.5) * (0.18 + 0.01) - 0.01
    return torch.where(code >= _TOE, curve, (code - 95) * (0.01125 / (_TOE - 95)))


def _to_slog3(light: Tensor) -> Tensor:
    """Convert linear light to S-Log3, the inverse of `_from_slog3`."""
    curve = 420 + 261.5 * torch.log10((light + 0.01).clamp(min=0.01) / (0.18 + 0.01))
    return torch.where(light >= 0.01125, curve, light * ((_TOE - 95) / 0.01125) + 95) / 1023


LOG_CURVES: dict[int, tuple[Curve, Curve]] = {
    CINEON: (_from_cineon, _to_cineon),
    LOGC3: (_from_logc3, _to_logc3),
    SLOG3: (_from_slog3, _to_slog3),
    # Codes 64 to 940 of 1023, as luma and chroma of limited range have them.
    SLOG3_LIMITED: (
        lambda v: _from_slog3((v * 876 + 64) / 1023),
        lambda light: (_to_slog3(light) * 1023 - 64) / 876,
    ),
}
"""To linear light and back, by the numbers of `frame/transfer.py`."""
