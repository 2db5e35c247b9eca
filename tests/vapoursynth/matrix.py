"""Read a restored clip in every order, with so many threads; a program, so that it can be killed.

    python -m tests.vapoursynth.matrix THREADS

Every pixel and property must be right, and a source frame be asked for once.
The engine is one that exists only here: it takes a moment for each frame, and what it makes can be
told from the frame's number. Prints one line for each case; any fault ends it with an exception.
"""

import random
import sys
import time
import types
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event, Lock

import numpy as np
import vapoursynth as vs

from vs_gendrpix import gendrpix
from vs_gendrpix.frame.format import Frame

COUNT = 48
WIDTH, HEIGHT = 16, 8


def level(n):
    """What the luma of frame `n` holds."""
    return (7 * n + 3) % 251


class FakeEngine:
    """One serial device: 255 - x, at twice the size."""

    def __init__(self, _settings, **_options):
        self._device = ThreadPoolExecutor(1)
        self._draw = random.Random(1)  # noqa: S311 - no secret

    def clip(self, _source, target):
        self.target = target
        return self

    def submit(self, frame):
        return self._device.submit(self._compute, frame)

    def _compute(self, frame):
        time.sleep(self._draw.choice((0, 0, 0.0005, 0.002)))
        planes = tuple(255 - plane.repeat(2, 0).repeat(2, 1) for plane in frame.planes)
        return Frame(format=self.target, planes=planes, timing=frame.timing)

    def close(self):
        self._device.shutdown()


# torch is not needed here, and takes seconds to load.
sys.modules["vs_gendrpix.restore.engine"] = types.SimpleNamespace(Engine=FakeEngine)


class Source:
    """A clip that counts how often each frame was asked for."""

    def __init__(self):
        self.asked = Counter()
        blank = vs.core.std.BlankClip(
            width=WIDTH, height=HEIGHT, format=vs.YUV420P8, length=COUNT, keep=True
        )
        self.clip = blank.std.ModifyFrame(blank, self._make)

    def _make(self, n, f):
        self.asked[n] += 1
        time.sleep(0.0003)
        frame = f.copy()
        for index in range(3):
            np.asarray(frame[index])[:] = level(n) if index == 0 else n
        frame.props.update({"_Matrix": 1, "number": n})
        return frame


def check(n, frame):
    assert frame.props["number"] == n, (n, frame.props["number"])
    for index in range(3):
        wanted = 255 - (level(n) if index == 0 else n)
        assert (np.asarray(frame[index]) == wanted).all(), n


def loop(clip, order):
    for n in order:
        with clip.get_frame(n) as frame:
            check(n, frame)


def run_ahead(clip, order):
    for n, frame in zip(order, clip.frames(prefetch=16, close=True), strict=True):
        check(n, frame)


def all_at_once(clip, order):
    """Every frame is asked for before any has come."""
    done, lock, faults, left = Event(), Lock(), [], set(order)

    def came(n, future: Future):
        try:
            check(n, future.result())
        except Exception as fault:  # noqa: BLE001 - a thread's boundary
            faults.append(fault)
        with lock:
            left.discard(n)
            if not left:
                done.set()

    for n in order:
        clip.get_frame_async(n).add_done_callback(lambda future, n=n: came(n, future))
    done.wait()
    if faults:
        raise faults[0]


def neighbours(clip, order):
    """A filter behind that looks around."""
    around = vs.core.std.AverageFrames(clip, [1, 2, 1])
    for n in order:
        around.get_frame(n).close()


def main():
    vs.core.num_threads = int(sys.argv[1])
    forward, backward = list(range(COUNT)), list(reversed(range(COUNT)))
    draw = random.Random(2)  # noqa: S311 - no secret
    shuffled = draw.sample(forward, COUNT)
    twice = [n for n in draw.choices(forward, k=COUNT // 2) for _ in range(2)]
    # Where jumps are far, a frame that was started ahead may be forgotten before it is asked for.
    cases = [
        ("loop", loop, forward, False),
        ("ahead", run_ahead, forward, False),
        ("reverse", loop, backward, False),
        ("async", all_at_once, forward, False),
        ("neighbours", neighbours, forward, False),
        ("random", loop, shuffled, True),
        ("async random", all_at_once, shuffled, True),
        ("twice", loop, twice, True),
    ]
    for prefetch in (0, 1, 3):
        for name, read, order, jumps in cases:
            source = Source()
            # Without dedup: the fake frames differ, but that must not be what makes them right.
            clip = gendrpix(source.clip, 2, prefetch=prefetch, dedup=False)
            source.asked.clear()  # frame 0 was asked for its properties
            read(clip, order)
            most = max(source.asked.values())
            print(name, prefetch, "asked at most", most, flush=True)  # noqa: T201 - a program
            assert most <= (prefetch + 1 if jumps else 1), source.asked


if __name__ == "__main__":
    main()
