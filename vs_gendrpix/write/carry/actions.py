"""The treatment of one stream of the input."""

from dataclasses import dataclass
from typing import Literal

Action = Literal[
    "restored", "copied", "converted", "attached", "timecode", "dropped", "empty", "left out"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamAction:
    """The treatment of one stream of the input.

    Attributes:
        index: Its number in the input.
        kind: FFmpeg's name of its media type; `cover` for a picture that belongs to the file.
        codec: FFmpeg's name of its decoder; empty if there is none.
        language: Its language tag; empty if it has none.
        action: `dropped` is what the container cannot hold, `empty` what has no packets, `left out`
            what the user did not want, and `timecode` a track that the output's own timecode stands
            for.
        output: Its number in the output, if it has one there.
        to: The encoder that converts it; empty if nothing does.
    """

    index: int
    kind: str
    codec: str
    language: str
    action: Action
    output: int | None = None
    to: str = ""

    def __str__(self) -> str:
        """Name the stream for the user: kind, number, codec, language."""
        words = ", ".join(word for word in (self.codec, self.language) if word)
        return f"{self.kind} stream {self.index}" + (f" ({words})" if words else "")
