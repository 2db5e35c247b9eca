"""The report of a run as JSON, for other programs and for later."""

import hashlib
import json
import platform
from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from fractions import Fraction
from importlib.metadata import version
from pathlib import Path
from typing import Any

from vs_gendrpix.errors import OutputError
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.job.report import Report, Start
from vs_gendrpix.libav.values import libav_versions
from vs_gendrpix.models.catalogue import model_card
from vs_gendrpix.settings import ProcessSettings
from vs_gendrpix.write.output import Output, output_fault

FORMAT = 2
"""Number of the report's form; it rises when a field changes its meaning or goes."""

_PACKAGES = ("vs-gendrpix", "torch", "numpy", "safetensors", "av")


def report_output(path: Path, *, output: Path, source: Path, overwrite: bool) -> Output:
    """Where the report will be written: known to be possible before the long work.

    Args:
        path: Its name.
        output: The name of the video, which it must not be.
        source: The input, which it must not be either.
        overwrite: Whether it may replace an existing file.

    Raises:
        OutputError: It cannot be written there.
    """
    if path.resolve() == output.resolve():
        raise OutputError(f"the report {path} is the output: choose another name")
    return Output(path, source=source, overwrite=overwrite)


def write_report(target: Output, report: Report, settings: ProcessSettings) -> None:
    """Write a report and give it its name.

    Raises:
        OutputError: It cannot be written.
        ResourceError: The disk is full.
    """
    text = json.dumps(as_dict(report, settings), indent=2, default=_plain) + "\n"
    try:
        target.part.write_text(text, encoding="utf-8")
    except OSError as error:
        what = f"{report.start.output} is finished, but not its report {target.path}"
        raise output_fault(error, what) from error
    target.sync()
    target.publish()


def as_dict(report: Report, settings: ProcessSettings) -> dict[str, Any]:
    """What a report says: docs/report.md names every field."""
    start = report.start
    return {
        "format": FORMAT,
        "exit_code": report.exit_code,
        "input": _file(start.source) | asdict(start.source_clip),
        "output": _file(start.output)
        | asdict(replace(start.output_clip, frames=report.frames_encoded)),
        "settings": asdict(settings),
        "model": _model(start),
        "device": start.device,
        "dtype": start.dtype,
        "streams": [
            asdict(done) | {"packets": report.copied.get(done.output or 0)}
            for done in report.streams
        ],
        "frames": {"decoded": report.frames_decoded, "encoded": report.frames_encoded},
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


def _model(start: Start) -> dict[str, Any]:
    """The model's file, its hash and its card; its name alone where there is no file."""
    path = start.model_file
    if path is None:
        return {"name": start.model}
    return {"path": path, "sha256": _digest(path), **model_card(path)}


def _file(path: Path) -> dict[str, Any]:
    """A file's name and size; what is no file has none."""
    return {"path": path, "bytes": path.stat().st_size if path.is_file() else None}


def _damage(notes: Iterable[Notes]) -> dict[str, Any]:
    """What was broken in the input, and where."""
    all_notes = list(notes)
    return {
        "errors": sum(each.errors for each in all_notes),
        "corrupt_frames": sum(each.corrupt_frames for each in all_notes),
        "made_up_times": sum(each.made_up_times for each in all_notes),
        "examples": [line for each in all_notes for line in each.examples],
        "places": [float(place) for each in all_notes for place in each.places],
    }


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _plain(value: object) -> str:
    """Fractions as FFmpeg writes them, 30000/1001, and paths as text."""
    if isinstance(value, Fraction):
        return f"{value.numerator}/{value.denominator}"
    return str(value)
