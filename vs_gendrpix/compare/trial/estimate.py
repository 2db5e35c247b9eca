"""Time and size of the whole job, by what its parts took."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What some frames took.

    Attributes:
        frames: How many frames of the output they are.
        seconds: From the first frame's reading to the end of the file.
        size: Bytes of the files.
    """

    frames: int
    seconds: float
    size: int

    def of_whole(self, frames: int) -> tuple[float, float]:
        """Seconds and bytes that so many frames take at the same pace."""
        return self.seconds / self.frames * frames, self.size / self.frames * frames


def in_time(seconds: float) -> str:
    """Seconds in words that claim no more than an estimate can, such as `about 12 min`."""
    if seconds < 90:
        return f"about {max(seconds, 1):.0f} s"
    if seconds < 90 * 60:
        return f"about {seconds / 60:.0f} min"
    if seconds < 48 * 3600:
        return f"about {seconds / 3600:.1f} h"
    return f"about {seconds / 86400:.1f} days"


def in_bytes(size: float) -> str:
    """Bytes in words, such as `about 31 MB`."""
    for unit, least in (("GB", 1e9), ("MB", 1e6)):
        if size >= least:
            return f"about {size / least:.3g} {unit}"
    return f"about {max(size / 1e3, 1):.0f} kB"
