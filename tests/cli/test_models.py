"""`gendrpix models`."""

import hashlib

import pytest

from vs_gendrpix.cli.main import main
from vs_gendrpix.models.catalogue import BUILT_IN, DEFAULTS


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("given", [[], ["list"]])
def test_the_list_has_size_licence_device_and_hash(capsys, given):
    assert main(["models", *given]) == 0
    heads, *rows = capsys.readouterr().out.splitlines()
    assert heads.split() == ["NAME", "SIZE", "LICENCE", "DEFAULT", "FOR", "SHA-256"]
    assert [row.split()[0] for row in rows] == list(BUILT_IN)
    for (name, path), row in zip(BUILT_IN.items(), rows, strict=True):
        assert row.endswith(digest(path))
        assert f"{path.stat().st_size / 1e6:.1f} MB" in row
        assert "Apache-2.0" in row
        assert all((device in row) == (model == name) for device, model in DEFAULTS.items())


def test_the_card_of_a_name_and_of_a_file(capsys, small_model):
    assert main(["models", "show", "base"]) == 0
    said = capsys.readouterr().out
    assert f"sha256    {digest(BUILT_IN['base'])}\n" in said
    assert "licence   Apache-2.0 AND BSD-3-Clause\n" in said
    assert main(["models", "show", str(small_model)]) == 0
    assert f"file      {small_model}\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "code", "said"),
    [
        (["show"], 2, "list takes none, show takes NAME|FILE, join takes FAITHFUL DETAILED OUT"),
        (["list", "base"], 2, "list takes none"),
        (["base"], 2, "invalid choice: 'base'"),
        (["show", "nonsense"], 5, "no model 'nonsense'"),
    ],
)
def test_bad_input_is_one_line(capsys, given, code, said):
    assert main(["models", *given]) == code
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1


def test_two_models_are_joined_to_one_with_a_choice_of_detail(capsys, tmp_path, small_model):
    out = tmp_path / "both.safetensors"
    assert main(["models", "join", *[str(small_model)] * 2, str(out), "--detail", "0.75"]) == 0
    assert main(["models", "show", str(out)]) == 0
    said = capsys.readouterr().out
    assert "detail    0.75\n" in said
    assert "name      both\n" in said
    assert main(["models", "join", *[str(small_model)] * 2, str(out)]) == 4
    assert main(["models", "join", str(out), str(small_model), str(tmp_path / "more")]) == 5
    assert main(["models", "join", "tiny", str(small_model), str(tmp_path / "more")]) == 5
    assert main(["models", "join", "tiny", "tiny", str(tmp_path / "more"), "--detail", "2"]) == 5
    assert main(["models", "join", *[str(small_model)] * 2, str(tmp_path / "no" / "x")]) == 4
    assert "cannot write the model" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["both.safetensors"]
