"""Open, read and end a script again and again, as a previewer does; a program.

    python -m tests.vapoursynth.reload MODEL TIMES

Prints the resident kilobytes after each.
"""

import gc
import sys
from pathlib import Path

import numpy as np
import vapoursynth as vs

from vs_gendrpix import gendrpix


class Previewer(vs.EnvironmentPolicy):
    """One environment at a time, as a program that runs scripts has it."""

    def __init__(self):
        self.current = None

    def on_policy_registered(self, special_api):
        self.api = special_api

    def on_policy_cleared(self):
        self.current = None

    def get_current_environment(self):
        return self.current

    def set_environment(self, environment):
        previous, self.current = self.current, environment
        return previous


def script(model):
    """What a user would have open: a picture of 480 lines restored to 960, some frames of it."""
    clip = vs.core.std.BlankClip(format=vs.RGB24, width=640, height=480, length=1000)
    # Without the network's change, which takes long: buffers and weights are what could stay.
    clip = gendrpix(clip, 2, model_path=model, prefetch=0, dedup=False, strength=0.0)
    clip.set_output()
    for n in (0, 500):
        with vs.get_output(0).clip.get_frame(n) as frame:
            assert np.asarray(frame[0]).shape == (960, 1280)


def resident():
    """Kilobytes of this process in memory."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    raise RuntimeError("no VmRSS")


def main():
    policy = Previewer()
    vs.register_policy(policy)
    for _ in range(int(sys.argv[2])):
        policy.current = policy.api.create_environment()
        script(sys.argv[1])
        old = policy.current
        policy.api.destroy_environment(old)
        policy.current = None
        del old
        gc.collect()
        print(resident(), flush=True)  # noqa: T201 - a program


if __name__ == "__main__":
    main()
