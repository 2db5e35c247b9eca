"""A real bash completes what the script tells it."""

import shutil
import subprocess

import pytest

from vs_gendrpix.cli.main import main

pytest.importorskip("shtab")
BASH = shutil.which("bash")

ASK = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
found=$(complete -p "$1"); found=${found#*-F }
"${found%% *}" "$1" "${!#}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def scripts(tmp_path_factory):
    return tmp_path_factory.mktemp("completions")


@pytest.mark.skipif(BASH is None, reason="no bash")
@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["gendrpix", "comp"], {"compare", "completion"}),
        (["gendrpix", "video", "--prof"], {"--profile"}),
        (["gendrpix", "models", "sh"], {"show"}),
        (["gendrpix-video", "--compare", "w"], {"wipe"}),
        (["gendrpix-video", "--profile", "pro"], {"prores422hq", "prores4444"}),
        (["gendrpix-video", "clip"], {"clip.mp4"}),
    ],
)
def test_bash_completes(scripts, capsys, words, wanted):
    script = scripts / words[0]
    named = words[:1] if words[0] != "gendrpix" else []  # which is the default
    if not script.exists():
        assert main(["completion", "bash", *named]) == 0
        script.write_text(capsys.readouterr().out)
        assert subprocess.run([BASH, "-n", str(script)], check=True).returncode == 0
    (scripts / "clip.mp4").touch()
    done = subprocess.run(
        [BASH, "--norc", "-c", ASK, "ask", str(script), *words],
        cwd=scripts,
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(done.stdout.split()) == wanted, done.stderr


@pytest.mark.parametrize("shell", ["zsh", "tcsh"])
def test_other_shells_get_a_script_that_names_the_flags(capsys, shell):
    assert main(["completion", shell, "gendrpix-video"]) == 0
    assert "profile" in capsys.readouterr().out
