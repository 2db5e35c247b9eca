"""Supervise the workers of a job, wherever they run: restart dead ones, retry segments."""

import time
from abc import ABC, abstractmethod
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from statistics import median
from typing import TYPE_CHECKING, Any

from vs_gendrpix.errors import ResourceError, cancellation
from vs_gendrpix.job.progress import Progress
from vs_gendrpix.job.report import Start
from vs_gendrpix.job.segments.folder import JobFolder

if TYPE_CHECKING:
    from vs_gendrpix.job.rate import Bound
    from vs_gendrpix.job.segments.job_plan import JobPlan

TRIES = 3
"""Number of times that a segment is tried before it is left out."""

PATIENCE = 60.0
"""Least seconds without a frame after which a worker counts as hanging."""

SLOW = 20
"""Factor of a frame's median time for which a worker may be silent."""

LOADING = 300.0
"""Seconds that a worker may take to load its model and make its first frame."""

_LOOK = 0.2  # seconds between two looks at the workers

type Event = dict[str, Any]
"""An event of a worker, as `gendrpix work --progress json` writes it: start, segment, progress."""


class Worker(ABC):
    """Makes segments, one after the other, and can be started again after it has died.

    Args:
        device: Where it restores.

    Attributes:
        device: Where it restores.
        segment: The segment under way; None before the first.
        before: Frames of the whole that were finished when it began, as far as the worker knew.
        count: Frames of it that are made.
        heard: When it was heard last; None while it waits for a place to run.
        in_vain: How often it has died before it took a segment, one after the other.
        left_out: The segments that it leaves to others.
    """

    def __init__(self, device: str) -> None:
        self.device = device
        self.segment: int | None = None
        self.before = self.count = 0
        self.heard: float | None = None
        self.in_vain = 0
        self.left_out: Collection[int] = ()

    def begin(self, left_out: Collection[int]) -> None:
        """Start the worker, for the first time or again.

        Args:
            left_out: The segments that it must leave to others.
        """
        self.segment, self.before, self.count, self.heard = None, 0, 0, None
        self.left_out = left_out
        self._begin(left_out)

    @abstractmethod
    def _begin(self, left_out: Collection[int]) -> None:
        """Start the worker's process or actor."""

    @abstractmethod
    def ended(self) -> str | None:
        """Return why the worker has ended: None if it has not, "" if nothing was left to make."""

    @abstractmethod
    def kill(self) -> None:
        """End the worker at once."""


class Crew(ABC):
    """The workers of a job, all of one kind.

    Attributes:
        device: Where they restore, for people.
    """

    device: str

    @abstractmethod
    def joined(self, left: int) -> Sequence[Worker]:
        """Return workers to start now: at first, and when there is room for more.

        Args:
            left: Number of segments that are not finished: more workers are of no use.
        """

    @abstractmethod
    def hear(self, seconds: float) -> Iterable[tuple[Worker, Event]]:
        """Yield the workers' events since the last call, each worker's in order.

        Args:
            seconds: For how long to wait for it.
        """

    @abstractmethod
    def end(self) -> None:
        """End all workers, which may be started again."""

    def close(self) -> None:
        """End all workers for good."""
        self.end()


class Supervisor:
    """Runs workers until all segments of a job are finished.

    A worker that dies or hangs is begun again; the segment that it was at is tried three times,
    each time on another device if there is one. A worker that dies three times before it takes a
    segment, as on a broken device, is given up, and the others go on.

    Args:
        folder: The job's folder.
        crew: The workers, all of which end with the work.
        progress: Is told of the frames of all workers.
    """

    def __init__(self, folder: JobFolder, crew: Crew, progress: Progress) -> None:
        self._folder, self._crew, self._progress = folder, crew, progress
        self._job: JobPlan = folder.plan()
        self._failed: Counter[int] = Counter()
        self._failed_on: defaultdict[str, set[int]] = defaultdict(set)
        self._why: dict[int, str] = {}
        self._cannot_begin = ""
        self._seconds: list[float] = []
        self._frames: dict[int, int] = {}
        self._finished: set[int] = set()
        self._workers: list[Worker] = []
        self._started = False
        self._bound: Bound = "compute"

    def run(self) -> None:
        """Run the workers.

        Raises:
            ResourceError: Segments failed three times, and the others are finished; or no worker
                can begin.
        """
        try:
            while left := self._left():
                cancellation.check()
                for worker in self._crew.joined(left):
                    worker.begin(self._left_out(worker.device))
                    self._workers.append(worker)
                if not self._workers:
                    break
                self._hear(_LOOK)
                for worker in list(self._workers):
                    self._look_after(worker)
        finally:
            self._crew.end()
        if self._started:
            self._progress.frame(self._total(), self._bound)
        lost = sorted(self._given_up() - self._finished)
        if self._cannot_begin and self._left():
            raise ResourceError(f"no worker can begin: {self._cannot_begin}")
        if lost:
            numbers = ", ".join(map(str, lost))
            raise ResourceError(
                f"segment{'s' * (len(lost) > 1)} {numbers} failed {TRIES} times "
                f"({self._why[lost[0]]}); the others are finished, and the same command tries again"
            )

    def _left(self) -> int:
        """Count the segments that are still to be made."""
        self._finished = self._folder.finished(self._folder.names())
        done = self._finished | self._given_up()
        return sum(segment.number not in done for segment in self._job.segments)

    def _given_up(self) -> set[int]:
        """Return the segments that have failed too often."""
        return {number for number, count in self._failed.items() if count >= TRIES}

    def _left_out(self, device: str) -> set[int]:
        """Return the segments that workers of a device must not try: other devices go first."""
        others = {each.device for each in self._workers}
        return self._given_up() | {
            number
            for number in self._failed_on[device]
            if any(number not in self._failed_on[other] for other in others)
        }

    def _hear(self, seconds: float) -> None:
        """Process the workers' events, after waiting a little for a first one."""
        for worker, event in self._crew.hear(seconds):
            self._take_in(worker, event)

    def _take_in(self, worker: Worker, event: Event) -> None:
        """Process one event of a worker."""
        now = time.monotonic()
        match event.get("event"):
            case "start" if not self._started:
                self._started = True
                self._progress.start(
                    Start(
                        plan=self._job.plan,
                        device=self._crew.device,
                        dtype=str(event["dtype"]),
                        done=self._finished_frames(),
                    )
                )
            case "segment":
                worker.segment, worker.before = event["segment"], event["before"]
                worker.count = worker.in_vain = 0
            case "progress":
                made = event["frame"] - worker.before - worker.count
                if made > 0 and worker.count and worker.heard is not None:
                    self._seconds = [*self._seconds[-99:], (now - worker.heard) / made]
                worker.count += made
                self._bound = event["bound"]
                self._progress.frame(self._total(), self._bound)
        worker.heard = now

    def _total(self) -> int:
        """Count the restored frames of finished segments and of those under way."""
        self._finished = self._folder.finished(self._folder.names())
        under_way = sum(each.count for each in self._workers if each.segment not in self._finished)
        return self._finished_frames() + under_way

    def _finished_frames(self) -> int:
        """Frames of the finished segments."""
        for number in self._finished - self._frames.keys():
            manifest = self._folder.manifest(number)
            self._frames[number] = 0 if manifest is None else len(manifest.times)
        return sum(self._frames[number] for number in self._finished)

    def _look_after(self, worker: Worker) -> None:
        """Check whether a worker has ended, died or hangs, and start it again if it has died."""
        why = worker.ended()
        if why is None:
            why = self._hangs(worker)
        if why is None:
            return
        self._hear(0)  # to the end: which segment it was at
        if not why and self._has_made_all(worker):
            self._workers.remove(worker)
            return
        why = why or "ended before its segments were finished"
        self._note_failure(worker, why)
        if worker.in_vain < TRIES:
            worker.begin(self._left_out(worker.device))
        else:
            worker.kill()
            self._workers.remove(worker)

    def _has_made_all(self, worker: Worker) -> bool:
        """Tell whether a worker that ended without an error has left none of its segments."""
        self._finished = self._folder.finished(self._folder.names())
        done = self._finished.union(worker.left_out)
        return all(segment.number in done for segment in self._job.segments)

    def _hangs(self, worker: Worker) -> str | None:
        """Kill a worker that is silent for too long; returns the reason, or None."""
        if worker.heard is None:
            return None
        silent = time.monotonic() - worker.heard
        usual = max(PATIENCE, SLOW * median(self._seconds)) if self._seconds else LOADING
        if silent <= max(usual, LOADING if not worker.count else 0):
            return None
        worker.kill()
        return f"no frame for {silent:.0f} s"

    def _note_failure(self, worker: Worker, why: str) -> None:
        """Count a failure of a worker's current segment, or of its start."""
        if worker.segment is None:
            worker.in_vain += 1
            self._cannot_begin = why
            return
        self._failed[worker.segment] += 1
        self._failed_on[worker.device].add(worker.segment)
        self._why.setdefault(worker.segment, why)
