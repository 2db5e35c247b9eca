"""`gendrpix export`."""

import shutil

import onnx
import pytest

from vs_gendrpix.cli.main import main


@pytest.mark.slow
def test_a_model_is_written_and_said(capsys, tmp_path, small_model):
    out = tmp_path / "small.onnx"
    assert main(["export", str(small_model), str(out), "--size", "32x24", "--guidance", "2"]) == 0
    said, err = capsys.readouterr()
    assert said.startswith(f"{out}: 1.0 MB")
    assert "for 32x24 pixels, licence unknown, SHA-256" in said
    assert err == ""
    assert list(tmp_path.iterdir()) == [out]
    made = onnx.load(out)
    sides = [[dim.dim_value for dim in end.type.tensor_type.shape.dim] for end in made.graph.output]
    assert sides == [[1, 3, 24, 32]]
    assert ("guidance", "2") in {(each.key, each.value) for each in made.metadata_props}
    assert main(["export", str(small_model), str(out)]) == 4
    assert "exists: choose another name" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "code", "said"),
    [
        (["tiny"], 2, "required: OUT.onnx"),
        (["tiny", "x.safetensors"], 2, "x.safetensors is no .onnx: choose such a name"),
        (["tiny", "x.onnx", "--size", "640"], 2, "'640' is no size: use 1920x1080"),
        (["tiny", "x.onnx", "--size", "640x8"], 2, "size 640x8 is out of range: use 16 to 8192"),
        (["tiny", "x.onnx", "--size", "64x64", "--dynamic"], 2, "not allowed with"),
        (["tiny", "x.onnx", "--guidance", "11"], 2, "guidance 11 is out of range: use 0 to 10"),
        (["tiny", "x.onnx", "--detail", "2"], 2, "detail 2 is out of range: use 0 to 1"),
        (["one.safetensors", "x.onnx", "--detail", "1"], 2, "has no choice of detail"),
        (["nonsense", "x.onnx"], 5, "no model 'nonsense'"),
        (["theirs.pth", "x.onnx"], 5, "theirs.pth is no model of ours"),
        (["tiny", "no/x.onnx"], 4, "cannot write the model no/x.onnx"),
        (["tiny", "theirs.pth/x.onnx"], 4, "cannot write the model theirs.pth/x.onnx"),
        (["tiny", f"{'x' * 300}.onnx"], 4, "cannot write the model"),
    ],
)
def test_bad_input_is_one_line(capsys, tmp_path, monkeypatch, small_model, given, code, said):
    monkeypatch.chdir(tmp_path)
    shutil.copy(small_model, "one.safetensors")
    (tmp_path / "theirs.pth").touch()
    assert main(["export", *given]) == code
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.safetensors", "theirs.pth"]
