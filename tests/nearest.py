"""Runs of a whole job without a network: an engine whose pictures a test can predict."""

from concurrent.futures import Future
from fractions import Fraction

import numpy as np

from tests.choices import process_settings
from tests.restorers import Negative
from vs_gendrpix import EncodeSettings, RestoreSettings
from vs_gendrpix.frame.format import Frame
from vs_gendrpix.job.progress import Progress
from vs_gendrpix.models.catalogue import BUILT_IN

QUICK = EncodeSettings(preset="ultrafast")
LOSSLESS = EncodeSettings(encoder="libx264", pix_fmt="yuv420p", crf=0, preset="ultrafast")


class AtFrame(Progress):
    """Does something, such as to end a run or spoil its files, when so many frames are written."""

    def __init__(self, count, do):
        self.count, self.do = count, do

    def frame(self, count, _bound):
        if count == self.count:
            self.do()


class NearestEngine:
    """The engine's interface, with a resize that a test can predict."""

    model_file = BUILT_IN["tiny"]
    model_name, devices, restorer = "nearest", ("cpu",), Negative()

    def __init__(self, settings, _notes=None):
        self.settings = settings

    def __enter__(self):
        return self

    def __exit__(self, *ended):
        pass

    def close(self):
        pass

    def clip(self, source, target, _notes=None):
        return NearestLanes(source, target)


class NearestLanes:
    """The lanes of a clip on it."""

    tile = None

    def __init__(self, source, target):
        self.source, self.target = source, target

    def map(self, frames, *, waiting):
        for frame in frames:
            with waiting():
                result = self.submit(frame).result()
            yield result

    def __enter__(self):
        return self

    def __exit__(self, *ended):
        pass

    def submit(self, frame):
        planes = []
        for number, (rows, columns) in enumerate(self.target.plane_shapes):
            given = frame.planes[min(number, len(frame.planes) - 1)]
            down = np.arange(rows) * given.shape[0] // rows
            across = np.arange(columns) * given.shape[1] // columns
            plane = given[down][:, across].astype(np.int64)
            shift = self.target.layout.bits - self.source.layout.bits
            plane = plane << shift if shift >= 0 else plane >> -shift
            planes.append(plane.astype(self.target.dtype))
        done = Future()
        done.set_result(Frame(format=self.target, planes=tuple(planes), timing=frame.timing))
        return done


def settings(scale=1, encode=QUICK, **more):
    return process_settings(restore=RestoreSettings(scale=Fraction(scale)), encode=encode, **more)


def left_behind(folder):
    return sorted(path.name for path in folder.iterdir() if path.name != "in.mp4")
