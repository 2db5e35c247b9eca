"""Jobs that are killed or lose power at any moment: does the same command make the same file?

    python -m benchmarks.faults.resumes [--out JSON]

A job of six segments is killed by SIGKILL: at even and at random moments, every other time twice. A
job of three is killed between every two steps that change the disk, and loses power there, in two
ways (`benchmarks.faults.steps`). The same command then goes on once. Its frames, times, sound,
chapters, tags and attached files must be those of a run that nobody disturbs, nothing but the
output may be left, and no segment may be made twice but those under way.
"""

import argparse
import json
import random
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.faults.figures import write_figures
from benchmarks.faults.job_runs import Runs, facts
from benchmarks.faults.steps import put_back

EXISTS = 4


class Trials:
    """Kills the runs of one clip.

    Args:
        runs: Runs them.
    """

    def __init__(self, runs: Runs) -> None:
        self._runs = runs
        for _ in range(2):  # the first run waits for what is loaded
            began = time.monotonic()
            done = runs.run()
            self._lasts = time.monotonic() - began
            if done.code:
                raise SystemExit(f"a run that nobody disturbs ends in {done.code}: {done.said}")
            self._wanted = facts(runs.outputs / "out.mkv")
            self._segments = self._finished()
            runs.clear()

    def _finished(self) -> int:
        return sum(line["event"] == "finished" for line in self._runs.ledger())

    def _goes_on(self, kept: int, least: int) -> list[str]:
        """Run the command to its end; returns what is wrong with it.

        Args:
            kept: Segments that are finished.
            least: How many of them must have been kept.
        """
        output, wrong = self._runs.outputs / "out.mkv", []
        whole = output.exists() and facts(output) == self._wanted
        done = self._runs.run()
        # A run whose whole job was done had only to remove what it needs no more.
        if done.code and not (done.code == EXISTS and whole):
            wrong.append("exit")
        elif not output.exists() or facts(output) != self._wanted:
            wrong.append("other")
        if self._runs.there() != {"out.mkv"}:
            wrong.append("left")
        if kept < least:
            wrong.append("lost")
        if wrong:
            print(wrong, done.code, done.said, sorted(self._runs.there()), flush=True)
        return wrong

    def timed(self, count: int, seed: int) -> Iterator[dict[str, Any]]:
        """Kill runs at even moments, and as many at random ones."""
        draw = random.Random(seed)  # noqa: S311 - no secret
        for number in range(count):
            even = number < (count + 1) // 2
            after = self._lasts * (number / (count / 2) if even else draw.random())
            while not self._killed(after):  # it was quicker this time
                after *= 0.8
                self._runs.clear()
            kills = [after]
            if number % 2:
                kills.append(draw.uniform(0, self._lasts))
                self._killed(kills[1])
            kept = len(self._runs.manifests())
            before = (self._runs.outputs / "out.mkv").exists()
            wrong = self._goes_on(kept, 0)
            again = self._made_again()
            if again > len(kills):
                wrong.append("lost")
            yield {
                "kind": "timed",
                "after": [round(seconds, 3) for seconds in kills],
                "finished": kept,
                "published": before,
                "made_again": again,
                "wrong": wrong,
            }
            self._runs.clear()

    def _killed(self, after: float) -> bool:
        """Kill a run after some seconds; returns whether it had not come to its end before."""
        run = self._runs.start()
        run.kill(after)
        return run.code == -signal.SIGKILL

    def _made_again(self) -> int:
        """Segments that were begun more often than they were finished."""
        begun = Counter(line["event"] for line in self._runs.ledger())
        return max(begun["started"] - begun["finished"], 0)

    def at_steps(self, *, kills: bool) -> Iterator[dict[str, Any]]:
        """Cut the power before each step, where the disk is another than before, and kill there."""
        self._runs.run(trace=True)
        steps = self._runs.steps()
        store = self._runs.folder / "kept"
        (self._runs.folder / "store").rename(store)
        (self._runs.folder / "store").mkdir()
        self._runs.clear()
        seen: set[str] = set()
        for number, step in enumerate(steps):
            what = {"step": step["step"].replace(str(self._runs.folder), "")}
            for kind in ("now", "flushed"):
                disk = json.dumps([step[kind], step["finished"]])
                if disk in seen:
                    continue
                seen.add(disk)
                put_back(step[kind], store, self._runs.outputs)
                manifests = list(self._runs.outputs.glob("*.job/[0-9]*.json"))
                kept = sum(path.stat().st_size > 0 for path in manifests)
                least = 0 if "out.mkv" in step[kind] else step["finished"]
                yield {"kind": f"power: {kind}", **what, "wrong": self._goes_on(kept, least)}
                self._runs.clear()
            if number < len(steps) - 1 and kills:
                self._runs.run(die_at=number)
                wrong = self._goes_on(len(self._runs.manifests()), 0)
                yield {"kind": "step", **what, "wrong": wrong}
                self._runs.clear()


def main() -> None:
    """Kill runs and print the line of the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100, help="runs that are killed by the clock")
    parser.add_argument("--no-steps", action="store_true", help="kill by the clock alone")
    parser.add_argument("--power", action="store_true", help="at the steps cut the power alone")
    parser.add_argument("--first", action="store_true", help="stop at the first fault, with 1")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, metavar="FILE", help="where the figures go")
    options = parser.parse_args()
    found: list[dict[str, Any]] = []
    for frames, timed in ((60, True), (30, False)):
        if not (options.count if timed else not options.no_steps):
            continue
        with tempfile.TemporaryDirectory() as folder, Runs(Path(folder), frames) as runs:
            if timed:
                found += _told(Trials(runs).timed(options.count, options.seed), first=options.first)
            else:
                found += _told(Trials(runs).at_steps(kills=not options.power), first=options.first)
    kinds = Counter(trial["kind"] for trial in found)
    good = Counter(trial["kind"] for trial in found if not trial["wrong"])
    figures: dict[str, Any] = {
        "good": {kind: f"{good[kind]} of {count}" for kind, count in kinds.items()},
        "made_again_at_most": max((trial.get("made_again", 0) for trial in found), default=0),
        "killed_when_published": sum(bool(trial.get("published")) for trial in found),
        "finished_at_the_kill": sorted(
            trial["finished"] for trial in found if trial["kind"] == "timed"
        ),
        "faults": [trial for trial in found if trial["wrong"]],
    }
    write_figures("resumes", figures, options.out)
    print(", ".join(f"{kind}: {good[kind]} of {count}" for kind, count in kinds.items()))


def _told(trials: Iterator[dict[str, Any]], *, first: bool) -> list[dict[str, Any]]:
    found = []
    for trial in trials:
        if trial["wrong"]:
            print(json.dumps(trial), flush=True)
            if first:
                raise SystemExit(1)
        found.append(trial)
    return found


if __name__ == "__main__":
    main()
