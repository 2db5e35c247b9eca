"""The engine: frames in, restored frames out, on one device or more."""

import hashlib
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from threading import Lock
from types import TracebackType
from typing import Self, cast

import numpy as np
import torch

from vs_gendrpix.errors import DeviceError, MediaError, VerificationError
from vs_gendrpix.frame.format import Frame, FrameFormat, Plane
from vs_gendrpix.restore.ladder import out_of_memory
from vs_gendrpix.restore.staging import SLOTS, Backend, CpuBackend, CudaBackend, Lane, Layout, Slot
from vs_gendrpix.restore.way import Restorer, frame_ladder, pick_dtype
from vs_gendrpix.settings import RestoreSettings

TENSOR_TYPES = {
    "uint8": torch.uint8,
    "uint16": torch.uint16,
    "float16": torch.float16,
    "float32": torch.float32,
}


def pick_device(name: str) -> torch.device:
    """The device of a name: `auto`, `cpu`, `cuda` or `cuda:N`.

    Raises:
        DeviceError: There is no such device.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    kind, _, number = name.partition(":")
    if kind not in {"cpu", "cuda"} or (number and not number.isdecimal()):
        raise DeviceError(f"no device {name!r}: use auto, cpu, cuda or cuda:N")
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if kind == "cuda" and int(number or 0) >= count:
        raise DeviceError(f"no device {name!r}: there are {count} CUDA devices; use cpu")
    return torch.device(kind, int(number or 0)) if kind == "cuda" else torch.device("cpu")


def pick_devices(names: str) -> tuple[torch.device, ...]:
    """The devices of names with commas between them; one that is named twice gets two lanes.

    Raises:
        DeviceError: There is no such device.
    """
    return tuple(pick_device(name.strip()) for name in names.split(","))


class Engine:
    """Restores the frames of one clip, several under way at once, on one device or more.

    A device, or lane, takes the next frame of one queue when it has the least to do; it holds one
    going up, one being computed and one coming down. With `batch` above 1 these are batches: a lane
    with something to do waits for a full one.

    Under `dedup` a frame whose planes are those of the frame submitted before it is not computed
    again: it gets the same planes. Animation repeats half of its frames or more, and telecine a
    fifth. A failure is shared by those who wait for it, and tried anew after.

    Args:
        settings: How to restore.
        source: Format of every frame that goes in.
        target: Format of every frame that comes out; its size decides the scale.
        batch: Frames that are computed together, at least 1.

    Raises:
        DeviceError: There is no such device, or it has not enough memory.
        ModelError: The model is missing or bad.
    """

    def __init__(
        self,
        settings: RestoreSettings,
        source: FrameFormat,
        target: FrameFormat,
        *,
        batch: int = 1,
    ) -> None:
        self.devices = pick_devices(settings.device)
        self.source, self.target, self.batch = source, target, batch
        if len({pick_dtype(settings.dtype, device) for device in self.devices}) > 1:
            settings = replace(settings, dtype="fp32")  # so that every lane computes the same
        ladder = frame_ladder(settings, target)
        restorers = {
            device: _guard(Restorer, settings, source, target, device, ladder)
            for device in self.devices
        }
        self._lanes = [_Lane.build(restorers[device], device, batch) for device in self.devices]
        first = restorers[self.devices[0]]
        self.model_name, self.model_file = first.model_name, first.model_file
        self.arithmetic = first.arithmetic
        self._queue: deque[_Job] = deque()
        self._dedup = settings.dedup
        self._newest: tuple[bytes | None, Future[Frame]] = (None, Future())
        self._lock = Lock()
        self._closed = False

    @property
    def capacity(self) -> int:
        """Frames that the lanes hold at most; as many under way keep every one of them busy."""
        return SLOTS * self.batch * len(self._lanes)

    def submit(self, frame: Frame) -> Future[Frame]:
        """Start to restore a frame; never blocks. The caller bounds how many are under way.

        Args:
            frame: Of the engine's source format. Its planes are read before the future is done.

        Returns:
            A future of the restored frame, with the timing of the given one. It raises DeviceError
            when memory runs out and VerificationError when the result is not finite. Cancelling it
            works until a lane has taken the frame.

        Raises:
            MediaError: The frame has another format.
            RuntimeError: The engine is closed.
        """
        if frame.format != self.source:
            raise MediaError(_mismatch(frame.format, self.source))
        # Not compared: the planes of the frame before may be gone, they were its caller's.
        digest = _digest(frame) if self._dedup else None
        job = _Job(frame, Future())
        with self._lock:
            if self._closed:
                raise RuntimeError("the engine is closed")
            original = self._original(digest)
            if original is None:
                self._newest = (digest, job.future)
                self._queue.append(job)
                self._dispatch()
        if original is not None:
            # Without the lock: a future that is done calls back at once.
            original.add_done_callback(partial(self._repeat, job))
        return job.future

    def _original(self, digest: bytes | None) -> Future[Frame] | None:
        """The future of the frame before, if that is equal and has not failed."""
        newest, future = self._newest
        if digest is None or newest != digest or future.cancelled():
            return None
        failed = future.done() and future.exception() is not None
        return None if failed else future

    def _repeat(self, job: "_Job", original: Future[Frame]) -> None:
        """Give a job the result of an equal frame."""
        if original.cancelled():
            self._enqueue(job)
            return
        if not job.future.set_running_or_notify_cancel():
            return
        error = original.exception()
        if error is None:
            job.future.set_result(replace(original.result(), timing=job.frame.timing))
        else:
            job.future.set_exception(error)

    def _enqueue(self, job: "_Job") -> None:
        """Compute a repeated frame after all: whoever wanted the first one has cancelled it."""
        with self._lock:
            if not self._closed:
                self._queue.append(job)
                self._dispatch()
                return
        job.future.cancel()

    def _dispatch(self) -> None:
        """Hand queued frames to lanes that have room; to be called with the lock held."""
        while self._queue:
            # Of equally busy lanes the one that has done more is the faster one.
            lane = min(self._lanes, key=lambda lane: (lane.load, -lane.done))
            if lane.load == SLOTS or (lane.load and len(self._queue) < self.batch):
                return
            taken = [self._queue.popleft() for _ in range(min(self.batch, len(self._queue)))]
            jobs = [job for job in taken if job.future.set_running_or_notify_cancel()]
            if jobs:
                lane.load += 1
                planes = [job.frame.planes for job in jobs]
                slot = lane.filling.submit(_guard, lane.staging.run, planes)
                lane.emptying.submit(self._finish, lane, jobs, slot)

    def _finish(self, lane: "_Lane", jobs: "list[_Job]", filled: Future[Slot]) -> None:
        """Give jobs their results, and their lane more to do."""
        try:
            results = _guard(lane.staging.finish, filled.result())
            for job, (*planes, finite) in zip(jobs, results, strict=True):
                self._resolve(job, cast("tuple[Plane, ...]", tuple(planes)), finite=bool(finite))
        except BaseException as error:  # noqa: BLE001 - a thread's boundary: the caller raises it
            for job in jobs:
                if not job.future.done():
                    job.future.set_exception(error)
        with self._lock:
            lane.load -= 1
            lane.done += len(jobs)
            self._dispatch()

    def _resolve(self, job: "_Job", planes: tuple[Plane, ...], *, finite: bool) -> None:
        timing = job.frame.timing
        if finite:
            job.future.set_result(Frame(format=self.target, planes=planes, timing=timing))
            return
        job.future.set_exception(
            VerificationError(f"the result at tick {timing.pts} is not finite: use dtype fp32")
        )

    def close(self) -> None:
        """End the threads; the futures of frames that have not begun raise CancelledError.

        Only the filling is cancelled: the emptying ends every frame under way.
        """
        with self._lock:
            self._closed = True
            waiting = list(self._queue)
            self._queue.clear()
        for job in waiting:  # without the lock: those that wait for the same result are told
            job.future.cancel()
        for lane in self._lanes:
            lane.filling.shutdown(cancel_futures=True)
            lane.emptying.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class _Job:
    """A frame and who waits for it."""

    frame: Frame
    future: Future[Frame]


@dataclass(slots=True)
class _Lane:
    """A device's staging with one thread that fills it and one that empties it.

    Two, so that neither waits for the other.

    Attributes:
        load: Batches under way.
        done: Frames restored so far.
    """

    staging: Lane
    filling: ThreadPoolExecutor
    emptying: ThreadPoolExecutor
    load: int = 0
    done: int = 0

    @classmethod
    def build(cls, restorer: Restorer, device: torch.device, batch: int) -> Self:
        """The lane of a device, with its buffers."""
        backend: Backend = CudaBackend(device) if device.type == "cuda" else CpuBackend()
        flag: Layout = [((), torch.uint8)]
        layouts = (_layout(restorer.source), [*_layout(restorer.target), *flag])
        staging = _guard(Lane, backend, *layouts, restorer, batch)
        return cls(staging, ThreadPoolExecutor(1, "fill"), ThreadPoolExecutor(1, "empty"))


def _mismatch(found: FrameFormat, wanted: FrameFormat) -> str:
    """The message for a frame of another format than the clip's."""
    if replace(found, color=wanted.color) != wanted:
        return f"a frame of {found} came into a clip of {wanted}"
    return f"a frame of {found} has {found.color}, in a clip that has {wanted.color}"


def _layout(form: FrameFormat) -> Layout:
    return [(shape, TENSOR_TYPES[form.dtype.name]) for shape in form.plane_shapes]


def _digest(frame: Frame) -> bytes:
    """What tells a frame's planes from all others."""
    digest = hashlib.sha256()
    for plane in frame.planes:
        digest.update(np.ascontiguousarray(plane))
    return digest.digest()


def _guard[**P, R](function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call a function; running out of memory becomes one clear error."""
    try:
        return function(*args, **kwargs)
    except (MemoryError, RuntimeError) as error:
        if out_of_memory(error):
            raise DeviceError(
                "not enough memory for frames of this size: use a smaller scale"
            ) from error
        raise
