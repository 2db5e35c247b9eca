"""The public interface: every name is there, and importing it loads nothing heavy."""

import ast
import inspect
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import vs_gendrpix
from vs_gendrpix import errors, settings

PROMISED = {
    *("process", "make_plan", "run", "Plan", "Progress", "Report"),
    *("Engine", "Frame", "FrameFormat", "open_restorer", "Restorer"),
    *("gendrpix", "source_clip", "__version__"),
}
PARTS = {"ColorSpec", "PixelLayout", "Timing"}
"""What one needs to make a `Frame`."""


def classes_of(module, kind):
    members = inspect.getmembers(module, inspect.isclass)
    return {name for name, value in members if kind(name, value)}


def test_all_holds_every_public_name():
    raised = classes_of(errors, lambda _, value: issubclass(value, errors.GendrpixError))
    chosen = classes_of(settings, lambda name, _: name.endswith("Settings"))
    assert set(vs_gendrpix.__all__) == PROMISED | PARTS | raised | chosen
    assert (len(raised), len(chosen)) == (9, 9)
    assert vs_gendrpix.__all__ == sorted(vs_gendrpix.__all__)
    assert dir(vs_gendrpix) == vs_gendrpix.__all__


def test_every_name_is_what_its_module_calls_so():
    for name in vs_gendrpix.__all__:
        value = getattr(vs_gendrpix, name)
        if name != "__version__":
            assert value.__name__ == name
            assert value.__module__.startswith("vs_gendrpix.")
    assert vs_gendrpix.__version__ == version("vs-gendrpix")


def test_type_checkers_see_the_names_that_are_fetched_later():
    tree = ast.parse(Path(vs_gendrpix.__file__).read_text(encoding="utf-8"))
    (block,) = [each for each in tree.body if isinstance(each, ast.If)]
    seen = {
        alias.name: each.module
        for each in block.body
        if isinstance(each, ast.ImportFrom)
        for alias in each.names
    }
    homes = {name: f"vs_gendrpix.{home}" for name, home in vs_gendrpix._HOMES.items()}
    assert seen == homes


def test_importing_the_package_loads_nothing_heavy():
    script = (
        "import sys, vs_gendrpix\n"
        "vs_gendrpix.ProcessSettings(), vs_gendrpix.SettingsError, vs_gendrpix.__version__\n"
        "dir(vs_gendrpix)\n"
        "print(*({'torch', 'av', 'vapoursynth', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []
