"""`gendrpix COMMAND`: the manners that all commands share."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from ffmpeg_filters import PRESETS
from vs_gendrpix.cli.main import COMMANDS, main
from vs_gendrpix.errors import EXIT_CODES, GendrpixError

HEAVY = {"torch", "av", "vapoursynth", "accelerate", "PIL"}


def heavy_after(code):
    """The heavy modules that a process has loaded, and its output, after running some code."""
    script = f"{code}\nprint('LOADED', *({HEAVY!r} & set(__import__('sys').modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    said, _, loaded = done.stdout.rpartition("LOADED")
    return loaded.split(), said


@pytest.mark.slow
@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_loads_nothing_heavy_and_says_examples_and_exit_codes(command):
    arguments = [*command.split(), "--help"]
    loaded, said = heavy_after(
        "from vs_gendrpix.cli.main import main\n"
        f"try: main({arguments!r})\n"
        "except SystemExit as end: assert end.code == 0"
    )
    assert loaded == []
    assert f"usage: gendrpix {command}" in said
    assert "examples:" in said
    for code, meaning in EXIT_CODES.items():
        assert f"  {code:<4} {meaning}\n" in said
    assert max(map(len, said.splitlines())) <= 100


def test_every_command_is_listed(capsys):
    with pytest.raises(SystemExit):
        main(["-h"])
    said = capsys.readouterr().out
    for name, command in COMMANDS.items():
        assert f"{name:<10} {command.purpose}" in said


@pytest.mark.parametrize("given", [[], ["vido"], ["-q"]])
def test_a_missing_or_wrong_command_is_one_line_that_says_what_there_is(capsys, given):
    assert main(given) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("gendrpix: ")
    if given != ["-q"]:
        assert f"use one of {', '.join(COMMANDS)} (see gendrpix --help)" in err


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_the_version_is_said(capsys, command):
    with pytest.raises(SystemExit) as end:
        main([*command.split(), "--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out == f"vs-gendrpix {version('vs-gendrpix')}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_a_wrong_argument_is_one_line_and_a_code(capsys, command):
    assert main([command, "--nonsense"]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert err.startswith(f"gendrpix {command}: ")
    assert err.endswith(f"(see gendrpix {command} --help)\n")


@pytest.mark.parametrize("command", [("gendrpix",), ("python", "-m", "vs_gendrpix")])
def test_the_installed_command_runs(command):
    program = str(Path(sys.executable).with_name(command[0]))
    done = subprocess.run(
        [program, *command[1:], "models"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("NAME")


def test_presets_are_listed_with_what_they_are_for(capsys):
    assert main(["presets"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in said] == list(PRESETS)
    assert said[0].startswith("vhs             Video tape: ")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "command", "extra"),
    [
        ("PIL", ["evaluate", "tiny", "x"], "evaluation"),
        ("PIL", ["compare", "a", "b", "-o", "x.html"], "evaluation"),
        ("accelerate", ["train", "a"], "train"),
        ("onnx", ["export", "tiny", "x.onnx"], "onnx"),
    ],
)
def test_a_missing_extra_is_named(module, command, extra):
    more = ["--config", "x", "--out", "x"] if command[0] == "train" else []
    script = (
        "import sys\n"
        f"sys.modules[{module!r}] = None\n"  # as if it were not installed
        "from vs_gendrpix.cli.main import main\n"
        f"code = main({[*command, *more]!r})\n"
        "sys.exit('loaded torch' if 'torch' in sys.modules else code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert f"pip install '.[{extra}]'" in done.stderr
    assert done.stderr.count("\n") == 1


def test_every_error_has_an_exit_code_of_the_table():
    errors = {GendrpixError, *GendrpixError.__subclasses__()}
    assert {error.exit_code for error in errors} | {0, 1, 130} == set(EXIT_CODES)
