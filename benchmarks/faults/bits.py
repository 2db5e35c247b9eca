"""Damaged packets: is one wrong bit reported? Sixty files with one each, for each codec.

    python -m benchmarks.faults.bits [--out JSON]

The bit lies in a packet of the video, at a random place. Beside what is reported stands how many of
the sixty files come out with other pictures at all: a bit may mean nothing.
"""

import argparse
import hashlib
import json
import logging
import os
import platform
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import av
import numpy as np

from benchmarks.faults.cuts import make
from vs_gendrpix.errors import GendrpixError
from vs_gendrpix.read.source import open_source

FILES = 60
CLIPS = {
    "H.264": ("mp4", "libx264", "yuv420p"),
    "HEVC": ("mp4", "libx265", "yuv420p10le"),
    "AV1": ("mp4", "libsvtav1", "yuv420p"),
    "VP9": ("mkv", "libvpx-vp9", "yuv420p"),
    "MPEG-2": ("mkv", "mpeg2video", "yuv420p"),
    "MPEG-4": ("mkv", "mpeg4", "yuv420p"),
    "ProRes": ("mov", "prores_ks", "yuv422p10le"),
    "DNxHR": ("mov", "dnxhd", "yuv422p"),
    "FFV1": ("mkv", "ffv1", "yuv420p"),
}


def read(path: Path) -> tuple[str, bool]:
    """Digest of a file's frames, and whether damage is reported."""
    digest = hashlib.blake2b()
    try:
        with open_source(path) as source:
            for frame in source:
                for plane in frame.planes:
                    digest.update(np.ascontiguousarray(plane))
            return digest.hexdigest(), source.notes.damaged
    except GendrpixError:
        return "", True


def measure(folder: Path, suffix: str, codec: str, pix_fmt: str) -> dict[str, int]:
    """Flip one bit in each of sixty copies of a clip."""
    path = folder / f"in.{suffix}"
    make(path, codec, pix_fmt)
    data = path.read_bytes()
    with av.open(str(path)) as opened:
        packets = [(p.pos, p.size) for p in opened.demux(video=0) if p.size and p.pos is not None]
    whole, _ = read(path)
    rng = np.random.default_rng(7)
    told = changed = 0
    for _ in range(FILES):
        place, size = packets[rng.integers(len(packets))]
        spoilt = bytearray(data)
        spoilt[place + int(rng.integers(size))] ^= 1 << int(rng.integers(8))
        path.write_bytes(spoilt)
        digest, damaged = read(path)
        told += damaged
        changed += digest != whole
    return {"files": FILES, "reported": told, "other pictures": changed}


def main() -> None:
    """Measure every codec and print what was reported."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    logging.disable(logging.CRITICAL)
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, clip in CLIPS.items():
            found[name] = measure(Path(folder), *clip)
            print(name, found[name], flush=True)
    if chosen.out:
        machine = {
            "date": str(datetime.now(UTC).date()),
            "hardware": f"{os.cpu_count()} cores, {platform.machine()}",
        }
        chosen.out.write_text(json.dumps(machine | found, indent=1) + "\n")


if __name__ == "__main__":
    main()
