from fractions import Fraction

import pytest

from vs_gendrpix.errors import SettingsError
from vs_gendrpix.settings import RestoreSettings


def test_a_squeezed_picture_keeps_its_shape_on_the_screen():
    source, target = (720, 576), (1440, 1080)
    squeezed = RestoreSettings(width=1440, height=1080)
    assert squeezed.aspect_change(source, target) == Fraction(15, 16)
    assert RestoreSettings(height=1080).aspect_change(source, target) == 1
    assert RestoreSettings(scale=Fraction(2)).aspect_change(source, target) == 1


def test_fp8_asks_for_a_compiled_network():
    assert RestoreSettings(dtype="fp8", compile=True).dtype == "fp8"
    with pytest.raises(SettingsError, match=r"slower than bf16.*--compile"):
        RestoreSettings(dtype="fp8")
