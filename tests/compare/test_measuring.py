"""The curves of the measures."""

import pytest
import torch

from vs_gendrpix.compare.measuring import Measuring

pytest.importorskip("cv2", reason="the extra `evaluation` is not installed")


def scene(frame, size=(64, 96)):
    """A picture that moves by a pixel a frame, (1, 3, H, W) of 8 bits."""
    generator = torch.Generator().manual_seed(3)
    coarse = torch.rand(1, 3, size[0] // 8, size[1] // 4, generator=generator)
    wide = torch.nn.functional.interpolate(coarse, (size[0], 2 * size[1]), mode="bicubic")
    picture = wide[..., frame : frame + size[1]].clamp(0.1, 0.9)
    return picture.mul(255).round().div(255)


def measured(pairs, **options):
    given = {"anchor": 0, "referenced": False, "size": pairs[0][0].shape[2:]} | options
    measuring = Measuring(sides=len(pairs[0]), **given)
    for pair in pairs:
        measuring.add(pair)
    return {measure.name: measure for measure in measuring.end()}


def test_the_difference_is_from_the_anchor_in_codes():
    pairs = [[scene(n), scene(n) + n / 255] for n in range(3)]
    found = measured(pairs)["difference"]
    assert not found.judges
    assert found.curves[0] is None
    assert found.curves[1] == pytest.approx([0, 1, 2], abs=1e-3)
    assert found.badness() == found.curves[1]


def test_motion_is_no_flicker_and_a_change_of_light_is():
    pairs = [[scene(n), scene(n) + (n % 2) * 0.05] for n in range(4)]
    calm, restless = measured(pairs)["flicker"].curves
    assert calm[0] is restless[0] is None
    assert max(calm[1:]) < 2
    assert min(restless[1:]) > 10


def test_a_reference_adds_its_measures_and_the_worst_frame_shows():
    noise = torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(1)) - 0.5
    worn = [scene(n) + noise * (0.4 if n == 2 else 0.04) for n in range(4)]
    worn = [picture.clamp(0, 1).mul(255).round().div(255) for picture in worn]
    pairs = [[worn[n], scene(n)] for n in range(4)]
    found = measured(pairs, anchor=1, referenced=True)
    assert list(found) == ["SSIMULACRA2", "VMAF", "XPSNR", "difference", "flicker"]
    assert all(measure.judges for measure in found.values())
    for name in ("SSIMULACRA2", "VMAF", "XPSNR"):
        curve = found[name].curves[0]
        assert len(curve) == 4
        assert min(range(4), key=curve.__getitem__) == 2
        badness = found[name].badness()
        assert max(range(4), key=badness.__getitem__) == 2
        assert found[name].curves[1] is None


def test_equal_frames_have_no_xpsnr():
    pairs = [[scene(n), scene(n)] for n in range(2)]
    assert measured(pairs, referenced=True)["XPSNR"].curves[1] == [None, None]


def test_pictures_too_small_for_it_are_measured_without_the_reference():
    pairs = [[scene(n, (8, 16)), scene(n, (8, 16))] for n in range(2)]
    found = measured(pairs, referenced=True)
    assert list(found) == ["difference", "flicker"]
    assert found["flicker"].curves[1] == [None, None]
