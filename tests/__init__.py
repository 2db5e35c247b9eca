"""Tests of both packages: a folder for each room, and what several rooms share."""

import os

# Two threads of a small network wait for each other longer than they work: many times as long on a
# busy machine, where one of them does not run. Torch reads this when it is first imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")
