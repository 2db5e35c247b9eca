"""Killed runs: is nothing left, is the exit code right, and is what was said true?

    python -m benchmarks.faults.kills [--out JSON]

A hundred runs each get SIGINT, SIGTERM and SIGHUP at a random moment, every other one twice; they
write a file or a folder of pictures. One in fifty is a process of its own with the network `tiny`,
from the interpreter's start to its end; the others are forks of one that has loaded all, with a
resize in the network's place. At last some runs get SIGKILL, and the next one must sweep what they
have left.
"""

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import av

from benchmarks.faults.clips import FRAMES, KINDS, make_clip
from benchmarks.faults.figures import write_figures

SIGNALS = {signal.SIGINT: 130, signal.SIGTERM: 75, signal.SIGHUP: 75}
PAUSES = (0.0, 0.001, 0.02, 0.1, 0.5)
OUTPUTS = {"out.mkv": ["out.mkv", "--preset", "ultrafast"], "out": ["out/%02d.png"]}


@dataclass(frozen=True, slots=True)
class Kill:
    """Signals to a process: one after some seconds, another after a pause, if there is one."""

    number: signal.Signals
    after: float
    pause: float | None

    def send(self, process: int) -> None:
        """Send the signals."""
        time.sleep(self.after)
        for pause in (0.0, self.pause):
            if pause is not None:
                time.sleep(pause)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, self.number)


class Runner:
    """Restores one clip again and again.

    Args:
        folder: An empty one.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self.outputs = folder, folder / "outputs"
        self.outputs.mkdir()
        make_clip(folder / "in.mp4", KINDS["h264_mp4"])
        self._forks = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.faults.kills_worker", str(folder)],
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def run(self, output: str, kill: Kill | None, *, fresh: bool) -> tuple[int, str]:
        """Make an output; returns the exit code and what was said."""
        arguments = ["../in.mp4", *OUTPUTS[output], "-s", "1", "-m", "tiny", "-d", "cpu"]
        return (self._fresh if fresh else self._forked)(arguments, kill)

    def _fresh(self, arguments: list[str], kill: Kill | None) -> tuple[int, str]:
        command = [sys.executable, "-m", "vs_gendrpix", "video", *arguments]
        process = subprocess.Popen(
            command, cwd=self.outputs, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        if kill is not None:
            kill.send(process.pid)
        _, said = process.communicate()
        return process.returncode, said

    def _forked(self, arguments: list[str], kill: Kill | None) -> tuple[int, str]:
        self._forks.stdin.write(json.dumps(arguments) + "\n")
        self._forks.stdin.flush()
        process = int(self._forks.stdout.readline())
        if kill is not None:
            kill.send(process)
        self._forks.stdin.write("\n")  # the worker waits for it only now: until then the id is its
        self._forks.stdin.flush()
        code = int(self._forks.stdout.readline())
        return code, (self._folder / "said").read_text()

    def close(self) -> None:
        """End the process that forks."""
        self._forks.communicate()


def faults(outputs: Path, output: str, code: int, said: str, kill: Kill) -> list[str]:
    """Name the faults of a killed run: `exit`, `left` or `lie`."""
    found = []
    published = (outputs / output).exists()
    before = "publish" not in said and code == -kill.number  # the command had not begun
    if code != (0 if published else SIGNALS[kill.number]) and not before:
        found.append("exit")
    if {path.name for path in outputs.iterdir()} - {output}:
        found.append("left")
    if published and (frames(outputs / output) != FRAMES or "nothing was published" in said):
        found.append("lie")
    return found


def frames(path: Path) -> int:
    """Number of frames of an output."""
    if path.is_dir():
        return len(list(path.iterdir()))
    with av.open(str(path)) as written:
        return sum(bool(packet.size) for packet in written.demux(video=0))


def clear(outputs: Path) -> None:
    """Remove all outputs."""
    shutil.rmtree(outputs)
    outputs.mkdir()


def seconds_of(runner: Runner, output: str, *, fresh: bool) -> float:
    """Measure the seconds of a run that is not killed."""
    lasts = 0.0
    for _ in range(2):  # the first one waits for what is loaded
        began = time.monotonic()
        code, said = runner.run(output, None, fresh=fresh)
        lasts = time.monotonic() - began
        if code:
            raise SystemExit(f"a run that is not killed ends in {code}: {said}")
        clear(runner.outputs)
    return lasts


def kill_softly(
    runner: Runner, count: int, seed: int, *, fresh_every: int = 50
) -> list[dict[str, object]]:
    """Kill runs by the signals that they handle.

    Args:
        runner: Runs them.
        count: How many.
        seed: Of the moments.
        fresh_every: Of how many one is a process of its own; 0 is none.

    Returns:
        What is known of each run.
    """
    draw = random.Random(seed)  # noqa: S311 - no secret
    kinds = [(out, fresh) for out in OUTPUTS for fresh in (False, True) if fresh_every or not fresh]
    lasts = {kind: seconds_of(runner, kind[0], fresh=kind[1]) for kind in kinds}
    runs: list[dict[str, object]] = []
    for index in range(count):
        number = list(SIGNALS)[index % len(SIGNALS)]
        output = list(OUTPUTS)[index // 6 % 2]
        fresh = fresh_every > 0 and index % fresh_every == fresh_every - 1
        pause = draw.choice(PAUSES) if index // 3 % 2 else None
        kill = Kill(number, draw.uniform(0, 1.1 * lasts[output, fresh]), pause)
        code, said = runner.run(output, kill, fresh=fresh)
        wrong = faults(runner.outputs, output, code, said, kill)
        runs.append({"signal": number.name, "output": output, "fresh": fresh, "exit": code})
        runs[-1] |= {"after": round(kill.after, 3), "pause": pause, "wrong": wrong}
        if wrong:
            names = [path.name for path in runner.outputs.iterdir()]
            print(json.dumps(runs[-1] | {"said": said, "there": names}), flush=True)
        clear(runner.outputs)
    return runs


def kill_hard(runner: Runner, count: int, seed: int) -> tuple[int, int]:
    """Kill runs by SIGKILL.

    Returns:
        How many of them left something, and what was left when one more had run to its end.
    """
    draw = random.Random(seed)  # noqa: S311 - no secret
    lasts, leaving = seconds_of(runner, "out.mkv", fresh=False), 0
    for _ in range(count):
        kill = Kill(signal.SIGKILL, draw.uniform(0, lasts), None)
        runner.run("out.mkv", kill, fresh=False)
        (runner.outputs / "out.mkv").unlink(missing_ok=True)
        # A run sweeps what the ones before have left, unless it is killed before.
        leaving += bool({path.name for path in runner.outputs.iterdir()})
    runner.run("out.mkv", None, fresh=False)
    return leaving, len(list(runner.outputs.iterdir())) - 1


def main() -> None:
    """Kill runs and print the line of the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=300, help="runs that get one or two signals")
    parser.add_argument("--hard", type=int, default=30, help="runs that get SIGKILL")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, metavar="FILE", help="where the figures go")
    options = parser.parse_args()
    for number in SIGNALS:  # what nohup or a shell's & has ignored would stay so in children
        signal.signal(number, signal.SIG_DFL)
    with tempfile.TemporaryDirectory() as folder:
        runner = Runner(Path(folder))
        runs = kill_softly(runner, options.count, options.seed)
        leaving, left = kill_hard(runner, options.hard, options.seed)
        runner.close()
    wrong = Counter(kind for run in runs for kind in run["wrong"])
    codes = Counter(f"{run['signal']}: {run['exit']}" for run in runs)
    figures = {
        "runs": options.count,
        "exits": dict(sorted(codes.items())),
        "wrong_exit": wrong["exit"],
        "parts_left": wrong["left"],
        "lies": wrong["lie"],
        "killed_hard": options.hard,
        "killed_hard_that_left_something": leaving,
        "left_after_the_next_run": left,
        "faults": [run for run in runs if run["wrong"]],
    }
    write_figures("kills", figures, options.out)
    killed = sum(run["exit"] not in {0, 1} for run in runs)
    print(
        f"{wrong['exit']} wrong exit codes, {wrong['left']} with parts left, {wrong['lie']} lies "
        f"of {options.count} runs, {killed} of which were stopped; "
        f"SIGKILL left something {leaving} times of {options.hard}, {left} after the next run"
    )


if __name__ == "__main__":
    main()
