"""A run of frames, by number."""

from dataclasses import dataclass

from vs_gendrpix.errors import SettingsError


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The frames from `first` on and before `end`, counted from 0.

    Raises:
        SettingsError: There are no such frames.
    """

    first: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.first < self.end:
            raise SettingsError(f"a span from frame {self.first} to before {self.end} is empty")
