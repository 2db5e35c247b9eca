"""CUDA graphs: all launches of a network, recorded once for each shape and then played as one.

A small picture's kernels end sooner than Python can launch the next ones; a graph launches them
all at once. On large pictures launching costs nothing, for it runs ahead, while a graph would keep
the memory of everything between first and last layer for itself.
"""

from collections.abc import Callable
from threading import Lock
from typing import Any, Protocol
from weakref import ReferenceType, ref

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from vs_gendrpix.frame.notes import Notes

LARGEST = 1 << 21
"""Pixels of a batch above which a network runs without a graph: 1080p is below."""
MOST = 8
"""Recordings that are kept: whole frames have one, tiles one for each size that they have."""
TOLERANCE = 1 / 255
"""Largest difference of a graph's result from the network's own; black to white is 2."""
WARM_UP = 3
"""Calls before a recording, in which kernels are chosen, compiled and loaded."""

Network = Callable[[Tensor], Tensor]

_recording = Lock()
"""Held while a graph is recorded: a recording waits for its device, which breaks another one."""


class Recording(Protocol):
    """The work of a network on pictures of one shape, ready to be played."""

    def play(self, image: Tensor) -> Tensor:
        """Run the recorded work on a picture; the result is the caller's own."""


class CudaRecording:
    """A network's kernels for pictures of one shape.

    Args:
        network: Waits for nothing on the way, and keeps to one device. It is recorded under the
            settings of this moment.
        image: A picture of that shape, on the device.
    """

    def __init__(self, network: Network, image: Tensor) -> None:
        self._image = image.clone()
        stream = torch.cuda.current_stream(image.device)
        side = torch.cuda.Stream(image.device)  # type: ignore[no-untyped-call]
        side.wait_stream(stream)
        with torch.cuda.stream(side):
            for _ in range(WARM_UP):
                network(self._image)
            # The kernels read them wherever they lie: a cache may let them go meanwhile.
            self._used = persistent_tensors(network, self._image)
        stream.wait_stream(side)
        self._graph = torch.cuda.CUDAGraph()
        # Of this thread only: others upload, download and wait meanwhile. PyTorch's own stream for
        # recordings is one of the first device's. The outer context gives the thread its stream
        # back when the recording fails: PyTorch's own does not.
        try:
            with (
                _recording,
                torch.cuda.stream(side),
                torch.cuda.graph(self._graph, stream=side, capture_error_mode="thread_local"),
            ):
                self._output = network(self._image)
        except RuntimeError:
            side.synchronize()
            raise

    def play(self, image: Tensor) -> Tensor:
        """Run the recorded kernels on a picture; see `Recording`."""
        self._image.copy_(image)
        self._graph.replay()
        return self._output.clone()


class _Seen(TorchDispatchMode):  # type: ignore[no-untyped-call] # torch's
    """Collects the tensors that operations take as arguments.

    Attributes:
        tensors: Weak references to all of them, by their identity.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # torch's
        self.tensors: dict[int, ReferenceType[Tensor]] = {}

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Any,  # noqa: ANN401 - torch's interface
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 - torch's interface
        del types
        for leaf in tree_leaves((args, kwargs)):
            if isinstance(leaf, Tensor):
                self.tensors[id(leaf)] = ref(leaf)
        return func(*args, **(kwargs or {}))


def persistent_tensors(network: Network, image: Tensor) -> list[Tensor]:
    """Call a network, and list the tensors it used that outlive the call: weights, indices.

    What is compiled is called as it was before: its code has constants of its own.
    """
    with torch.compiler.set_stance("force_eager"), _Seen() as seen:
        network(image)
    return [tensor for each in seen.tensors.values() if (tensor := each()) is not None]


class CudaGraphs:
    """The recordings of one lane: played where that is faster than a call of the network.

    A network that cannot be recorded, for want of memory say, runs without graphs from then on. So
    does one whose recording gives another result than the network itself.

    Args:
        notes: Is told when graphs are given up.
        record: Makes a recording.
    """

    def __init__(
        self,
        notes: Notes | None = None,
        record: Callable[[Network, Tensor], Recording] = CudaRecording,
    ) -> None:
        self._record, self._notes = record, notes or Notes()
        self._recordings: dict[torch.Size, Recording] = {}
        self._given_up = False

    def run(self, network: Network, image: Tensor) -> Tensor:
        """Run a network on pictures, by a recording where there is one.

        Args:
            network: Maps pictures to pictures, always the same one.
            image: (B, 3, H, W), on the current stream.
        """
        pixels = image.shape[0] * image.shape[-2] * image.shape[-1]
        if self._given_up or pixels > LARGEST:
            return network(image)
        key = image.shape
        if key in self._recordings:
            return self._recordings[key].play(image)
        expected = network(image)
        if len(self._recordings) < MOST:
            self._add(key, network, image, expected)
        return expected

    def _add(self, key: torch.Size, network: Network, image: Tensor, expected: Tensor) -> None:
        """Record a network; keep the recording if it gives the expected result."""
        try:
            recording = self._record(network, image)
            played = recording.play(image)
        except RuntimeError as error:
            self._give_up(f"cannot be recorded ({str(error).splitlines()[0]})")
            return
        if torch.allclose(played, expected, rtol=0, atol=TOLERANCE, equal_nan=True):
            self._recordings[key] = recording
        else:
            self._give_up("turns out otherwise when it is played")

    def _give_up(self, why: str) -> None:
        self._given_up = True
        self._recordings.clear()
        self._notes.warn(f"the network {why}: it runs without CUDA graphs")
