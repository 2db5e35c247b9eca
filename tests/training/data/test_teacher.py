import sys

import pytest
import torch
import torch.nn.functional as F

from vs_gendrpix.errors import ModelError, SettingsError
from vs_gendrpix.training.data.teacher import Teacher, lost_detail, without_drift


def scene(height: int = 24, width: int = 32) -> torch.Tensor:
    """Detail of all sizes, in [0, 1]."""
    numbers = torch.Generator().manual_seed(5)
    fine = torch.rand(3, height, width, generator=numbers)
    coarse = torch.rand(1, 3, height // 8, width // 8, generator=numbers)
    return 0.4 * fine + 0.6 * F.interpolate(coarse, (height, width), mode="bilinear")[0]


@pytest.mark.parametrize("size", [(96, 128), (72, 96), (48, 64), (24, 32)])
def test_a_label_is_a_plain_call_shrunk(teacher_file, size):
    spandrel = pytest.importorskip("spandrel")
    network = spandrel.ModelLoader("cpu").load_from_file(teacher_file)
    with torch.no_grad():
        expected = network(scene()[None])
    if size != (96, 128):
        expected = F.interpolate(expected, size, mode="bicubic", antialias=True).clamp(0, 1)
    label = Teacher(teacher_file)(scene(), size)
    assert label.shape == (3, *size)
    # The teacher computes in bf16 where the processor does.
    assert (label - expected[0]).abs().mean() < 1 / 255


def test_a_label_keeps_its_detail_and_takes_brightness_and_colour_of_its_picture():
    degraded = 0.25 + 0.5 * scene(96, 128)
    fine = 0.05 * (torch.arange(128) % 4 < 2).float().sub(0.5)
    slope = torch.linspace(-0.05, 0.05, 128)
    tint = torch.tensor([0.04, -0.02, 0.03])[:, None, None]
    label = without_drift(degraded + fine + slope + tint, degraded)
    # A mean over 65 pixels follows a slope but at the border, where the half of it is missing.
    assert (label - degraded - fine)[..., 32:-32].abs().max() < 1 / 255
    assert (label - degraded).mean((1, 2)).abs().max() < 1 / 255
    assert without_drift(degraded + 1, degraded).max() <= 1


def test_what_a_copy_has_lost():
    clean = scene(96, 96)
    soft = F.avg_pool2d(clean[None], 5, 1, 2, count_include_pad=False)[0]
    noisy = clean + 0.05 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(1))
    assert lost_detail(clean, clean) == 0
    assert lost_detail(clean * 0.5 + soft * 0.5, clean) == pytest.approx(0.5, abs=0.1)
    assert lost_detail(soft, clean) > 0.9
    assert lost_detail(noisy, clean) < 0.1  # noise hides detail, but takes none away
    assert 0 <= lost_detail(torch.zeros(3, 64, 64), torch.zeros(3, 64, 64)) <= 1


def test_a_teacher_that_cannot_be_is_one_line(tmp_path, monkeypatch):
    pytest.importorskip("spandrel")
    with pytest.raises(ModelError, match=r"nowhere\.pth holds no plain weights.*No such file"):
        Teacher(tmp_path / "nowhere.pth")
    (tmp_path / "bad.safetensors").write_bytes(b"nothing")
    with pytest.raises(ModelError, match=r"bad\.safetensors is not a whole"):
        Teacher(tmp_path / "bad.safetensors")
    monkeypatch.setitem(sys.modules, "spandrel", None)
    with pytest.raises(SettingsError, match=r"pip install '\.\[spandrel\]'"):
        Teacher(tmp_path / "bad.safetensors")
