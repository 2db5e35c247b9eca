"""What to do when memory runs out: the same with less, step by step, and then a clear error."""

import gc
import logging
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

import torch

from vs_gendrpix.errors import DeviceError

TILES = (1024, 512, 256)
"""Sides of the tiles that are tried, in pixels."""

FEW_TOKENS = 1 << 13
"""Tokens at a time where memory is short: two windows of 64x64, 8 MB of a layer's widest values."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One way to run the network.

    Attributes:
        name: What it is called when it is tried.
        single: One picture at a time, and one branch of the guidance.
        tokens_at_once: Tokens that the pointwise layers and windows work on at a time; None is as
            many as is fast.
        tile: Width and height of a tile in pixels; None is whole frames.
    """

    name: str
    single: bool = False
    tokens_at_once: int | None = None
    tile: tuple[int, int] | None = None


def steps(size: tuple[int, int], tile: tuple[int, int] | None) -> tuple[Step, ...]:
    """The steps for pictures of a size, from the fastest to the most frugal one.

    Args:
        size: Width and height of a picture.
        tile: Those of a tile that was asked for; None begins with whole frames.
    """
    what = "whole frames" if tile is None else f"tiles of {tile[0]}x{tile[1]} pixels"
    smaller = [side for side in TILES if side < max(tile or size)]
    return (
        Step(name=what, tile=tile),
        Step(name="an empty cache", tile=tile),
        Step(name="one picture at a time", tile=tile, single=True),
        Step(name="few tokens at a time", tile=tile, single=True, tokens_at_once=FEW_TOKENS),
        *(
            Step(
                name=f"tiles of {side}x{side} pixels",
                tile=(side, side),
                single=True,
                tokens_at_once=FEW_TOKENS,
            )
            for side in smaller
        ),
    )


class Ladder:
    """The step at which the frames of a clip are restored: it goes down, never up.

    Tiles change the picture a little. Once a frame has been restored the size of tiles stays, lest
    the picture changes in the middle of the clip; with several devices it is the same on all.

    Args:
        steps: What to try, in this order.
        too_much: What was too much, for the error: "frames of 3840x2160".
    """

    def __init__(self, steps: tuple[Step, ...], too_much: str) -> None:
        self._steps, self._too_much = steps, too_much
        self._number = 0
        self._settled = False
        self._lock = Lock()

    def run[T](self, attempt: Callable[[Step], T]) -> T:
        """Call `attempt` with the step that works, going down as far as it takes.

        Raises:
            DeviceError: Memory ran out on all steps, or on those that would not change the picture.
        """
        while True:
            with self._lock:
                number = self._number
            step = self._steps[number]
            try:
                result = attempt(step)
            except (MemoryError, RuntimeError) as error:
                if not out_of_memory(error):
                    raise
            else:
                with self._lock:
                    if step.tile == self._steps[self._number].tile:
                        self._settled = True
                        return result
                    continue  # meanwhile another device found that it needs tiles
            # Behind the handler: the error holds the frames, and with them what must be freed.
            self._descend(number)

    def _descend(self, failed: int) -> None:
        """Free what can be freed, and go one step below the one that failed."""
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        with self._lock:
            if failed < self._number:
                return  # another device has gone down already
            if failed + 1 == len(self._steps):
                tried = ", ".join(step.name for step in self._steps)
                raise DeviceError(
                    f"not enough memory for {self._too_much}: tried {tried}; use a smaller scale"
                )
            step = self._steps[failed + 1]
            if self._settled and step.tile and step.tile != self._steps[failed].tile:
                raise DeviceError(
                    f"memory ran out in the middle of the clip, and {step.name} would change the "
                    f"picture from here on: begin again with a tile of {step.tile[0]}"
                )
            self._number = failed + 1
        _log.warning("memory ran out: trying %s", step.name)


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    # PyTorch has a class for a GPU's memory only; for the host's it has just a message.
    return isinstance(error, RuntimeError) and "allocate memory" in str(error)
