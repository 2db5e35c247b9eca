"""What was found of a clip: numbers for the rule, and sentences for people."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from vs_gendrpix.compare.trial.damage import Damage
from vs_gendrpix.compare.trial.look import Seen
from vs_gendrpix.frame.area import Area
from vs_gendrpix.frame.format import HDR_TRANSFERS
from vs_gendrpix.read.look.fields import Kind

NOISE = (1.5, 4.0)
BLOCKING = (1.2, 1.4)
ROUNDING = (28, 64)
SOFTNESS = (0.8, 1.2)
"""From where on each is slight, and from where on it is strong: `docs/results/try.md` shows what
clean clips and damaged ones have."""

SHARE = (1e-9, 100.0)
"""From where on some frames repeat the one before, and from where on all do, in per cent."""

type _Limits = tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A finding for people.

    Attributes:
        name: What was looked for.
        text: What was found, with numbers.
    """

    name: str
    text: str

    def __str__(self) -> str:
        return f"{self.name}: {self.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What was found of a clip.

    Noise, blocking and softness are medians over the frames that were measured; None where no
    frame showed any.

    Attributes:
        width: Pixels of a row.
        height: Rows.
        rate: Frames a second; 0 when unknown.
        frames: Frames of the clip; 0 when unknown.
        noise: Standard deviation in code values of 255.
        blocking: Steps at block edges over those beside them; 1 is none.
        rounding: The step by which its codec has rounded, in code values of 255; None if untold.
        softness: Blur of the sharpest edges in pixels.
        kind: Progressive, interlaced or telecined.
        picture: The picture between black bars; None without bars.
        grey: Whether it is black and white.
        said: All that was found, in words.
    """

    width: int
    height: int
    rate: Fraction
    frames: int
    noise: float | None
    blocking: float | None
    rounding: float | None
    softness: float | None
    kind: Kind
    picture: Area | None
    grey: bool
    said: tuple[Finding, ...]

    @property
    def noisy(self) -> int:
        """0 for a clean clip, 1 for some noise, 2 for strong noise."""
        return _strength(self.noise, NOISE)

    @property
    def compressed(self) -> int:
        """0 for hardly any damage of a codec, 1 for slight, 2 for strong damage.

        Either blocks are seen, or the codec tells how much it has taken: its own filter may have
        smoothed them.
        """
        return max(_strength(self.blocking, BLOCKING), _strength(self.rounding, ROUNDING))

    @property
    def soft(self) -> int:
        """0 for a sharp clip, 1 for a little blur, 2 for a soft one."""
        return _strength(self.softness, SOFTNESS)


def findings(seen: Seen) -> Findings:
    """Make findings of what was seen."""
    info = seen.info
    noise, blocking, softness = (
        _median(seen, of)
        for of in (
            lambda found: found.noise,
            lambda found: found.blocking,
            lambda found: found.softness,
        )
    )
    said = {
        "Noise": _noise(noise),
        "Blocking": _blocking(blocking),
        "Compression": _compression(seen.rounding),
        "Softness": _softness(softness),
        "Scan": _scan(seen),
        "Bars": _bars(seen),
        "Repeats": _repeats(seen),
        "Colour": "none, it is black and white, and stays so" if seen.grey else "yes",
        "Cuts": f"{seen.cuts} in the {seen.frames} frames that were looked at",
        "Frame rate": _rate(seen),
        "HDR": _hdr(seen),
        "Sound": _sound(seen),
    }
    return Findings(
        width=info.format.width,
        height=info.format.height,
        rate=info.average_rate,
        frames=seen.total,
        noise=noise,
        blocking=blocking,
        rounding=seen.rounding,
        softness=softness,
        kind=seen.scan.kind,
        picture=seen.picture,
        grey=seen.grey,
        said=tuple(Finding(name=name, text=text) for name, text in said.items()),
    )


def _strength(value: float | None, limits: _Limits) -> int:
    return 0 if value is None else sum(value >= limit for limit in limits)


def _median(seen: Seen, of: Callable[[Damage], float | None]) -> float | None:
    values = [of(sample.damage) for sample in seen.samples]
    known = [value for value in values if value is not None]
    return float(np.median(known)) if known else None


def _graded(value: float | None, limits: _Limits, words: tuple[str, str, str]) -> str:
    return words[_strength(value, limits)]


def _number(value: float, digits: int, limits: _Limits) -> str:
    """Write a number with so many digits behind the point, or more where it lies close to a limit.

    Rounded across the limit, it would contradict the word beside it: 0.79 is no 0.8.
    """
    while _strength(float(f"{value:.{digits}f}"), limits) != _strength(value, limits):
        digits += 1
    return f"{value:.{digits}f}"


def _noise(value: float | None) -> str:
    if value is None:
        return "cannot be measured, no frame has parts that are neither black nor white"
    word = _graded(value, NOISE, ("clean", "some", "strong"))
    return f"{_number(value, 1, NOISE)} of 255, {word} (a clean clip has under {NOISE[0]:g})"


def _blocking(value: float | None) -> str:
    if value is None:
        return "cannot be measured, the frames are flat"
    word = _graded(value, BLOCKING, ("none or hidden", "slight", "strong"))
    return (
        f"steps at the edges of blocks are {_number(value, 2, BLOCKING)} times those beside them, "
        f"{word} (a clip without blocks has under {BLOCKING[0]:g})"
    )


def _compression(value: float | None) -> str:
    if value is None:
        return "its codec does not tell how much it has taken away"
    word = _graded(value, ROUNDING, ("light", "visible", "strong"))
    return (
        f"its codec has rounded by steps of {_number(value, 0, ROUNDING)} of 255, {word} "
        f"(under {ROUNDING[0]} it is hardly seen)"
    )


def _softness(value: float | None) -> str:
    if value is None:
        return "cannot be measured, no frame has clear edges"
    word = _graded(value, SOFTNESS, ("sharp", "a little soft", "soft"))
    return (
        f"the sharpest edges are blurred by {_number(value, 1, SOFTNESS)} pixels, {word} "
        f"(a sharp clip has under {SOFTNESS[0]:g})"
    )


def _scan(seen: Seen) -> str:
    scan = seen.scan
    if scan.kind == "progressive":
        return "progressive, whole frames"
    done = (
        "a frame is made of each field" if scan.kind == "interlaced" else "it becomes 24 frames/s"
    )
    order = {"tff": ", top field first", "bff": ", bottom field first"}.get(scan.order, "")
    told = "" if scan.flagged else ", though the file does not say so"
    return f"{scan.kind}{order}{told}; {done}"


def _bars(seen: Seen) -> str:
    area, form = seen.picture, seen.info.format
    if area is None:
        return "none"
    below, right = form.height - area.height - area.y, form.width - area.width - area.x
    return (
        f"{area.y} rows above, {below} below, {area.x} columns on the left, {right} on the right: "
        f"the picture is {area.width}x{area.height} of {form.width}x{form.height}"
    )


def _repeats(seen: Seen) -> str:
    if not seen.steps:
        return "there is one frame"
    share = _number(100 * seen.repeats / seen.steps, 0, SHARE)
    return f"{seen.repeats} of {seen.steps} frames repeat the one before ({share} %)"


def _rate(seen: Seen) -> str:
    rate = float(seen.info.average_rate)
    if seen.info.frames == 1:
        return "there is one frame"
    if seen.spacing is None:
        return f"{rate:.5g} frames/s, even" if rate else "unknown"
    least, most = (1000 * each for each in seen.spacing)
    apart = (each for each in range(3, 10) if f"{least:.{each}g}" != f"{most:.{each}g}")
    digits = next(apart, 3)
    return (
        f"varies: {least:.{digits}g} to {most:.{digits}g} ms from frame to frame, {rate:.5g} "
        "frames/s on average; each frame keeps its time"
    )


def _hdr(seen: Seen) -> str:
    transfer = HDR_TRANSFERS.get(seen.info.format.color.transfer)
    if transfer is None:
        return "no"
    return f"{transfer} in {seen.info.format.layout.bits} bits, kept as it is"


def _sound(seen: Seen) -> str:
    if not seen.sound:
        return "none"
    count = len(seen.sound)
    return (
        f"{count} {'stream' if count == 1 else 'streams'} ({', '.join(seen.sound)}), carried over"
    )
