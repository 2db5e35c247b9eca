"""Compare clips and write a page: the work of `gendrpix compare`."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

import torch
from torch import Tensor
from tqdm import tqdm

from vs_gendrpix.compare.choosing import chosen
from vs_gendrpix.compare.facts import facts
from vs_gendrpix.compare.measuring import Measure, Measuring
from vs_gendrpix.compare.page import page
from vs_gendrpix.compare.pairing import by_number, by_time
from vs_gendrpix.compare.pictures import data_uri, png, preview
from vs_gendrpix.compare.sides import Side, largest, names, opened
from vs_gendrpix.errors import MediaError, SettingsError, cancellation
from vs_gendrpix.frame.format import Frame
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.read.sequence import Names
from vs_gendrpix.write.output import OutputFile, OutputFolder, output_fault

log = logging.getLogger(__name__)

MOST = 6
"""Largest number of clips on one page: more do not fit side by side or on the number keys."""
MEASURED = 500
"""Largest number of frames that are measured. Of a longer clip only every n-th frame is."""
WITHIN = 20_000_000
"""Pixels of all pictures up to which they are embedded in the page."""
SUFFIXES = (".html", ".htm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The results of measuring all clips.

    Attributes:
        measures: The measures; the one that says most is the first.
        step: Each how many-th frame is measured.
        times: Seconds of each measured frame of the first side, from its first frame.
        frames: How many frames the sides have in common.
        notes: What to know of them.
    """

    measures: list[Measure]
    step: int
    times: list[float]
    frames: int
    notes: list[str]


def compare(
    paths: list[Path],
    output: Path,
    *,
    reference: Path | None = None,
    frames: int = 24,
    overwrite: bool = False,
) -> bool:
    """Compare clips or pictures, and write a page that shows them.

    All are made as large as the largest. Frames are paired by time from each clip's first frame,
    numbered pictures by their order; the frames of the first one set the pace.

    Args:
        paths: Videos, pictures, numbered pictures or VapourSynth scripts.
        output: The page. Pictures that are too large for it lie in a folder beside it.
        reference: What the others should look like; None compares them with the first.
        frames: How many frames are shown at most, 1 or more.
        overwrite: Whether an existing page and its pictures may be replaced.

    Returns:
        Whether all that was read was whole; damage is in the log.

    Raises:
        GendrpixError: One of its kinds, see `vs_gendrpix.errors`.
    """
    shown = paths if reference is None or reference in paths else [*paths, reference]
    if not 2 <= len(shown) <= MOST:
        raise SettingsError(f"{len(shown)} clips cannot be compared: name 2 to {MOST} in all")
    if output.suffix.lower() not in SUFFIXES:
        raise SettingsError(f"the page {output} is HTML: let its name end in .html")
    beside = Names(folder=_beside(output), prefix="", digits=6, suffix=".png")
    for path in shown:  # none of them may be written over
        target = OutputFile(output, source=path, overwrite=overwrite)
        folder = OutputFolder(beside, source=path, overwrite=overwrite)
    anchor = 0 if reference is None else shown.index(reference)
    notes = {path: Notes() for path in shown}
    with target, _one_thread():
        with opened(shown, notes) as sides:
            found = _measure(sides, anchor, referenced=reference is not None)
        for each in notes.values():
            each.tell_damage()
        whole = not any(each.damaged for each in notes.values())
        places = chosen(found.measures[0].badness(), frames)
        with opened(shown, notes) as sides:
            size = largest(sides)
            in_page = len(places) * len(sides) * size[0] * size[1] <= WITHIN
            with nullcontext() if in_page else folder:
                pictures = _pictures(sides, [place * found.step for place in places], anchor)
                cards = [
                    _card(card, place, found, None if in_page else folder, output)
                    for card, place in zip(pictures, places, strict=True)
                ]
                data = _data(sides, anchor, found, cards, referenced=reference is not None)
                title = " | ".join(data["names"])
                _write(target, page(title, data))
                if not in_page:
                    folder.sync()
                    folder.publish()
                    cancellation.go_on()
        target.publish()
    return whole


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let torch work in one thread.

    The steps are so short that threads wait longer than they work: on a busy machine of two cores,
    two threads took five times as long.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pictures:
    """One frame of all clips, as PNG files, with a preview."""

    number: int
    files: list[bytes]
    preview: str


def _pairs(sides: list[Side]) -> Iterator[list[Frame]]:
    """Yield the frames of all clips that belong together, by number or by time."""
    numbered = any(side.info.first_number is not None for side in sides)
    return (by_number if numbered else by_time)([side.timed() for side in sides])


def _measure(sides: list[Side], anchor: int, *, referenced: bool) -> Measured:
    """Read all clips through, and measure their frames."""
    size, expected, called = largest(sides), sides[0].info.frames, _names(sides)
    for name, side in zip(called, sides, strict=True):
        for remark in side.remarks(size):
            log.info("%s: %s", name, remark)
    step = max(-(-expected // MEASURED), 1)
    measuring = Measuring(sides=len(sides), anchor=anchor, referenced=referenced, size=size)
    times, count = [], 0
    with tqdm(total=expected or None, desc="measure", unit="frame", disable=None) as bar:
        for count, together in enumerate(_pairs(sides), start=1):
            cancellation.check()
            bar.update()
            if (count - 1) % step == 0:
                measuring.add(_shown(sides, together, size))
                timing = together[0].timing
                times.append(float(timing.pts * timing.time_base))
    if not count:
        raise MediaError("the clips have no frame in common: nothing can be compared")
    notes = []
    if count < expected:
        notes.append(
            f"{called[0]} has {expected} frames, but they have {count} in common: what ends "
            "first ends the comparison"
        )
        log.warning(notes[0])
    seconds = [time - times[0] for time in times]
    return Measured(measures=measuring.end(), step=step, times=seconds, frames=count, notes=notes)


def _names(sides: list[Side]) -> list[str]:
    return names([side.path for side in sides])


def _pictures(sides: list[Side], numbers: list[int], anchor: int) -> Iterator[_Pictures]:
    """Yield the pictures of frames by their numbers, which must rise."""
    size, wanted = largest(sides), set(numbers)
    with tqdm(total=len(numbers), desc="pictures", unit="frame", disable=None) as bar:
        for number, together in enumerate(islice(_pairs(sides), numbers[-1] + 1)):
            cancellation.check()
            if number in wanted:
                taken = _shown(sides, together, size)
                bar.update()
                yield _Pictures(
                    number=number, files=[*map(png, taken)], preview=preview(taken[anchor])
                )


def _shown(sides: list[Side], together: list[Frame], size: tuple[int, int]) -> list[Tensor]:
    """Convert frames that belong together to pictures of one size."""
    return [side.picture(frame, size) for side, frame in zip(sides, together, strict=True)]


def _card(
    taken: _Pictures, place: int, found: Measured, folder: OutputFolder | None, output: Path
) -> dict[str, Any]:
    """Describe one frame for the page's scripts, and write its pictures to the folder."""
    return {
        "place": place,
        "number": taken.number,
        "time": found.times[place],
        "preview": taken.preview,
        "pictures": [
            data_uri(content, "png")
            if folder is None
            else _saved(content, folder, taken.number * MOST + side, output)
            for side, content in enumerate(taken.files)
        ],
    }


def _saved(content: bytes, folder: OutputFolder, number: int, output: Path) -> str:
    """Write a picture to the folder; returns its address for the page beside it."""
    path = folder.part / f"{number:06}.png"
    try:
        path.write_bytes(content)
    except OSError as error:
        raise output_fault(error, f"cannot write the pictures of {output}") from error
    return f"{quote(_beside(output).name)}/{path.name}"


def _beside(output: Path) -> Path:
    """The folder of a page's pictures, named as browsers name it."""
    return output.with_name(f"{output.stem}_files")


def _write(target: OutputFile, text: str) -> None:
    """Write the page under its temporary name."""
    try:
        target.part.write_text(text, encoding="utf-8")
    except OSError as error:
        raise output_fault(error, f"cannot write {target.path}") from error
    target.sync()


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
        "names": _names(sides),
        "facts": [facts(side) for side in sides],
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
                "curves": [
                    curve and [None if value is None else round(value, 4) for value in curve]
                    for curve in measure.curves
                ],
            }
            for measure in found.measures
        ],
        "shown": cards,
    }
