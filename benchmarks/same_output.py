"""Check that the product still writes the same: runs whose outputs are hashed and compared.

    python -m benchmarks.same_output --write FILE.json
    python -m benchmarks.same_output --compare FILE.json [--only NAME...]

Each run makes a small clip, restores it by a public way (the command, the VapourSynth filter, or
`process`) and keeps what there is to know of the output: a hash of each frame's pixels, times, a
hash of each stream's packets, tags, and what the report says. `--compare` names each run whose
output differs, and in what; then the exit code is 1. A network of random weights, one thread and
the instructions of AVX2 make a run the same from day to day. Another version of a library or
another kind of processor may still give other hashes, and is named. `results/same_output.json` is
the record of a version that was checked in all other ways; a change that means to write something
else comes with a new one, whose differences its message names.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import av

from benchmarks.output_facts import Facts, facts_of
from benchmarks.output_runs import COMMANDS, MODEL, REAL, ROOT, SHARED, Command

ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_CBWR": "AVX2",
}
"""Environment in which sums are added in the same order on every machine."""
PROCESSES = get_context("forkserver")
PROCESSES.set_forkserver_preload(["av", "numpy", "torch", "safetensors.torch"])
"""Each run has a process of its own, but torch, which takes most of its time, is loaded once."""
LINES, LENGTH = 24, 300
"""Number of lines that describe a run, and characters that are shown of each."""
PIPED, SAID = "piped.y4m", "said.txt"
PACKAGES = ("av", "torch", "numpy", "vapoursynth")
IGNORED = {"path", "bytes"}
"""Fields of a file in the report that do not describe its contents."""


def main() -> int:
    """Write a record, or compare with one; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--write", type=Path, metavar="FILE", help="write the record here")
    what.add_argument("--compare", type=Path, metavar="FILE", help="compare with this record")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these runs")
    parser.add_argument("--note", default="", help="what the record is of, such as a commit")
    options = parser.parse_args()
    os.environ |= ONE_THREAD
    from benchmarks.output_calls import CALLS  # noqa: PLC0415 - torch reads the above when imported

    known = dict[str, Any](COMMANDS) | (REAL if SHARED.is_dir() else {}) | CALLS
    unknown = set(options.only or ()) - set(known)
    if unknown:
        parser.error(f"no such run: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    chosen = {name: known[name] for name in options.only or known}
    if options.write:
        return write(options.write, chosen, options.note)
    return compare(json.loads(options.compare.read_text()), chosen)


def write(path: Path, chosen: dict[str, Any], note: str) -> int:
    """Run all, and write the record."""
    runs = {}
    for name, run in chosen.items():
        print(name, flush=True)
        runs[name] = facts_of_run(run)
        if "fault" in runs[name]:
            print(f"    {runs[name]['fault']}", flush=True)
    record = {
        "date": datetime.now(UTC).date().isoformat(),
        "of": note,
        "versions": versions(),
        "runs": runs,
    }
    path.write_text(json.dumps(record, indent=1) + "\n")
    return 0


def compare(record: dict[str, Any], chosen: dict[str, Any]) -> int:
    """Run all, and print the differences from a record; returns 1 if there are any."""
    for name, was in record["versions"].items():
        if was != versions().get(name):
            print(f"another machine or version: {name} was {was}, is {versions().get(name)}")
    different = 0
    for name, run in chosen.items():
        if name not in record["runs"]:
            print(f"{name}: not in the record", flush=True)
            continue
        found = list(differences(record["runs"][name], json.loads(json.dumps(facts_of_run(run)))))
        different += bool(found)
        print(f"{name}: {'DIFFERENT' if found else 'same'}", flush=True)
        for line in found[:LINES]:
            print(f"    {line[:LENGTH]}", flush=True)
        if len(found) > LINES:
            print(f"    and {len(found) - LINES} more", flush=True)
    print(f"{len(chosen)} runs, {different} different")
    return int(different > 0)


def facts_of_run(run: Any) -> Facts:  # noqa: ANN401 - a command, or a function
    """List the facts of a run's output; `fault` alone for an unexpected failure."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            return facts_of_command(run, folder) if isinstance(run, Command) else run(folder, MODEL)
        except Exception as error:  # noqa: BLE001 - the other runs are judged all the same
            return {"fault": f"{type(error).__name__}: {error}"}


def facts_of_command(run: Command, folder: Path) -> Facts:
    """List the facts of the command's output."""
    run.make(folder / (run.piped or run.source))
    arguments = [run.source, run.output, *run.options, *own_options(run)]
    process = PROCESSES.Process(
        target=be_the_command, args=(arguments, folder, run.piped or os.devnull)
    )
    process.start()
    process.join(600)
    if process.exitcode != run.code:
        process.kill()
        said = (folder / SAID).read_text()[-600:]
        return {"fault": f"exit {process.exitcode}: {said}"}
    out = folder / (run.output if run.output != "-" else PIPED)
    facts = facts_of(out.parent if "%" in out.name else out)
    return facts | {"report": told(json.loads((folder / "report.json").read_text()))}


def be_the_command(arguments: list[str], folder: Path, given: str) -> None:
    """Run this tree's console script, under its name in pyproject.toml."""
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    module, function = scripts["gendrpix-video"].split(":")
    os.chdir(folder)
    with (
        Path(given).open("rb") as read,
        Path(PIPED).open("wb") as piped,
        Path(SAID).open("wb") as said,
    ):
        for number, file in enumerate((read, piped, said)):
            os.dup2(file.fileno(), number)
    sys.argv = ["gendrpix-video", *arguments]
    raise SystemExit(getattr(import_module(module), function)())


def own_options(run: Command) -> Iterator[str]:
    """Yield the options that every run gets unless it sets them itself."""
    yield from ("--model", str(MODEL), "--device", "cpu", "--progress", "none")
    yield from ("--report", "report.json")
    if "--dtype" not in run.options:
        yield from ("--dtype", "fp32")


def told(report: dict[str, Any]) -> Facts:
    """Select the report's facts about the run itself: no times, versions or words of warnings."""
    names = ("exit_code", "device", "dtype", "streams", "frames", "damage")
    return {
        "input": dict(leaves(report["input"])),
        "output": dict(leaves(report["output"])),
        **{name: report[name] for name in names},
        "model": report["model"]["sha256"],
        "warnings": len(report["warnings"]),
    }


def leaves(value: Facts) -> Iterator[tuple[str, object]]:
    """Yield the facts about a file, however they are nested."""
    for key, inner in value.items():
        if isinstance(inner, dict):
            yield from leaves(inner)
        elif key not in IGNORED:
            yield key, inner


def versions() -> dict[str, str]:
    """List the versions and processor features on which the hashes depend."""
    flags = next(
        (
            line
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("flags")
        ),
        "",
    ).split()
    kinds = [name for name in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if name in flags]
    libraries = {name: ".".join(map(str, found)) for name, found in av.library_versions.items()}
    return {
        **{name: version(name) for name in PACKAGES},
        **libraries,
        "processor": f"{platform.machine()} {' '.join(kinds)}",
    }


def differences(was: Any, now: Any, place: str = "") -> Iterator[str]:  # noqa: ANN401 - JSON
    """Describe how two facts differ, a line for each place."""
    if isinstance(was, dict) and isinstance(now, dict):
        if "fault" in now:
            yield f"fault: {now['fault']}"
            return
        for key in was | now:
            yield from differences(
                was.get(key), now.get(key), f"{place}{': ' if place else ''}{key}"
            )
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        for number, (before, after) in enumerate(zip(was, now, strict=True)):
            yield from differences(before, after, f"{place} {number}")
    elif isinstance(was, list) and isinstance(now, list):
        yield f"{place}: {len(was)} became {len(now)}"
    elif was != now:
        yield f"{place}: {was} became {now}"


if __name__ == "__main__":
    raise SystemExit(main())
