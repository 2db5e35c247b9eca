"""The manifest of a finished segment: its content, its maker, and its digest."""

import hashlib
from dataclasses import dataclass, fields
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.frame.span import Seam
from vs_gendrpix.job.rate import Bound
from vs_gendrpix.write.part import Owner


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Damage and warnings of a segment, as values of `Notes`."""

    warnings: tuple[str, ...]
    faults: tuple[str, ...]
    errors: int
    corrupt_frames: int
    made_up_times: int
    cut_off: tuple[str, ...]
    lost: int
    shown: int
    examples: tuple[str, ...]
    places: tuple[Fraction, ...]

    @classmethod
    def of(cls, notes: Notes) -> Self:
        """Take the values of a segment's notes."""
        return cls(**_held(notes, list, tuple))

    def notes(self) -> Notes:
        """Make notes of the values again."""
        return Notes(**_held(self, tuple, list))


def _held(values: Notes | Found, was: type, becomes: type) -> dict[str, Any]:
    """List the values that both types have, by name, with sequences converted."""
    found = {field.name: getattr(values, field.name) for field in fields(Found)}
    return {name: becomes(v) if isinstance(v, was) else v for name, v in found.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A finished segment. It counts once this is in the job's folder.

    Attributes:
        number: The segment's number.
        name: Name of its file in the folder, or of its folder of pictures; empty if damage has left
            no frame of it.
        bytes: Length of the file, or of all pictures.
        sha256: Digest of it, in hexadecimal digits; of pictures, of all in their order.
        times: Ticks of the output at which each frame is shown.
        durations: Ticks that each lasts; 0 is unknown.
        decoded: Frames of the input that were read for it, without those around it.
        seam: Digests of the frame of the input before it and of its last one, and from how far back
            it was decoded.
        tile: Width and height in pixels of the tiles that were used; None is whole frames.
        found: Its damage and warnings.
        device: Where it was restored.
        dtype: In which arithmetic.
        bound: What limited the rate.
        seconds: How long it took.
        worker: Who made it.
    """

    number: int
    name: str
    bytes: int
    sha256: str
    times: tuple[int, ...]
    durations: tuple[int, ...]
    decoded: int
    seam: Seam
    tile: tuple[int, int] | None
    found: Found
    device: str
    dtype: str
    bound: Bound
    seconds: float
    worker: Owner


def digest(path: Path) -> tuple[int, str]:
    """Compute size and SHA-256 of a file, or of all pictures of a folder in their order.

    Raises:
        OSError: It cannot be read.
    """
    paths = sorted(path.iterdir()) if path.is_dir() else [path]
    whole, length = hashlib.sha256(), 0
    for each in paths:
        with each.open("rb") as file:
            whole.update(hashlib.file_digest(file, "sha256").digest())
            length += file.tell()
    return length, whole.hexdigest()
