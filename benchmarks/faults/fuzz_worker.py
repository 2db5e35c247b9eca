"""A process that restores files for `fuzz`: arguments come in, exit codes and messages go out."""

import contextlib
import io
import json
import sys

from tests.nearest import NearestEngine
from vs_gendrpix.cli.video import main as gendrpix_video
from vs_gendrpix.restore import engine

if sys.argv[1] == "resize":
    engine.Engine = NearestEngine
answers, sys.stdout = sys.stdout, sys.stderr
for line in sys.stdin:
    with contextlib.redirect_stderr(io.StringIO()) as said:
        code = gendrpix_video(json.loads(line))
    answers.write(json.dumps([code, said.getvalue()]) + "\n")
    answers.flush()
