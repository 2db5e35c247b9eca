"""Display matrices: is the picture the right way up on the screen, in all eight orientations?

    python -m benchmarks.faults.matrices [--ffmpeg PROGRAM] [--out JSON]

The ffmpeg program turns pictures by itself, as players do. It shows the clip and its restoration,
and what they show must be alike; in all three containers.
"""

import argparse
import subprocess
import tempfile
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from benchmarks.faults.figures import write_figures
from benchmarks.faults.side_runs import run

SUFFIXES = ("mkv", "mp4", "mov")
SIZE = 32
ALIKE = 8.0
"""Mean difference, in codes of 8 bits, up to which two pictures count as equal."""


def make_turned(path: Path, degrees: int, *, hflip: bool) -> None:
    """Write a clip of a picture that every turn and mirroring changes."""
    across, down = np.meshgrid(np.arange(64), np.arange(48))
    light = (3 * across * (down < 24) + 20 * (across < 32)).astype(np.uint8)
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.set_display_rotation(degrees, hflip=hflip)
        picture = av.VideoFrame.from_ndarray(np.dstack([light] * 3), format="rgb24")
        for number in range(3):
            picture.pts, picture.time_base = number, Fraction(1, 25)
            output.mux(stream.encode(picture))
        output.mux(stream.encode(None))


def shown(program: str, path: Path) -> np.ndarray:
    """Decode the first picture as a player shows it, scaled to a square."""
    command = [program, "-v", "error", "-i", str(path), "-frames:v", "1"]
    command += ["-vf", f"scale={SIZE}:{SIZE}", "-f", "rawvideo", "-pix_fmt", "gray", "-"]
    data = subprocess.run(command, capture_output=True, check=True).stdout
    return np.frombuffer(data, np.uint8).reshape(SIZE, SIZE).astype(float)


def main() -> None:
    """Try all and print the line of the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ffmpeg", default="ffmpeg", metavar="PROGRAM", help="the ffmpeg program")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where the figures go")
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "in.mov"
        pictures = []
        for number in range(8):
            degrees, hflip = 90 * (number % 4), number >= 4

            make_turned(path, degrees, hflip=hflip)
            pictures.append(was := shown(options.ffmpeg, path))
            row: dict[str, object] = {"degrees": degrees, "mirrored": hflip}
            for suffix in SUFFIXES:
                output = path.with_name(f"out.{suffix}")
                code, _ = run(path, output)
                now = shown(options.ffmpeg, output)
                row[suffix] = code == 0 and float(np.abs(now - was).mean()) < ALIKE
            rows.append(row)
    right = sum(all(row[suffix] for suffix in SUFFIXES) for row in rows)
    apart = min(
        float(np.abs(one - other).mean())
        for place, one in enumerate(pictures)
        for other in pictures[:place]
    )
    write_figures("matrices", {"right": right, "apart": round(apart, 1), "rows": rows}, options.out)
    print(f"{right} of 8 right in {', '.join(SUFFIXES)}; two of them differ by {apart:.1f} codes")


if __name__ == "__main__":
    main()
