"""The report of a run as JSON, for other programs and for later."""

import json
import platform
from dataclasses import asdict, replace
from datetime import UTC, datetime
from fractions import Fraction
from importlib.metadata import version
from pathlib import Path
from typing import Any

from vs_gendrpix.errors import GendrpixError
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.job.report import Report
from vs_gendrpix.libav.values import libav_versions
from vs_gendrpix.models.catalogue import find_model, model_card
from vs_gendrpix.settings import ProcessSettings
from vs_gendrpix.write.output import OutputFile, output_fault

FORMAT = 2
"""Version of the report's format; it rises when a field changes its meaning or is removed."""

_PACKAGES = ("vs-gendrpix", "torch", "numpy", "safetensors", "av")


def write_report(target: OutputFile, report: Report) -> None:
    """Write a report and give it its name.

    Raises:
        OutputError: It cannot be written.
        ResourceError: The disk is full.
    """
    text = json.dumps(as_dict(report), indent=2, default=_plain) + "\n"
    try:
        target.part.write_text(text, encoding="utf-8")
    except OSError as error:
        what = f"{report.start.plan.output} is finished, but not its report {target.path}"
        raise output_fault(error, what) from error
    target.sync()
    target.publish()


def keep_report(target: OutputFile | None, report: Report) -> None:
    """Write a report, if one is wanted; a failure is no reason to call the output unfinished."""
    if target is None:
        return
    try:
        write_report(target, report)
    except GendrpixError as error:
        report.notes.fault(str(error))


def as_dict(report: Report) -> dict[str, Any]:
    """Make the dictionary that becomes the JSON: docs/report.md names every field."""
    start, plan = report.start, report.start.plan
    restore = plan.settings.restore
    return {
        "format": FORMAT,
        "exit_code": report.exit_code,
        "input": _file(plan.source) | asdict(plan.clip),
        "output": _file(plan.output) | asdict(replace(plan.result, frames=report.frames_encoded)),
        "settings": asdict(_with_tile(plan.settings, report.tile)),
        "model": {
            "path": plan.model.path,
            "sha256": plan.model.sha256,
            **asdict(model_card(find_model(restore.model_path or restore.model))),
        },
        "device": start.device,
        "dtype": start.dtype,
        "streams": [
            asdict(done) | {"packets": report.copied.get(done.output or 0)}
            for done in report.streams
        ],
        "frames": {"decoded": report.frames_decoded, "encoded": report.frames_encoded},
        "decided": report.notes.decided,
        "warnings": report.warnings,
        "damage": _damage(report.notes),
        "timing": {
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": round(report.seconds, 3),
            "frames_per_second": round(report.frames_encoded / max(report.seconds, 1e-6), 3),
            "bound": report.bound,
        },
        "versions": {name: version(name) for name in _PACKAGES}
        | {"python": platform.python_version()}
        | libav_versions(),
    }


def _with_tile(settings: ProcessSettings, tile: tuple[int, int] | None) -> ProcessSettings:
    """Name the tile that was used: a smaller one where memory ran out."""
    return replace(settings, restore=replace(settings.restore, tile=tile))


def _file(path: Path) -> dict[str, Any]:
    """Describe a file by its path and its size in bytes; a folder or a pipe has no size."""
    return {"path": path, "bytes": path.stat().st_size if path.is_file() else None}


def _damage(notes: Notes) -> dict[str, Any]:
    """Describe the damage of the input, with examples and places."""
    return {
        "errors": notes.errors,
        "corrupt_frames": notes.corrupt_frames,
        "made_up_times": notes.made_up_times,
        "missing": notes.missing,
        "examples": notes.examples,
        "places": [float(place) for place in notes.places],
    }


def _plain(value: object) -> str:
    """Write a value that JSON has no type for: fractions as 30000/1001, paths as text."""
    if isinstance(value, Fraction):
        return f"{value.numerator}/{value.denominator}"
    return str(value)
