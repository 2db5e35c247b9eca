"""Workers on a Ray cluster: actors that make segments in the job's folder, which all nodes share.

Ray only places processes. What passes through it are numbers of segments and of frames; pictures
go from the input to the job's folder. Leases say who makes which segment, and what is finished is
in the folder: an actor, a node or this process may be lost at any moment.

Ray begins no actor again. With `max_restarts` a call to an actor that waits to be restarted fails
at once, and looks like one to an actor that dies as it begins. So the supervisor begins a new one.
"""

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, cast
from warnings import catch_warnings

import ray
from ray.exceptions import RayError

from vs_gendrpix.errors import DeviceError, ResourceError, one_line
from vs_gendrpix.job.progress import Progress
from vs_gendrpix.job.segments.folder import JobFolder
from vs_gendrpix.job.segments.supervisor import Crew, Event, Worker
from vs_gendrpix.job.segments.work import work

if TYPE_CHECKING:
    from vs_gendrpix.job.rate import Bound
    from vs_gendrpix.job.report import Start

LOOK = 5.0
"""Seconds between two checks for nodes that have joined the cluster."""

STORE = 100 << 20
"""Bytes of Ray's object store on this machine. Events are small."""

_ANSWER = 5.0  # seconds after which an actor answers that there is nothing new
_LONGEST = 200  # characters of a reason that Ray gives

_log = logging.getLogger(__name__)

type Resources = Mapping[str, float]
"""The resources of a node or of an actor by Ray's names, such as CPU and GPU."""


class RayCrew(Crew):
    """Actors on all nodes of a cluster, and on nodes that join later.

    Args:
        folder: The job's folder, under a path that is the same on all nodes.
        address: `ray`, which starts Ray on this machine; or `ray://HOST:PORT`, a cluster. A
            cluster that the program is connected to already is used.
        device: `cpu`, `cuda`, or `auto`: GPUs if there are any.

    Raises:
        DeviceError: Ray does not start, or the cluster is not reached.
    """

    def __init__(self, folder: JobFolder, address: str, device: str) -> None:
        self.device = f"{device} by Ray"
        self._folder, self._chosen = folder, device
        self._workers: list[_ActorWorker] = []
        self._asked: Resources = {}
        self._next_look = 0.0
        self._opened = ExitStack()
        if not ray.is_initialized():
            self._opened.enter_context(_connected(address))

    def joined(self, left: int) -> Sequence[Worker]:
        """Return actors for nodes that have joined; all of them at the first call."""
        now = time.monotonic()
        if now < self._next_look:
            return []
        self._next_look = now + LOOK
        with _cluster():
            nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        self._asked = self._asked or asked(nodes, self._chosen)
        missing = min(left, wanted(nodes, self._asked)) - len(self._workers)
        joining = [_ActorWorker(self._folder, self._chosen, self._asked) for _ in range(missing)]
        self._workers += joining
        return joining

    def hear(self, seconds: float) -> Iterator[tuple[Worker, Event]]:
        """Yield what the actors have reported, after waiting for a first answer."""
        waiting = {answer: worker for worker in self._workers for answer in worker.answers()}
        if not waiting:
            time.sleep(seconds)
            return
        with _cluster():
            ready, _ = ray.wait(list(waiting), num_returns=len(waiting), timeout=seconds)
        for answer in ready:
            for event in waiting[answer].take(answer):
                yield waiting[answer], event

    def end(self) -> None:
        """Kill all actors."""
        for worker in self._workers:
            worker.kill()
        self._workers = []
        self._next_look = 0.0

    def close(self) -> None:
        """Kill all actors, and leave the cluster."""
        self.end()
        self._opened.close()


def asked(nodes: Sequence[Resources], device: str) -> Resources:
    """Compute the resources that each actor requests from Ray.

    An actor with a GPU gets its share of the CPUs of its node. One without gets all CPUs of the
    smallest node but one. So each node has a CPU left: were none left, plain tasks of others would
    wait until the job ends. It is never nothing, as what asks for nothing makes no autoscaler add a
    node.

    Args:
        nodes: The resources of the nodes that there are.
        device: `cpu`, `cuda`, or `auto`: GPUs if there are any.
    """
    gpus = [node for node in nodes if node.get("GPU", 0) >= 1]
    if device == "cuda" or (device == "auto" and gpus):
        shares = [max(node.get("CPU", 0) - 1, 0) // node["GPU"] for node in gpus]
        return {"GPU": 1, "CPU": min(shares, default=0)}
    smallest = min((cpus for node in nodes if (cpus := node.get("CPU", 0)) >= 1), default=2)
    return {"CPU": smallest - 1 if smallest > 1 else 0.5}


def wanted(nodes: Sequence[Resources], each: Resources) -> int:
    """Count the actors to start: those that fit, and as many that wait for nodes to join.

    Those that wait make an autoscaler add nodes; where there is none, they do no harm. Where one
    that waits could take the last CPU of a node, none waits.

    Args:
        nodes: The resources of the nodes that there are.
        each: What an actor asks for, see `asked`.
    """
    if "GPU" in each:
        fitting = sum(int(node.get("GPU", 0)) for node in nodes)
        return fitting + max(fitting, 1)
    sizes = [cpus for node in nodes if (cpus := node.get("CPU", 0)) >= each["CPU"]]
    fitting = sum(max(int((cpus - 1) // each["CPU"]), 1) for cpus in sizes)
    could_take_the_last = any(cpus % each["CPU"] == 0 for cpus in sizes)
    return fitting if could_take_the_last else fitting + max(fitting, 1)


class _ActorWorker(Worker):
    """An actor, replaced by a new one when it has died.

    Args:
        folder: The job's folder.
        device: Where it restores.
        each: What it asks for, see `asked`.
    """

    def __init__(self, folder: JobFolder, device: str, each: Resources) -> None:
        super().__init__(device)
        self._folder = folder
        self._class = ray.remote(
            num_cpus=each["CPU"],
            num_gpus=each.get("GPU", 0),
            max_restarts=0,
            max_task_retries=0,
            max_concurrency=2,
        )(_Actor)
        self._actor: Any = None
        self._work: Any = None
        self._events: Any = None
        self._why: str | None = None

    def _begin(self, left_out: Collection[int]) -> None:
        self.kill()
        self._why = None
        with _cluster():
            self._actor = self._class.remote(str(self._folder.path))
            self._work = self._actor.work.remote(self.device, sorted(left_out))
            self._events = self._actor.hear.remote()

    def ended(self) -> str | None:
        """Return why the actor has ended; None while it works."""
        return self._why

    def kill(self) -> None:
        """Kill the actor."""
        if self._actor is not None:
            with suppress(RayError, ConnectionError):  # dead, or lost with the cluster
                ray.kill(self._actor)
            self._actor = self._work = self._events = None

    def answers(self) -> list[Any]:
        """References to the actor's answers that are still to come."""
        return [answer for answer in (self._events, self._work) if answer is not None]

    def take(self, answer: Any) -> list[Event]:  # noqa: ANN401 - Ray has two kinds of references
        """Take an answer of the actor; returns its events."""
        failure, given = "", None
        try:
            with _cluster():
                given = ray.get(answer)
        except RayError as error:
            failure = _reason(error)
        if answer == self._work:
            self._work, self._why = None, failure or str(given)
            return []
        self._events = None
        if self._work is not None:  # should it have died, its work says so
            with _cluster():
                self._events = self._actor.hear.remote()
        if given is None:
            return []
        self.heard = self.heard or time.monotonic()
        return list(given)


class _Actor:
    """Makes segments in a Ray process; another thread of it reports progress.

    Args:
        folder: The job's folder.
    """

    def __init__(self, folder: str) -> None:
        self._folder = JobFolder(Path(folder))
        self._told = _Told()

    def work(self, device: str, left_out: Collection[int]) -> str:
        """Make segments until none is left; returns the reason of a failure, or "".

        Args:
            device: Where to restore.
            left_out: The segments to leave to others.
        """
        try:
            work(
                self._folder,
                device=device,
                chosen=lambda number: number not in left_out,
                progress=self._told,
            )
        except Exception as error:  # noqa: BLE001 - Ray would send it, and not every one can be sent
            return one_line(str(error)) or type(error).__name__
        return ""

    def hear(self) -> list[Event]:
        """Return new events as soon as there are any."""
        return self._told.take(_ANSWER)


class _Told(Progress):
    """Keeps a worker's events until they are asked for."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._events: list[Event] = []
        self._given = self._arrived = 0

    def take(self, seconds: float) -> list[Event]:
        """Return the new events.

        Args:
            seconds: For how long to wait for something.
        """
        with self._changed:
            self._arrived = self._given  # who asks again has what was given before
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._events, seconds)
            taken, self._events = self._events, []
            self._given += len(taken)
        return taken

    def start(self, start: "Start") -> None:
        """Keep the event of a begun run."""
        self._tell({"event": "start", "dtype": start.dtype})

    def segment(self, number: int, before: int) -> None:
        """Keep the event of a begun segment, and wait until it is taken: a crash must name it."""
        self._tell({"event": "segment", "segment": number, "before": before})
        with self._changed:
            known = self._given + len(self._events)
            self._changed.wait_for(lambda: self._arrived >= known, _ANSWER)

    def frame(self, count: int, bound: "Bound") -> None:
        """Keep the event of a finished frame."""
        self._tell({"event": "progress", "frame": count, "bound": bound})

    def _tell(self, event: Event) -> None:
        with self._changed:
            if self._events and self._events[-1]["event"] == event["event"] == "progress":
                self._events.pop()  # the last one says it all
            self._events.append(event)
            self._changed.notify_all()


@contextmanager
def _connected(address: str) -> Iterator[None]:
    """Start Ray on this machine, or connect to a cluster, and disconnect at the end.

    Raises:
        DeviceError: It does not start, or is not reached.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent to Ray's makers
    more: dict[str, Any] = {"address": address}
    if address == "ray":
        more = {"address": "local", "include_dashboard": False, "object_store_memory": STORE}
    sigterm = signal.getsignal(signal.SIGTERM)
    with redirect_stdout(cast("TextIO", _WithoutRay(sys.stdout))):
        try:
            with catch_warnings(action="ignore"):  # our line says it
                ray.init(log_to_driver=False, logging_level=logging.ERROR, **more)
        except Exception as error:  # Ray raises all kinds, Exception itself among them
            raise DeviceError(
                f"Ray {ray.__version__} ({address}) does not answer ({_reason(error)}): look "
                "whether it runs, with the versions of Ray and Python of this machine"
            ) from error
        finally:
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGTERM, sigterm)  # Ray has taken it
        try:
            yield
        finally:
            ray.shutdown()


class _WithoutRay:
    """A stream that sends what Ray's own threads print to the log instead.

    Args:
        stream: The stream.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - what the stream has
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write text, or log it if one of Ray's threads prints it."""
        if not threading.current_thread().name.startswith("ray_"):
            return self._stream.write(text)
        if text.strip():
            _log.info("%s", one_line(text))
        return len(text)


@contextmanager
def _cluster() -> Iterator[None]:
    """Turn a lost connection in the `with` block into `ResourceError`.

    Raises:
        ResourceError: It is gone.
    """
    try:
        yield
    except ConnectionError as error:
        raise ResourceError(
            f"the Ray cluster is gone ({_reason(error)}): the same command goes on where this has "
            "stopped"
        ) from error


def _reason(error: Exception) -> str:
    """Return the last line of Ray's message."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return one_line(lines[-1])[:_LONGEST]
