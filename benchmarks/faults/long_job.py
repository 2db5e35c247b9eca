"""A long job in one process: do its memory and its open files grow?

    python -m benchmarks.faults.long_job [--out JSON]

Twenty thousand frames of 64x48, with a resize in the network's place, in segments of 240. The
resident memory and the open files of the process are read at every frame; what they grow by is
counted from the tenth segment on, when all that is loaded once is loaded, to the end.
"""

import argparse
import os
import tempfile
from fractions import Fraction
from pathlib import Path
from statistics import median

import av
import numpy as np

from benchmarks.faults.figures import write_figures
from tests.nearest import QUICK, NearestEngine, settings
from vs_gendrpix import process
from vs_gendrpix.job.progress import Progress
from vs_gendrpix.restore import engine

WARM = 2_400
"""Frames before which nothing is measured."""


class Watch(Progress):
    """Reads the memory and the open files of this process at every frame."""

    def __init__(self) -> None:
        self.mebibytes: list[float] = []
        self.files: list[int] = []

    def frame(self, count: int, _bound: object) -> None:
        """Read the memory and the number of open files."""
        if count > WARM:
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            self.mebibytes.append(pages * os.sysconf("SC_PAGE_SIZE") / 2**20)
            self.files.append(len(os.listdir("/proc/self/fd")))  # noqa: PTH208 - names only


def make_clip(path: Path, frames: int) -> None:
    """Write a clip of a moving slope."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        slope = np.add.outer(np.arange(72), np.arange(64)).astype(np.uint8)
        for number in range(frames):
            picture = av.VideoFrame.from_ndarray(np.roll(slope, number, 0), format="yuv420p")
            picture.pts, picture.time_base = number, Fraction(1, 25)
            output.mux(stream.encode(picture))
        output.mux(stream.encode(None))


def main() -> None:
    """Make the job and print the line of the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=20_000)
    parser.add_argument("--out", type=Path, metavar="FILE", help="where the figures go")
    options = parser.parse_args()
    engine.Engine = NearestEngine  # type: ignore[misc, assignment]
    watch = Watch()
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "in.mp4"
        make_clip(source, options.frames)
        report = process(source, Path(folder) / "out.mkv", settings(encode=QUICK), progress=watch)
    tenth = len(watch.mebibytes) // 10
    first, last = (median(part) for part in (watch.mebibytes[:tenth], watch.mebibytes[-tenth:]))
    figures: dict[str, object] = {
        "frames": report.frames_encoded,
        "first_mib": round(first, 1),
        "last_mib": round(last, 1),
        "growth_mib": round(last - first, 1),
        "most_mib": round(max(watch.mebibytes), 1),
        "files": [min(watch.files), max(watch.files)],
        "files_median_first_last": [median(watch.files[:tenth]), median(watch.files[-tenth:])],
        "seconds": round(report.seconds, 1),
    }
    write_figures("long_job", figures, options.out)
    print(figures)


if __name__ == "__main__":
    main()
