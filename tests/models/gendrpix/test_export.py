"""Models as ONNX, held against PyTorch by ONNX Runtime."""

from dataclasses import replace

import onnx
import onnxruntime
import pytest
import torch
import torch.nn.functional as F

from tests.strategies import SMALL
from vs_gendrpix.errors import ModelError, OutputError, SettingsError
from vs_gendrpix.models.gendrpix import export
from vs_gendrpix.models.gendrpix.compact import CompactConfig
from vs_gendrpix.models.gendrpix.export import export_onnx
from vs_gendrpix.models.gendrpix.files import save_network
from vs_gendrpix.models.gendrpix.network import random_network
from vs_gendrpix.models.joining import add_enlarging
from vs_gendrpix.models.opening import open_restorer

ANY = [(72, 100), (16, 16), (17, 31), (50, 141)]
"""Heights and widths: that of the recording, the least, and no multiples of anything."""


def opened(path):
    """What restores (1, 3, H, W) pictures by a file."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # more would spin while they wait
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda rgb: torch.from_numpy(session.run(["output"], {"input": rgb.numpy()})[0])


def assert_same(path, restorer, sizes, *, within=1e-4):
    """The file's pictures are those of a restorer, which changes what it sees."""
    restored, numbers = opened(path), torch.Generator().manual_seed(3)
    for size in sizes:
        # Enlarged, as clean pictures stay as they are.
        small = torch.rand(1, 3, *(side // 4 for side in size), generator=numbers)
        rgb = F.interpolate(small, size, mode="bicubic").clamp(0, 1)
        with torch.inference_mode():
            wanted = restorer(rgb.clone())
        assert (wanted - rgb).abs().max() > 100 * within
        assert (restored(rgb) - wanted).abs().max() < within


@pytest.fixture(scope="module")
def windowed(tmp_path_factory):
    """A model with self-attention in windows, where a side has more than 576 pixels."""
    network = random_network(replace(SMALL, attention=(True, False)), seed=2)
    torch.nn.init.normal_(network.unet.conv_out.weight, std=0.1)
    path = tmp_path_factory.mktemp("models") / "windowed.safetensors"
    save_network(path, network)
    return path


@pytest.mark.slow
@pytest.mark.parametrize(("model", "chosen"), [("tiny", {"detail": 0.3}), ("base", {})])
def test_a_file_for_any_size_does_what_the_model_does(tmp_path, model, chosen):
    export_onnx(model, tmp_path / "x.onnx", scale=2, **chosen)
    assert_same(
        tmp_path / "x.onnx", open_restorer(model, device="cpu", dtype="fp32", **chosen), ANY
    )


@pytest.mark.parametrize("scale", [0, -1, float("nan")])
def test_what_is_no_scale_is_refused(tmp_path, scale):
    with pytest.raises(SettingsError, match="use 2, 4"):
        export_onnx("tiny", tmp_path / "x.onnx", scale=scale)


@pytest.mark.slow
@pytest.mark.parametrize("scale", [2, 3])
def test_the_scale_chooses_the_network(tmp_path, scale):
    for number, layers in enumerate((1, 2)):
        network = random_network(CompactConfig(width=8, layers=layers), seed=number)
        save_network(tmp_path / f"{number}.safetensors", network)
    model = tmp_path / "model.safetensors"
    add_enlarging(tmp_path / "0.safetensors", tmp_path / "1.safetensors", model, above=2)
    export_onnx(model, tmp_path / "x.onnx", scale=scale)
    restorer = open_restorer(model, device="cpu", dtype="fp32").suited(scale)
    restorer.scale = None  # the file gets pictures that are enlarged already
    assert_same(tmp_path / "x.onnx", restorer, ANY)


@pytest.mark.slow
def test_windows_are_kept_for_one_size_and_full_attention_serves_any(
    tmp_path, windowed, monkeypatch
):
    # Inference parts what is larger, and a recording of that would be of one size.
    monkeypatch.setattr("vs_gendrpix.models.gendrpix.unet.TOKENS_AT_ONCE", 64)
    size = (24, 700)
    plain, full = (
        open_restorer(windowed, device="cpu", dtype="fp32", attention=attention, guidance=1.5)
        for attention in ("auto", "full")
    )
    rgb = torch.rand(1, 3, *size)
    with torch.inference_mode():
        assert (plain(rgb) - full(rgb)).abs().max() > 1e-2
    export_onnx(windowed, tmp_path / "one.onnx", size=size[::-1], guidance=1.5)
    assert_same(tmp_path / "one.onnx", plain, [size])
    export_onnx(windowed, tmp_path / "any.onnx", guidance=1.5)
    assert_same(tmp_path / "any.onnx", full, [size, *ANY])
    with pytest.raises(onnxruntime.capi.onnxruntime_pybind11_state.InvalidArgument):
        opened(tmp_path / "one.onnx")(torch.rand(1, 3, 72, 100))


@pytest.mark.slow
def test_half_precision_is_within_the_network_alone(tmp_path):
    path = tmp_path / "half.onnx"
    export_onnx("tiny", path, size=(50, 36), half=True)
    assert_same(path, open_restorer("tiny", device="cpu", dtype="fp32"), [(36, 50)], within=1e-3)
    made = onnx.load(path)
    weights = {each.data_type for each in made.graph.initializer if len(each.dims) > 1}
    assert weights == {onnx.TensorProto.FLOAT16}
    ends = {end.type.tensor_type.elem_type for end in (*made.graph.input, *made.graph.output)}
    assert ends == {onnx.TensorProto.FLOAT}
    said = {each.key: each.value for each in made.metadata_props}
    assert (said["name"], said["licence"], said["guidance"]) == ("tiny", "Apache-2.0", "1")


def test_weights_that_no_file_holds_are_refused(tmp_path, small_model, monkeypatch):
    monkeypatch.setattr(export, "MAX_BYTES", 1000)
    with pytest.raises(ModelError, match=r"0\.0 GB, and an ONNX file holds 2 at most: use --fp16"):
        export_onnx(small_model, tmp_path / "x.onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path, small_model, monkeypatch):
    def full(_model, file):
        file.write_bytes(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(onnx, "save", full)
    with pytest.raises(OutputError, match=r"cannot write the model .*No space left"):
        export_onnx(small_model, tmp_path / "x.onnx")
    assert list(tmp_path.iterdir()) == []
