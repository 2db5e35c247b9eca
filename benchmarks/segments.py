"""Compare a job in segments with one piece: time, size and VMAF of the result.

    nice python -m benchmarks.segments CLIP [--frames N] [--rounds N] [--out FILE]

The time is that of the tiny model on the clip at a quarter of its size, from file to file, in one
piece and in segments in turn. The table has the median of the rounds' ratios. Sizes and VMAF are
those of the clip as it is, encoded anew by each encoder: VMAF against the frames of the clip.
JSON goes to benchmarks/results/segments.json (--out).
"""

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fractions import Fraction
from itertools import batched
from pathlib import Path

import av
import torch
from torch import Tensor

from vs_gendrpix import process
from vs_gendrpix.evaluation.measures.video_quality import vmaf
from vs_gendrpix.job.segments import cutting
from vs_gendrpix.settings import EncodeSettings, ProcessSettings, RestoreSettings, WriteSettings
from vs_gendrpix.settings.profiles import PROFILES

HERE = Path(__file__).parent
AT_A_TIME = 60
"""Frames whose VMAF is measured at a time."""

ENCODERS = {
    "x264": EncodeSettings(encoder="libx264", pix_fmt="yuv420p"),
    "x265": PROFILES["delivery"].encode,
    "svtav1": PROFILES["web"].encode,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Figures of one piece and of a job, in that order."""

    bytes: tuple[int, int]
    vmaf: tuple[float, float]

    @property
    def larger(self) -> float:
        """Size of the job's file over that of the one piece, in per cent more."""
        return 100 * (self.bytes[1] / self.bytes[0] - 1)

    @property
    def better(self) -> float:
        """VMAF of the job's file less that of the one piece."""
        return self.vmaf[1] - self.vmaf[0]


def in_both_ways(settings: ProcessSettings) -> tuple[ProcessSettings, ProcessSettings]:
    """Make the settings for one piece, and for a job."""
    one = replace(settings, job=replace(settings.job, segments=False))
    return one, replace(settings, job=replace(settings.job, segments=True))


def times(clip: Path, folder: Path, end: Fraction, rounds: int) -> list[tuple[float, float]]:
    """Measure the seconds of each round, of one piece and of the job."""
    settings = ProcessSettings(restore=RestoreSettings(scale=Fraction(2), model="tiny"))
    read = replace(settings.read, end=end)
    small = replace(settings.prepare, pre_filter="scale=iw/4:ih/4")
    settings = replace(settings, read=read, prepare=small)
    found = []
    for number in range(rounds):
        seconds = []
        for way, own in enumerate(in_both_ways(settings)):
            began = time.perf_counter()
            process(clip, folder / f"time{number}{way}.mp4", own)
            seconds.append(time.perf_counter() - began)
        found.append((seconds[0], seconds[1]))
    return found


def encoded(clip: Path, folder: Path, end: Fraction, name: str) -> Result:
    """Measure size and VMAF of the clip, encoded in both ways."""
    write = WriteSettings(encode=ENCODERS[name])
    restore = RestoreSettings(scale=Fraction(1), strength=0)
    settings = ProcessSettings(restore=restore, write=write)
    settings = replace(settings, read=replace(settings.read, end=end))
    paths = [folder / f"{name}{way}.mkv" for way in ("one", "job")]
    for path, own in zip(paths, in_both_ways(settings), strict=True):
        process(clip, path, own)
    sizes = [path.stat().st_size for path in paths]
    scores = [against(path, clip) for path in paths]
    return Result(bytes=(sizes[0], sizes[1]), vmaf=(scores[0], scores[1]))


def against(path: Path, clip: Path) -> float:
    """Compute the mean VMAF of a file's frames against those of the clip."""
    total = count = 0.0
    with ExitStack() as opened:
        both = zip(*(pictures(each, opened) for each in (path, clip)), strict=False)
        for part in batched(both, AT_A_TIME):
            made, given = (torch.stack(each) for each in zip(*part, strict=True))
            total += vmaf(made, given) * len(part)
            count += len(part)
    return total / count


def pictures(path: Path, opened: ExitStack) -> Iterator[Tensor]:
    """Yield the frames of a file, as (3, H, W) RGB in [0, 1]."""
    source = opened.enter_context(av.open(str(path)))
    for frame in source.decode(video=0):
        yield torch.from_numpy(frame.to_ndarray(format="rgb24")).permute(2, 0, 1) / 255


def main() -> None:
    """Measure, print the table and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("clip", type=Path)
    parser.add_argument("--frames", type=int, default=3 * cutting.LENGTH)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=HERE / "results" / "segments.json")
    chosen = parser.parse_args()
    with av.open(str(chosen.clip)) as opened:
        end = chosen.frames / Fraction(opened.streams.video[0].average_rate)
    with tempfile.TemporaryDirectory() as folder:
        seconds = times(chosen.clip, Path(folder), end, chosen.rounds)
        results = {name: encoded(chosen.clip, Path(folder), end, name) for name in ENCODERS}
    longer = 100 * (statistics.median(job / one for one, job in seconds) - 1)
    print(f"time: {longer:+.1f} %, of", ", ".join(f"{a:.1f} and {b:.1f} s" for a, b in seconds))
    for name, found in results.items():
        print(
            f"{name}: size {found.larger:+.2f} %, VMAF {found.better:+.3f} of {found.vmaf[0]:.2f}"
        )
    record = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "frames": chosen.frames,
        "frames of a segment": cutting.LENGTH,
        "seconds": seconds,
        "longer, per cent": longer,
        "encoders": {
            name: {
                "bytes": found.bytes,
                "vmaf": found.vmaf,
                "larger, per cent": found.larger,
                "VMAF more": found.better,
            }
            for name, found in results.items()
        },
    }
    chosen.out.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
