"""Workers on this machine, each a process of its own: `gendrpix work`."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from queue import Empty, SimpleQueue
from typing import IO

from vs_gendrpix.job.segments.folder import JobFolder
from vs_gendrpix.job.segments.supervisor import Crew, Event, Worker

_GRACE = 10.0  # seconds to end after SIGTERM


class LocalCrew(Crew):
    """Processes on this machine.

    Args:
        folder: The job's folder.
        devices: The device of each process.
    """

    def __init__(self, folder: JobFolder, devices: Sequence[str]) -> None:
        self.device = ",".join(dict.fromkeys(devices))
        self._folder, self._devices = folder, devices
        self._events: SimpleQueue[tuple[Worker, Event]] = SimpleQueue()
        self._workers: list[_Process] = []

    def joined(self, left: int) -> Sequence[Worker]:
        """Make all workers at the first call, and none later."""
        del left
        if self._workers:
            return []
        threads = max(1, (os.cpu_count() or 1) // len(self._devices))
        self._workers = [
            _Process(self._folder, each, threads, self._events) for each in self._devices
        ]
        return self._workers

    def hear(self, seconds: float) -> Iterator[tuple[Worker, Event]]:
        """Yield what the processes have reported, after waiting for a first event."""
        try:
            yield self._events.get(timeout=seconds) if seconds else self._events.get_nowait()
            while True:
                yield self._events.get_nowait()
        except Empty:
            return

    def end(self) -> None:
        """Ask all processes to end, and kill those that do not."""
        begun = [worker for worker in self._workers if worker.terminate()]
        until = time.monotonic() + _GRACE
        for worker in begun:
            worker.wait(until)
        self._workers = []


class _Process(Worker):
    """A process that makes segments.

    Args:
        folder: The job's folder.
        device: Where it restores.
        threads: Number of its threads on the CPU.
        events: Is given what it tells.
    """

    def __init__(
        self,
        folder: JobFolder,
        device: str,
        threads: int,
        events: SimpleQueue[tuple[Worker, Event]],
    ) -> None:
        super().__init__(device)
        self._folder, self._threads, self._events = folder, str(threads), events
        self._process: subprocess.Popen[str] | None = None
        self._readers: list[threading.Thread] = []
        self._said: list[str] = []
        """The last lines of the process's standard error stream."""

    def _begin(self, left_out: Collection[int]) -> None:
        command = [sys.executable, "-m", "vs_gendrpix", "work", str(self._folder.path)]
        command += ["--progress", "json", "--device", self.device]
        command += ["--without", ",".join(map(str, sorted(left_out)))] if left_out else []
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="backslashreplace",
            env={"OMP_NUM_THREADS": self._threads} | os.environ,
            start_new_session=True,  # Ctrl-C is ours: the workers are asked to end by us
        )
        self.heard = time.monotonic()
        self._said = []
        self._readers = [
            threading.Thread(target=self._read_events, args=(self._process.stdout,), daemon=True),
            threading.Thread(target=self._read_lines, args=(self._process.stderr,), daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def ended(self) -> str | None:
        """Return why the process has ended: its last line or exit code; None while it runs."""
        if self._process is None or self._process.poll() is None:
            return None
        self._read_to_the_end()
        code = self._process.returncode
        if code == 0:
            return ""
        if self._said:
            return self._said[-1]
        return f"ended by signal {-code}" if code < 0 else f"exit code {code}"

    def kill(self) -> None:
        """Kill the process, and read its last lines."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._read_to_the_end()

    def terminate(self) -> bool:
        """Ask the process to end; returns whether it was ever begun."""
        if self._process is None:
            return False
        self._process.terminate()
        return True

    def wait(self, until: float) -> None:
        """Wait for the process to end, until a moment."""
        if self._process is None:
            return
        try:
            self._process.wait(max(0.1, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._read_to_the_end()

    def _read_to_the_end(self) -> None:
        for reader in self._readers:
            reader.join()

    def _read_events(self, stream: IO[str]) -> None:
        """Pass the process's events on; runs in a thread."""
        for line in _lines(stream):
            try:
                self._events.put((self, json.loads(line)))
            except ValueError:
                continue

    def _read_lines(self, stream: IO[str]) -> None:
        """Keep the last lines of the process's error stream; runs in a thread."""
        for line in _lines(stream):
            self._said = [*self._said[-4:], line.strip()]


def _lines(stream: IO[str]) -> Iterator[str]:
    """Yield the lines of a process's stream until it ends."""
    with stream:
        yield from stream
