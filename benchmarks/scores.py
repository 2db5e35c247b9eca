"""Write the figures of benchmarks/results/quality.json into the documents that show them.

    python -m benchmarks.scores [--check]

Below a line `<!-- scores: NAME -->` in the README, docs/results/quality.md or a model's card, all
that stands before `<!-- end of scores -->` is made anew: NAME is a set, such as `realsr_canon`,
`targets` or `floors`. It refuses figures of other weights than those in the package, and those of
a quick look.
With --check nothing is written: exit code 1 names the documents that are not true.
"""

import argparse
import hashlib
import json
import re
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

from benchmarks import floors
from benchmarks.targets import Target, to_table
from vs_gendrpix.evaluation.table import to_text
from vs_gendrpix.models.catalogue import BUILT_IN

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "benchmarks" / "results" / "quality.json"
DOCUMENTS = (
    ROOT / "README.md",
    ROOT / "docs" / "results" / "quality.md",
    *(path.with_suffix(".md") for path in BUILT_IN.values()),
)
BLOCK = re.compile(r"(<!-- scores: ([^\n]+) -->\n)(.*?)(<!-- end of scores -->)", re.DOTALL)


class StaleError(Exception):
    """Raised if the figures are not those of the package's weights."""


def main() -> int:
    """Write, or check."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--check", action="store_true", help="only say what is not true")
    options = parser.parse_args()
    try:
        report = load(RESULT)
        texts = {path: path.read_text(encoding="utf-8") for path in DOCUMENTS}
        made = {path: filled(text, report) for path, text in texts.items()}
    except StaleError as error:
        print(f"scores.py: {error}", file=sys.stderr)
        return 1
    stale = [path for path in DOCUMENTS if made[path] != texts[path]]
    for path in stale:
        print(f"{path.relative_to(ROOT)}: {'not true' if options.check else 'written'}")
        if not options.check:
            path.write_text(made[path], encoding="utf-8")
    return 1 if options.check and stale else 0


def load(path: Path) -> dict[str, Any]:
    """Read the report, if it covers all pictures and the package's weights."""
    report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if report.get("first_only"):
        raise StaleError(f"{path.name} is a quick look: run benchmarks.quality on all pictures")
    for name, weights in BUILT_IN.items():
        if report.get("models", {}).get(name) != hashlib.sha256(weights.read_bytes()).hexdigest():
            raise StaleError(
                f"{path.name} is of other weights than {weights.name}: run benchmarks.quality "
                f"--models {' '.join(BUILT_IN)}"
            )
    return report


def filled(text: str, report: dict[str, Any]) -> str:
    """Write a document's generated blocks anew."""
    return BLOCK.sub(lambda found: f"{found[1]}\n{table(found[2], report)}\n\n{found[4]}", text)


def target(entry: dict[str, Any]) -> Target:
    """Make a target of its entry in the report."""
    return Target(**{field.name: entry[field.name] for field in fields(Target)})


def table(name: str, report: dict[str, Any]) -> str:
    """Write the content of a block."""
    if name == "targets":
        return to_table(
            {
                label: [(entry["set"], target(entry)) for entry in entries]
                for label, entries in report["targets"].items()
            }
        )
    if name == "floors":
        return "\n\n".join(
            floors.to_table(label, floors.floors(label, report["sets"], report["speed"]))
            for label in report["models"]
        )
    if name not in report["sets"]:
        raise StaleError(
            f"no scores of {name!r}: there are {', '.join(report['sets'])}, targets, floors"
        )
    return to_text(report["titles"][name], report["sets"][name])


if __name__ == "__main__":
    sys.exit(main())
