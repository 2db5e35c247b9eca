"""A folder that is watched: the clips that arrive in it, each once it is complete."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from vs_gendrpix.errors import GendrpixError, cancellation
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.job.batch.clips import BatchClip
from vs_gendrpix.read.state import InputState
from vs_gendrpix.settings import ReadSettings

INTERVAL = 1.0
"""Seconds between two looks at the folder."""

SETTLED = 5.0
"""Seconds for which a clip's files must not change before it is taken as complete."""

_STEP = 0.1
"""Seconds between two checks, during a wait, whether the end has been asked for."""


@dataclass(frozen=True, slots=True)
class _Look:
    """The files of a clip at the last look, since when they are so, and whether it was yielded."""

    state: InputState
    since: float
    given: bool = False


def arriving(
    find: Callable[[], list[BatchClip]], read: ReadSettings, notes: Notes
) -> Iterator[BatchClip]:
    """Yield clips as they arrive and are complete, until the end is asked for.

    A clip that changes afterwards arrives again. Whether it is complete is told by the number, size
    and time of its files, which the clock of another machine does not matter for.

    Args:
        find: Finds the clips that there are.
        read: How they are read.
        notes: Is told, once, why a look failed: the next one may not.
    """
    seen: dict[BatchClip, _Look] = {}
    while cancellation.requested() is None:
        try:
            states = {clip: InputState.of(clip.source, read) for clip in find()}
        except cancellation.Cancelled:
            return
        except GendrpixError as error:
            notes.warn(str(error))
            _wait(INTERVAL)
            continue
        seen = {
            clip: seen[clip]
            if clip in seen and seen[clip].state == state
            else _Look(state, time.monotonic())
            for clip, state in states.items()
            if state is not None
        }
        for clip in list(seen):
            look = seen[clip]
            if look.given or time.monotonic() - look.since < SETTLED:
                continue
            # The clips before may have taken hours.
            if InputState.of(clip.source, read) == look.state:
                seen[clip] = replace(look, given=True)
                yield clip
            if cancellation.requested() is not None:
                return
        _wait(INTERVAL)


def _wait(seconds: float) -> None:
    """Wait, unless the end is asked for."""
    end = time.monotonic() + seconds
    while cancellation.requested() is None and time.monotonic() < end:
        time.sleep(_STEP)
