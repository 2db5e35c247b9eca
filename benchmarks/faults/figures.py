"""The figures of these benchmarks as files."""

import json
import os
import platform
import time
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "results"


def write_figures(name: str, figures: dict[str, object], out: Path | None = None) -> None:
    """Write figures as JSON, with the date and the kind of the machine.

    Args:
        name: Name of the file, without its extension.
        figures: What was measured.
        out: The file; None is one of that name in `benchmarks/results`.
    """
    machine = f"{os.cpu_count()} cores, {platform.machine()}"
    values = {"date": time.strftime("%Y-%m-%d"), "hardware": machine, **figures}
    path = out or FOLDER / f"{name}.json"
    path.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
