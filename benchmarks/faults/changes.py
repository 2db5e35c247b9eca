"""Pictures that change on the way: are they seen before the work, and what does the look cost?

    python -m benchmarks.faults.changes [--size WxH] [--frames N] [--out JSON]

Clips of every kind of codec change their size from the middle on, for one picture, or for the last
few. The look before the work must see it. The time of the look is compared with that of decoding.
"""

import argparse
import logging
import os
import tempfile
import time
from pathlib import Path

from benchmarks.faults.figures import write_figures
from tests.changing import CODECS, CONTAINERS, GROUPS, INTRA, make_changing_clip
from vs_gendrpix.errors import MediaError
from vs_gendrpix.read.clip import Clip
from vs_gendrpix.read.look.changes import refuse_changes
from vs_gendrpix.read.source import Source

SMALL, LARGE = (256, 128), (320, 192)
COUNT = 60
LAST = 8
"""Pictures of the last third of a second."""


def is_seen(path: Path) -> bool:
    """Tell whether the look before the work refuses a clip."""
    with Clip(path) as clip:
        form = Source(clip).info.format
        try:
            refuse_changes(clip, form, None)
        except MediaError:
            return True
    return False


def costs(path: Path) -> tuple[float, float]:
    """Measure processor seconds of the look at a clip, and of decoding all of it."""
    with Clip(path) as clip:
        form = Source(clip).info.format
        began = time.process_time()
        refuse_changes(clip, form, None)
        looked = time.process_time() - began
        began = time.process_time()
        for _ in Source(clip):
            pass
        return looked, time.process_time() - began


def judged(codec: str, folder: Path, size: tuple[int, int], frames: int) -> dict[str, object]:
    """Find which changes of a codec's pictures are seen, and what the look costs."""
    path = folder / f"in.{CONTAINERS.get(codec, 'nut')}"
    half = COUNT // 2
    changes = {
        "from the middle on": [SMALL] * half + [LARGE] * half,
        "one picture": [SMALL] * half + [LARGE] + [SMALL] * (half - 1),
        "the last pictures": [SMALL] * (COUNT - LAST) + [LARGE] * LAST,
    }
    how = "headers" if codec in INTRA or codec in {"mpeg2video", "mpeg4"} else "one a second"
    if codec in GROUPS and how != "headers":
        how = "keyframes"
    row: dict[str, object] = {"codec": codec, "look": how}
    for what, sizes in changes.items():
        make_changing_clip(path, codec, sizes)
        row[what] = is_seen(path)
    make_changing_clip(path, codec, [size] * frames)
    looked, decoded = costs(path)
    row["share of decoding"] = round(looked / decoded, 3)
    return row


def main() -> None:
    """Judge all codecs and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="1280x720", metavar="WxH", help="of the timed clips")
    parser.add_argument("--frames", type=int, default=50, help="of the timed clips")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where the figures go")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    os.environ.setdefault("SVT_LOG", "1")
    width, height = map(int, options.size.split("x"))
    with tempfile.TemporaryDirectory() as name:
        rows = [judged(codec, Path(name), (width, height), options.frames) for codec in CODECS]
    write_figures("changes", {"size": options.size, "rows": rows}, options.out)
    for row in rows:
        print(*row.values(), sep=" | ")


if __name__ == "__main__":
    main()
