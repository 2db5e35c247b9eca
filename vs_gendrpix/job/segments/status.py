"""The progress of a job: segments that are finished, under way and failed, and the time left."""

import json
from dataclasses import dataclass
from statistics import median
from typing import Any

from vs_gendrpix.job.segments.folder import JobFolder
from vs_gendrpix.write.part import Owner, examined


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The state of a job.

    Attributes:
        output: The output, as it will be named.
        segments: Number of all segments.
        finished: Numbers of the finished ones.
        running: Who works on others, by their numbers.
        failed: Why others failed when they were tried last, by their numbers.
        frames: Frames of the output, about; 0 when unknown.
        frames_finished: Frames of the finished segments.
        rate: Frames a second of all who work now; 0 when unknown.
        seconds_left: Seconds to go at this rate; None when unknown.
    """

    output: str
    segments: int
    finished: tuple[int, ...]
    running: dict[int, Owner]
    failed: dict[int, str]
    frames: int
    frames_finished: int
    rate: float
    seconds_left: float | None

    def as_dict(self) -> dict[str, Any]:
        """Make the dictionary that becomes the JSON of `gendrpix status --json`."""
        return {
            "output": self.output,
            "segments": self.segments,
            "finished": list(self.finished),
            "running": {
                number: {"host": owner.host, "pid": owner.pid, "since": owner.started}
                for number, owner in self.running.items()
            },
            "failed": self.failed,
            "frames": self.frames,
            "frames_finished": self.frames_finished,
            "fps": round(self.rate, 3),
            "eta_s": None if self.seconds_left is None else round(self.seconds_left, 1),
        }


def status(folder: JobFolder) -> Status:
    """Read the progress of a job from its folder.

    Raises:
        OutputError: It is no job's folder.
    """
    job = folder.plan()
    finished = sorted(folder.finished(folder.names()))
    manifests = [found for number in finished if (found := folder.manifest(number)) is not None]
    running: dict[int, Owner] = {}
    for segment in job.segments:
        if segment.number not in finished:
            with examined(folder.lease(segment.number)) as (owner, free):
                if owner is not None and not (free and owner.on_this_machine):
                    running[segment.number] = owner
    done = sum(len(manifest.times) for manifest in manifests)
    each = [manifest.seconds / len(manifest.times) for manifest in manifests if manifest.times]
    rate = len(running) / median(each) if each and running else 0.0
    frames = job.plan.result.frames
    failed = _failures(folder)
    return Status(
        output=str(job.plan.output),
        segments=len(job.segments),
        finished=tuple(finished),
        running=running,
        failed={
            number: why
            for number, why in failed.items()
            if number not in finished and number not in running
        },
        frames=frames,
        frames_finished=done,
        rate=rate,
        seconds_left=max(frames - done, 0) / rate if rate and frames else None,
    )


def _failures(folder: JobFolder) -> dict[int, str]:
    """Why segments failed, by the ledger: the last reason of each."""
    found: dict[int, str] = {}
    for line in folder.ledger():
        try:
            event = json.loads(line)
        except ValueError:  # a line that a kill has cut off
            continue
        if isinstance(event, dict) and event.get("event") == "failed":
            found[int(event.get("segment", -1))] = str(event.get("what", ""))
    return found
