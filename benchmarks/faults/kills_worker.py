"""A process that starts commands for `kills`, as forks of a process that has loaded all modules.

Arguments come in; the number of the process goes out and, after one more line, its exit code.
"""

import json
import os
import sys
from pathlib import Path

import vs_gendrpix.job.run  # noqa: F401 - it takes seconds to load
from tests.nearest import NearestEngine
from vs_gendrpix.cli.video import main as gendrpix_video
from vs_gendrpix.models.catalogue import BUILT_IN
from vs_gendrpix.models.gendrpix.files import check_model
from vs_gendrpix.restore import engine

engine.Engine = NearestEngine
check_model(BUILT_IN["tiny"])  # makes PyTorch load its rest, in seconds
folder = Path(sys.argv[1])
while line := sys.stdin.readline():
    process = os.fork()
    if not process:
        said = os.open(folder / "said", os.O_CREAT | os.O_TRUNC | os.O_WRONLY)
        os.chdir(folder / "outputs")
        sys.argv = ["gendrpix-video", *json.loads(line)]
        print(os.getpid(), flush=True)
        os.dup2(said, 1)
        os.dup2(said, 2)
        os._exit(gendrpix_video())  # the interpreter takes seconds to end
    sys.stdin.readline()
    print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)
