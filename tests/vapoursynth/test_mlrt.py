"""Exported models in vs-mlrt, as its users run them."""

import numpy as np
import pytest
import torch
import vapoursynth as vs

from tests.clips import make_clip
from tests.vapoursynth.test_scripts import ROOT, frames_of, needs_vspipe, vspipe
from vs_gendrpix.models.gendrpix.export import export_onnx
from vs_gendrpix.models.opening import open_restorer


@pytest.fixture(scope="module")
def exported(tmp_path_factory, small_model):
    path = tmp_path_factory.mktemp("exported") / "small.onnx"
    export_onnx(small_model, path)
    return path


@pytest.mark.slow
def test_the_plugin_makes_the_pictures_that_pytorch_makes(exported, small_model):
    rgb = torch.rand(1, 3, 51, 78)

    def fill(n, f):
        del n  # VapourSynth passes both by name
        frame = f.copy()
        for number, plane in enumerate(rgb[0].numpy()):
            np.copyto(np.asarray(frame[number]), plane)
        return frame

    blank = vs.core.std.BlankClip(format=vs.RGBS, width=78, height=51, length=1)
    clip = vs.core.std.ModifyFrame(blank, blank, fill)
    with vs.core.ort.Model(clip, str(exported), provider="CPU").get_frame(0) as frame:
        found = torch.from_numpy(np.stack([np.asarray(frame[number]) for number in range(3)]))
    wanted = open_restorer(small_model, device="cpu", dtype="fp32")(rgb)[0]
    assert (wanted - rgb[0]).abs().max() > 1e-2
    assert (found - wanted).abs().max() < 1e-4


@pytest.mark.slow
@needs_vspipe
def test_the_sample_makes_what_the_filter_makes(tmp_path, exported, small_model):
    source = tmp_path / "in.mkv"
    make_clip(source, times=(0, 512))
    mine, theirs = (
        vspipe(ROOT / "samples" / f"{name}.vpy", "-c y4m", f"-a source={source}", *given)
        for name, given in (
            ("mlrt", [f"-a model={exported}"]),
            ("upscale", ["-a height=96", f"-a model_path={small_model}"]),
        )
    )
    assert mine.returncode == theirs.returncode == 0, mine.stderr.decode()
    (form, found), (other, wanted) = (frames_of(done.stdout, tmp_path) for done in (mine, theirs))
    assert form == other
    assert len(found) == len(wanted) == 2
    for picture, true in zip(found, wanted, strict=True):
        apart = np.abs(picture.astype(np.float64) - true)
        assert (apart.mean(), apart.max()) < (1, 8)  # of 1023
