"""Cut clips: is every lost frame reported? Twelve cuts of each of 24 clips.

    python -m benchmarks.faults.cuts [--out JSON]

A clip ends where its file was cut, as a full disk, a lost connection or a pulled stick leaves it.
Counted are cuts after which fewer frames come than before, without damage being reported.
"""

import argparse
import json
import logging
import os
import platform
import tempfile
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from vs_gendrpix.errors import GendrpixError
from vs_gendrpix.read.source import open_source
from vs_gendrpix.settings import ReadSettings

CUTS, FRAMES = 12, 36
CLIPS = [
    ("mp4", "libx264", "yuv420p"),
    ("mp4", "libx265", "yuv420p10le"),
    ("mp4", "libsvtav1", "yuv420p"),
    ("mov", "prores_ks", "yuv422p10le"),
    ("mov", "mjpeg", "yuvj420p"),
    ("mkv", "libx264", "yuv420p"),
    ("mkv", "libsvtav1", "yuv420p"),
    ("mkv", "ffv1", "yuv420p"),
    ("webm", "libvpx", "yuv420p"),
    ("webm", "libvpx-vp9", "yuv420p"),
    ("avi", "mpeg4", "yuv420p"),
    ("avi", "utvideo", "yuv420p"),
    ("avi", "mjpeg", "yuvj420p"),
    ("avi", "rawvideo", "yuv420p"),
    ("mxf", "mpeg2video", "yuv420p"),
    ("mxf", "dnxhd", "yuv422p"),
    ("ts", "libx264", "yuv420p"),
    ("ts", "mpeg2video", "yuv420p"),
    ("vob", "mpeg2video", "yuv420p"),
    ("flv", "libx264", "yuv420p"),
    ("wmv", "wmv2", "yuv420p"),
    ("nut", "ffv1", "yuv420p"),
    ("y4m", "wrapped_avframe", "yuv420p"),
    ("yuv", "rawvideo", "yuv420p"),
]


def make(path: Path, codec: str, pix_fmt: str) -> None:
    """Write a clip of a moving pattern with noise."""
    width, height = (1280, 720) if codec == "dnxhd" else (320, 240)
    rng = np.random.default_rng(1)
    form = {"y4m": "yuv4mpegpipe", "yuv": "rawvideo"}.get(path.suffix[1:])
    with av.open(str(path), "w", format=form) as output:
        options = {"profile": "dnxhr_sq"} if codec == "dnxhd" else {}
        stream = output.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, pix_fmt
        stream.codec_context.time_base = Fraction(1, 25)
        y, x = np.mgrid[:height, :width]
        for number in range(FRAMES):
            wave = 128 + 60 * np.sin((x + 4 * number) / 9) + 40 * np.cos((y - 3 * number) / 13)
            noisy = (wave[..., None] + rng.normal(0, 6, (height, width, 3))).clip(0, 255)
            frame = av.VideoFrame.from_ndarray(noisy.astype(np.uint8), format="rgb24")
            frame = frame.reformat(format=pix_fmt)
            frame.pts = number
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))


def read(path: Path) -> tuple[int, bool]:
    """Count the frames of a file, and tell whether damage is reported; (0, True) if refused."""
    raw = (320, 240, "yuv420p") if path.suffix == ".yuv" else None
    try:
        with open_source(path, ReadSettings(raw=raw)) as source:
            return sum(1 for _ in source), source.notes.damaged
    except GendrpixError:
        return 0, True


def main() -> None:
    """Cut all clips, read what is left, and print what was not told."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    logging.disable(logging.CRITICAL)
    silent: dict[str, list[int]] = {}
    wrongly: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for suffix, codec, pix_fmt in CLIPS:
            name = f"{suffix} {codec}"
            path = Path(folder) / f"in.{suffix}"
            make(path, codec, pix_fmt)
            data = path.read_bytes()
            whole, damaged = read(path)
            if damaged:
                wrongly.append(name)
            for cut in range(1, CUTS + 1):
                path.write_bytes(data[: len(data) * cut // (CUTS + 1) + cut])
                count, told = read(path)
                if count < whole and not told:
                    silent.setdefault(name, []).append(count)
            path.unlink()
    lost = sum(map(len, silent.values()))
    print(f"{lost} of {CUTS * len(CLIPS)} cuts lose frames unreported")
    for name, counts in silent.items():
        print(f"  {name}: {len(counts)} of {CUTS}, left with {counts} of {FRAMES} frames")
    if wrongly:
        print(f"  whole clips called damaged: {', '.join(wrongly)}")
    if chosen.out:
        found = {
            "date": str(datetime.now(UTC).date()),
            "hardware": f"{os.cpu_count()} cores, {platform.machine()}",
            "cuts": CUTS * len(CLIPS),
            "unreported": lost,
            "by clip": silent,
        }
        chosen.out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
