"""The lanes of one clip: its frames are queued, restored on one device or more, and handed out."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from threading import Lock
from typing import Self, cast

import numpy as np
import torch
import xxhash

from vs_gendrpix.errors import DeviceError, MediaError, VerificationError
from vs_gendrpix.frame.format import Frame, FrameFormat, Plane
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.models.devices import out_of_memory
from vs_gendrpix.models.restorer import Restorer
from vs_gendrpix.restore.staging import (
    SLOTS,
    Backend,
    CudaBackend,
    Lane,
    OrderedBackend,
    PlaneTypes,
    Slot,
)
from vs_gendrpix.restore.way import Way, frame_ladder
from vs_gendrpix.settings import RestoreSettings

TENSOR_TYPES = {
    "uint8": torch.uint8,
    "uint16": torch.uint16,
    "float16": torch.float16,
    "float32": torch.float32,
}


class ClipLanes:
    """Restores the frames of one clip, several under way at once, on one device or more.

    A device, or lane, takes the next frame of one queue when it has the least to do; it holds one
    going up, one being computed and one coming down. With `batch` above 1 these are batches: a lane
    with something to do waits for a full one.

    Under `dedup` a frame whose planes equal those of the frame submitted before it is not computed
    again: it gets the same planes. Animation repeats half of its frames or more, and telecine a
    fifth. A failure is shared by those who wait for it, and tried anew after.

    Args:
        devices: One for each lane; the same one twice is two lanes.
        restorers: The restorer of each device.
        settings: How to restore.
        source: Format of every frame that goes in.
        target: Format of every frame that comes out; its size decides the scale.
        batch: Frames that are computed together, at least 1.
        notes: Is told what the run has to say.

    Raises:
        DeviceError: A device has not enough memory.
    """

    def __init__(
        self,
        devices: Iterable[torch.device],
        restorers: Mapping[torch.device, Restorer],
        settings: RestoreSettings,
        source: FrameFormat,
        target: FrameFormat,
        *,
        batch: int = 1,
        notes: Notes | None = None,
    ) -> None:
        self.source, self.target, self.batch = source, target, batch
        places = list(devices)
        self._ladder = frame_ladder(restorers[places[0]], settings, source, target, notes)
        build = partial(
            Way, settings=settings, source=source, target=target, ladder=self._ladder, notes=notes
        )
        self._lanes = [
            _WorkingLane.build(
                guard(build, restorers[place], device=place), device=place, batch=batch
            )
            for place in places
        ]
        self._queue: deque[_Job] = deque()
        self._dedup = settings.dedup
        self._newest: tuple[bytes | None, Future[Frame]] = (None, Future())
        self._lock = Lock()
        self._closed = False

    @property
    def capacity(self) -> int:
        """Frames that the lanes hold at most; as many under way keep every one of them busy."""
        return SLOTS * self.batch * len(self._lanes)

    @property
    def tile(self) -> tuple[int, int] | None:
        """Width and height in pixels of the tiles that are used; None is whole frames."""
        return self._ladder.tile

    def map(
        self,
        frames: Iterable[Frame],
        *,
        waiting: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> Generator[Frame]:
        """Restore frames in order, `capacity` under way at once.

        Args:
            frames: Of the source format.
            waiting: Makes a context that is entered around each wait for a result.

        Yields:
            The restored frames.

        Raises:
            GendrpixError: See `submit`.
        """
        under_way: deque[Future[Frame]] = deque()

        def next_result() -> Frame:
            with waiting():
                return under_way.popleft().result()

        for frame in frames:
            under_way.append(self.submit(frame))
            if len(under_way) >= self.capacity:
                yield next_result()
        while under_way:
            yield next_result()

    def submit(self, frame: Frame) -> Future[Frame]:
        """Start to restore a frame; never blocks. The caller bounds how many are under way.

        Args:
            frame: Of the source format. Its planes are read before the future is done.

        Returns:
            A future of the restored frame, with the timing of the given one. It raises DeviceError
            when memory runs out and VerificationError when the result is not finite. Cancelling it
            works until a lane has taken the frame.

        Raises:
            MediaError: The frame has another format.
            RuntimeError: The lanes are closed.
        """
        if frame.format != self.source:
            raise MediaError(_mismatch(frame.format, self.source))
        # Not compared: the planes of the frame before may be gone, they were its caller's.
        digest = _digest(frame) if self._dedup else None
        job = _Job(frame, Future())
        with self._lock:
            if self._closed:
                raise RuntimeError("the lanes are closed")
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
        """Return the future of the frame before, if that frame is equal and has not failed."""
        newest, future = self._newest
        if digest is None or newest != digest or future.cancelled():
            return None
        failed = future.done() and future.exception() is not None
        return None if failed else future

    def _repeat(self, job: "_Job", original: Future[Frame]) -> None:
        """Give a job the result of an equal frame, or compute it if that one was cancelled."""
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
        """Queue a repeated frame after all, because the equal one before was cancelled."""
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
                slot = lane.filling.submit(guard, lane.staging.run, planes)
                lane.emptying.submit(self._finish, lane, jobs, slot)

    def _finish(self, lane: "_WorkingLane", jobs: "list[_Job]", filled: Future[Slot]) -> None:
        """Give jobs their results, and their lane more to do."""
        try:
            results = guard(lane.staging.finish, filled.result())
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

    def __exit__(self, *ended: object) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class _Job:
    """A frame, and the future of its result."""

    frame: Frame
    future: Future[Frame]


@dataclass(slots=True)
class _WorkingLane:
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
    def build(cls, way: Way, *, device: torch.device, batch: int) -> Self:
        """Make the lane of a device, with its buffers."""
        streams = device.type == "cuda"
        backend: Backend = CudaBackend(device) if streams else OrderedBackend(device)
        flag: PlaneTypes = [((), torch.uint8)]
        planes = (_plane_types(way.source), [*_plane_types(way.target), *flag])
        staging = guard(Lane, backend, *planes, way, batch)
        return cls(staging, ThreadPoolExecutor(1, "fill"), ThreadPoolExecutor(1, "empty"))


def _mismatch(found: FrameFormat, wanted: FrameFormat) -> str:
    """Write the message for a frame of another format than the clip's."""
    if replace(found, color=wanted.color) != wanted:
        return f"a frame of {found} came into a clip of {wanted}"
    return f"a frame of {found} has {found.color}, in a clip that has {wanted.color}"


def _plane_types(form: FrameFormat) -> PlaneTypes:
    return [(shape, TENSOR_TYPES[form.dtype.name]) for shape in form.plane_shapes]


def _digest(frame: Frame) -> bytes:
    """A hash of all of a frame's planes: equal for equal frames only."""
    digest = xxhash.xxh3_128()  # against chance, not malice; SHA-256 takes 17 times as long
    for plane in frame.planes:
        digest.update(np.ascontiguousarray(plane))
    return digest.digest()


def guard[**P, R](function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call a function, and turn errors for lack of memory into `DeviceError`."""
    try:
        return function(*args, **kwargs)
    except (MemoryError, RuntimeError) as error:
        if out_of_memory(error):
            raise DeviceError(
                "not enough memory for frames of this size: use a smaller scale"
            ) from error
        raise
