"""Staging: pinned ring buffers, copy streams and events, so that copies hide behind the network.

Three streams work on three slots: while frame n is computed, n + 1 goes up and n - 1 comes down.
Every buffer is allocated once; a slot is written again only when its reader has let go of it. The
order of the waits is that of `Lane.run`; each of them is needed (tests/test_staging.py removes one
after the other).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from vs_gendrpix.frame.format import Plane

SLOTS = 3
"""Slots of the ring: one frame is uploaded, one computed, one downloaded."""

PlaneTypes = Sequence[tuple[tuple[int, ...], torch.dtype]]
"""Shape and type of each plane of one frame."""
Planes = tuple[Tensor, ...]
Compute = Callable[[Planes], Sequence[Tensor]]
"""Planes in, planes out, on the device."""


class Backend(Protocol):
    """The operations of a device that staging needs. Streams have names; events are opaque."""

    def buffers(self, layout: PlaneTypes, *, host: bool) -> Planes:
        """Make uninitialised planes on the device, or pinned on the host."""

    def copy(self, stream: str, source: Planes, target: Planes) -> None:
        """Enqueue copies on a stream."""

    def compute(self, function: Compute, source: Planes, target: Planes) -> None:
        """Enqueue `function` on the compute stream; its planes end up in `target`."""

    def record(self, stream: str) -> Any:  # noqa: ANN401 - only the backend knows its events
        """Return an event that happens when all work now on the stream is done."""

    def wait(self, stream: str, event: Any) -> None:  # noqa: ANN401
        """Let a stream wait for an event."""

    def synchronize(self, event: Any) -> None:  # noqa: ANN401
        """Let the host wait for an event."""


@dataclass(slots=True)
class Slot:
    """The buffers of one batch on its way: (batch, *shape) for each plane.

    Attributes:
        frames: How many of the batch are filled.
        out_done: The event after which `pinned_out` may be read.
    """

    pinned_in: Planes
    device_in: Planes
    device_out: Planes
    pinned_out: Planes
    frames: int = 0
    out_done: Any = None


@dataclass(slots=True)
class Lane:
    """One device's three streams and its ring of slots.

    Attributes:
        backend: The device.
        source: Shape and type of each plane that goes in.
        target: Shape and type of each plane that comes out.
        compute: What is done in between, to planes of shape (batch, *shape).
        batch: Frames that are computed together. Always as many, so that a frame's result does not
            depend on how many others happened to be there: what is not filled holds old frames.
    """

    backend: Backend
    source: PlaneTypes
    target: PlaneTypes
    compute: Compute
    batch: int = 1
    _free: SimpleQueue[Slot] = field(default_factory=SimpleQueue)

    def __post_init__(self) -> None:
        source, target = (
            [((self.batch, *shape), dtype) for shape, dtype in layout]
            for layout in (self.source, self.target)
        )
        for _ in range(SLOTS):
            self._free.put(
                Slot(
                    self.backend.buffers(source, host=True),
                    self.backend.buffers(source, host=False),
                    self.backend.buffers(target, host=False),
                    self.backend.buffers(target, host=True),
                )
            )

    def run(self, frames: Sequence[Sequence[Plane]]) -> Slot:
        """Send the planes of up to `batch` frames on their way, as soon as a slot is free.

        Returns:
            The slot, to be handed to `finish`; its contents are not ready yet.

        Raises:
            Exception: What the computation raised; the slot is free again.
        """
        backend, slot = self.backend, self._free.get()
        try:
            # The slot is free, so its last copies are done: the host may write to it.
            slot.frames = len(frames)
            for number, planes in enumerate(frames):
                for pinned, plane in zip(slot.pinned_in, planes, strict=True):
                    np.copyto(view(pinned)[number], plane)
            backend.copy("upload", slot.pinned_in, slot.device_in)
            backend.wait("compute", backend.record("upload"))
            backend.compute(self.compute, slot.device_in, slot.device_out)
            backend.wait("download", backend.record("compute"))
            backend.copy("download", slot.device_out, slot.pinned_out)
            slot.out_done = backend.record("download")
        except BaseException:
            self._free.put(slot)
            raise
        return slot

    def finish(self, slot: Slot) -> list[tuple[Plane, ...]]:
        """Wait for a slot's result, copy it out and free the slot.

        Returns:
            For each frame the planes of the target layout, which belong to the caller.
        """
        try:
            # A download returns before its bytes are there: reading now would read an older frame.
            self.backend.synchronize(slot.out_done)
            return [
                tuple(view(pinned)[number].copy() for pinned in slot.pinned_out)
                for number in range(slot.frames)
            ]
        finally:
            self._free.put(slot)


class OrderedBackend:
    """A device that works strictly in order: the CPU, and GPUs other than CUDA.

    A copy between ordinary memory and any device returns when it is done, so events have happened
    already.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def buffers(self, layout: PlaneTypes, *, host: bool) -> Planes:
        """Make planes in ordinary memory of the host, or on the device."""
        device = torch.device("cpu") if host else self.device
        return tuple(torch.empty(shape, dtype=dtype, device=device) for shape, dtype in layout)

    def copy(self, stream: str, source: Planes, target: Planes) -> None:
        """Copy at once."""
        del stream
        for plane, room in zip(source, target, strict=True):
            room.copy_(plane)

    def compute(self, function: Compute, source: Planes, target: Planes) -> None:
        """Compute at once."""
        self.copy("compute", tuple(function(source)), target)

    def record(self, stream: str) -> None:
        """Do nothing: all work is done when a call returns."""

    def wait(self, stream: str, event: None) -> None:
        """Do nothing: all work is done when a call returns."""

    def synchronize(self, event: None) -> None:
        """Do nothing: all work is done when a call returns."""


class CudaBackend:
    """One CUDA device with a stream for each direction and one for the network."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.streams = {
            name: torch.cuda.Stream(device)  # type: ignore[no-untyped-call] # torch has no types for it
            for name in ("upload", "compute", "download")
        }
        # The weights went up on the current stream, which these would otherwise not wait for.
        for stream in self.streams.values():
            stream.wait_stream(torch.cuda.current_stream(device))

    def buffers(self, layout: PlaneTypes, *, host: bool) -> Planes:
        """Make planes on the device, or pinned ones on the host: only those copy asynchronously."""
        if host:
            return tuple(
                torch.empty(shape, dtype=dtype, pin_memory=True) for shape, dtype in layout
            )
        return tuple(torch.empty(shape, dtype=dtype, device=self.device) for shape, dtype in layout)

    def copy(self, stream: str, source: Planes, target: Planes) -> None:
        """Enqueue copies that return at once."""
        with torch.cuda.stream(self.streams[stream]):
            for plane, room in zip(source, target, strict=True):
                room.copy_(plane, non_blocking=True)

    def compute(self, function: Compute, source: Planes, target: Planes) -> None:
        """Enqueue the kernels; the result is copied because a slot's buffers never change."""
        with torch.cuda.stream(self.streams["compute"]):
            self.copy("compute", tuple(function(source)), target)

    def record(self, stream: str) -> torch.cuda.Event:
        """Record an event behind all work now on the stream."""
        # Blocking: a host that spins until it happens takes a core from decoding and encoding.
        event = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call] # as above
        event.record(self.streams[stream])
        return event

    def wait(self, stream: str, event: torch.cuda.Event) -> None:
        """Let the stream wait on the device; the host goes on."""
        self.streams[stream].wait_event(event)

    def synchronize(self, event: torch.cuda.Event) -> None:
        """Block the host until the event has happened."""
        event.synchronize()


def view(plane: Tensor) -> npt.NDArray[Any]:
    """A host plane as the array that shares its memory."""
    array: npt.NDArray[Any] = plane.numpy()
    return array
