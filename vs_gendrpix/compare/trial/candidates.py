"""Three to five ways to restore a clip, by what was found, and which one the rule recommends."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from fractions import Fraction

from vs_gendrpix.compare.trial.findings import Findings
from vs_gendrpix.settings import (
    MAX_SCALE,
    FinishSettings,
    PrepareSettings,
    ProcessSettings,
    ReadSettings,
    RestoreSettings,
)
from vs_gendrpix.settings.option import options_of

LINES = 2160
"""Rows of the output at most: a screen of 4K has as many."""
GENTLE = 0.6
"""Share of the network's change that leaves a clean picture most of its own texture."""
FILM = (Fraction(23), Fraction(25))
"""Frames a second of film, between the two; European television has the second one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A way to restore the clip.

    Attributes:
        name: What it is called on the page.
        why: Why it is tried, in a sentence.
        settings: The settings that say it.
    """

    name: str
    why: str
    settings: ProcessSettings

    @property
    def options(self) -> str:
        """The options of the command that say the same."""
        return " ".join(_options(self.settings, ProcessSettings()))


def candidates(
    found: Findings, *, model: str, device: str, read: ReadSettings | None = None
) -> tuple[list[Candidate], str]:
    """Choose ways to restore a clip.

    Args:
        found: What was found of it.
        model: The model that is the default here, `tiny` or `base`.
        device: Where to restore, as `--device` says it.
        read: How the clip is read; None is as the command does by default.

    Returns:
        Three to five ways, and the name of the one that the rule recommends; `docs/try.md` has the
        rule as a table.
    """
    usual = replace(_usual(found, device), read=read or ReadSettings())
    other = "base" if model == "tiny" else "tiny"
    preset = _preset(found)
    ways = [Candidate(name="default", why="what the command does by default", settings=usual)]
    if preset is not None:
        name, why = preset
        prepare = replace(usual.prepare, pre_filter=name)
        ways.append(Candidate(name=name, why=why, settings=replace(usual, prepare=prepare)))
    if found.noisy == 1 and not found.compressed:
        why = "the noise may be grain that belongs there: it is put back"
        ways.append(Candidate(name="grain", why=why, settings=_restored(usual, grain=1.0)))
    why = "keeps more of the clip as it is"
    ways.append(Candidate(name="gentle", why=why, settings=_restored(usual, strength=GENTLE)))
    why = f"the other model, {other}: {_character(other)}"
    ways.append(Candidate(name=other, why=why, settings=_restored(usual, model=other)))
    scale = usual.restore.scale
    if scale is None or scale > 2:
        why = "twice the size: less is invented, and it takes less time"
        ways.append(Candidate(name="twice", why=why, settings=_restored(usual, scale=Fraction(2))))
    return ways, _recommended(found, preset)


def _recommended(found: Findings, preset: tuple[str, str] | None) -> str:
    """The name of the way that the rule recommends."""
    if preset is not None:
        return preset[0]
    if found.noisy:
        return "grain" if not found.compressed and _is_film(found) else "default"
    sharp = found.softness is not None and not found.soft
    return "gentle" if sharp and not found.compressed else "default"


def _usual(found: Findings, device: str) -> ProcessSettings:
    """The defaults of the command, but no larger than 4K, and without its bars."""
    scale = min(Fraction(LINES, found.height), Fraction(MAX_SCALE))
    # In quarters, so that the option can be read; a clip of 4K keeps its size.
    steps = max(int(scale * 4), 4)
    area = found.picture
    crop = None if area is None else (area.width, area.height, area.x, area.y)
    return ProcessSettings(
        prepare=PrepareSettings(crop=crop),
        restore=RestoreSettings(
            scale=None if steps == 4 * MAX_SCALE else Fraction(steps, 4), device=device
        ),
        finish=FinishSettings(keep_bars=crop is not None),
    )


def _preset(found: Findings) -> tuple[str, str] | None:
    """The preset of filters that the clip calls for, and why; None for none."""
    if found.compressed == 2:
        return "old_web", "its filters remove the edges of blocks first"
    if found.noisy < 2:
        return None
    if found.grey:
        return "silent_film", "its filters take off flicker, dust and grain first"
    if _is_film(found):
        return "film_16mm", "its filters take off coarse grain and flicker first"
    return "vhs", "its filters take off noise and blotchy colour first"


def _is_film(found: Findings) -> bool:
    return found.kind == "telecined" or FILM[0] < found.rate < FILM[1]


def _restored(usual: ProcessSettings, **changes: object) -> ProcessSettings:
    return replace(usual, restore=replace(usual.restore, **changes))  # type: ignore[arg-type]


def _character(model: str) -> str:
    return (
        "firmer outlines"
        if model == "tiny"
        else "more texture above 2.5 times the size, calmer below"
    )


def _options(settings: object, usual: object) -> Iterator[str]:
    """The flags of all settings that are not as usual."""
    for each in fields(settings):  # type: ignore[arg-type] # a dataclass, which object cannot say
        value, default = getattr(settings, each.name), getattr(usual, each.name)
        if is_dataclass(value):
            yield from _options(value, default)
    kind: type = type(settings)
    for declared in options_of(kind):
        value = getattr(settings, declared.field)
        if value == getattr(usual, declared.field):
            continue
        flag = declared.option.flags[0]
        if isinstance(value, bool):
            yield flag
        else:
            text = ":".join(map(str, value)) if isinstance(value, tuple) else _said(value)
            yield f"{flag} {text}"


def _said(value: object) -> str:
    return f"{float(value):g}" if isinstance(value, float | Fraction) else str(value)
