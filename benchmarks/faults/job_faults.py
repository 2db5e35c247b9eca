"""Jobs on broken disks, full ones and slow ones, with odd names, and workers that die or sleep.

    python -m benchmarks.faults.job_faults [--out JSON]

Each fault is followed by the same command, or by `gendrpix work` and `gendrpix finish`, without it.
The output's frames, times, sound, chapters, tags and attached files must be those of a run that
nobody disturbs, and nothing but the output may be left. A full disk needs the right to mount.
"""

import argparse
import os
import random
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.faults.figures import write_figures
from benchmarks.faults.job_runs import COMMAND, Running, Runs, facts

EXISTS = 4
TYPED = {0, 1, 2, 3, 4, 5, 6, 7, 75}
WORK = ("work", "out.mkv.job", "--progress", "none")
FULL = range(40, 440, 20)
"""Sizes of disks in kibibytes."""

NAMES = (
    *("a b.mkv", " out.mkv", "-out.mkv", "--report.mkv", "out\n.mkv", "out\t.mkv", "out'.mkv"),
    *('out".mkv', "out\\.mkv", "out%d.mkv", "out%%.mkv", "out{}.mkv", "out$HOME.mkv", "out;ls.mkv"),
    *("out:1.mkv", "file:out.mkv", "out*.mkv", "out?.mkv", "[out].mkv", "öüß.mkv", "映画.mkv"),
    *("\U0001f3ac.mkv", "out\udcff\udcfe.mkv", "x" * 250 + ".mkv", "é" * 120 + ".mkv"),
    *("out.mkv.job.mkv", "00000.lease.mkv", "plan.json.mkv"),
)


class Trials:
    """Disturbs jobs that restore one clip.

    Args:
        runs: Runs them.
    """

    def __init__(self, runs: Runs) -> None:
        self._runs = runs
        self._draw = random.Random(1)  # noqa: S311 - no secret
        done = runs.run()
        if done.code:
            raise SystemExit(f"a run that nobody disturbs ends in {done.code}: {done.said}")
        self._wanted = facts(runs.outputs / "out.mkv")
        runs.clear()

    def _judged(self, last: Running, name: str = "out.mkv") -> list[str]:
        """List the faults of a job's end."""
        output, wrong = self._runs.outputs / name, []
        if last.code:
            wrong.append(f"exit {last.code}: {last.said}")
        elif facts(output) != self._wanted:
            wrong.append("other frames")
        left = self._runs.there() - {name}
        if left:
            wrong.append(f"left: {sorted(left)}")
        self._runs.clear()
        return wrong

    def broken_disk(self) -> Iterator[list[str]]:
        """Let each step fail once."""
        self._runs.run()
        steps = len(self._runs.steps()) - 1
        self._runs.clear()
        for number in range(steps):
            wrong = []
            first = self._runs.run(fail_at=number)
            if first.code not in TYPED or "Traceback" in first.said:
                wrong.append(f"step {number}: exit {first.code}: {first.said}")
            done = first if first.code == 0 else self._runs.run()
            if self._runs.there() != {"out.mkv"}:  # what could not be removed, the next run removes
                done = self._runs.run()
                # A result that could not get its name has been kept under another one.
                (self._runs.outputs / "out-2.mkv").unlink(missing_ok=True)
            if done.code == EXISTS and (self._runs.outputs / "out.mkv").exists():
                done.code = 0
            wrong += [f"step {number}: {each}" for each in self._judged(done)]
            yield wrong

    def full_disk(self) -> Iterator[list[str]]:
        """Fill the disk at several places, then make room."""
        for size in FULL:
            _mount(self._runs.outputs, size)
            wrong = []
            try:
                first = self._runs.run()
                if first.code not in {0, 75}:
                    wrong.append(f"{size} KiB: exit {first.code}: {first.said}")
                if first.code and (self._runs.outputs / "out.mkv").exists():
                    wrong.append(f"{size} KiB: exit {first.code} with an output")
                _mount(self._runs.outputs, 16_384, "remount,")
                done = first if first.code == 0 else self._runs.run()
                output = self._runs.outputs / "out.mkv"
                if done.code or facts(output) != self._wanted:
                    wrong.append(f"{size} KiB: {done.code} {done.said}")
                if self._runs.there() != {"out.mkv"}:
                    wrong.append(f"{size} KiB: {self._runs.there()}")
            finally:
                _umount(self._runs.outputs)
            yield wrong

    def names(self) -> Iterator[list[str]]:
        """Kill runs of outputs with odd names, and let them go on."""
        for name in NAMES:
            where = f"./{name}" if name.startswith(("-", "file:")) else name
            command = [where if word == "out.mkv" else word for word in COMMAND]
            self._runs.run(*command, die_at=60)
            wrong = [] if len(self._runs.manifests()) else ["killed before a segment was made"]
            done = self._runs.run(*command)
            yield [f"{name!r}: {each}" for each in wrong + self._judged(done, name)]

    def killed_workers(self, **hooks: object) -> list[str]:
        """Kill one of two workers six times, and begin it again."""
        self._plan()
        workers = [self._runs.start(*WORK, **hooks) for _ in range(2)]
        for number in range(6):
            workers[number % 2].kill(self._draw.uniform(0, 0.3))
            workers[number % 2] = self._runs.start(*WORK, **hooks)
        return self._finished(workers)

    def sleeping_worker(self, **hooks: object) -> list[str]:
        """Stop a worker for longer than its lease lasts, while another works on."""
        self._plan()
        sleeper = self._runs.start(*WORK, **hooks)
        until = time.monotonic() + 60
        while not list(self._runs.outputs.glob("*/*.lease")) and time.monotonic() < until:
            time.sleep(0.005)
        sleeper.signal(signal.SIGSTOP)
        other = self._runs.start(*WORK, **hooks)
        wrong = [] if other.wait() == 0 else [f"the other: {other.code}: {other.said}"]
        if len(self._runs.manifests()) < len(list(self._runs.outputs.glob("*.job/[0-9]*.json"))):
            wrong.append("segments are missing")
        sleeper.signal(signal.SIGCONT)
        return wrong + self._finished([sleeper])

    def clocks_apart(self) -> list[str]:
        """Let two machines ten minutes apart share a job; one dies, and its lease must be taken."""
        self._plan()
        ahead, behind = (self._runs.start(*WORK, away=off) for off in (600.0, -600.0))
        ahead.kill(0.2)
        return self._finished([behind])

    def _plan(self) -> None:
        done = self._runs.run("plan", *COMMAND[1:-2])
        if done.code:
            raise SystemExit(f"the plan ends in {done.code}: {done.said}")

    def _finished(self, workers: list[Running]) -> list[str]:
        """Wait for workers and join what they have made; returns what is wrong."""
        wrong = [
            f"a worker: {each.code}: {each.said}" for each in workers if each.wait() not in {0, -9}
        ]
        return wrong + self._judged(self._runs.run("finish", "out.mkv.job"))


def _mount(folder: Path, size: int, more: str = "") -> None:
    """Mount a disk of a number of kibibytes, or change its size."""
    command = [
        "/usr/bin/env",
        "mount",
        "-t",
        "tmpfs",
        "-o",
        f"{more}size={size}k",
        "none",
        str(folder),
    ]
    subprocess.run(command, check=True)


def _umount(folder: Path) -> None:
    """Unmount a disk."""
    subprocess.run(["/usr/bin/env", "umount", str(folder)], check=True)


def main() -> None:
    """Try all and print the line of the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="of each trial with workers")
    parser.add_argument("--only", help="one kind of fault")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where the figures go")
    options = parser.parse_args()
    results: dict[str, list[list[str]]] = {}

    def tried(name: str, trials: Callable[[], Iterator[list[str]]]) -> None:
        if options.only in {None, name}:
            results[name] = []
            for wrong in trials():
                results[name].append(wrong)
                if wrong:
                    print(name, wrong, flush=True)

    with tempfile.TemporaryDirectory() as folder, Runs(Path(folder), 30) as runs:
        small = Trials(runs)
        tried("a step fails (EIO)", small.broken_disk)
        tried("odd names", small.names)
        if os.geteuid() == 0:
            tried("full disk", small.full_disk)
    with tempfile.TemporaryDirectory() as folder, Runs(Path(folder), 120) as runs:
        large, rounds = Trials(runs), range(options.rounds)
        tried("2 workers, 6 kills", lambda: (large.killed_workers() for _ in rounds))
        tried("2 machines, 6 kills", lambda: (large.killed_workers(away=1.0) for _ in rounds))
        tried("slow disk, 6 kills", lambda: (large.killed_workers(slow=0.03) for _ in rounds))
        tried("a sleeping worker", lambda: (large.sleeping_worker() for _ in rounds))
        tried("clocks apart", lambda: (large.clocks_apart() for _ in rounds))
    good = {
        name: f"{sum(not each for each in found)} of {len(found)}"
        for name, found in results.items()
    }
    figures: dict[str, Any] = {
        "good": good,
        "faults": {name: [each for each in found if each] for name, found in results.items()},
    }
    write_figures("job_faults", figures, options.out)
    print(", ".join(f"{name}: {count}" for name, count in good.items()))


if __name__ == "__main__":
    main()
