"""A process that starts commands for the benchmarks of jobs, with a resize in the network's place.

A fork of what has loaded all starts in no time. Lines of JSON come in, `{"start": [...]}` or
`{"wait": PID}`; a line goes out for each, the number of the process or its exit code. Each command
is the leader of a process group of its own.
"""

import errno
import fcntl
import json
import os
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import vs_gendrpix.job.segments.process  # noqa: F401 - it takes seconds to load
from benchmarks.faults.steps import Steps
from tests.nearest import NearestEngine
from vs_gendrpix.cli.main import main
from vs_gendrpix.job.segments import cutting, job_plan
from vs_gendrpix.job.segments.folder import JobFolder
from vs_gendrpix.models.catalogue import BUILT_IN
from vs_gendrpix.models.gendrpix.files import check_model
from vs_gendrpix.restore import engine
from vs_gendrpix.write import part


def keep_ledgers(into: Path) -> None:
    """Keep the ledger of a job whose folder is removed."""
    remove = JobFolder.remove

    def kept(folder: JobFolder) -> None:
        with into.open("a", encoding="utf-8") as file:
            file.writelines(line + "\n" for line in folder.ledger())
        remove(folder)

    JobFolder.remove = kept  # type: ignore[method-assign]


def slow_down(seconds: float) -> None:
    """Let every step of a claim take long, as over a slow network."""

    def slow(real: Callable[..., Any]) -> Callable[..., Any]:
        def step(*given: Any, **named: Any) -> Any:  # noqa: ANN401 - of any function
            time.sleep(seconds)
            return real(*given, **named)

        return step

    for name in ("open", "stat", "utime", "listdir", "unlink", "link"):
        setattr(os, name, slow(getattr(os, name)))


def go_away(clock: float) -> None:
    """Simulate another machine: nobody sees its locks, and its clock differs by some seconds."""

    def no_lock(_handle: int, _kind: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    def touch(handle: int) -> None:
        seconds = time.time() + clock
        utime(handle, (seconds, seconds))

    utime = os.utime
    os.utime, fcntl.flock = touch, no_lock  # type: ignore[assignment]
    name = f"machine{clock}"
    socket.gethostname, part._boot_id = lambda: name, lambda: name  # noqa: SLF001


def start(folder: Path, order: dict[str, Any]) -> None:
    """Run an ordered command in this process, and end."""
    said = os.open(folder / order["said"], os.O_CREAT | os.O_TRUNC | os.O_WRONLY)
    os.dup2(said, 1)
    os.dup2(said, 2)
    os.setpgid(0, 0)
    os.chdir(folder / "outputs")
    keep_ledgers(folder / "ledger")
    store = folder / "store" if order.get("trace") else None
    hooks = {name: order.get(name) for name in ("die_at", "fail_at")}
    steps = Steps(folder / "outputs", store=store, **hooks)
    steps.watch()
    if order.get("slow"):
        slow_down(order["slow"])
    if order.get("away"):
        go_away(order["away"])
    sys.argv = ["gendrpix", *order["start"]]
    code = main()
    steps.write(folder / "steps.json")
    os._exit(code)  # the interpreter takes seconds to end


def serve(folder: Path) -> None:
    """Start commands and wait for them, as lines of the standard input order."""
    engine.Engine = NearestEngine  # type: ignore[misc, assignment]
    cutting.LENGTH, job_plan.HEARTBEAT = 10, 0.5
    check_model(BUILT_IN["tiny"])  # makes PyTorch load its rest, in seconds
    while line := sys.stdin.readline():
        order = json.loads(line)
        if "wait" in order:
            print(os.waitstatus_to_exitcode(os.waitpid(order["wait"], 0)[1]), flush=True)
            continue
        process = os.fork()
        if not process:
            start(folder, order)
        # Here too: a signal to the group may come before the child has made it.
        with suppress(ProcessLookupError, PermissionError):
            os.setpgid(process, process)
        print(process, flush=True)


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
