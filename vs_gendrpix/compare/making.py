"""Make the page of what is compared: measure, choose, take pictures, write."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from typing import Any

from torch import Tensor

from vs_gendrpix.compare.choosing import chosen, spot
from vs_gendrpix.compare.destination import Destination
from vs_gendrpix.compare.facts import facts
from vs_gendrpix.compare.measuring import Measure, Measuring, one_thread
from vs_gendrpix.compare.page import page
from vs_gendrpix.compare.pairing import by_number, by_time
from vs_gendrpix.compare.pictures import png, preview
from vs_gendrpix.compare.progress import Counted, tell
from vs_gendrpix.compare.sides import Given, Side, called, largest, opened
from vs_gendrpix.errors import MediaError, cancellation
from vs_gendrpix.frame.format import Frame
from vs_gendrpix.frame.notes import Notes

log = logging.getLogger(__name__)

MOST = 6
"""Largest number of clips on one page: more do not fit side by side or on the number keys."""
MEASURED = 500
"""Largest number of frames that are measured. Of a longer clip only every n-th frame is."""
WITHIN = 20_000_000
"""Pixels of all pictures up to which they are embedded in the page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The results of measuring all clips.

    Attributes:
        measures: The measures; the one that says most is the first.
        step: Each how many-th frame is measured.
        times: Seconds of each measured frame of the first side, as the page says them.
        begins: The measured frames with which a part of the first side begins.
        frames: How many frames the sides have in common.
        notes: What to know of them.
    """

    measures: list[Measure]
    step: int
    times: list[float]
    begins: list[int]
    frames: int
    notes: list[str]


def make_page(
    place: Destination,
    shown: list[Given],
    *,
    anchor: int = 0,
    referenced: bool = False,
    frames: int,
    trial: dict[str, Any] | None = None,
) -> bool:
    """Compare clips or pictures, and write the page.

    Args:
        place: Where it goes; entered already, and published at the end.
        shown: What is compared, 2 to `MOST`; the first one sets the pace.
        anchor: The one that the others are compared with.
        referenced: Whether that is what the others should look like.
        frames: How many frames are shown at most, 1 or more.
        trial: What the page says of a trial; None for a plain comparison.

    Returns:
        Whether all that was read was whole; damage is in the log.
    """
    notes = {given.path: Notes() for given in shown}
    with one_thread():
        with opened(shown, notes) as sides:
            found = _measure(sides, anchor, referenced=referenced)
        for each in notes.values():
            each.tell_damage()
        places = _places(found, frames)
        with opened(shown, notes) as sides:
            size = largest(sides)
            if len(places) * len(sides) * size[0] * size[1] > WITHIN:
                place.use_folder()
            pictures = _pictures(sides, [each * found.step for each in places], anchor)
            cards = [
                _card(taken, each, found, place)
                for taken, each in zip(pictures, places, strict=True)
            ]
            data = _data(sides, anchor, found, cards, referenced=referenced)
        place.publish(page(" | ".join(data["names"]), data | {"trial": trial}))
    tell(place.contents())
    return not any(each.damaged for each in notes.values())


def _places(found: Measured, frames: int) -> list[int]:
    """Choose the frames to show: the first of each part, and of the last part as of a clip."""
    *firsts, last = found.begins
    badness = found.measures[0].badness()[last:]
    return firsts + [last + each for each in chosen(badness, max(frames - len(firsts), 1))]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pictures:
    """One frame of all clips, as PNG files, with a preview, and where they differ most."""

    number: int
    files: list[bytes]
    preview: str
    spot: tuple[int, int]


def _pairs(sides: list[Side]) -> Iterator[tuple[Fraction, list[Frame]]]:
    """Yield the frames of all clips that belong together, with their time on the first one."""
    numbered = any(side.info.first_number is not None for side in sides)
    streams = [((time, (time, frame)) for time, frame in side.timed()) for side in sides]
    for together in (by_number if numbered else by_time)(streams):
        yield together[0][0], [frame for _, frame in together]


def _measure(sides: list[Side], anchor: int, *, referenced: bool) -> Measured:
    """Read all clips through, and measure their frames."""
    size, expected, names = largest(sides), sides[0].expected, called(sides)
    tell(f"comparing {', '.join(names[:-1])} and {names[-1]} at {size[1]}x{size[0]}")
    for name, side in zip(names, sides, strict=True):
        for remark in side.remarks(size):
            log.info("%s: %s", name, remark)
    step = max(-(-expected // MEASURED), 1)
    measuring = Measuring(sides=len(sides), anchor=anchor, referenced=referenced, size=size)
    times, count = [], 0
    pieces: list[int] = []
    with Counted("measuring", sides[0].about) as finished:
        for count, (time, together) in enumerate(_pairs(sides), start=1):
            cancellation.check()
            if (count - 1) % step == 0:
                moment = sides[0].moment(time)
                follows = bool(pieces) and pieces[-1] == moment.piece
                measuring.add(_shown(sides, together, size), follows=follows)
                times.append(moment.seconds)
                pieces.append(moment.piece)
            finished.add()
    if not count:
        raise MediaError("the clips have no frame in common: nothing can be compared")
    notes = []
    if count < expected:
        notes.append(
            f"{names[0]} has {expected} frames, but they have {count} in common: what ends "
            "first ends the comparison"
        )
        log.warning(notes[0])
    return Measured(
        measures=measuring.end(),
        step=step,
        times=times,
        begins=[place for place in range(len(pieces)) if place == pieces.index(pieces[place])],
        frames=count,
        notes=notes,
    )


def _pictures(sides: list[Side], numbers: list[int], anchor: int) -> Iterator[_Pictures]:
    """Yield the pictures of frames by their numbers, which must rise."""
    size, wanted = largest(sides), set(numbers)
    with Counted("writing the pictures of", len(numbers)) as finished:
        for number, (_, together) in enumerate(islice(_pairs(sides), numbers[-1] + 1)):
            cancellation.check()
            if number in wanted:
                taken = _shown(sides, together, size)
                yield _Pictures(
                    number=number,
                    files=[*map(png, taken)],
                    preview=preview(taken[anchor]),
                    spot=spot(taken, anchor),
                )
                finished.add()


def _shown(sides: list[Side], together: list[Frame], size: tuple[int, int]) -> list[Tensor]:
    """Convert frames that belong together to pictures of one size."""
    return [side.picture(frame, size) for side, frame in zip(sides, together, strict=True)]


def _card(taken: _Pictures, place: int, found: Measured, to: Destination) -> dict[str, Any]:
    """Describe one frame for the page's scripts."""
    return {
        "place": place,
        "number": taken.number,
        "time": found.times[place],
        "preview": taken.preview,
        "spot": taken.spot,
        "pictures": [
            to.address(content, taken.number * MOST + side)
            for side, content in enumerate(taken.files)
        ],
    }


def _data(
    sides: list[Side],
    anchor: int,
    found: Measured,
    cards: list[dict[str, Any]],
    *,
    referenced: bool,
) -> dict[str, Any]:
    """Everything that the page's scripts show."""
    size = largest(sides)
    return {
        "names": called(sides),
        "captions": [side.given.caption for side in sides],
        "facts": [side.given.facts or facts(side) for side in sides],
        "remarks": [side.remarks(size) for side in sides],
        "size": {"width": size[1], "height": size[0]},
        "anchor": anchor,
        "referenced": referenced,
        "frames": found.frames,
        "step": found.step,
        "notes": found.notes,
        "times": [round(time, 4) for time in found.times],
        "measures": [
            {
                "name": measure.name,
                "tells": measure.tells,
                "higher": measure.higher_is_better,
                "judges": measure.judges,
                "curves": [
                    curve and [None if value is None else round(value, 4) for value in curve]
                    for curve in measure.curves
                ],
            }
            for measure in found.measures
        ],
        "shown": cards,
    }
