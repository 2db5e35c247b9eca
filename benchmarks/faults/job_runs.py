"""Runs of commands on jobs with small segments, as forks, and the facts about their output."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import av

from benchmarks.faults.clips import KINDS, make_clip

COMMAND = (
    *("video", "../in.mkv", "out.mkv", "-s", "1", "-m", "tiny", "-d", "cpu"),
    *("--preset", "ultrafast", "--progress", "none"),
)


class Runs:
    """Runs commands in a folder `outputs`, beside a clip `in.mkv`.

    Args:
        folder: An empty one.
        frames: Frames of the clip; a segment has about ten.
    """

    def __init__(self, folder: Path, frames: int) -> None:
        self.folder, self.outputs = folder, folder / "outputs"
        self.outputs.mkdir()
        (folder / "store").mkdir()
        make_clip(folder / "in.mkv", KINDS["h264_mkv"], frames)
        self._forks = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.faults.jobs_worker", str(folder)],
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._started = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *ended: object) -> None:
        self._forks.communicate()

    def _ask(self, order: dict[str, Any]) -> int:
        if self._forks.stdin is None or self._forks.stdout is None:
            raise AssertionError("both are pipes")
        self._forks.stdin.write(json.dumps(order) + "\n")
        self._forks.stdin.flush()
        return int(self._forks.stdout.readline())

    def start(self, *command: str, **hooks: object) -> "Running":
        """Start a command.

        Args:
            command: Its words; none is the restoration of the clip.
            hooks: `die_at`, the step before which it is killed; `fail_at`, the one that fails;
                `trace`, whether steps are kept; `slow`, seconds of every step of a claim; `away`,
                seconds by which its clock is off, on a machine of its own.
        """
        self._started += 1
        said = f"said{self._started}"
        process = self._ask({"start": command or COMMAND, "said": said, **hooks})
        return Running(self, process, self.folder / said)

    def run(self, *command: str, **hooks: object) -> "Running":
        """Run a command to its end."""
        running = self.start(*command, **hooks)
        running.wait()
        return running

    def clear(self) -> None:
        """Remove all outputs and ledgers."""
        for path in (self.outputs, self.folder / "store"):
            shutil.rmtree(path)
            path.mkdir()
        (self.folder / "ledger").unlink(missing_ok=True)

    def there(self) -> set[str]:
        """List the names in the folder of outputs."""
        return {path.name for path in self.outputs.iterdir()}

    def steps(self) -> list[dict[str, Any]]:
        """Read the steps of the last command that ran to its end."""
        found: list[dict[str, Any]] = json.loads((self.folder / "steps.json").read_text())
        return found

    def manifests(self) -> set[str]:
        """Names of the manifests of finished segments."""
        return {path.name for path in self.outputs.glob("*.job/[0-9]*.json")}

    def ledger(self) -> list[dict[str, Any]]:
        """The ledger of the last job."""
        path = self.folder / "ledger"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


class Running:
    """A command that has been started.

    Attributes:
        code: Its exit code; None while it is not known.
    """

    def __init__(self, runs: Runs, process: int, said: Path) -> None:
        self._runs, self.process, self._said = runs, process, said
        self.code: int | None = None

    def signal(self, number: int) -> None:
        """Send a signal to the command's process group."""
        with suppress(ProcessLookupError):  # the worker waits for it later: its number stays its
            os.killpg(self.process, number)

    def kill(self, after: float) -> None:
        """Kill the command after some seconds."""
        time.sleep(after)
        self.signal(signal.SIGKILL)
        self.wait()

    def wait(self) -> int:
        """Wait for the command's end; returns its exit code."""
        if self.code is None:
            self.code = self._runs._ask({"wait": self.process})  # noqa: SLF001 - the other half
        return self.code

    @property
    def said(self) -> str:
        """Read the command's messages."""
        return self._said.read_text(errors="replace")


def facts(path: Path) -> dict[str, Any]:
    """List the frames and times of a file, and all streams and tags beside the picture."""
    with av.open(str(path)) as opened:
        beside = [
            (packet.stream.index, packet.pts, packet.dts, packet.duration, _digest(bytes(packet)))
            for packet in opened.demux()
            if packet.stream.type != "video" and packet.size
        ]
        about = {
            "chapters": opened.chapters(),
            "tags": {k: v for k, v in opened.metadata.items() if k.lower() != "encoder"},
            "streams": [(each.type, dict(each.metadata)) for each in opened.streams],
        }
    with av.open(str(path)) as opened:
        frames = [
            (frame.pts, _digest(frame.to_ndarray().tobytes())) for frame in opened.decode(video=0)
        ]
    return {"frames": frames, "beside": beside, "about": repr(about)}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
