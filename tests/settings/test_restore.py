import re
from fractions import Fraction

import pytest

from vs_gendrpix import process
from vs_gendrpix.errors import SettingsError
from vs_gendrpix.settings import (
    EncodeSettings,
    ProcessSettings,
    RestoreSettings,
    StreamSettings,
    WriteSettings,
)


def test_a_squeezed_picture_keeps_its_shape_on_the_screen():
    source, target = (720, 576), (1440, 1080)
    squeezed = RestoreSettings(width=1440, height=1080)
    assert squeezed.aspect_change(source, target) == Fraction(15, 16)
    assert RestoreSettings(height=1080).aspect_change(source, target) == 1
    assert RestoreSettings(scale=Fraction(2)).aspect_change(source, target) == 1


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda: RestoreSettings(scale="2"), "scale '2' is of the type str: use Fraction or None"),
        (lambda: RestoreSettings(width=True), "width True is of the type bool: use int or None"),
        (lambda: RestoreSettings(model_path="a.pth"), "use Path or None"),
        (lambda: RestoreSettings(tile=[64, 64]), "use a tuple of int or None"),
        (lambda: RestoreSettings(tile=(64, "64")), "use a tuple of int or None"),
        (lambda: RestoreSettings(color_fix=1), "there is no colour fix 1"),
        (lambda: ProcessSettings(restore={"scale": 2}), "use RestoreSettings"),
        (lambda: ProcessSettings(read=RestoreSettings()), "use ReadSettings"),
        (lambda: WriteSettings(report="report.json"), "use Path or None"),
        (lambda: EncodeSettings(options=[("a", "b")]), "use a tuple of a tuple of str"),
        (lambda: StreamSettings(audio=1), "audio 1 is of the type int: use bool"),
    ],
)
def test_a_value_of_another_type_is_one_clear_error(made, said):
    with pytest.raises(SettingsError, match=re.escape(said)):
        made()


@pytest.mark.parametrize("given", [{}, {"scale": 2}, RestoreSettings()])
def test_settings_of_another_type_are_one_clear_error(given):
    with pytest.raises(SettingsError, match=r"settings of the type .*: use ProcessSettings"):
        process("in.mp4", "out.mp4", given)


def test_any_number_is_a_scale():
    assert RestoreSettings(scale=2) == RestoreSettings(scale=Fraction(2))
    assert RestoreSettings(scale=1.5, strength=1).scale == Fraction(3, 2)


def test_fp8_asks_for_a_compiled_network():
    assert RestoreSettings(dtype="fp8", compile=True).dtype == "fp8"
    with pytest.raises(SettingsError, match=r"slower than bf16.*--compile"):
        RestoreSettings(dtype="fp8")
