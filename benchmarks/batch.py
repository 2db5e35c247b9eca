"""The start-up of each clip of a folder, and what a long batch holds in memory.

    python -m benchmarks.batch [--clips 200] [--out JSON]

Clips of 24 kinds of codec and container, twelve frames each, in ten folders, go through one
`gendrpix-video IN OUT`. The start-up of a clip lasts from the end of the clip before, which is then
published, until its own first frame is written. So it holds the plan with all looks at the input,
the trial of the encoder, and the restoration of a frame. That of the first clip lasts from the
start of the process, with Python, torch and the weights.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.faults.clips import KINDS, make_clip
from benchmarks.faults.figures import write_figures

FLOOR = 0.3
COMMAND = "import sys; from vs_gendrpix.cli.video import main; sys.exit(main())"
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class Clip:
    """A clip of the batch.

    Attributes:
        startup: Seconds of its start-up.
        cpu: Seconds that the process computed in it, on all cores.
        rss: Resident megabytes at its first frame.
        handles: Open files then.
    """

    startup: float
    cpu: float
    rss: float
    handles: int


def make_clips(folder: Path, count: int) -> None:
    """Make clips of all kinds in turn, in ten folders."""
    kinds = list(KINDS.values())
    for number in range(count):
        kind = kinds[number % len(kinds)]
        path = folder / f"reel {number % 10}" / f"{number:03}{kind.suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        if number < len(kinds):
            make_clip(path, kind)
        else:
            first = number % len(kinds)
            made = folder / f"reel {first % 10}" / f"{first:03}{kind.suffix}"
            path.write_bytes(made.read_bytes())


def measured(folder: Path, model: str) -> tuple[list[Clip], dict[str, object]]:
    """Restore all clips of a folder; returns each clip in turn, and the summary."""
    arguments = [str(folder), str(folder.with_name("out")), "-s", "2", "-m", model, "-d", "cpu"]
    arguments += ["--progress", "json"]
    clips: list[Clip] = []
    before, cpu_before, begun = time.monotonic(), 0.0, False
    summary: dict[str, object] = {}
    with subprocess.Popen(
        [sys.executable, "-c", COMMAND, *arguments], stdout=subprocess.PIPE, text=True
    ) as process:
        for line in process.stdout or ():
            event = json.loads(line)
            kind = event["event"]
            if kind == "start":
                begun = True
            elif kind == "progress" and begun:
                begun = False
                now, cpu = time.monotonic(), _cpu(process.pid)
                clips.append(Clip(now - before, cpu - cpu_before, *_held(process.pid)))
            elif kind in {"done", "error"}:
                before, cpu_before = time.monotonic(), _cpu(process.pid)
            elif kind == "summary":
                summary = event
    return clips, summary


def _cpu(pid: int) -> float:
    """Measure the processor time of a process in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def _held(pid: int) -> tuple[float, int]:
    """Measure resident megabytes and open files of a process."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii").split()
    handles = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    return int(status[status.index("VmRSS:") + 1]) / 1024, handles


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=200, metavar="N")
    parser.add_argument("--model", default="tiny", help="a built-in model, or a model file")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where the figures go")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "clips"
        make_clips(folder, options.clips)
        clips, summary = measured(folder, options.model)
    first, later = clips[0], clips[1:]
    startups = sorted(clip.startup for clip in later)
    rounds = [clips[at : at + len(KINDS)] for at in range(0, len(clips), len(KINDS))]
    # In the first round each kind is met for the first time; a last one may be incomplete.
    warm, last = rounds[min(1, len(rounds) - 1)], clips[-len(KINDS) :]
    figures: dict[str, object] = {
        "clips": options.clips,
        "finished": summary["finished"],
        "exit_code": summary["exit_code"],
        "seconds": summary["seconds"],
        "startup_first": round(first.startup, 3),
        "startup_median": round(statistics.median(startups), 3),
        "startup_95th": round(startups[int(0.95 * (len(startups) - 1))], 3),
        "startup_worst": round(startups[-1], 3),
        "startup_cpu_median": round(statistics.median(clip.cpu for clip in later), 3),
        "under_the_floor": sum(startup < FLOOR for startup in startups),
        "rss_mb": [round(statistics.median(clip.rss for clip in some)) for some in (warm, last)],
        "handles": sorted({clip.handles for clip in clips[len(KINDS) :] or clips}),
        "load": round(os.getloadavg()[0], 1),
        "nice": os.nice(0),
    }
    for key, value in figures.items():
        print(f"{key:20} {value}")
    write_figures("batch", figures, options.out)


if __name__ == "__main__":
    main()
