"""The project's pages: links name something that is there, and examples run."""

import ast
import re
import shlex
import tomllib
from pathlib import Path

import pytest

from tests.clips import make_clip
from vs_gendrpix.cli.main import COMMANDS
from vs_gendrpix.cli.video import settings
from vs_gendrpix.job.segments import folder

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    page
    for folder in ("", "docs", "docs/results", "samples", "vs_gendrpix/models/weights")
    for page in (ROOT / folder).glob("*.md")
)
CODE = re.compile(r"^(```|~~~).*?^\1|`[^`\n]*`", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
GUIDE = [page for page in PAGES if page.parent.name != "results"]
"""All pages but the records of what was measured, which stay as they were."""
PACKAGES = sorted(ROOT.glob("vs_gendrpix/*/**/__init__.py"))
OTHERS_FLAGS = {
    *("--build-arg", "--index-url", "--rm", "--user", "--userns"),  # pip's, podman's
    *("--info", "--input", "--input-depth", "--y4m"),  # vspipe's, x265's
}


def anchors(page):
    """The places in a page that a link can name: its headings, as GitHub writes them."""
    prose = CODE.sub(lambda code: code[0].strip("`") if "\n" not in code[0] else "", page)
    headings = re.findall(r"^#+ (.*)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_names_a_file_and_a_heading_that_are_there(page):
    for link in LINK.findall(CODE.sub("", page.read_text(encoding="utf-8"))):
        if link.startswith(("https:", "http:", "mailto:")):
            continue
        path, _, place = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{link}: there is no {target.relative_to(ROOT)}"
        if place:
            text = target.read_text(encoding="utf-8")
            assert place in anchors(text), f"{link}: no such heading"


def test_every_page_is_reached_from_the_readme():
    reached, ahead = set(), {ROOT / "README.md"}
    while ahead:
        page = ahead.pop()
        reached.add(page)
        links = LINK.findall(CODE.sub("", page.read_text(encoding="utf-8")))
        targets = {(page.parent / link.partition("#")[0]).resolve() for link in links}
        ahead |= {target for target in targets if target.suffix == ".md"} - reached
    assert set((ROOT / "docs").rglob("*.md")) <= reached


def test_the_layers_are_drawn_as_they_are_enforced():
    page = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    rows = re.findall(r"^    \|(.*)\|", page, re.MULTILINE)
    with (ROOT / "pyproject.toml").open("rb") as file:
        contracts = tomllib.load(file)["tool"]["importlinter"]["contracts"]
    assert [" | ".join(row.replace("|", " ").split()) for row in rows] == contracts[0]["layers"]


@pytest.mark.slow
def test_the_examples_of_the_python_page_run(tmp_path, monkeypatch, capsys):
    make_clip(tmp_path / "in.mp4")
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    names = {}
    for example in re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE):
        exec(example, names)  # noqa: S102 - our own page, as a reader would paste it
    printed = capsys.readouterr().out
    files = {"in.mp4", "out.mp4", "watched.mp4", "planned.mp4", "job.json"}
    assert {path.name for path in tmp_path.iterdir()} == files
    assert "100 %, limited by " in printed
    assert "stopped: there is no output" in printed
    assert names["picture"].shape == (144, 192, 3)
    assert "torch.Size([1, 3, 144, 192])" in printed


def command_lines():
    """Every call of the program that a page shows as code: the command's name, its arguments."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        begin = r"^(?:    |\$ |)(?:\.venv/bin/)?"
        for line in re.findall(rf"{begin}gendrpix[- ](\w+ .*)$", text, re.MULTILINE):
            name, *arguments = shlex.split(re.split(r"  +|\s[|#>]\s", line)[0])
            if arguments != ["IN", "OUT"]:
                yield pytest.param(name, arguments, id=f"{page.stem}: {name} {arguments[0]}")


@pytest.mark.parametrize(("name", "arguments"), list(command_lines()))
def test_every_command_of_the_pages_is_understood(name, arguments):
    options = COMMANDS[name].parser(name).parse(arguments)
    if name == "video":
        settings(options)


def options_of(name):
    """The flags of each option of a command."""
    return [each.option_strings for each in COMMANDS[name].parser(name)._actions]


def test_every_command_and_every_option_is_on_a_page():
    pages = [page.read_text(encoding="utf-8") for page in GUIDE if page.stem != "CHANGELOG"]
    guide = "\n".join(pages)
    table = re.search(r"^\| command .*?\n\n", guide, re.DOTALL | re.MULTILINE)[0]
    assert {"video", *re.findall(r"`(?:gendrpix )?(\w+)`", table)} >= COMMANDS.keys()
    named = set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", guide))
    for name in COMMANDS:
        lost = [flags for flags in options_of(name) if flags and not named.intersection(flags)]
        assert not lost, f"{name}: on no page"


def test_every_flag_on_a_page_is_an_option():
    known = OTHERS_FLAGS.union(*(flags for name in COMMANDS for flags in options_of(name)))
    for page in GUIDE:
        named = re.findall(r"(?<![\w-])--[a-z][\w-]*", page.read_text(encoding="utf-8"))
        assert set(named) <= known, page.name


def test_every_file_and_module_that_a_page_names_is_there():
    tops = [each.name for each in (*ROOT.iterdir(), *(ROOT / "vs_gendrpix").iterdir())]
    file = re.compile(rf"`((?:{'|'.join(map(re.escape, tops))})/[\w./-]*)`")
    for page in GUIDE:
        text = page.read_text(encoding="utf-8")
        for name in file.findall(text):
            places = (ROOT / name, ROOT / "vs_gendrpix" / name)
            assert any(place.exists() for place in places), f"{page.name}: no {name}"
        for name in re.findall(r"\b(?:vs_gendrpix|benchmarks)(?:\.[a-z]\w*)+(?!\.?\w)", text):
            *above, last = name.split(".")
            home = ROOT.joinpath(*above)
            if not (home / last).exists() and not (home / f"{last}.py").exists():
                module = home / "__init__.py" if home.is_dir() else home.with_suffix(".py")
                assert last in module.read_text(encoding="utf-8"), f"{page.name}: no {name}"


@pytest.mark.parametrize("init", PACKAGES, ids=lambda path: path.parent.name)
def test_every_package_says_what_each_of_its_modules_does(init):
    said = ast.get_docstring(ast.parse(init.read_text(encoding="utf-8")))
    parts = {each.name for each in init.parent.iterdir() if each.suffix in {"", ".py"}}
    if init.parent.name == "cli":  # where it says that a command has a file of its name
        parts -= {f"{name}.py" for name in (*COMMANDS, "try_")}
    for name in parts - {"__init__.py", "__pycache__"}:
        assert re.search(rf"(?<!\w){re.escape(name)}", said), f"{name} is not said"


def test_every_message_that_the_guide_quotes_is_one_of_the_code():
    page = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    messages = re.findall(r"^\| `(?:warning: )?(.*)` \|", page, re.MULTILINE)
    assert len(messages) > 5
    code = "".join(path.read_text(encoding="utf-8") for path in ROOT.glob("vs_gendrpix/**/*.py"))
    said = "\n".join(re.findall(r'(?<!")"([^"\n]+)"(?!")', code))  # no docstrings
    for message in messages:  # the words between its values
        for words in re.split(r"\.\.\.|[;:()]|\S*\d\S*|'.*?'|interlaced|bwdif|CUDA", message):
            assert words.strip() in said, message


def test_the_events_of_the_command_page_are_those_that_are_written():
    page = (ROOT / "docs" / "command.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| [^|]* \| (.*) \|$", page, re.MULTILINE)
    said = {
        event: set(re.findall(r"`(\w+)`", re.sub(r"\(.*?\)", "", text))) for event, text in rows
    }
    written = {}
    for path in ("job/progress.py", "job/batch/progress.py"):
        for node in ast.walk(ast.parse((ROOT / "vs_gendrpix" / path).read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "self._write":
                written[node.args[0].value] = {each.arg for each in node.keywords}
    assert said == written


def test_the_job_page_names_every_file_of_the_folder():
    page = (ROOT / "docs" / "jobs.md").read_text(encoding="utf-8")
    for name in (folder.PLAN, folder.LEDGER, folder.INDEX, folder.PINNED, folder.PUBLISHED):
        assert f"| `{name}` |" in page
    assert f"`{folder.FINISH}`" in page


def test_the_install_page_has_every_extra():
    page = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    table = page.partition("| extra |")[2].partition("\n\n")[0]
    with (ROOT / "pyproject.toml").open("rb") as file:
        extras = tomllib.load(file)["project"]["optional-dependencies"]
    assert set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE)) == extras.keys()
