"""The project's pages: links name something that is there, and examples run."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest

from tests.clips import make_clip
from vs_gendrpix.cli.main import COMMANDS
from vs_gendrpix.cli.video import settings

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    page
    for folder in ("", "docs", "docs/results", "samples", "vs_gendrpix/models/weights")
    for page in (ROOT / folder).glob("*.md")
)
CODE = re.compile(r"^(```|~~~).*?^\1|`[^`\n]*`", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")


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
        for line in re.findall(r"^(?:    |\$ |)gendrpix[- ](\w+ .*)$", text, re.MULTILINE):
            name, *arguments = shlex.split(re.split(r"  +|\s[|#>]\s", line)[0])
            if arguments != ["IN", "OUT"]:
                yield pytest.param(name, arguments, id=f"{page.stem}: {name} {arguments[0]}")


@pytest.mark.parametrize(("name", "arguments"), list(command_lines()))
def test_every_command_of_the_pages_is_understood(name, arguments):
    options = COMMANDS[name].parser(name).parse(arguments)
    if name == "video":
        settings(options)
