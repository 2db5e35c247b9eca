"""Restore mutants of 24 clips, and count the runs that end otherwise than documented.

    python -m benchmarks.faults.fuzz [--count 2000] [--network 200]

A run may end in 0 (with a file), in 1 (with a file, and damage reported) or in 3 (without one).
Everything else is counted as wrong: another exit code, a signal, a minute without an end, a message
of more than one line, a file that is there or not there against the exit code, a temporary file
that stays. Most runs restore by a plain resize, which leaves out the network and nothing else; the
first `--network` mutants are restored by the model `tiny` as well.
"""

import argparse
import json
import select
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from benchmarks.faults.clips import KINDS, make_clip
from benchmarks.faults.figures import write_figures
from benchmarks.faults.mutants import mutant

SECONDS = 60
"""Seconds after which a run counts as hanging."""

OUTPUTS = (
    (".mkv", ("-c", "ffv1")),
    (".mp4", ("-c", "libx264", "--preset", "ultrafast")),
    (".mov", ("-c", "libx264", "--preset", "ultrafast")),
)
"""Extension and encoder of the outputs, in turn."""


class Worker:
    """A process that restores one file after another; a new one takes over from one that dies.

    Args:
        network: Whether it loads the network.
    """

    def __init__(self, *, network: bool) -> None:
        kind = "network" if network else "resize"
        self._command = [sys.executable, "-m", "benchmarks.faults.fuzz_worker", kind]
        self._process = self._started()

    def restore(self, arguments: list[str]) -> tuple[int | str, str]:
        """Run the command; returns the exit code, or how the process ended, and the messages."""
        process = self._process
        process.stdin.write(json.dumps(arguments) + "\n")
        process.stdin.flush()
        ready, _, _ = select.select([process.stdout], [], [], SECONDS)
        answer = process.stdout.readline() if ready else ""
        if answer:
            code, said = json.loads(answer)
            return code, said
        process.kill()
        process.communicate()
        ended = f"signal {-process.returncode}" if ready else "hangs"
        self._process = self._started()
        return ended, ""

    def close(self) -> None:
        """Let the process end."""
        self._process.communicate()

    def _started(self) -> "subprocess.Popen[str]":
        ends = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        return subprocess.Popen(self._command, text=True, **ends)


def run_mutants(
    folder: Path, numbers: Iterable[int], *, network: bool
) -> Iterator[dict[str, object]]:
    """Restore mutants by their numbers; yields what is known of each run.

    Args:
        folder: An empty one, for clips, mutants and outputs.
        numbers: Numbers of the mutants.
        network: Whether the network restores, instead of a plain resize.
    """
    clips: dict[str, bytes] = {}
    worker = Worker(network=network)
    for number in numbers:
        name, kind = list(KINDS.items())[number % len(KINDS)]
        if name not in clips:
            path = folder / f"clip{kind.suffix}"
            make_clip(path, kind)
            clips[name] = path.read_bytes()
            path.unlink()
        change, content = mutant(clips[name], number)
        suffix, encoder = OUTPUTS[number % len(OUTPUTS)]
        given, made = folder / f"in{kind.suffix}", folder / f"out{suffix}"
        given.write_bytes(content)
        choices = ["-s", "1", "-m", "tiny", *encoder, "--progress", "none"]
        code, said = worker.restore([str(given), str(made), *choices])
        fault = _fault(folder, code, said, given, made)
        yield {
            "number": number,
            "clip": name,
            "change": change,
            "exit": code,
            "fault": fault,
            "said": said if fault else "",
        }
        for path in folder.iterdir():
            path.unlink()
    worker.close()


def _fault(folder: Path, code: int | str, said: str, given: Path, made: Path) -> str | None:
    """Describe how a run differs from the documented behaviour; None if it does not."""
    if code not in {0, 1, 3}:
        return f"exit {code}"
    if made.exists() != (code in {0, 1}):
        return f"exit {code}, and the output is {'there' if made.exists() else 'missing'}"
    if {path.name for path in folder.iterdir()} - {given.name, made.name}:
        return "something is left behind"
    beside = ("warning: ", "decided: ")
    errors = [line for line in said.splitlines() if not any(word in line for word in beside)]
    if code == 3 and len(errors) != 1:
        return "not one line says why"
    return None


def main() -> None:
    """Run the mutants and print the line of the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2000, help="mutants in all")
    parser.add_argument("--network", type=int, default=200, help="for the network too; 0 is none")
    parser.add_argument("--first", type=int, default=0, help="number of the first mutant")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where the figures go")
    options = parser.parse_args()
    codes: Counter[str] = Counter()
    faults = []
    for network, count in ((False, options.count), (True, options.network)):
        numbers = range(options.first, options.first + count)
        if not count:
            continue
        with tempfile.TemporaryDirectory() as folder:
            for run in run_mutants(Path(folder), numbers, network=network):
                codes[str(run["exit"])] += 1
                if run["fault"]:
                    faults.append(run | {"network": network})
                    print(json.dumps(run), flush=True)
    figures = {"mutants": options.count, "with_network": options.network, "exits": dict(codes)}
    write_figures("fuzz", figures | {"wrong": len(faults), "faults": faults}, options.out)
    said = ", ".join(f"{count} in {code}" for code, count in sorted(codes.items()))
    total = options.count + options.network
    print(f"{len(faults)} of {total} runs of {options.count} mutants end wrongly ({said})")


if __name__ == "__main__":
    main()
