"""CUDA graphs: all launches of a network, recorded once for each shape and then played as one.

A small picture's kernels end sooner than Python can launch the next ones; a graph launches them
all at once. On large pictures launching costs nothing, for it runs ahead, while a graph would keep
the memory of everything between first and last layer for itself.
"""

import logging
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Protocol

import torch
from torch import Tensor

LARGEST = 1 << 21
"""Pixels of a batch of pictures, above which a network runs without: 1080p is below."""
MOST = 8
"""Recordings that are kept: whole frames have one, tiles one for each size that they have."""
TOLERANCE = 1 / 255
"""How far what is played may be from the network itself, of 2 from black to white."""
WARM_UP = 3
"""Calls before a recording, in which kernels are chosen, compiled and loaded."""

Network = Callable[[Tensor], Tensor]

_recording = Lock()
"""One at a time: each begins with waiting for its device, which another one could not bear."""

_log = logging.getLogger(__name__)


class Recording(Protocol):
    """A network's work on pictures of one shape, as it can be played."""

    def play(self, image: Tensor) -> Tensor:
        """What the network makes of a picture, in memory that the next call leaves alone."""


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
        stream.wait_stream(side)
        self._graph = torch.cuda.CUDAGraph()
        # Of this thread only: others upload, download and wait meanwhile. PyTorch's own stream for
        # recordings is one of the first device's.
        with (
            _recording,
            torch.cuda.graph(self._graph, stream=side, capture_error_mode="thread_local"),
        ):
            self._output = network(self._image)

    def play(self, image: Tensor) -> Tensor:
        """A `Recording`."""
        self._image.copy_(image)
        self._graph.replay()
        return self._output.clone()


class Graphs:
    """Plays a network where that is faster, and calls it where not.

    What cannot be recorded, for want of memory say, runs as it does without graphs from then on; so
    does what turns out otherwise when it is played.

    Args:
        record: Makes a recording.
    """

    def __init__(self, record: Callable[[Network, Tensor], Recording] = CudaRecording) -> None:
        self._record = record
        self._recordings: dict[Hashable, Recording] = {}
        self._given_up = False

    def run(self, network: Network, image: Tensor, way: Hashable) -> Tensor:
        """What a network makes of pictures.

        Args:
            network: Maps pictures to pictures, always the same one.
            image: (B, 3, H, W).
            way: All that decides how the network runs but for the pictures' shape.
        """
        pixels = image.shape[0] * image.shape[-2] * image.shape[-1]
        if self._given_up or pixels > LARGEST:
            return network(image)
        # Two lanes of one device have a stream each: one would overwrite the other's pictures.
        stream = torch.cuda.current_stream(image.device) if image.is_cuda else None
        key = (way, image.shape, stream)
        if key in self._recordings:
            return self._recordings[key].play(image)
        expected = network(image)
        if len(self._recordings) < MOST:
            self._add(key, network, image, expected)
        return expected

    def _add(self, key: Hashable, network: Network, image: Tensor, expected: Tensor) -> None:
        """Record, if what is played is what is expected."""
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
        _log.warning("the network %s: it runs without CUDA graphs", why)
