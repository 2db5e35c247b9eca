import subprocess
import sys

import pytest

import vs_gendrpix
from tests.choices import process_settings
from tests.clips import make_clip
from vs_gendrpix import EncodeSettings, RestoreSettings, process
from vs_gendrpix.cli.video import main


def test_the_package_gives_exactly_what_it_names():
    assert dir(vs_gendrpix) == vs_gendrpix.__all__
    for name in set(vs_gendrpix.__all__) - {"__version__"}:
        assert getattr(vs_gendrpix, name).__name__ == name
    with pytest.raises(AttributeError, match="nonsense"):
        vs_gendrpix.nonsense  # noqa: B018 - the look-up is what is tested


def test_importing_the_package_is_cheap():
    heavy = {"torch", "av", "numpy", "vapoursynth"}
    script = f"import sys, vs_gendrpix; sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_the_command_and_the_function_make_the_same_file(tmp_path, small_model):
    make_clip(tmp_path / "in.mp4", audio="aac")
    process(
        tmp_path / "in.mp4",
        tmp_path / "one.mp4",
        process_settings(
            restore=RestoreSettings(scale=2, model_path=small_model, device="cpu", dtype="fp32"),
            encode=EncodeSettings(preset="ultrafast"),
        ),
    )
    arguments = [str(tmp_path / name) for name in ("in.mp4", "two.mp4")]
    arguments += ["-s", "2", "-m", str(small_model), "-d", "cpu", "--dtype", "fp32"]
    assert main([*arguments, "--preset", "ultrafast", "--progress", "none"]) == 0
    assert (tmp_path / "one.mp4").read_bytes() == (tmp_path / "two.mp4").read_bytes()
