"""The page: its parts and its data, in one HTML file that asks for nothing outside it."""

import base64
import hashlib
import html
import json
from importlib.resources import files
from string import Template
from typing import Any

from vs_gendrpix import compare

VENDORED = ("img-comparison-slider", "panzoom", "uPlot")
SCRIPTS = ("view.js", "timeline.js", "strip.js", "trial.js", "main.js")


def page(title: str, data: dict[str, Any]) -> str:
    """A page as HTML.

    No name and no tag of a file can become markup or code: the title is escaped, the data are
    JSON without `<`, `>` and `&`, the scripts write text as text, and the page's own policy allows
    no script but those whose hashes it names, and no network.

    Args:
        title: Its title.
        data: What its scripts show; see `making.py`.
    """
    scripts = [*map(_vendored, VENDORED), *map(_part, SCRIPTS)]
    return Template(_part("page.html")).substitute(
        title=html.escape(title),
        policy=_policy(scripts),
        style=_part("vendor/uPlot.css") + _part("page.css"),
        data=_json(data),
        scripts="\n".join(f"<script>{script}</script>" for script in scripts),
    )


def _part(name: str) -> str:
    return (files(compare) / "web" / name).read_text(encoding="utf-8")


def _vendored(name: str) -> str:
    """A script of others below its licence, which goes with every copy."""
    return f"/*! {name}\n{_part(f'vendor/{name}.LICENSE')}*/\n{_part(f'vendor/{name}.js')}"


def _policy(scripts: list[str]) -> str:
    """The content security policy: pictures of this page and beside it, its scripts, no more."""
    hashes = (base64.b64encode(hashlib.sha256(script.encode()).digest()) for script in scripts)
    allowed = " ".join(f"'sha256-{each.decode()}'" for each in hashes)
    return (
        f"default-src 'none'; img-src data: file: 'self'; style-src 'unsafe-inline'; "
        f"script-src {allowed}; base-uri 'none'; form-action 'none'"
    )


def _json(data: dict[str, Any]) -> str:
    """JSON that can stand in a script element, whatever its strings hold."""
    text = json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for mark in "<>&":
        text = text.replace(mark, f"\\u{ord(mark):04x}")
    return text
