"""Closed captions within the pictures: does the ffmpeg program read the same text at the same time?

    python -m benchmarks.faults.captions [--ffmpeg PROGRAM] [--out JSON]

A clip of 29.97 pictures a second shows a text by CTA-608. It is restored with two encoders into
three containers: as it is, with twice the pictures (`bwdif`), and without every fifth one (`ivtc`).
"""

import argparse
import itertools
import logging
import re
import subprocess
import tempfile
from fractions import Fraction
from pathlib import Path

from benchmarks.faults.figures import write_figures
from tests.captions import NOTHING, PADDING, make_captioned_clip, odd
from tests.nearest import NearestEngine, settings
from vs_gendrpix import EncodeSettings, process
from vs_gendrpix.restore import engine

NTSC = Fraction(1001, 30000)
TEXT = "HELLO WORLD "
LATE = 0.1
"""Largest allowed difference in seconds of a text's begin or end: three pictures of television."""


def control(code: int) -> bytes:
    """Make a pair of field 1 that commands the decoder."""
    return bytes([0xFC, odd(0x14), odd(code)])


def captions() -> list[bytes]:
    """Make the triplets of each picture: a text is loaded, shown, and erased after 16 pictures."""
    letters = [bytes([0xFC, odd(ord(a)), odd(ord(b))]) for a, b in itertools.batched(TEXT, 2)]
    shown = [*[control(0x20)] * 2, *[control(0x70)] * 2, *letters, *[control(0x2F)] * 2]
    nothing = b"\xfc\x80\x80"
    pairs = [*shown, *[nothing] * 16, *[control(0x2C)] * 2, *[nothing] * 10]
    return [pair + NOTHING + 18 * PADDING for pair in pairs]


def read_text(program: str, path: Path) -> tuple[str, float, float]:
    """Read the text that the program shows, with its begin and end; empty without a text."""
    command = [program, "-v", "error", "-f", "lavfi", "-i", f"movie={path}[out0+subcc]"]
    done = subprocess.run(
        [*command, "-map", "s", "-f", "srt", "-"], capture_output=True, text=True, check=True
    )
    times = re.findall(r"(\d+):(\d+):(\d+),(\d+)", done.stdout)
    text = re.search(r"an7}(.*?)<", done.stdout)
    if text is None or len(times) < 2:
        return "", 0.0, 0.0
    begin, end = (
        3600 * int(h) + 60 * int(m) + int(s) + int(ms) / 1000 for h, m, s, ms in times[:2]
    )
    return text[1], begin, end


def main() -> None:
    """Try all and print the line of the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ffmpeg", default="ffmpeg", metavar="PROGRAM", help="the ffmpeg program")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where the figures go")
    options = parser.parse_args()
    engine.Engine = NearestEngine  # type: ignore[misc, assignment]  # has what a job asks of it
    logging.disable(logging.CRITICAL)
    own, rows = captions(), []
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "in.ts"
        ticks = tuple(range(len(own)))
        make_captioned_clip(path, own, times=ticks, tick=NTSC)
        was = read_text(options.ffmpeg, path)
        for encoder, suffix, mode in itertools.product(
            ("libx264", "libx265"), ("mp4", "mov", "mkv"), ("off", "bwdif", "ivtc")
        ):
            output = Path(name) / f"{encoder}_{mode}.{suffix}"
            encode = EncodeSettings(encoder=encoder, preset="fast")
            process(path, output, settings(1, encode, deinterlace=mode))
            now = read_text(options.ffmpeg, output)
            late = max(abs(now[1] - was[1]), abs(now[2] - was[2]))
            row = {
                "encoder": encoder,
                "container": suffix,
                "deinterlace": mode,
                "late": round(late, 3),
            }
            rows.append(row | {"right": now[0] == was[0] == TEXT and late < LATE})
    right = sum(bool(row["right"]) for row in rows)
    worst = max(float(row["late"]) for row in rows)
    write_figures("captions", {"right": right, "worst": worst, "rows": rows}, options.out)
    print(f"{right} of {len(rows)} show the text; at most {worst:.3f} s early or late")


if __name__ == "__main__":
    main()
