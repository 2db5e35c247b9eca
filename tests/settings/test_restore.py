from fractions import Fraction

from vs_gendrpix.settings import RestoreSettings


def test_a_squeezed_picture_keeps_its_shape_on_the_screen():
    source, target = (720, 576), (1440, 1080)
    squeezed = RestoreSettings(width=1440, height=1080)
    assert squeezed.aspect_change(source, target) == Fraction(15, 16)
    assert RestoreSettings(height=1080).aspect_change(source, target) == 1
    assert RestoreSettings(scale=Fraction(2)).aspect_change(source, target) == 1
