"""Score our models beside resizes and common networks.

    python -m benchmarks.quality --shared DIR --models tiny [LABEL=FILE ...] [--peers] [--out DIR]

Judges all methods on everything in DIR/data/eval, on the clips of DIR/data/video/good, which are
degraded first, and on crops of these clips as they are, at x4, x2 and x1; prints a table for each
set, and at last the targets of each model. JSON goes to benchmarks/results/quality.json, a sheet of
crops for each set to the folder of --out. docs/results/quality.md explains the measures and says
how long it takes.
"""

import argparse
import hashlib
import json
import os
import platform
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from benchmarks.crops import crop_set
from benchmarks.floors import TEACHER
from benchmarks.in_turn import autocast, in_turn, noise_frames, ratio
from benchmarks.targets import GENERAL, Target, targets, to_table
from vs_gendrpix.errors import GendrpixError, OutputError, SettingsError
from vs_gendrpix.evaluation.clips import degraded_clips
from vs_gendrpix.evaluation.comparison import compare, write_json
from vs_gendrpix.evaluation.judge import PICTURE, Judge, Scores
from vs_gendrpix.evaluation.methods import Method, ModelMethod, bicubic, lanczos, peer, peers
from vs_gendrpix.evaluation.samples import SampleSet
from vs_gendrpix.evaluation.sets import clean, grey, referenced, unreferenced
from vs_gendrpix.evaluation.sheet import Sheet
from vs_gendrpix.evaluation.table import evaluate_motion, to_text
from vs_gendrpix.models.catalogue import BUILT_IN, find_model
from vs_gendrpix.models.devices import pick_device
from vs_gendrpix.settings import RestoreSettings

RESULT = Path(__file__).parent / "results" / "quality.json"
REFERENCED = ("realsr_canon", "kodak12")
SHARP = "kodak12"
WORN = ("realsrset20", "reallr")
SPEED_SIZE = (320, 180)
SPEED_ROUNDS = 3
TEACHERS_SETS = ("realsr_canon", "kodak12, degraded", "crops x4", "crops x2", "crops x1")
"""Sets that the teacher, 25 times as slow as the others, is judged on."""


def main(arguments: list[str] | None = None) -> int:
    """Judge, print, write; returns the exit code of `errors.py`."""
    options = _parser().parse_args(arguments)
    try:
        _run(options)
    except GendrpixError as error:
        print(f"quality.py: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument(
        "--shared", type=Path, required=True, help="folder with data/eval and so on"
    )
    parser.add_argument(
        "--models",
        nargs="+",
        required=True,
        metavar="MODEL",
        help="built-in names, or LABEL=FILE for any other; labels that begin with base are held to "
        "the targets of base, all others to those of tiny",
    )
    parser.add_argument(
        "--peers",
        action="store_true",
        help=f"compare data/peers too, and {TEACHER} on small sets, which needs spandrel",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="where the sheets go")
    parser.add_argument("--json", type=Path, metavar="FILE", default=RESULT, help="the scores")
    parser.add_argument(
        "--pictures", type=int, metavar="N", help="a quick look: the first N of every set"
    )
    parser.add_argument(
        "--sets",
        nargs="+",
        default=[],
        metavar="NAME",
        help="judge these sets only; what --json has of others, of methods and of measures that "
        "are not taken anew stays, but for models of other weights",
    )
    parser.add_argument(
        "--still",
        action="store_true",
        help="leave out flicker and panning, which take most of the time",
    )
    parser.add_argument("-d", "--device", default="auto", help="auto, cpu, cuda or cuda:N")
    return parser


def _run(options: argparse.Namespace) -> None:
    began = time.monotonic()
    if options.pictures is not None and options.pictures < 1:
        raise SettingsError(f"--pictures {options.pictures} leaves nothing to judge: use 1 or more")
    files = _model_files(options.models)
    data = options.shared / "data"
    device = pick_device(options.device)
    others = peers(data / "peers", device) if options.peers else {}
    methods = _methods(files, others, options.device)
    teacher = data / "teacher" / f"{TEACHER}.safetensors"
    if options.peers and teacher.exists():
        methods[TEACHER] = autocast(peer(teacher, device), torch.bfloat16, device)
    sets = _sets(data, options.pictures)
    if options.out:
        _make_folder(options.out)
    judge = Judge()
    for line in judge.skipped:
        print(f"quality.py: {line}", file=sys.stderr)
    digests = {label: _digest(path) for label, path in files.items()}
    before = _before(options.json, digests) if options.sets else {"sets": {}, "speed": {}}
    found: dict[str, dict[str, Scores]] = {}
    for group in sets:
        old = before["sets"].get(group.name, {})
        new = {}
        if not options.sets or group.name in options.sets:
            new = _judge(group, methods, judge, moved=not options.still, out=options.out)
        scores = {name: old.get(name, {}) | new.get(name, {}) for name in old | new}
        if scores:
            found[group.name] = scores
    speed = before["speed"] or _speed(files, others, device)
    referenced_sets = {group.name for group in sets[: len(REFERENCED)]}
    judged = {name: scores for name, scores in found.items() if name in referenced_sets}
    demands = {label: targets(label, judged, speed) for label in files}
    report = {
        "date": time.strftime("%Y-%m-%d"),
        "hardware": f"{os.cpu_count()} cores, {platform.machine()}, {device}",
        "torch": torch.__version__,
        "seconds": round(time.monotonic() - began),
        "peak_mb": _peak_mb(),
        "first_only": options.pictures,
        "models": digests,
        "titles": {group.name: group.title for group in sets if group.name in found},
        "sets": found,
        "speed": speed,
        "targets": {label: [_entry(*demand) for demand in d] for label, d in demands.items()},
    }
    write_json(options.json, report)
    print(f"{report['seconds']} s, {report['peak_mb']} MB at most\n\n{to_table(demands)}")


def _before(path: Path, digests: Mapping[str, str]) -> dict[str, Any]:
    """Read what stays of an earlier record: all but the scores of models with other weights.

    Speed stays in any case. It is the architecture's.

    Raises:
        SettingsError: There is none, or it is of other models or of a quick look.
    """
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    if record.get("models", {}).keys() != digests.keys() or record["first_only"]:
        raise SettingsError(f"--sets adds to a record of the same models, which {path} is not")
    renewed = {label for label, digest in digests.items() if record["models"][label] != digest}
    for scores in record["sets"].values():
        for label in renewed:
            scores.pop(label, None)
    return record


def _model_files(given: list[str]) -> dict[str, Path]:
    """The models' files by label."""
    files: dict[str, Path] = {}
    for argument in given:
        label, equals, path = argument.partition("=")
        if not equals and argument not in BUILT_IN:
            raise SettingsError(
                f"--models {argument}: give LABEL=FILE, or one of {', '.join(BUILT_IN)}"
            )
        if label in files:
            raise SettingsError(f"--models has {label} twice: every model needs a label of its own")
        files[label] = find_model(path if equals else label)
    return files


def _methods(
    files: Mapping[str, Path], others: Mapping[str, Method], device: str
) -> dict[str, Method]:
    """Make all methods, in fp32, so that the scores of two machines compare."""
    models = {
        label: ModelMethod(RestoreSettings(model_path=path, device=device, dtype="fp32"))
        for label, path in files.items()
    }
    resizes = {"bicubic": bicubic, "lanczos": lanczos}
    taken = sorted(models.keys() & (resizes.keys() | others.keys()))
    if taken:
        raise SettingsError(f"--models: {taken[0]} is the name of another method: choose another")
    return {**resizes, **models, **others}


def _sets(data: Path, limit: int | None) -> list[SampleSet]:
    """Make all sets, those that the targets need first."""
    clips, sharp = data / "video" / "good", data / "eval" / SHARP
    whole = [
        *(referenced(data / "eval" / name) for name in REFERENCED),
        *(crop_set(clips, scale) for scale in (4, 2, 1)),
        *(clean(sharp, scale) for scale in (1, 2)),
        grey(sharp),
        *(unreferenced(data / "eval" / name) for name in WORN),
        degraded_clips(clips),
    ]
    return [group if limit is None else group.first(limit) for group in whole]


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {path}: {error.strerror}") from error


def _judge(
    group: SampleSet,
    methods: Mapping[str, Method],
    judge: Judge,
    *,
    moved: bool,
    out: Path | None,
) -> dict[str, Scores]:
    """Score all methods on one set, print the scores and write its sheet."""
    sheet = Sheet()
    fast = {name: method for name, method in methods.items() if name != TEACHER}
    judged = methods if group.name in TEACHERS_SETS else fast
    scores = compare(group, judged, judge, sheet)
    if moved and group.measures == PICTURE:
        for name, motion in evaluate_motion(group, fast).items():
            scores[name] |= motion
    print(to_text(group.title, scores) + "\n", flush=True)
    if out:
        sheet.save(out / f"{group.name.replace(', ', '-')}.png")
    return scores


def _speed(
    files: Mapping[str, Path], others: Mapping[str, Method], device: torch.device
) -> dict[str, float]:
    """Measure speed in bf16 relative to the peer that the targets name; empty without that peer."""
    if GENERAL not in others:
        return {}
    compared: dict[str, Method] = {GENERAL: autocast(others[GENERAL], torch.bfloat16, device)}
    for label, path in files.items():
        settings = RestoreSettings(model_path=path, device=str(device), dtype="bf16")
        compared[label] = ModelMethod(settings)
    seconds = in_turn(compared, noise_frames(*SPEED_SIZE, SPEED_ROUNDS))
    return {label: ratio(seconds, label, GENERAL) for label in compared}


def _entry(name: str, target: Target) -> dict[str, object]:
    return {"set": name, **asdict(target), "met": target.met}


def _digest(path: Path) -> str:
    """Compute the digest by which a changed model file is noticed."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _peak_mb() -> int:
    # Not getrusage's: a new process begins with the peak of the one that started it.
    status = Path("/proc/self/status").read_text(encoding="ascii").split()
    return int(status[status.index("VmHWM:") + 1]) // 1024


if __name__ == "__main__":
    sys.exit(main())
