"""Write what is declared into the documents: `python -m docs.tables`.

Options and exit codes are declared once, in `vs_gendrpix.settings` and `vs_gendrpix.errors`. This
copies them to where people read them: the tables between `<!-- NAME -->` and `<!-- end of NAME -->`
in docs/, and the parameters in the docstring of the VapourSynth filter. A test runs it.
"""

import argparse
import ast
import re
import sys
import textwrap
from pathlib import Path

from vs_gendrpix.cli import video
from vs_gendrpix.errors import EXIT_CODES
from vs_gendrpix.settings import ProcessSettings, RestoreSettings
from vs_gendrpix.settings.option import Declared, groups_of, options_of

ROOT = Path(__file__).parents[1]
FILTER = ROOT / "vs_gendrpix" / "vapoursynth" / "filter.py"


def documents() -> dict[Path, str]:
    """Every file with what is declared, as it must be."""
    code = with_parameters(FILTER.read_text(encoding="utf-8"))
    made = {FILTER: code}
    tables = {
        "options": command_tables(),
        "parameters": filter_table(code),
        "settings": settings_tables(),
        "exit codes": exit_code_table(),
    }
    for path in sorted((ROOT / "docs").glob("*.md")):
        text = path.read_text(encoding="utf-8")
        for name, table in tables.items():
            between = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
            text = between.sub(lambda found, table=table: f"{found[1]}{table}{found[2]}", text)
        made[path] = text
    return made


def with_parameters(code: str) -> str:
    """The code of the filter, with the declared texts of its parameters in the docstring."""
    parameters = {each.arg for each in _filter(code).args.kwonlyargs} | {"scale"}
    for declared in options_of(RestoreSettings):
        if declared.field in parameters:
            text = textwrap.fill(
                f"{declared.field}: {sentence(declared)}",
                width=100,
                initial_indent=" " * 8,
                subsequent_indent=" " * 12,
            )
            entry = re.compile(rf"^ {{8}}{declared.field}: .*\n(?: {{12}}.*\n)*", re.MULTILINE)
            code = entry.sub(lambda _, text=text: f"{text}\n", code, count=1)
    return code


def _filter(code: str) -> ast.FunctionDef:
    """The function `gendrpix` in the code of the filter."""
    functions = (each for each in ast.parse(code).body if isinstance(each, ast.FunctionDef))
    return next(each for each in functions if each.name == "gendrpix")


def sentence(declared: Declared) -> str:
    """The text of an option, with its range and default, as a sentence."""
    text = declared.option.text
    limits = f" ({declared.limits})" if declared.limits else ""
    return f"{text[0].upper()}{text[1:]}{limits}."


def command_tables() -> str:
    """The options of `gendrpix video`, a table for each group of its help."""
    parser = video.COMMAND.parser("gendrpix video")
    parts = []
    for group in parser._action_groups[2:]:  # noqa: SLF001 - argparse has no public way to them
        actions = group._group_actions  # noqa: SLF001 - nor to these
        rows = [(_flags(action), str(action.help or "")) for action in actions]
        title = str(group.title)
        parts.append(f"**{title[0].upper()}{title[1:]}**\n\n{_table(('option', 'means'), rows)}")
    return "\n" + "\n".join(parts) + "\n"


def filter_table(code: str) -> str:
    """The parameters of the VapourSynth filter, as its docstring says them."""
    said = (ast.get_docstring(_filter(code)) or "").split("Args:\n")[1].split("\n\nReturns:")[0]
    entries = re.findall(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", said, re.MULTILINE)
    rows = [(f"`{name}`", " ".join(text.split()).removesuffix(".")) for name, text in entries]
    return "\n" + _table(("parameter", "means"), rows) + "\n"


def settings_tables() -> str:
    """The fields of all settings classes."""
    parts = []
    for kind in groups_of(ProcessSettings):
        rows = [(f"`{each.field}`", sentence(each).removesuffix(".")) for each in options_of(kind)]
        if rows:
            parts.append(f"`{kind.__name__}`\n\n{_table(('field', 'means'), rows)}")
    return "\n" + "\n".join(parts) + "\n"


def exit_code_table() -> str:
    """The exit codes."""
    rows = [(str(code), meaning) for code, meaning in EXIT_CODES.items()]
    return "\n" + _table(("code", "means"), rows) + "\n"


def _flags(action: argparse.Action) -> str:
    """The flags of an option, with its value."""
    value = ""
    if action.nargs != 0:
        value = f" {action.metavar or '{' + ','.join(map(str, action.choices or ())) + '}'}"
    return ", ".join(f"`{flag}{value}`" for flag in action.option_strings)


def _table(heads: tuple[str, str], rows: list[tuple[str, str]]) -> str:
    """A table in Markdown."""
    lines = [heads, ("---", "---"), *rows]
    return "".join(
        f"| {' | '.join(cell.replace('%%', '%').replace('|', chr(92) + '|') for cell in line)} |\n"
        for line in lines
    )


if __name__ == "__main__":
    for file, right in documents().items():
        if file.read_text(encoding="utf-8") != right:
            file.write_text(right, encoding="utf-8")
            sys.stdout.write(f"written: {file.relative_to(ROOT)}\n")
