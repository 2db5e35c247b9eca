"""A thousand segments on many workers, simulated: how long is the end, and what do claims cost?

    python -m benchmarks.faults.many_workers [--out JSON]

The code that claims segments is the real one (`segments.lease`, `segments.work.in_turn`), on real
files; time is virtual. Segments take log-normal times, and one attempt of a hundred fails in its
middle, with its worker, who is begun again after a pause. Every step on the files takes a
millisecond, so that claims made at the same time meet each other.

The tail is the time from the moment at which a worker finds nothing to claim to the end, against
the whole. No order of claims makes it much shorter than a segment: it is given in those, too.
"""

import argparse
import heapq
import os
import random
import tempfile
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from benchmarks.faults.figures import write_figures
from vs_gendrpix.job.segments import lease as leases
from vs_gendrpix.job.segments.folder import JobFolder, lease_name
from vs_gendrpix.job.segments.lease import Claims
from vs_gendrpix.job.segments.work import LOOKS, in_turn

SEGMENTS, FAILURES, HEARTBEAT = 1000, 0.01, 10.0
MEDIAN, SPREAD = 120.0, 0.35
"""Seconds of a segment, and the standard deviation of their logarithm."""
STEP = 0.001
"""Seconds of one operation on the files."""
AGAIN = 20.0
"""Seconds after which a worker that has died works again."""


@dataclass(slots=True)
class Counts:
    """Counters of the simulation.

    Attributes:
        claims: Times that a worker tried to claim a segment.
        won: Times that it got one.
        listed: Names of files that it was given as it looked at the folder.
        looks: Times that it did.
        failed: Attempts that failed.
        first_idle: When one had nothing to do for the first time.
        done: The segments that are finished.
    """

    claims: int = 0
    won: int = 0
    listed: int = 0
    looks: int = 0
    failed: int = 0
    first_idle: float = 0.0
    done: set[int] = field(default_factory=set)


class Clock:
    """Virtual time that replaces the module `time`."""

    now = 0.0

    def monotonic(self) -> float:
        """Return the virtual seconds since the beginning."""
        return self.now


class _Quiet:
    """Replaces the thread that touches a lease, as the simulated worker touches it."""

    def __init__(self, *_given: object, **_named: object) -> None: ...

    def start(self) -> None:
        """Do nothing."""

    def join(self) -> None:
        """Do nothing."""


def worker(
    folder: JobFolder, segments: list[Any], counts: Counts, draw: random.Random, clock: Clock
) -> Generator[float]:
    """Simulate `segments.work`; yields the seconds until the next step."""
    claims = Claims(HEARTBEAT)
    while True:
        names = folder.names()
        counts.looks += 1
        counts.listed += len(names)
        yield STEP
        done = folder.finished(names)
        left = [segment for segment in segments if segment.number not in done]
        if not left:
            return
        for segment in in_turn(left, names):
            counts.claims += 1
            name = lease_name(segment.number)
            claimed = claims.claim(folder.path / name, fresh=name not in names)
            yield STEP
            if claimed is None:
                continue
            manifest = folder.path / f"{segment.number:05d}.json"
            with claimed:
                if manifest.exists():
                    break
                counts.won += 1
                takes = MEDIAN * draw.lognormvariate(0.0, SPREAD)
                failed = draw.random() < FAILURES
                until = clock.now + (takes / 2 if failed else takes)
                while clock.now < until:
                    yield min(HEARTBEAT, until - clock.now)
                    os.utime(folder.path / name)
                counts.failed += failed
                if not failed:
                    manifest.touch()
                    counts.done.add(segment.number)
            if failed:
                yield AGAIN
            break
        else:
            counts.first_idle = counts.first_idle or clock.now
            yield HEARTBEAT / LOOKS


def simulate(workers: int, folder: Path, clock: Clock) -> dict[str, float]:
    """Simulate workers until all segments are made; returns the figures."""
    segments = [SimpleNamespace(number=number) for number in range(SEGMENTS)]
    draw, counts, clock.now = random.Random(1), Counts(), 0.0  # noqa: S311 - no secret
    started = [worker(JobFolder(folder), segments, counts, draw, clock) for _ in range(workers)]
    events = [(0.0, number) for number in range(workers)]
    busy_until = 0.0
    while events:
        clock.now, number = heapq.heappop(events)
        after = next(started[number], None)
        if after is not None:
            heapq.heappush(events, (clock.now + after, number))
        if len(counts.done) == SEGMENTS and not busy_until:
            busy_until = clock.now
    if len(counts.done) != SEGMENTS:
        raise SystemExit(f"{SEGMENTS - len(counts.done)} segments were not made")
    tail = busy_until - (counts.first_idle or busy_until)
    return {
        "workers": workers,
        "seconds": round(busy_until, 1),
        "tail_seconds": round(tail, 1),
        "tail_percent": round(100 * tail / busy_until, 2),
        "tail_in_median_segments": round(tail / MEDIAN, 2),
        "claims": counts.claims,
        "claims_per_segment": round(counts.claims / SEGMENTS, 2),
        "claims_per_second": round(counts.claims / busy_until, 2),
        "files_listed_per_look": round(counts.listed / counts.looks, 1),
        "files_listed_per_claim": round(counts.listed / counts.claims, 1),
        "failed": counts.failed,
        "made_twice": counts.won - SEGMENTS - counts.failed,
    }


def main() -> None:
    """Simulate all and print the rows of the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, nargs="+", default=[8, 64, 512])
    parser.add_argument("--out", type=Path, metavar="FILE", help="where the figures go")
    options = parser.parse_args()
    clock = Clock()
    leases.time, leases.Thread = clock, _Quiet  # type: ignore[assignment, misc]
    rows = []
    for workers in options.workers:
        with tempfile.TemporaryDirectory() as folder:
            rows.append(simulate(workers, Path(folder), clock))
        print(rows[-1], flush=True)
    write_figures("many_workers", {"rows": rows}, options.out)


if __name__ == "__main__":
    main()
