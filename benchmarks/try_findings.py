"""What `gendrpix try` finds in clips whose damage is known: a table of what was set and found.

    python -m benchmarks.try_findings CLIP [CLIP ...]

Each clip's first pictures are damaged in known ways, one at a time, and written without loss (or by
x264 where that is the damage). Softness adds to what the clip has: blurred by 1, edges of 0.5 have
the square root of 0.25 + 1.
"""

import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from av.video.stream import VideoStream

from benchmarks.try_clips import Picture, drawn, noisy, real, write
from vs_gendrpix.compare.trial.findings import Findings, findings
from vs_gendrpix.compare.trial.look import look
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.job.open import open_input
from vs_gendrpix.settings import ReadSettings

COUNT = 24
"""Pictures of each clip."""
NTSC = Fraction(30000, 1001)
LINES = "scale=720:480:flags=bicubic"
"""Fields are looked for in pictures of an interlaced system's size."""


def found_in(path: Path) -> Findings:
    """What is found of a clip."""
    with open_input(path, ReadSettings(), Notes()) as clip:
        return findings(look(clip))


def cases(pictures: list[Picture]) -> Iterator[tuple[str, str, dict[str, object]]]:
    """What is set, the finding that should tell it, and how the clip is written."""
    for sigma in (0, 2, 5, 10):
        yield f"noise {sigma}", "Noise", {"pictures": noisy(pictures, sigma)}
    for crf in (23, 35, 45):
        options = {"crf": str(crf)}
        for finding in ("Blocking", "Compression"):
            yield f"x264 crf {crf}", finding, {"codec": "libx264", "options": options}
    for sigma in (0, 1, 2):
        graph = f"gblur=sigma={sigma}:steps=6" if sigma else "null"
        yield f"blur {sigma}", "Softness", {"graph": graph}
    woven = "separatefields,select='eq(mod(n,4),0)+eq(mod(n,4),3)',weave"
    twice = [each for each in pictures for _ in range(4)]
    moving = [np.roll(each, 3 * number, axis=1) for number, each in enumerate(twice)]
    yield "progressive", "Scan", {}
    interlaced = {"pictures": moving, "graph": f"{LINES},{woven}", "made_rate": NTSC}
    yield "interlaced, not flagged", "Scan", interlaced
    pulled = {"pictures": moving, "graph": f"{LINES},telecine", "made_rate": NTSC}
    yield "telecined, not flagged", "Scan", pulled
    yield "bars of 24 rows", "Bars", {"graph": "pad=iw:ih+48:0:24"}
    yield "every second frame twice", "Repeats", {"pictures": _repeated(pictures)}
    yield "black and white", "Colour", {"graph": "hue=s=0,format=yuv420p"}
    yield "colour", "Colour", {}
    other = [drawn(each, 7, pictures[0].shape[1::-1]) for each in range(len(pictures))]
    yield "2 cuts", "Cuts", {"pictures": [*pictures[:8], *other[8:16], *pictures[16:]]}
    times = [40 * each + 15 * (each % 3) for each in range(len(pictures))]
    yield "25 frames/s", "Frame rate", {}
    yield "10 to 55 ms from frame to frame", "Frame rate", {"times": times}
    yield "PQ", "HDR", {"codec": "libx264", "prepare": _pq}


def _repeated(pictures: list[Picture]) -> list[Picture]:
    return [each for number, each in enumerate(pictures) for _ in range(1 + number % 2)]


def _pq(stream: VideoStream) -> None:
    context = stream.codec_context
    context.color_trc, context.color_primaries, context.colorspace = 16, 9, 9


def main(paths: list[Path]) -> None:
    """Print the table."""
    clips = [(path.name, real(path, COUNT)) for path in paths]
    print("| set | " + " | ".join(name for name, _ in clips) + " |")
    print("| --- |" + " --- |" * len(clips))
    with TemporaryDirectory() as folder:
        columns = [_column(pictures, Path(folder) / name) for name, pictures in clips]
        for row in zip(*columns, strict=True):
            print(f"| {row[0][0]} | " + " | ".join(text for _, text in row) + " |", flush=True)


def _column(pictures: list[Picture], folder: Path) -> Iterator[tuple[str, str]]:
    """Yield what was set, and what was found, of one clip."""
    folder.mkdir()
    for number, (name, finding, how) in enumerate(cases(pictures)):
        path = folder / f"{number}.mkv"
        write(path, **{"pictures": pictures, **how})  # type: ignore[arg-type]
        said = {each.name: each.text for each in found_in(path).said}
        yield name, said[finding].partition(" (a ")[0]


if __name__ == "__main__":
    main([Path(each) for each in sys.argv[1:]])
