"""A device that exists only in time: every operation has a duration, a stream and a start.

What an operation does becomes true when the clock passes its end, so a host that reads too early
sees old bytes, and a buffer that is rewritten under a running copy spoils it: the mistakes that a
real device makes rarely, this one makes always.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch

from vs_gendrpix.restore.staging import Compute, Planes, PlaneTypes

POISON = 0xCD


@dataclass(slots=True)
class Operation:
    stream: str
    start: float
    end: float
    source: Planes
    target: Planes
    function: Compute | None
    before: list[torch.Tensor] = field(default_factory=list)


@dataclass(slots=True)
class VirtualClock:
    """A backend of `staging.Lane`.

    Attributes:
        durations: Seconds of the next operation on a stream.
        ignore: A wait that the mutant leaves out: `compute`, `download` or `synchronize`.
    """

    durations: Callable[[str], float]
    ignore: str = ""
    now: float = 0.0
    busy: dict[str, float] = field(default_factory=dict)
    total: dict[str, float] = field(default_factory=dict)
    pending: list[Operation] = field(default_factory=list)
    trace: list[tuple[str, float, float]] = field(default_factory=list)

    def buffers(self, layout: PlaneTypes, *, host: bool) -> Planes:
        del host
        return tuple(torch.full(shape, POISON, dtype=dtype) for shape, dtype in layout)

    def copy(self, stream: str, source: Planes, target: Planes) -> None:
        self._enqueue(stream, source, target, None)

    def compute(self, function: Compute, source: Planes, target: Planes) -> None:
        self._enqueue("compute", source, target, function)

    def record(self, stream: str) -> float:
        return self.busy.get(stream, 0.0)

    def wait(self, stream: str, event: float) -> None:
        if stream != self.ignore:
            self.busy[stream] = max(self.busy.get(stream, 0.0), event)

    def synchronize(self, event: float) -> None:
        if self.ignore != "synchronize":
            self.advance(max(self.now, event))

    def advance(self, time: float) -> None:
        """Let everything happen that ends or begins until `time`, in the order of time."""
        # At one moment what was enqueued first happens first: it may be what the other waited for.
        moments = [(op.start, n, False) for n, op in enumerate(self.pending) if not op.before]
        moments += [(op.end, n, True) for n, op in enumerate(self.pending)]
        for moment, n, ends in sorted(moments):
            if moment <= time:
                (self._end if ends else self._begin)(self.pending[n])
        self.pending = [op for op in self.pending if op.end > time]
        self.now = time

    def _enqueue(
        self, stream: str, source: Planes, target: Planes, function: Compute | None
    ) -> None:
        start = max(self.now, self.busy.get(stream, 0.0))
        end = start + self.durations(stream)
        self.busy[stream] = end
        self.total[stream] = self.total.get(stream, 0.0) + end - start
        self.trace.append((stream, start, end))
        self.pending.append(Operation(stream, start, end, source, target, function))

    @staticmethod
    def _begin(operation: Operation) -> None:
        operation.before = [plane.clone() for plane in operation.source]
        for plane in operation.target:
            plane.fill_(POISON)

    @staticmethod
    def _end(operation: Operation) -> None:
        planes: Sequence[torch.Tensor] = operation.source
        pairs = zip(planes, operation.before, strict=True)
        if any(not torch.equal(now, before) for now, before in pairs):
            return  # the source changed under way: the target keeps its poison
        if operation.function is not None:
            planes = operation.function(tuple(planes))
        for plane, room in zip(planes, operation.target, strict=True):
            room.copy_(plane)
