"""Try a clip: the work of `gendrpix try`."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from shlex import quote
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, override

from vs_gendrpix.compare.destination import Destination, in_bytes
from vs_gendrpix.compare.making import make_page
from vs_gendrpix.compare.progress import Counted
from vs_gendrpix.compare.sides import Given, Piece
from vs_gendrpix.compare.trial.candidates import Candidate, candidates
from vs_gendrpix.compare.trial.estimate import in_time, of_whole
from vs_gendrpix.compare.trial.findings import Findings, findings
from vs_gendrpix.compare.trial.look import look
from vs_gendrpix.compare.trial.places import SECOND, Place, places
from vs_gendrpix.compare.trial.restoring import Restored, Restoring
from vs_gendrpix.errors import SettingsError, cancellation
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.job.open import open_input
from vs_gendrpix.job.plan import Plan, make_plan, usual_model
from vs_gendrpix.job.progress import Progress
from vs_gendrpix.job.rate import Bound
from vs_gendrpix.read.opening import STDIN
from vs_gendrpix.settings import OnChange, ProcessSettings, ReadSettings

if TYPE_CHECKING:
    from vs_gendrpix.job.report import Start

SHOWN = 8
"""Frames on the page at most: the four, and some of the second."""
LONGEST = 120
"""Seconds that the second may take in one way. Of a slow machine it is shortened."""
FEWEST = 6
"""Frames of the second that are restored in any case."""

type Say = Callable[[str], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A way that was tried.

    Attributes:
        candidate: The way.
        command: The command line that restores the whole clip so.
        size: Width and height of what it makes.
        parts: The places, restored.
        time: What the whole clip would take, in words.
        bytes: How large it would be, in words.
        recommended: Whether the rule recommends it.
    """

    candidate: Candidate
    command: str
    size: tuple[int, int]
    parts: list[Restored]
    time: str
    bytes: str
    recommended: bool


def try_clip(
    path: Path,
    output: Path,
    *,
    device: str = "auto",
    on_change: OnChange = "error",
    overwrite: bool = False,
    say: Say = print,
) -> bool:
    """Look at a clip, restore parts of it in a few ways, and write a page that compares them.

    Args:
        path: A video, a picture, numbered pictures or a VapourSynth script.
        output: The page.
        device: Where to restore, as `--device` says it.
        on_change: What to do if the picture changes its size or format, as `--on-change` says it.
        overwrite: Whether an existing page and its pictures may be replaced.
        say: Is told each line of what was found and recommended.

    Returns:
        Whether all that was read was whole; damage is in the log.

    Raises:
        GendrpixError: One of its kinds, see `vs_gendrpix.errors`.
    """
    if path == STDIN:
        raise SettingsError("a pipe cannot be tried, as it is read several times: use a file")
    with Destination(output, [path], overwrite=overwrite) as page, _scratch() as folder:
        read = ReadSettings(on_change=on_change)
        with open_input(path, read, Notes()) as clip:
            seen = look(clip)
        found, chosen = findings(seen), places(seen)
        for finding in found.said:
            say(str(finding))
        ways = candidates(found, model=usual_model(device), device=device, read=read)
        tried, chosen = _try_all(path, ways, chosen, folder, say)
        right = [each.recommended for each in tried].index(True) + 1
        trial = _told(found, tried, chosen, right)
        return make_page(page, _sides(path, tried, chosen), frames=SHOWN, trial=trial)


def _try_all(
    path: Path, given: tuple[list[Candidate], str], chosen: list[Place], folder: Path, say: Say
) -> tuple[list[Tried], list[Place]]:
    """Restore the places in each way; returns the places too, as the second may be shortened."""
    ways, best = given
    say(_announced(ways, chosen))
    tried: list[Tried] = []
    began = time.monotonic()
    with Counted("restoring", 0) as counted:
        progress = _Told(counted)
        for number, way in enumerate(ways):
            own = folder / str(number)
            own.mkdir()
            plan = make_plan(path, own / "whole.mkv", _planned(way, first=not number))
            with Restoring(plan, own) as restoring:
                parts: list[Restored] = []
                for place, wanted in enumerate(chosen):
                    is_second = place == len(chosen) - 1 and len(chosen) > 1
                    if not number:
                        if is_second:
                            chosen = [*chosen[:-1], _shortened(wanted, parts, plan)]
                        counted.expect(len(ways) * _frames(chosen, plan))
                    parts.append(restoring.restore(chosen[place], progress))
            tried.append(_tried(path, plan, way, parts, recommended=way.name == best))
            counted.expect(counted.count * len(ways) // (number + 1))
            counted.clear()
            say(_line(tried[-1]))
            if not number:
                left = (len(ways) - 1) * (time.monotonic() - began)
                say(f"The other {len(ways) - 1} ways take {in_time(left)} more")
    return tried, chosen


class _Told(Progress):
    """Counts the frames of all ways; the time before the first one, of loading, is not theirs."""

    def __init__(self, counted: Counted) -> None:
        self._counted = counted

    @override
    def start(self, start: "Start") -> None:
        """See `Progress`."""
        if not self._counted.count:
            self._counted.restart()

    @override
    def frame(self, count: int, bound: Bound) -> None:
        """See `Progress`."""
        self._counted.add()


def _frames(chosen: list[Place], plan: Plan) -> int:
    """About how many frames all places have in one way."""
    rate, most = plan.result.average_rate or 1, plan.result.frames
    counts = (max(round((place.end - place.start) * rate), 1) for place in chosen)
    return sum(min(count, most or count) for count in counts)


def _announced(ways: list[Candidate], chosen: list[Place]) -> str:
    """What will be restored, in one line."""
    many = f"{len(chosen) - 1} frames and a second" if len(chosen) > 1 else "a frame"
    return f"Restoring {many} of it in {len(ways)} ways: {', '.join(way.name for way in ways)}"


def _planned(way: Candidate, *, first: bool) -> ProcessSettings:
    """The settings of a way; whether the picture changes on its way is looked at once."""
    if first:
        return way.settings
    return replace(way.settings, read=replace(way.settings.read, on_change="scale"))


def _shortened(second: Place, parts: list[Restored], plan: Plan) -> Place:
    """The second, or less where frames take so long that all of it would take too long."""
    frames = sum(part.cost.frames for part in parts)
    taken = sum(part.cost.seconds for part in parts) / frames
    rate = float(plan.result.average_rate) or 1.0
    count = max(LONGEST / taken, FEWEST)
    length = min(second.end - second.start, Fraction(count / rate).limit_denominator(1000))
    return replace(second, end=second.start + length)


@contextmanager
def _scratch() -> Iterator[Path]:
    """A folder for the restored places, which does not outlive the process if that must end."""
    made = TemporaryDirectory(prefix="gendrpix-try-", ignore_cleanup_errors=True)
    with made as folder:
        cancellation.add_leftover(made.cleanup)
        try:
            yield Path(folder)
        finally:
            cancellation.drop_leftover(made.cleanup)


def _tried(
    path: Path, plan: Plan, way: Candidate, parts: list[Restored], *, recommended: bool
) -> Tried:
    """Estimate the whole job by the parts of it that were restored."""
    form, total = plan.result.format, plan.result.frames
    seconds, size = of_whole([part.cost for part in parts], total)
    return Tried(
        candidate=way,
        command=_command(path, plan, way),
        size=(form.width, form.height),
        parts=parts,
        time=in_time(seconds) if total else "unknown, as its length is",
        bytes=_size(plan, size),
        recommended=recommended,
    )


def _size(plan: Plan, size: float) -> str:
    """The size of the whole in words; what was tried of one picture is no picture file."""
    if plan.clip.frames == 1:
        return "size not estimated"
    return f"about {in_bytes(size)}" if plan.result.frames else "unknown, as its length is"


def _command(path: Path, plan: Plan, way: Candidate) -> str:
    """The command line that does the whole."""
    pictures = plan.clip.frames == 1
    name = f"{path.stem.split('%')[0].rstrip('._-') or path.parent.name}_restored"
    output = f"{name}/%06d.png" if pictures else f"{name}.mkv"
    parts = ["gendrpix-video", quote(str(path)), quote(output), way.options]
    return " ".join(filter(None, parts))


def _line(tried: Tried) -> str:
    """A way in one line for the terminal."""
    mark = "Recommended: " if tried.recommended else ""
    return f"{mark}{tried.candidate.name} ({tried.time}, {tried.bytes}): {tried.command}"


def _sides(path: Path, tried: list[Tried], chosen: list[Place]) -> list[Given]:
    """The clip and what was made of it, as the page compares them."""
    cuts = [
        Piece(path=path, start=max(each.start, Fraction(0)), end=each.end, moment=each.moment)
        for each in chosen
    ]
    sides = [Given(path=path, pieces=tuple(cuts))]
    for each in tried:
        files = [Piece(path=part.path) for part in each.parts]
        caption = f"{each.candidate.options or 'no options'} \u00b7 {each.time} \u00b7 {each.bytes}"
        name = each.candidate.name + " (recommended)" * each.recommended
        sides.append(
            Given(
                path=files[0].path.parent,
                pieces=tuple(files),
                name=name,
                caption=caption,
                facts={
                    "picture": f"{each.size[0]}x{each.size[1]}",
                    "command": each.command,
                    "time of the whole": each.time,
                    "size of the whole": each.bytes,
                },
            )
        )
    return sides


def _told(found: Findings, tried: list[Tried], chosen: list[Place], right: int) -> dict[str, Any]:
    """What the page says of the trial."""
    best = tried[right - 1]
    return {
        "right": right,
        "lead": f"Recommended: {best.candidate.name} ({best.candidate.why})",
        "findings": [[each.name, each.text] for each in found.said],
        "ways": [
            {
                "side": number,
                "why": each.candidate.why,
                "command": each.command,
                "time": each.time,
                "size": each.bytes,
                "recommended": each.recommended,
            }
            for number, each in enumerate(tried, start=1)
        ],
        "notes": [
            _shown(found, chosen),
            "Time and size are estimates for the whole clip on this machine, by what the frames "
            "here took; sound is not counted",
            "What is recommended follows from a rule (docs/try.md), and is no judgement of taste: "
            "look at the pictures",
        ],
    }


def _shown(found: Findings, chosen: list[Place]) -> str:
    """What the frames on the page are."""
    *stills, second = chosen
    if not stills:
        return "Frame 0 is the only one"
    length, moment = float(second.end - second.start), float(second.moment)
    shorter = "" if length >= SECOND else " (no more, as a frame takes long here)"
    if found.frames and found.rate:
        length = min(length, float(found.frames / found.rate) - moment)
    several = f"Frames 0 to {len(stills) - 1} are single frames"
    return (
        f"{several if len(stills) > 1 else 'Frame 0 is a single frame'} of the clip; the others "
        f"are {length:.2f} s of it from {moment:.2f} s on{shorter}: by them flicker, time and size "
        "are measured"
    )
