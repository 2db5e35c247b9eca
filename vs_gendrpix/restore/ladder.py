"""Fallbacks when memory runs out: less at a time, step by step, and at last a clear error."""

import gc
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from vs_gendrpix.errors import DeviceError
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.models.devices import free_caches, out_of_memory

TILES = (1024, 512, 256)
"""Sides in pixels of the tiles that are tried, in turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One way to run a restorer.

    Attributes:
        name: How messages call it.
        thrift: How much speed to give up for memory, see `Restorer`. From 1 on the pictures of a
            batch are restored one at a time.
        tile: Width and height of a tile in pixels; None restores whole pictures.
    """

    name: str
    thrift: int = 0
    tile: tuple[int, int] | None = None


def steps(size: tuple[int, int], tile: tuple[int, int] | None) -> tuple[Step, ...]:
    """List the steps for pictures of a size, from the fastest to the most frugal one.

    Args:
        size: Width and height of the pictures that the restorer sees.
        tile: Width and height of the tiles that were asked for; None begins with whole pictures.
    """
    what = "whole frames" if tile is None else _tiles_of(tile)
    smaller = [(side, side) for side in TILES if side < max(tile or size)]
    return (
        Step(name=what, tile=tile),
        Step(name="an empty cache", tile=tile),
        Step(name="one picture at a time", tile=tile, thrift=1),
        Step(name="few tokens at a time", tile=tile, thrift=2),
        *(Step(name=_tiles_of(sides), tile=sides, thrift=2) for sides in smaller),
    )


def _tiles_of(sides: tuple[int, int]) -> str:
    return f"tiles of {sides[0]}x{sides[1]} pixels"


class Ladder:
    """The step at which the frames of a clip are restored: it goes down, never up.

    Tiles change the picture a little. Once a frame has been restored the size of tiles stays, lest
    the picture changes in the middle of the clip; with several devices it is the same on all.

    Args:
        steps: What to try, in this order.
        too_much: What needs the memory, for the error: "frames of 3840x2160".
        notes: Is told of each step down.
    """

    def __init__(self, steps: tuple[Step, ...], too_much: str, notes: Notes | None = None) -> None:
        self._steps, self._too_much = steps, too_much
        self._notes = notes or Notes()
        self._number = 0
        self._settled = False
        self._lock = Lock()

    @property
    def tile(self) -> tuple[int, int] | None:
        """Width and height of the tiles of the step that is tried now; None is whole pictures."""
        return self._steps[self._number].tile

    def run[T](self, attempt: Callable[[Step], T]) -> T:
        """Call `attempt` with the current step, and with lower ones while memory runs out.

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
        """Free unused memory, and go one step below the one that failed."""
        gc.collect()
        free_caches()
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
        self._notes.warn(f"memory ran out: trying {step.name}")
