"""How good our models are beside resizes and the networks that people use today.

    python benchmarks/quality.py --shared DIR --models tiny [LABEL=FILE ...] [--peers] [--out DIR]

Judges all methods at x4 on everything in DIR/data/eval and on the clips of DIR/data/video/good,
which are degraded first; prints a table for each set, and at last the targets of each model. JSON
goes to benchmarks/results/quality.json, a sheet of crops for each set to the folder of --out.
docs/results/quality.md explains the measures and says how long it takes.
"""

import argparse
import hashlib
import os
import platform
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import torch

from vs_gendrpix.errors import GendrpixError, OutputError, SettingsError
from vs_gendrpix.evaluation.clip_table import CLIP_MEASURES, compare_clips
from vs_gendrpix.evaluation.clips import ClipSet, degraded_clips
from vs_gendrpix.evaluation.comparison import compare_pictures, write_json
from vs_gendrpix.evaluation.methods import Method, ModelMethod, bicubic, lanczos, peers
from vs_gendrpix.evaluation.sets import PictureSet, referenced, worn
from vs_gendrpix.evaluation.sheet import Sheet
from vs_gendrpix.evaluation.speed import autocast, in_turn, noise_frames, ratio
from vs_gendrpix.evaluation.table import MEASURES, MOTION, Judge, Scores, evaluate_motion, to_text
from vs_gendrpix.evaluation.targets import GENERAL, Target, targets, to_table
from vs_gendrpix.models.catalogue import BUILT_IN, find_model
from vs_gendrpix.models.devices import pick_device
from vs_gendrpix.settings import RestoreSettings

RESULT = Path(__file__).parent / "results" / "quality.json"
REFERENCED = ("realsr_canon", "kodak12")
WORN = ("realsrset20", "reallr")
SPEED_SIZE = (320, 180)
SPEED_ROUNDS = 3


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
        "--peers", action="store_true", help="compare data/peers too, which needs spandrel"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="where the sheets go")
    parser.add_argument("--json", type=Path, metavar="FILE", default=RESULT, help="the scores")
    parser.add_argument(
        "--pictures", type=int, metavar="N", help="a quick look: the first N of every set"
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
    sets = _sets(data, options.pictures)
    if options.out:
        _make_folder(options.out)
    judge = Judge()
    found: dict[str, dict[str, Scores]] = {}
    counts: dict[str, str] = {}
    for group in sets:
        counts[group.name] = _count(group)
        found[group.name] = _judge(group, methods, judge, options.out)
    speed = _speed(files, others, device)
    judged = {group.name: found[group.name] for group in sets[: len(REFERENCED)]}
    demands = {label: targets(label, judged, speed) for label in files}
    report = {
        "date": time.strftime("%Y-%m-%d"),
        "hardware": f"{os.cpu_count()} cores, {platform.machine()}, {device}",
        "torch": torch.__version__,
        "seconds": round(time.monotonic() - began),
        "peak_mb": _peak_mb(),
        "first_only": options.pictures,
        "models": {label: _digest(path) for label, path in files.items()},
        "counts": counts,
        "sets": found,
        "speed": speed,
        "targets": {label: [_entry(*demand) for demand in d] for label, d in demands.items()},
    }
    write_json(options.json, report)
    print(f"{report['seconds']} s, {report['peak_mb']} MB at most\n\n{to_table(demands)}")


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
    """All that is compared. In fp32, so that the scores of two machines compare."""
    models = {
        label: ModelMethod(RestoreSettings(model_path=path, device=device, dtype="fp32"))
        for label, path in files.items()
    }
    resizes = {"bicubic": bicubic, "lanczos": lanczos}
    taken = sorted(models.keys() & (resizes.keys() | others.keys()))
    if taken:
        raise SettingsError(f"--models: {taken[0]} is the name of another method: choose another")
    return {**resizes, **models, **others}


def _sets(data: Path, limit: int | None) -> list[PictureSet | ClipSet]:
    """All sets, the ones that the targets ask about first."""
    whole = [
        *(referenced(data / "eval" / name) for name in REFERENCED),
        *(worn(data / "eval" / name) for name in WORN),
        degraded_clips(data / "video" / "good"),
    ]
    return [group if limit is None else group.first(limit) for group in whole]


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {path}: {error.strerror}") from error


def _count(group: PictureSet | ClipSet) -> str:
    return f"{group.count} {'clips' if isinstance(group, ClipSet) else 'pictures'}"


def _judge(
    group: PictureSet | ClipSet, methods: Mapping[str, Method], judge: Judge, out: Path | None
) -> dict[str, Scores]:
    """The scores on one set, printed; its sheet, written."""
    sheet = Sheet()
    measures = CLIP_MEASURES
    if isinstance(group, ClipSet):
        scores = compare_clips(group, methods, sheet)
    else:
        measures = MEASURES
        scores = compare_pictures(group, methods, judge, sheet)
        if "PSNR" in scores["bicubic"]:
            measures = MEASURES | MOTION
            for name, motion in evaluate_motion(group.samples(), methods).items():
                scores[name] |= motion
    print(to_text(f"{group.name} ({_count(group)}, x4)", scores, measures) + "\n", flush=True)
    if out:
        sheet.save(out / f"{group.name.replace(', ', '-')}.png")
    return scores


def _speed(
    files: Mapping[str, Path], others: Mapping[str, Method], device: torch.device
) -> dict[str, float]:
    """Frames a second in bf16 over those of the peer that the targets name; empty without it."""
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
    """What tells later whether a file is still the one that was measured."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _peak_mb() -> int:
    # Not getrusage's: a new process begins with the peak of the one that started it.
    status = Path("/proc/self/status").read_text(encoding="ascii").split()
    return int(status[status.index("VmHWM:") + 1]) // 1024


if __name__ == "__main__":
    sys.exit(main())
