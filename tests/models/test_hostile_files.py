"""Model files that nobody should load: refused in one line, by their heads where that tells."""

import pytest
import torch

from benchmarks.faults.hostile_models import CANARY, FILES, make_files, put_together, take_apart
from tests.choices import process_settings
from tests.clips import make_clip
from vs_gendrpix import RestoreSettings
from vs_gendrpix.cli.main import main
from vs_gendrpix.errors import ModelError, one_line
from vs_gendrpix.job.plan import make_plan
from vs_gendrpix.models.gendrpix.files import load_network
from vs_gendrpix.models.tensor_file import MAX_HEAD, read_head


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_a_hostile_file_is_refused_in_one_line(tmp_path, monkeypatch, small_model, name):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "m.safetensors"
    path.write_bytes(FILES[name](take_apart(small_model)))
    with pytest.raises(ModelError) as caught:
        load_network(path, device=torch.device("cpu"), dtype=torch.float32)
    assert one_line(str(caught.value)).isprintable()
    assert not (tmp_path / CANARY).exists()


@pytest.mark.slow
def test_a_file_of_holes_is_refused_before_it_is_read_through(tmp_path, small_model):
    make_clip(tmp_path / "in.mp4")
    made = make_files(tmp_path, small_model)["a hole of 64 GB"]
    settings = process_settings(restore=RestoreSettings(model_path=made))
    with pytest.raises(ModelError, match="unexpected extra"):
        make_plan(tmp_path / "in.mp4", tmp_path / "out.mkv", settings)


def test_the_size_of_a_head_is_looked_at_before_it_is_read(tmp_path):
    path = tmp_path / "m.safetensors"
    path.write_bytes(put_together(b"{" + b" " * MAX_HEAD + b"}", b""))
    with pytest.raises(ModelError, match=f"at most {MAX_HEAD}"):
        read_head(path)


def test_control_characters_of_a_card_are_escaped(tmp_path, capsys, small_model):
    path = tmp_path / "m.safetensors"
    parts = take_apart(small_model)
    parts.metadata["card"] = r'{"name": "\u001b[31mred\u202e"}'
    path.write_bytes(put_together(parts.head, parts.data))
    assert main(["models", "show", str(path)]) == 0
    assert "\nname      \\x1b[31mred\\u202e\n" in capsys.readouterr().out


def test_control_characters_of_a_message_are_escaped(tmp_path, capsys):
    assert main(["models", "show", str(tmp_path / "\x1b[2J\n.safetensors")]) == 5
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said[:-1].isprintable()
