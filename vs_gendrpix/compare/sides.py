"""The clips that are compared: opened inputs, whose frames become pictures of one size."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path

import torch
from torch import Tensor

from vs_gendrpix.errors import SettingsError, one_line
from vs_gendrpix.evaluation.clips import rgb_of
from vs_gendrpix.evaluation.methods import lanczos_to
from vs_gendrpix.frame.clip import PICTURE_RATE, ClipInfo
from vs_gendrpix.frame.format import HDR_TRANSFERS, Frame
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.frame.sequence import find_sequence
from vs_gendrpix.job.open import open_input
from vs_gendrpix.read.input import Frames, Input
from vs_gendrpix.read.opening import STDIN
from vs_gendrpix.settings import ReadSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A part of a file.

    Attributes:
        path: The file.
        start: Its first second, counted from where the clip begins; None is its beginning.
        end: The second before which it ends; None is its end.
        moment: What second the page calls its beginning.
    """

    path: Path
    start: Fraction | None = None
    end: Fraction | None = None
    moment: Fraction = Fraction(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What is compared: a whole clip, or pieces that are shown one after the other.

    Attributes:
        path: What the user named.
        pieces: Its pieces, in order; none for all of it. All that is compared has as many.
        name: What to call it; empty takes the file's name.
        caption: What stands below its name; may be empty.
        facts: What the table says of it, by name; None is what is known of the file.
    """

    path: Path
    pieces: tuple[Piece, ...] = ()
    name: str = ""
    caption: str = ""
    facts: dict[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A time of a side.

    Attributes:
        piece: Number of the piece, counted from 0.
        seconds: What the page calls it.
    """

    piece: int
    seconds: float


APART = 1000
"""Seconds between the beginnings of two pieces in the times by which frames are paired."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the clips that are compared, opened.

    Attributes:
        given: What it is.
        clip: The opened input, or that of its first piece.
        frames: Its frames, or those of its first piece, to be read once.
        notes: Where damage and warnings go.
    """

    given: Given
    clip: Input
    frames: Frames
    notes: Notes

    @property
    def path(self) -> Path:
        """What the user named."""
        return self.given.path

    @property
    def expected(self) -> int:
        """How many frames it has; 0 when unknown."""
        return 0 if len(self.given.pieces) > 1 else self.info.frames

    @property
    def about(self) -> int:
        """About how many frames it has, to tell how far the work is; 0 when unknown."""
        rate, pieces = self.info.average_rate, self.given.pieces
        if len(pieces) < 2:
            return self.info.frames
        lengths = [each.end - (each.start or 0) for each in pieces if each.end is not None]
        counted = bool(rate) and len(lengths) == len(pieces)
        return sum(max(round(length * rate), 1) for length in lengths) if counted else 0

    @property
    def info(self) -> ClipInfo:
        """Properties of the clip."""
        return self.frames.info

    @property
    def whole(self) -> ClipInfo:
        """Properties of the whole clip, of which pieces may be shown."""
        return self.clip.frames(None, None).info if self.given.pieces else self.info

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the pictures, turned as a player turns them."""
        form = self.info.format
        size = form.height, form.width
        return size[::-1] if self.info.rotation % 180 else size

    def timed(self) -> Iterator[tuple[Fraction, Frame]]:
        """The frames with their seconds from the first one; each piece has times of its own."""
        yield from _from_first(self.frames, Fraction(0))
        for number, piece in enumerate(self.given.pieces[1:], start=1):
            with open_input(piece.path, _read(piece.path), self.notes) as clip:
                frames = clip.frames(piece.start, piece.end)
                yield from _from_first(frames, Fraction(number * APART))

    def moment(self, time: Fraction) -> Moment:
        """What the page calls a time of `timed`."""
        if not self.given.pieces:
            return Moment(piece=0, seconds=float(time))
        number = int(time // APART)
        begin = self.given.pieces[number].moment
        return Moment(piece=number, seconds=float(begin + time - number * APART))

    def picture(self, frame: Frame, size: tuple[int, int]) -> Tensor:
        """A frame as the page shows it: (1, 3, H, W) RGB in [0, 1], of 8 bits.

        Args:
            frame: One of this side.
            size: H and W; a picture of another size is scaled by Lanczos.
        """
        image = rgb_of(frame).rot90(-(self.info.rotation // 90), (2, 3))
        if self.info.mirrored:
            image = image.flip(3)
        if image.shape[2:] != torch.Size(size):
            image = lanczos_to(image.contiguous(), size)
        return image.clamp(0, 1).mul(255).round().div(255)

    def remarks(self, size: tuple[int, int]) -> list[str]:
        """List, as sentences, how the pictures are changed for the page, and other remarks.

        Args:
            size: Height and width of the pictures of the page.
        """
        (height, width), info, said = self.size, self.info, []
        if self.size != size:
            bent = abs(width * size[0] / (height * size[1]) - 1) > 0.02
            said.append(
                f"scaled from {width}x{height} to {size[1]}x{size[0]} by Lanczos"
                + bent * ", which changes its shape"
            )
        if info.format.layout.bits > 8:
            said.append(f"its {info.format.layout.bits} bits are shown in 8")
        if info.format.color.transfer in HDR_TRANSFERS:
            said.append(f"{HDR_TRANSFERS[info.format.color.transfer]} is shown as it is coded")
        if info.sample_aspect_ratio != 1:
            said.append(f"its pixels are not square ({info.sample_aspect_ratio}): shown as stored")
        return said


def _from_first(frames: Frames, begin: Fraction) -> Iterator[tuple[Fraction, Frame]]:
    """Frames with their seconds from the first one, and a beginning."""
    each = iter(frames)
    first = next(each, None)
    if first is None:
        return
    begin -= first.timing.pts * first.timing.time_base
    for frame in chain((first,), each):
        yield frame.timing.pts * frame.timing.time_base + begin, frame


@contextmanager
def opened(shown: list[Given], notes: Mapping[Path, Notes]) -> Iterator[list[Side]]:
    """Open all clips that are compared.

    Args:
        shown: What it is.
        notes: Where damage and warnings of each go; what is opened twice says them once.

    Raises:
        MediaError: One of them cannot be read.
        SettingsError: One of them is a pipe.
    """
    if any(given.path == STDIN for given in shown):
        raise SettingsError("a pipe cannot be compared, as it is read twice: use a file")
    with ExitStack() as stack:
        sides = []
        for given in shown:
            first = given.pieces[0] if given.pieces else Piece(path=given.path)
            said = notes[given.path]
            clip = stack.enter_context(open_input(first.path, _read(first.path), said))
            frames = clip.frames(first.start, first.end)
            sides.append(Side(given=given, clip=clip, frames=frames, notes=said))
        yield sides


def _read(path: Path) -> ReadSettings:
    """Make the settings to read a clip. Numbered pictures need a rate; any will do."""
    return ReadSettings(rate=None if find_sequence(path) is None else PICTURE_RATE)


def largest(sides: list[Side]) -> tuple[int, int]:
    """Height and width of the largest pictures: no side loses detail when it is scaled to them."""
    return max((side.size for side in sides), key=lambda size: size[0] * size[1])


def called(sides: list[Side]) -> list[str]:
    """What to call each side."""
    files = names([side.path for side in sides])
    return [side.given.name or name for side, name in zip(sides, files, strict=True)]


def names(paths: list[Path]) -> list[str]:
    """Name each clip by its file, with as many folders in front as make the names differ."""
    for parts in range(1, max(len(path.parts) for path in paths) + 1):
        found = [str(Path(*path.parts[-parts:])) for path in paths]
        if len(set(found)) == len(found):
            break
    return [one_line(name) for name in found]
