"""Measure which share of the slowest stage's own rate the whole pipeline reaches.

    python benchmarks/pipeline.py [CLIP] [--rounds N] [--frames N] [--out FILE]

Three cases: one is bound by decoding (JPEG 2000, no network), one by the network, one by encoding
(no network, a slow preset). Each round runs the stages alone over the same frames and then the
whole from file to file, one after the other in one process, so that all see the same machine. The
table shows medians of the rates, the file's over that of the slowest stage, and the bound that the
progress line named at the end. A stage alone has all cores; together they share them. So the file's
rate is shown over that of the stages one after the other too, which is the most there can be
where each of them keeps all cores busy. JSON goes to benchmarks/results/pipeline.json (--out).
"""

import argparse
import itertools
import json
import os
import platform
import statistics
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import torch

from vs_gendrpix.frame.format import Frame
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.job.plan import make_plan
from vs_gendrpix.job.progress import Progress
from vs_gendrpix.job.segments.process import process
from vs_gendrpix.models.heap import keep_freed
from vs_gendrpix.read.source import open_source
from vs_gendrpix.restore.engine import Engine
from vs_gendrpix.settings import EncodeSettings, ProcessSettings, RestoreSettings, WriteSettings
from vs_gendrpix.write.carry.copy import SideStreams
from vs_gendrpix.write.output import OutputFile
from vs_gendrpix.write.writer import open_writer

HERE = Path(__file__).parent
ULTRAFAST = WriteSettings(
    encode=EncodeSettings(encoder="libx264", preset="ultrafast", pix_fmt="yuv420p")
)


@dataclass(frozen=True, slots=True)
class Case:
    """A clip with settings, and the stage that should be the slowest."""

    bound: str
    name: str
    clip: Path
    settings: ProcessSettings


def cases(clip: Path, folder: Path, count: int) -> list[Case]:
    """List the three cases over the first frames of a clip."""
    short, long, heavy = (folder / f"{name}.mkv" for name in ("short", "long", "heavy"))
    rewrite(clip, short, "ffv1", "yuv420p", count // 3)  # the network is slow
    rewrite(clip, long, "ffv1", "yuv420p", count)
    rewrite(clip, heavy, "jpeg2000", "rgb24", count)
    resize = RestoreSettings(strength=0, scale=Fraction(1))
    slow = WriteSettings(encode=EncodeSettings(preset="slow"))
    return [
        Case(
            "decode",
            "JPEG 2000, no network, x264 ultrafast",
            heavy,
            ProcessSettings(restore=resize, write=ULTRAFAST),
        ),
        Case("compute", "network x4, x264 ultrafast", short, ProcessSettings(write=ULTRAFAST)),
        Case("compute", "network x4, x265 medium (default)", short, ProcessSettings()),
        Case(
            "encode",
            "no network, x4, x265 slow",
            long,
            ProcessSettings(restore=replace(resize, scale=None), write=slow),
        ),
    ]


def rewrite(clip: Path, target: Path, codec: str, pix_fmt: str, count: int) -> None:
    """Write the first frames of a clip in a codec that decodes faster or slower."""
    with av.open(f"file:{clip}") as source, av.open(f"file:{target}", "w") as made:
        video = source.streams.video[0]
        stream = made.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = video.width, video.height, pix_fmt
        pictures = itertools.islice(source.decode(video), count)
        for number, picture in enumerate(pictures):
            changed = picture.reformat(format=pix_fmt)
            changed.pts, changed.time_base = number, Fraction(1, 25)
            made.mux(stream.encode(changed))
        made.mux(stream.encode(None))


def decoded(clip: Path) -> tuple[list[Frame], float]:
    """Decode a clip; returns its frames and the seconds."""
    with open_source(clip) as source:
        began = time.perf_counter()
        frames = list(source)
        return frames, time.perf_counter() - began


def restored(case: Case, frames: list[Frame]) -> tuple[list[Frame], float]:
    """Restore frames; returns them and the engine's seconds for all but the first."""
    with open_source(case.clip) as source:
        form = source.info.format
    target = make_plan(case.clip, Path("none.mp4"), case.settings).result.format
    results = []
    with Engine(case.settings.restore) as engine:
        clip = engine.clip(form, target)
        results.append(clip.submit(frames[0]).result())  # allocations and kernel choice
        began = time.perf_counter()
        results += clip.map(frames[1:])
        return results, (time.perf_counter() - began) * len(frames) / (len(frames) - 1)


def encoded(case: Case, frames: list[Frame], folder: Path) -> float:
    """Measure the seconds of encoding."""
    with ExitStack() as stack:
        source = stack.enter_context(open_source(case.clip))
        output = OutputFile(folder / "encoded.mp4", source=case.clip, overwrite=True)
        stack.enter_context(output)
        plan, notes = make_plan(case.clip, folder / "planned.mp4", case.settings), Notes()
        side = SideStreams(case.clip, plan.carried, notes, offset=source.offset)
        stack.enter_context(side)
        encode = plan.settings.write.encode
        writer = stack.enter_context(open_writer(output, plan.result, encode, side, notes))
        began = time.perf_counter()
        for frame in frames:
            writer.write(frame)
        writer.finish()
        return time.perf_counter() - began


class Listener(Progress):
    """Notes when frames are written, and what bounds the rate."""

    def __init__(self) -> None:
        self.moments: list[float] = []
        self.bound = ""

    def frame(self, count: int, bound: str) -> None:
        """Called after each frame."""
        del count
        self.moments.append(time.perf_counter())
        self.bound = bound


def whole(case: Case, folder: Path) -> tuple[float, str]:
    """Measure the seconds for all frames from file to file; returns the named bound too."""
    listener = Listener()
    settings = replace(case.settings, write=replace(case.settings.write, overwrite=True))
    process(case.clip, folder / "out.mp4", settings, progress=listener)
    ended, moments = time.perf_counter(), listener.moments
    # Encoders hold frames back and write them at the end, which is part of their work.
    return (ended - moments[0]) * len(moments) / (len(moments) - 1), listener.bound


def run(case: Case, rounds: int, folder: Path) -> dict[str, object]:
    """Measure the medians of a case."""
    rates: dict[str, list[float]] = {"decode": [], "compute": [], "encode": [], "file": []}
    ratios, named = [], []
    for _ in range(rounds):
        frames, decoding = decoded(case.clip)
        results, computing = restored(case, frames)
        encoding = encoded(case, results, folder)
        total, bound = whole(case, folder)
        for name, seconds in zip(rates, (decoding, computing, encoding, total), strict=True):
            rates[name].append(len(frames) / seconds)
        ratios.append(max(decoding, computing, encoding) / total)
        named.append(bound)
    medians = {name: statistics.median(values) for name, values in rates.items()}
    return {
        "case": case.name,
        "expected_bound": case.bound,
        "named_bound": statistics.mode(named),
        **{f"{name}_fps": value for name, value in medians.items()},
        "ratio": statistics.median(ratios),
        "of_shared_cores": medians["file"]
        * sum(1 / medians[name] for name in ("decode", "compute", "encode")),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip", nargs="?", type=Path, default=HERE.parent / "samples/telescope.mp4")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--frames",
        type=int,
        default=72,
        help="more than an encoder holds back; a third with the network",
    )
    parser.add_argument("--out", type=Path, default=HERE / "results" / "pipeline.json")
    options = parser.parse_args()
    keep_freed()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = [
            run(case, options.rounds, folder)
            for case in cases(options.clip, folder, options.frames)
        ]
    names = ("decode", "compute", "encode", "file")
    head = " ".join(f"{name:>7}" for name in names)
    print(f"{'case':38} {head} {'ratio':>6} {'shared':>6} bound")
    for row in rows:
        rates = [row[f"{name}_fps"] for name in names]
        print(
            f"{row['case']:38} "
            + " ".join(f"{rate:7.2f}" for rate in rates)
            + f" {row['ratio']:6.3f} {row['of_shared_cores']:6.3f} {row['named_bound']}"
        )
    report = {
        "date": time.strftime("%Y-%m-%d"),
        "hardware": f"{os.cpu_count()} cores, {platform.processor() or platform.machine()}",
        "torch": torch.__version__,
        "clip": options.clip.name,
        "rounds": options.rounds,
        "frames": options.frames,
        "rows": rows,
    }
    options.out.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
