"""Workers on this machine: processes that make segments, begun again when they die."""

import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from statistics import median
from typing import IO, TYPE_CHECKING, Any

from vs_gendrpix import cancellation
from vs_gendrpix.errors import ResourceError
from vs_gendrpix.job.progress import Progress
from vs_gendrpix.job.report import Start
from vs_gendrpix.segments.folder import JobFolder

if TYPE_CHECKING:
    from vs_gendrpix.job.waits import Bound
    from vs_gendrpix.segments.job_plan import JobPlan

TRIES = 3
"""How often a segment is tried; then it is left out, and the others are finished."""

PATIENCE = 60.0
"""Seconds without a frame, at least, after which a worker counts as hanging."""

SLOW = 20
"""How often the median time of a frame a worker may be silent."""

LOADING = 300.0
"""Seconds that a worker may take to load its model and make its first frame."""

_GRACE = 10.0  # seconds to end after SIGTERM


@dataclass(slots=True)
class _Worker:
    """A process that makes segments.

    Attributes:
        device: Where it restores; None is as planned.
        process: The process.
        segment: The segment under way; None before the first.
        before: Frames of the whole that were finished when it began, as far as the worker knew.
        count: Frames of it that are made.
        heard: When it was heard last.
        said: Its last lines on the standard error stream.
        readers: The threads that read what it writes.
    """

    device: str | None
    process: subprocess.Popen[str]
    segment: int | None = None
    before: int = 0
    count: int = 0
    heard: float = field(default_factory=time.monotonic)
    said: list[str] = field(default_factory=list)
    readers: list[threading.Thread] = field(default_factory=list)

    def end(self) -> None:
        """Wait for the process to end, and for what it has written to be read."""
        self.process.wait()
        for reader in self.readers:
            reader.join()


class Supervisor:
    """Runs workers until all segments of a job are finished.

    A worker that dies or hangs is begun again; the segment that it was at is tried three times,
    each time on another device if there is one.

    Args:
        folder: The job's folder.
        devices: The device of each worker; None is as planned.
        progress: Is told of the frames of all workers.
    """

    def __init__(
        self, folder: JobFolder, devices: Sequence[str | None], progress: Progress
    ) -> None:
        self._folder, self._devices, self._progress = folder, devices, progress
        self._job: JobPlan = folder.plan()
        self._events: SimpleQueue[tuple[_Worker, dict[str, Any]]] = SimpleQueue()
        self._failed: Counter[int] = Counter()
        self._failed_on: defaultdict[str | None, set[int]] = defaultdict(set)
        self._why: dict[int, str] = {}
        self._seconds: list[float] = []
        self._frames: dict[int, int] = {}
        self._workers: list[_Worker] = []
        self._started = False
        self._bound: Bound = "compute"

    def run(self) -> None:
        """Run the workers.

        Raises:
            ResourceError: Segments failed three times; the others are finished.
        """
        try:
            self._workers = [self._begin(device) for device in self._devices]
            while self._workers:
                cancellation.check()
                self._hear()
                for worker in list(self._workers):
                    self._look_after(worker)
        finally:
            _end(self._workers)
        if self._started:
            self._progress.frame(self._total(), self._bound)
        lost = sorted(number for number, count in self._failed.items() if count >= TRIES)
        if lost:
            numbers = ", ".join(map(str, lost))
            raise ResourceError(
                f"segment{'s' * (len(lost) > 1)} {numbers} failed {TRIES} times "
                f"({self._why[lost[0]]}); the others are finished, and the same command tries again"
            )

    def _begin(self, device: str | None) -> _Worker:
        """Start a worker on a device."""
        left_out = {number for number, count in self._failed.items() if count >= TRIES}
        left_out |= {
            number
            for number in self._failed_on[device]
            if any(number not in self._failed_on[other] for other in self._devices)
        }
        command = [sys.executable, "-m", "vs_gendrpix", "work", str(self._folder.path)]
        command += ["--progress", "json"]
        command += [] if device is None else ["--device", device]
        command += ["--without", ",".join(map(str, sorted(left_out)))] if left_out else []
        threads = str(max(1, (os.cpu_count() or 1) // len(self._devices)))
        process = subprocess.Popen(  # noqa: S603 - our own program
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="backslashreplace",
            env=os.environ | {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", threads)},
            start_new_session=True,  # Ctrl-C is ours: the workers are asked to end by us
        )
        worker = _Worker(device, process)
        for read in (self._read_events, self._read_lines):
            worker.readers.append(threading.Thread(target=read, args=(worker,), daemon=True))
            worker.readers[-1].start()
        return worker

    def _read_events(self, worker: _Worker) -> None:
        """Pass on what a worker tells, in a thread."""
        for line in _lines(worker.process.stdout):
            try:
                self._events.put((worker, json.loads(line)))
            except ValueError:
                continue

    @staticmethod
    def _read_lines(worker: _Worker) -> None:
        """Keep the last lines that a worker says, in a thread."""
        for line in _lines(worker.process.stderr):
            worker.said = [*worker.said[-4:], line.strip()]

    def _hear(self) -> None:
        """Take in what the workers have told, waiting a little for it."""
        try:
            worker, event = self._events.get(timeout=0.2)
        except Empty:
            return
        now = time.monotonic()
        match event.get("event"):
            case "start" if not self._started:
                self._started = True
                done = self._finished_frames()
                self._progress.start(
                    Start(
                        plan=self._job.plan,
                        device=",".join(dict.fromkeys(each or "auto" for each in self._devices)),
                        dtype=str(event["dtype"]),
                        done=done,
                    )
                )
            case "segment":
                worker.segment, worker.before = event["segment"], event["before"]
                worker.count = 0
            case "progress":
                made = event["frame"] - worker.before - worker.count
                if made > 0 and worker.count:
                    self._seconds = [*self._seconds[-99:], (now - worker.heard) / made]
                worker.count += made
                self._bound = event["bound"]
                self._progress.frame(self._total(), self._bound)
        worker.heard = now

    def _total(self) -> int:
        """Frames that are made, of finished segments and of those under way."""
        finished = self._folder.finished(self._folder.names())
        under_way = sum(each.count for each in self._workers if each.segment not in finished)
        return self._finished_frames(finished) + under_way

    def _finished_frames(self, finished: set[int] | None = None) -> int:
        """Frames of the finished segments."""
        if finished is None:
            finished = self._folder.finished(self._folder.names())
        for number in finished - self._frames.keys():
            manifest = self._folder.manifest(number)
            self._frames[number] = 0 if manifest is None else len(manifest.times)
        return sum(self._frames[number] for number in finished)

    def _look_after(self, worker: _Worker) -> None:
        """See whether a worker has ended, died or hangs."""
        code = worker.process.poll()
        if code is None:
            silent = time.monotonic() - worker.heard
            usual = max(PATIENCE, SLOW * median(self._seconds)) if self._seconds else LOADING
            if silent > max(usual, LOADING if not worker.count else 0):
                self._why[worker.segment or 0] = f"no frame for {silent:.0f} s"
                worker.process.kill()
            return
        self._workers.remove(worker)
        worker.end()
        if code == 0:
            return
        self._note_failure(worker, code)
        self._workers.append(self._begin(worker.device))

    def _note_failure(self, worker: _Worker, code: int) -> None:
        """Count the failure of the segment that a worker was at.

        Raises:
            ResourceError: It has failed before it took any segment, three times.
        """
        why = worker.said[-1] if worker.said else f"ended by signal {-code}" * (code < 0)
        number = -1 if worker.segment is None else worker.segment
        self._failed[number] += 1
        self._failed_on[worker.device].add(number)
        self._why.setdefault(number, why or f"exit code {code}")
        if number < 0 and self._failed[number] >= TRIES:
            raise ResourceError(f"no worker can begin: {self._why[number]}")


def _lines(stream: IO[str] | None) -> Iterator[str]:
    """The lines of a process, to its end."""
    if stream is not None:
        with stream:
            yield from stream


def _end(workers: Iterable[_Worker]) -> None:
    """Ask workers to end, and kill those that do not."""
    left = list(workers)
    for worker in left:
        worker.process.terminate()
    until = time.monotonic() + _GRACE
    for worker in left:
        try:
            worker.process.wait(max(0.1, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            worker.process.kill()
        worker.end()
