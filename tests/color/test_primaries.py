import numpy as np
import pytest
import torch
import vapoursynth as vs
from hypothesis import given
from hypothesis import strategies as st

from vs_gendrpix.color.primaries import PRIMARIES, _adapt, conversion, curves, with_primaries
from vs_gendrpix.errors import MediaError
from vs_gendrpix.frame.format import ColorSpec

COLORS = [
    (red / 4, green / 4, blue / 4) for red in range(5) for green in range(5) for blue in range(5)
]
TRANSFERS = [1, 4, 5, 6, 7, 8, 13, 14, 16, 18]


def zimg(colors, source, target):
    """The same conversion by zimg, which has its own tables, white points and curves."""
    clip = vs.core.std.BlankClip(width=len(colors), height=1, format=vs.RGBS, length=1)

    def fill(n, f):  # noqa: ARG001
        made = f.copy()
        for index in range(3):
            np.asarray(made[index])[0] = [color[index] for color in colors]
        return made

    clip = clip.std.ModifyFrame(clip, fill)
    names = {"matrix": 0, "primaries": source.primaries, "transfer": source.transfer}
    clip = clip.resize.Point(
        primaries=target.primaries,
        transfer=source.transfer,
        **{f"{name}_in": value for name, value in names.items()},
        nominal_luminance=10_000 if source.transfer == 16 else 100,
    )
    with clip.get_frame(0) as frame:
        return np.stack([np.asarray(frame[index])[0] for index in range(3)])


def ours(colors, source, target):
    rgb = torch.tensor(colors, dtype=torch.float32).T[None, :, None]
    return with_primaries(rgb, source, target)[0, :, 0].numpy()


@pytest.mark.parametrize("target", [1, 9])
@pytest.mark.parametrize("primaries", [1, 5, 6, 7, 9, 12, 22])
def test_primaries_are_those_of_zimg(primaries, target):
    source = ColorSpec(matrix=0, primaries=primaries, transfer=8)
    wanted = ColorSpec(matrix=0, primaries=target, transfer=8)
    np.testing.assert_allclose(
        ours(COLORS, source, wanted), zimg(COLORS, source, wanted), atol=1e-5
    )


def test_another_white_is_adapted():
    """Which zimg leaves out. From D50 to D65 by Bradford's cones, as B. Lindbloom publishes it."""
    lindbloom = [
        [0.9555766, -0.0230393, 0.0631636],
        [-0.0282895, 1.0099416, 0.0210077],
        [0.0122982, -0.0204830, 1.3299098],
    ]
    np.testing.assert_allclose(_adapt((0.34567, 0.35850), (0.31271, 0.32902)), lindbloom, atol=2e-4)


@pytest.mark.parametrize("transfer", [1, 4, 5, 6, 13, 14, 16])
@pytest.mark.parametrize(("primaries", "target"), [(5, 1), (6, 1), (12, 9), (1, 9)])
def test_curves_are_those_of_zimg(transfer, primaries, target):
    source = ColorSpec(matrix=0, primaries=primaries, transfer=transfer)
    wanted = ColorSpec(matrix=0, primaries=target, transfer=transfer)
    found, reference = ours(COLORS, source, wanted), zimg(COLORS, source, wanted)
    # Below black zimg goes on in ways of its own.
    kept = reference >= 0.01
    np.testing.assert_allclose(found[kept], reference[kept], atol=3e-4)


@given(st.sampled_from(sorted(PRIMARIES)), st.sampled_from(sorted(PRIMARIES)))
def test_white_stays_white_and_the_way_back_is_the_inverse(first, second):
    there, back = conversion(first, second), conversion(second, first)
    if there is None or back is None:
        assert there is back
        assert PRIMARIES[first] == PRIMARIES[second]
        return
    np.testing.assert_allclose(there @ np.ones(3), 1, atol=1e-9)
    np.testing.assert_allclose(there @ back, np.eye(3), atol=1e-9)


@pytest.mark.parametrize("transfer", TRANSFERS)
def test_curves_and_their_inverses_cancel_below_black_too(transfer):
    to_linear, from_linear = curves(transfer)
    values = torch.linspace(-0.2, 1.0, 1201)
    torch.testing.assert_close(from_linear(to_linear(values)), values, atol=3e-5, rtol=0)
    assert to_linear(torch.tensor(1.0)) == pytest.approx(1, abs=1e-5)


def test_known_points_of_pq_and_hlg():
    """ST 2084: 100 cd/m2 is 0.5081, 203 is 0.5807; BT.2100: HLG's 0.5 is 1/12 of the scene."""
    to_linear, from_linear = curves(16)
    light = torch.tensor([0.01, 0.0203, 0.1])
    torch.testing.assert_close(
        from_linear(light), torch.tensor([0.50808, 0.58069, 0.75183]), atol=2e-5, rtol=0
    )
    to_linear, _ = curves(18)
    assert to_linear(torch.tensor(0.5)) == pytest.approx(1 / 12)
    assert to_linear(torch.tensor(0.75)) == pytest.approx(0.26496, abs=1e-5)


def test_the_same_primaries_leave_the_picture_alone():
    rgb = torch.rand(1, 3, 4, 4)
    spec = ColorSpec(matrix=6, primaries=6, transfer=6)
    assert with_primaries(rgb, spec, ColorSpec(matrix=7, primaries=7, transfer=1)) is rgb
    unspecified = ColorSpec()
    assert with_primaries(rgb, unspecified, ColorSpec(primaries=1)) is rgb


def test_what_cannot_be_converted_is_refused():
    rgb = torch.zeros(1, 3, 1, 1)
    with pytest.raises(MediaError, match="primaries 10"):
        with_primaries(rgb, ColorSpec(primaries=10), ColorSpec(primaries=1))
    with pytest.raises(MediaError, match="transfer 9"):
        with_primaries(rgb, ColorSpec(primaries=6, transfer=9), ColorSpec(primaries=1))


@pytest.mark.parametrize(("transfer", "white"), [(1, 1.0), (16, 0.58069), (18, 0.75)])
def test_white_is_one_in_linear_pictures(transfer, white):
    signal = torch.full((1, 3, 1, 1), white)
    source, target = ColorSpec(primaries=9, transfer=transfer), ColorSpec(primaries=9, transfer=8)
    assert with_primaries(signal, source, target).flatten().tolist() == pytest.approx(
        [1, 1, 1], abs=1e-3
    )
