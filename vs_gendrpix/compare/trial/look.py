"""The look at a clip before it is tried: short runs of frames all over it, in one opening."""

from collections.abc import Iterator
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, pairwise

import numpy as np
import numpy.typing as npt
import torch

from vs_gendrpix.color.neutral import is_neutral
from vs_gendrpix.compare.measuring import one_thread
from vs_gendrpix.compare.trial.damage import GRID, Damage, damage, middle
from vs_gendrpix.errors import MediaError, cancellation
from vs_gendrpix.frame.area import Area
from vs_gendrpix.frame.clip import ClipInfo
from vs_gendrpix.frame.format import Frame, FrameFormat
from vs_gendrpix.read.input import FileInput, Input
from vs_gendrpix.read.look.bars import Bars, light
from vs_gendrpix.read.look.fields import Scan
from vs_gendrpix.read.look.rounding import rounding

RUNS, RUN = 12, 24
"""How many runs of a clip are looked at, and the frames of each; a clip of fewer frames than all of
them is looked at whole."""
SAMPLES = 24
"""Frames of them that are measured."""
SMALL = 270
"""Rows, about, of the pictures in which frames are compared with those before."""
EQUAL = 0.1
"""Mean difference in code values of 255 below which a frame repeats the one before."""
CUT = 10
"""Mean difference of two thumbnails in code values of 255 from which a scene may be another."""
SUDDEN = 4
"""How many times as large as around it the difference is at a cut."""
FADE = 1
"""Change of the mean in code values of 255 from frame to frame at which a scene fades."""
UNEVEN = 8
"""Rows or columns by which bars that face one another may differ; thinner ones are none."""
THUMBNAIL = (9, 16)
"""Rows and columns of a thumbnail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A frame that was measured.

    Attributes:
        seconds: When it is shown, counted from where the clip begins.
        scene: Number of its scene among those that were seen.
        brightness: Mean luma, 0 for black to 1 for white.
        texture: Mean step from pixel to pixel in code values of 255.
        fades: Whether its brightness changes with the frames around it.
        damage: What was measured.
    """

    seconds: Fraction
    scene: int
    brightness: float
    texture: float
    fades: bool
    damage: Damage


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the look at a clip has seen.

    Attributes:
        info: Its frames.
        total: Frames of the clip; 0 when unknown.
        end: The second at which the last frame ends that is known of, counted from where the clip
            begins.
        scan: Progressive, interlaced or telecined.
        picture: The picture between black bars; None without bars.
        grey: Whether no frame has colour.
        rounding: The step by which its codec has rounded, in code values of 255; None if untold.
        spacing: Seconds between frames, the least and the most, where it varies; None where even.
        sound: What is known of each stream of sound, such as `aac stereo`.
        frames: Frames that were looked at.
        steps: Pairs of frames that follow one another.
        repeats: Those of them that are equal.
        cuts: Those of them between which the scene changes.
        samples: The frames that were measured, in order; at least one.
    """

    info: ClipInfo
    total: int
    end: Fraction
    scan: Scan
    picture: Area | None
    grey: bool
    rounding: float | None
    spacing: tuple[float, float] | None
    sound: tuple[str, ...]
    frames: int
    steps: int
    repeats: int
    cuts: int
    samples: tuple[Sample, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Glance:
    """A frame beside the one before.

    Attributes:
        seconds: When it is shown.
        thumbnail: Mean luma of its parts in code values of 255.
        step: Mean difference from the frame before in code values of 255; 0 at first.
        grey: Whether it has no colour; only measured frames are asked.
        texture: Mean step from pixel to pixel in code values of 255.
        middle: The luma of its middle, to be measured, and the rows and columns that this is; None
            for most.
    """

    seconds: Fraction
    thumbnail: npt.NDArray[np.float64]
    step: float
    grey: bool
    texture: float
    middle: tuple[npt.NDArray[np.float32], tuple[slice, slice]] | None


def look(clip: Input) -> Seen:
    """Look at a clip.

    Args:
        clip: The opened input; not a pipe, which can be read only once.

    Raises:
        MediaError: It has no frame that can be decoded.
    """
    with one_thread():
        return _seen(clip)


def _seen(clip: Input) -> Seen:
    """Glance at all runs, and gather what they show."""
    info = clip.frames(None, None).info
    bars, runs = Bars(), []
    for start, count, every in _runs(clip, info):
        # There may be no frame any more, where the container has promised too much.
        with nullcontext() if start is None else suppress(MediaError):
            runs.append(list(_glances(_timed(clip, start, count), info, bars, every)))
    runs = [run for run in runs if run]
    if not runs:
        raise MediaError(f"no frame of {clip.path} can be looked at")
    glances = [glance for run in runs for glance in run]
    steps = [glance.step for run in runs for glance in run[1:]]
    cuts = [_cuts(run) for run in runs]
    picture = _between(bars.picture(), info.format)
    return Seen(
        info=info,
        total=info.frames,
        end=clip.delay + clip.length if clip.length else glances[-1].seconds,
        scan=clip.fields(None, None),
        picture=picture,
        grey=all(glance.grey for glance in glances),
        rounding=rounding(clip.path, clip.clip.chosen) if isinstance(clip, FileInput) else None,
        spacing=_spacing(clip),
        sound=_sound(clip),
        frames=len(glances),
        steps=len(steps),
        repeats=sum(step < EQUAL for step in steps),
        cuts=sum(map(len, cuts)),
        samples=tuple(_samples(runs, cuts, picture or Area.whole(info.format))),
    )


def _runs(clip: Input, info: ClipInfo) -> Iterator[tuple[Fraction | None, int, int]]:
    """Where each run begins, how many frames it has, and of how many one is measured."""
    if not clip.length or 0 < info.frames <= RUNS * RUN:
        yield None, RUNS * RUN, max(info.frames // SAMPLES, 1)
        return
    for place in range(RUNS):
        moment = clip.delay + clip.length * Fraction(2 * place + 1, 2 * RUNS)
        yield moment, RUN, RUNS * RUN // SAMPLES


def _timed(clip: Input, start: Fraction | None, count: int) -> Iterator[tuple[Fraction, Frame]]:
    """Frames with their seconds from where the clip begins."""
    source = clip.frames(start, None)
    begin = clip.clip.begin if isinstance(clip, FileInput) else Fraction(0)
    for frame in islice(source, count):
        cancellation.check()
        yield frame.timing.pts * frame.timing.time_base + source.offset - begin, frame


def _glances(
    frames: Iterator[tuple[Fraction, Frame]], info: ClipInfo, bars: Bars, every: int
) -> Iterator[_Glance]:
    """Glance at each frame of a run; every so many are kept to be measured."""
    before: npt.NDArray[np.float64] | None = None
    fine = max(info.format.height // SMALL, 1)
    for number, (seconds, frame) in enumerate(frames):
        luma = light(frame, fine)
        grey, kept = True, None
        if number % every == 0:
            bars.add(frame)
            planes = [torch.from_numpy(plane)[None] for plane in frame.planes]
            grey, whole = bool(is_neutral(planes, info.format)), middle(frame.format)
            kept = light(frame)[whole].astype(np.float32), whole
        yield _Glance(
            seconds=seconds,
            thumbnail=255 * _thumbnail(luma),
            step=0.0 if before is None else float(255 * np.abs(luma - before).mean()),
            grey=grey,
            texture=_texture(luma),
            middle=kept,
        )
        before = luma


def _between(picture: Area | None, form: FrameFormat) -> Area | None:
    """The picture between bars that lie as bars do: the same on both sides, and no thin edges.

    A dark scene may look as if it had some.
    """
    if picture is None:
        return None
    sides = (
        (picture.x, form.width - picture.width - picture.x),
        (picture.y, form.height - picture.height - picture.y),
    )
    alike = all(abs(one - other) <= UNEVEN for one, other in sides)
    return picture if alike and max(map(max, sides)) >= UNEVEN else None


def _measured(luma: npt.NDArray[np.float32], places: tuple[slice, slice], area: Area) -> Damage:
    """Measure the part of a frame's middle that lies within an area; its corner is on the grid."""
    begins = [place.start for place in places]
    first = [
        max(-(-corner // GRID) * GRID - begin, 0)
        for corner, begin in zip((area.y, area.x), begins, strict=True)
    ]
    end = [
        max(corner + size - begin, 0)
        for corner, size, begin in zip(
            (area.y, area.x), (area.height, area.width), begins, strict=True
        )
    ]
    return damage(luma[first[0] : end[0], first[1] : end[1]])


def _texture(luma: npt.NDArray[np.float64]) -> float:
    """Mean step from pixel to pixel in code values of 255."""
    steps = [np.abs(np.diff(luma, axis=axis)).mean() for axis in (0, 1) if luma.shape[axis] > 1]
    return float(255 * np.mean(steps)) if steps else 0.0


def _thumbnail(luma: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Means of the parts of a picture, `THUMBNAIL` of them or as many as it has pixels."""
    for axis, most in enumerate(THUMBNAIL):
        size = luma.shape[axis]
        edges = np.linspace(0, size, min(most, size), endpoint=False).astype(int)
        counts = np.diff([*edges, size])
        luma = np.add.reduceat(luma, edges, axis=axis) / (counts[:, None] if axis == 0 else counts)
    return luma


def _apart(one: _Glance, other: _Glance) -> float:
    """Mean difference of two thumbnails in code values of 255."""
    return float(np.abs(one.thumbnail - other.thumbnail).mean())


def _cuts(run: list[_Glance]) -> list[int]:
    """The frames of a run before which the scene changes: at once, and by far more than around."""
    changes = [0.0, *(_apart(*pair) for pair in pairwise(run))]
    found = []
    for place, change in enumerate(changes):
        around = changes[max(place - 3, 1) : place] + changes[place + 1 : place + 4]
        if change > CUT and change > SUDDEN * float(np.median(around or [0])):
            found.append(place)
    return found


def _samples(runs: list[list[_Glance]], cuts: list[list[int]], area: Area) -> Iterator[Sample]:
    """Measure the frames that were kept, each with its scene."""
    scene, last = 0, runs[0][0]
    for run, changes in zip(runs, cuts, strict=True):
        scene += _apart(last, run[0]) > CUT  # whatever lies between the runs
        levels = [glance.thumbnail.mean() for glance in run]
        for place, glance in enumerate(run):
            scene += place in changes
            if glance.middle is None:
                continue
            near = levels[max(place - 2, 0) : place + 3]
            yield Sample(
                seconds=glance.seconds,
                scene=scene,
                brightness=float(levels[place] / 255),
                texture=glance.texture,
                fades=bool(len(near) > 1 and np.abs(np.diff(near)).min() > FADE),
                damage=_measured(*glance.middle, area),
            )
        last = run[-1]


def _spacing(clip: Input) -> tuple[float, float] | None:
    """Seconds between the frames of a file, the least and the most, if they vary."""
    index = clip.clip.index if isinstance(clip, FileInput) else None
    if index is None or index.pace.even or len(index.times) < 3:
        return None
    apart = np.diff(np.asarray(index.times, np.int64)) * float(index.pace.tick)
    return float(apart.min()), float(apart.max())


def _sound(clip: Input) -> tuple[str, ...]:
    """What is known of each stream of sound of a file."""
    if not isinstance(clip, FileInput):
        return ()
    return tuple(
        f"{stream.codec_context.name} {stream.layout.name}"
        for stream in clip.clip.container.streams.audio
    )
