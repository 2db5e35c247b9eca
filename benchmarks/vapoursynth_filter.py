"""Measure the share of the engine's rate that a VapourSynth script gets, and the filter's own cost.

    python benchmarks/vapoursynth_filter.py [CLIP] [--frames N] [--rounds N] [--out FILE]

1. A source of 15 ms and a device of 30 ms a frame, both asleep, and one thread of the core: how
   busy the device is, without and with frames started ahead.
2. The default model on a real clip at twice its size: the engine alone, then the filter read by a
   `get_frame` loop, by `clip.frames()` and by vspipe, in turn in every round.
3. An engine that gives back what it gets: milliseconds a frame of 1080 and 2160 lines, beside a
   `std.ModifyFrame` that copies.

JSON goes to benchmarks/results/vapoursynth_filter.json (--out).
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Self

import numpy as np
import torch
import vapoursynth as vs

import vs_gendrpix.restore.engine
from vs_gendrpix import gendrpix, source_clip
from vs_gendrpix.frame.format import Frame, FrameFormat
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.read.source import open_source
from vs_gendrpix.restore.engine import Engine
from vs_gendrpix.settings import RestoreSettings

HERE = Path(__file__).parent
SOURCE_SECONDS, DEVICE_SECONDS = 0.015, 0.030
SCALE = 2


class Simulated:
    """A simulated engine, whose device sleeps and returns the frame it got."""

    seconds = 0.0

    def __init__(
        self, settings: RestoreSettings, notes: Notes | None = None, *, batch: int = 1
    ) -> None:
        del settings, notes, batch
        self._device = ThreadPoolExecutor(1)

    def clip(self, source: FrameFormat, target: FrameFormat) -> Self:
        """Serve one clip."""
        del source
        self.target = target
        return self

    def submit(self, frame: Frame) -> Future[Frame]:
        """Queue a frame."""
        return self._device.submit(self._restore, frame)

    def _restore(self, frame: Frame) -> Frame:
        time.sleep(self.seconds)
        return Frame(format=self.target, planes=frame.planes, timing=frame.timing)

    def close(self) -> None:
        """End the thread."""
        self._device.shutdown()


@contextmanager
def simulated(seconds: float) -> Iterator[None]:
    """Let the filter build an engine that sleeps for a fixed time per frame."""
    Simulated.seconds = seconds
    vs_gendrpix.restore.engine.Engine = Simulated
    try:
        yield
    finally:
        vs_gendrpix.restore.engine.Engine = Engine


def busy(prefetch: int | None, frames: int) -> float:
    """Measure the share of time in which the sleeping device has a frame, with one thread."""
    vs.core.num_threads = 1
    clip = vs.core.std.BlankClip(format=vs.GRAY8, width=64, height=64, length=frames + 10)

    def slow(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        del n
        time.sleep(SOURCE_SECONDS)
        return f

    with simulated(DEVICE_SECONDS):
        clip = clip.std.ModifyFrame(clip, slow)
        clip = gendrpix(clip, 1, prefetch=prefetch, dedup=False)
        for n in range(5):
            clip.get_frame(n).close()
        began = time.perf_counter()
        for n in range(5, frames + 5):
            clip.get_frame(n).close()
        return frames * DEVICE_SECONDS / (time.perf_counter() - began)


def engine_rate(path: Path, frames: int) -> float:
    """Measure frames per second of the engine alone, on decoded frames."""
    settings = RestoreSettings(scale=SCALE)
    with open_source(path) as source:
        decoded = [frame for frame, _ in zip(source, range(frames + 1), strict=False)]
        form = source.info.format
    # The filter gives back the format that it gets.
    width, height = settings.output_size(form.width, form.height, (2, 2))
    target = replace(form, width=width, height=height)
    with Engine(settings) as engine:
        lanes = engine.clip(form, target)
        lanes.submit(decoded[0]).result()
        began = time.perf_counter()
        for _ in lanes.map(decoded[1:]):
            pass
        return (len(decoded) - 1) / (time.perf_counter() - began)


def script_rate(path: Path, frames: int, read: Callable[[vs.VideoNode, int], None]) -> float:
    """Measure frames per second of the filter, read by a function, after a first frame."""
    vs.core.num_threads = os.cpu_count() or 1
    clip = gendrpix(source_clip(path), SCALE, dedup=False)
    clip.get_frame(0).close()
    began = time.perf_counter()
    read(clip, frames)
    return frames / (time.perf_counter() - began)


def by_get_frame(clip: vs.VideoNode, frames: int) -> None:
    """Read frames one after the other."""
    for n in range(1, frames + 1):
        clip.get_frame(n).close()


def by_frames(clip: vs.VideoNode, frames: int) -> None:
    """Read frames as an encoder does, with several asked for at once."""
    for frame in clip[1 : frames + 1].frames(close=True):
        del frame


def vspipe_rate(path: Path, frames: int) -> float:
    """Measure frames per second from a pipe from vspipe, after a first frame."""
    program = shutil.which("vspipe", path=Path(sys.executable).parent) or "vspipe"
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "bench.vpy"
        script.write_text(
            "from vs_gendrpix import gendrpix, source_clip\n"
            f"gendrpix(source_clip({str(path.resolve())!r}), {SCALE}, dedup=False).set_output()\n"
        )
        command = [program, "-c", "y4m", "-e", str(frames), str(script), "-"]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
        ) as running:
            pipe = running.stdout
            if pipe is None:
                raise RuntimeError("no pipe")
            header = {word[0]: word[1:] for word in pipe.readline().decode().split()}
            picture = int(header["W"]) * int(header["H"]) * 3 // 2  # 4:2:0 of 8 bits
            moments = []
            while pipe.readline():
                pipe.read(picture)
                moments.append(time.perf_counter())
    return (len(moments) - 1) / (moments[-1] - moments[0])


def cost(width: int, height: int, frames: int) -> dict[str, float]:
    """Measure milliseconds per frame of the filter without an engine's work, and of a copy."""
    vs.core.num_threads = 1
    clip = vs.core.std.BlankClip(
        format=vs.YUV420P10, width=width, height=height, length=frames + 4, keep=True
    )

    def copied(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        del n
        other = vs.core.create_video_frame(f.format, f.width, f.height)
        for plane in range(3):
            np.copyto(np.asarray(other[plane]), np.asarray(f[plane]))
        return other

    copy = clip.std.ModifyFrame(clip, copied)
    found = {}
    with simulated(0):
        ours = gendrpix(clip, 1, dedup=False, matrix_in=1)
        for name, node in (("filter", ours), ("copy", copy)):
            for n in range(4):
                node.get_frame(n).close()
            began = time.perf_counter()
            for n in range(4, frames + 4):
                with node.get_frame(n) as frame:
                    frame[0][0, 0]
            found[name] = 1000 * (time.perf_counter() - began) / frames
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip", nargs="?", type=Path, default=HERE.parent / "samples/telescope.mp4")
    parser.add_argument("--frames", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=HERE / "results" / "vapoursynth_filter.json")
    options = parser.parse_args()
    report: dict[str, object] = {
        "date": time.strftime("%Y-%m-%d"),
        "hardware": f"{os.cpu_count()} cores, {platform.machine()}",
        "torch": torch.__version__,
        "vapoursynth": vs.core.core_version.release_major,
    }
    shares = {str(ahead): busy(ahead, 2 * options.frames) for ahead in (0, None, 3)}
    print("device busy (one thread, source 15 ms, device 30 ms)")
    for ahead, share in shares.items():
        print(f"  prefetch {ahead:5} {share:6.1%}")
    ways: dict[str, list[float]] = {"engine": [], "get_frame": [], "frames": [], "vspipe": []}
    for _ in range(options.rounds):
        ways["engine"].append(engine_rate(options.clip, options.frames))
        ways["get_frame"].append(script_rate(options.clip, options.frames, by_get_frame))
        ways["frames"].append(script_rate(options.clip, options.frames, by_frames))
        ways["vspipe"].append(vspipe_rate(options.clip, options.frames))
    print(f"\n{'way':12} {'fps':>7} {'of the engine':>14}")
    rates = {}
    for way, values in ways.items():
        ratio = statistics.median(a / b for a, b in zip(values, ways["engine"], strict=True))
        rates[way] = {"fps": statistics.median(values), "ratio": ratio}
        print(f"{way:12} {rates[way]['fps']:7.2f} {ratio:14.3f}")
    costs = {
        f"{height}p": cost(height * 16 // 9, height, options.frames) for height in (1080, 2160)
    }
    print(f"\n{'YUV420P10':12} {'filter ms':>10} {'copy ms':>8}")
    for name, found in costs.items():
        print(f"{name:12} {found['filter']:10.2f} {found['copy']:8.2f}")
    report |= {"busy": shares, "rates": rates, "milliseconds": costs}
    options.out.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
