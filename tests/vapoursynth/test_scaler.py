"""The scaler for vsjetpack, where that is installed."""

import numpy as np
import pytest
import vapoursynth as vs

pytest.importorskip("vsscale", reason="no vsjetpack")

from vs_gendrpix import gendrpix
from vs_gendrpix.vapoursynth.scaler import GenDRPix

pytestmark = pytest.mark.filterwarnings("ignore")  # theirs, on import and use


@pytest.fixture
def clip():
    blank = vs.core.std.BlankClip(
        format=vs.YUV420P8, width=64, height=48, length=2, color=[90, 120, 140]
    )
    return blank.std.SetFrameProps(_Matrix=1, _Range=0, _ChromaLocation=0)


def planes(clip):
    with clip.get_frame(0) as frame:
        return [np.array(frame[plane]) for plane in range(3)]


def test_it_restores_at_the_size_that_is_asked_for(clip, small_model):
    scaler = GenDRPix(model_path=small_model, dtype="fp32", device_index=-1)
    ours = gendrpix(clip, 2, model_path=small_model, dtype="fp32", device_index=-1)
    for made, wanted in zip(planes(scaler.scale(clip, 128, 96)), planes(ours), strict=True):
        np.testing.assert_array_equal(made, wanted)


def test_supersampling_doubles(clip, small_model):
    doubled = GenDRPix(model_path=small_model, device_index=-1).supersample(clip)
    assert (doubled.width, doubled.height) == (128, 96)


@pytest.mark.parametrize("size", [(32, 24), (640, 480)])
def test_sizes_that_cannot_be_restored_are_resized(clip, small_model, size):
    scaled = GenDRPix(model_path=small_model, device_index=-1, strength=0.0).scale(clip, *size)
    assert (scaled.width, scaled.height) == size
    assert np.abs(planes(scaled)[0].astype(int) - 90).max() <= 1
